//! Who gets in.

use super::harness::{Server, Signature};
use crate::wire::auth::AccountKey;
use crate::wire::sas::Resource;

const IN1: Resource<'_> = Resource::Container("in1");
const A: Resource<'_> = Resource::Blob {
    container: "in1",
    blob: "dir/a b",
};

#[tokio::test]
async fn a_signature_is_demanded() {
    let server = Server::start().await;
    server.container("in1").await;
    let get = || server.request("GET", "/in1?restype=container");
    let anonymous = get().signed(Signature::None).send().await;
    anonymous.refused(401, "NoAuthenticationInformation");
    let other = AccountKey::from_base64("b3RoZXI=").unwrap();
    let wrong = get().signed(Signature::SharedKey(other)).send().await;
    let wrong = wrong.refused(403, "AuthenticationFailed");
    assert!(
        wrong
            .text()
            .contains("Server used following string to sign"),
        "{}",
        wrong.text()
    );
    let lite = get().signed(Signature::None);
    let lite = lite.header("authorization", "SharedKeyLite acct:x");
    let lite = lite.send().await.refused(400, "InvalidAuthenticationInfo");
    assert!(lite.text().contains("SharedKeyLite"));
    let late = get().header("x-ms-date", "Tue, 14 Mar 2023 20:33:30 GMT");
    late.send().await.refused(403, "AuthenticationFailed");
    let broken = get().sas("sv=2021-12-02&sr=c&sp=r&se=2999-01-01&sig=AAAA");
    broken.send().await.refused(403, "AuthenticationFailed");
}

#[tokio::test]
async fn shared_access_signatures_open_what_they_say() {
    let server = Server::start().await;
    server.container("in1").await;
    server.container("in2").await;
    server.put("/in1/dir/a%20b", "abc").await;
    let a = "/in1/dir/a%20b";
    let list = "/in1?restype=container&comp=list";
    let mismatch = "AuthorizationPermissionMismatch";
    for (resource, permissions, method, path, expected) in [
        (A, "r", "GET", a, ""),
        (A, "r", "HEAD", a, ""),
        (A, "r", "GET", "/in1/dir%2Fa%20b", ""),
        (A, "r", "GET", "/in1/other", "AuthenticationFailed"),
        (A, "r", "GET", list, "AuthenticationFailed"),
        (A, "r", "PUT", a, mismatch),
        (A, "w", "GET", a, mismatch),
        (A, "w", "PUT", a, ""),
        (A, "c", "PUT", a, mismatch),
        (A, "r", "DELETE", a, mismatch),
        (IN1, "rl", "GET", list, ""),
        (IN1, "rl", "GET", a, ""),
        (IN1, "r", "GET", list, mismatch),
        (IN1, "rl", "GET", "/in2/x", "AuthenticationFailed"),
        (IN1, "rl", "GET", "/?comp=list", "AuthenticationFailed"),
        (IN1, "c", "PUT", "/in1/new", ""),
        (IN1, "c", "PUT", "/in1/new", mismatch),
        (IN1, "acw", "PUT", "/in1/new", ""),
        (IN1, "racwdl", "GET", "/in1?restype=container", mismatch),
        (IN1, "racwdl", "DELETE", "/in1?restype=container", mismatch),
        (IN1, "d", "DELETE", "/in1/new", ""),
    ] {
        let case = format!("{resource} {permissions} {method} {path}");
        let mut request = server
            .request(method, path)
            .header("x-ms-date", "")
            .header("x-ms-version", "")
            .sas(&server.sas(resource, permissions));
        if method == "PUT" {
            request = request.header("x-ms-blob-type", "BlockBlob").body("new");
        }
        let answer = request.send().await;
        assert_eq!(answer.header("x-ms-error-code"), expected, "{case}");
        assert_eq!(answer.status.is_success(), expected.is_empty(), "{case}");
        if !expected.is_empty() {
            assert_eq!(answer.status, 403, "{case}");
        }
    }
    server.assert_tidy().await;
}
