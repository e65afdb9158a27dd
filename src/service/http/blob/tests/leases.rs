//! Leases as headers.

use super::harness::Server;
use crate::wire::sas::Resource;

const A: &str = "aaaaaaaa-0000-0000-0000-000000000000";
const B: &str = "bbbbbbbb-0000-0000-0000-000000000000";
const BLOB: &str = "/in1/a?comp=lease";
const CONTAINER: &str = "/in1?restype=container&comp=lease";

#[tokio::test]
async fn a_lease_from_acquire_to_release() {
    for path in [BLOB, CONTAINER] {
        let server = Server::start().await;
        server.container("in1").await;
        let put = server.put("/in1/a", "abc").await;
        let lease = |action: &str| {
            server
                .request("PUT", path)
                .header("x-ms-lease-action", action)
        };
        let acquired = lease("acquire").header("x-ms-lease-duration", "60");
        let acquired = acquired.send().await.expect(201);
        let id = acquired.header("x-ms-lease-id").to_owned();
        assert_eq!(id.len(), 36);
        if path == BLOB {
            assert_eq!(acquired.header("etag"), put.header("etag"));
        }
        assert_ne!(acquired.header("last-modified"), "");

        let other = lease("acquire").header("x-ms-lease-duration", "-1");
        other.send().await.refused(409, "LeaseAlreadyPresent");
        let renewed = lease("renew").header("x-ms-lease-id", &id);
        let renewed = renewed.send().await.expect(200);
        assert_eq!(renewed.header("x-ms-lease-id"), id);
        let changed = lease("change").header("x-ms-lease-id", &id);
        let changed = changed.header("x-ms-proposed-lease-id", A);
        assert_eq!(changed.send().await.expect(200).header("x-ms-lease-id"), A);

        let properties = path.replace("comp=lease", "");
        let head = || server.request("HEAD", properties.trim_end_matches(['?', '&']));
        let found = head().header("x-ms-lease-id", A).send().await.expect(200);
        for (name, value) in [
            ("status", "locked"),
            ("state", "leased"),
            ("duration", "fixed"),
        ] {
            assert_eq!(found.header(&format!("x-ms-lease-{name}")), value);
        }
        let refused = head().header("x-ms-lease-id", B).send().await.expect(412);
        let code = refused.header("x-ms-error-code");
        assert!(code.starts_with("LeaseIdMismatchWith"), "{code}");
        let list = match path {
            BLOB => "/in1?restype=container&comp=list",
            _ => "/?comp=list",
        };
        let list = server.get(list).await;
        assert_eq!(list.elements("LeaseStatus"), ["locked"]);
        assert_eq!(list.elements("LeaseState"), ["leased"]);
        assert_eq!(list.elements("LeaseDuration"), ["fixed"]);

        let delete = || server.request("DELETE", properties.trim_end_matches(['?', '&']));
        delete().send().await.refused(412, "LeaseIdMissing");
        let broken = lease("break").header("x-ms-lease-break-period", "10");
        let broken = broken.send().await.expect(202);
        assert_eq!(broken.header("x-ms-lease-time"), "10");
        assert_eq!(broken.header("x-ms-lease-id"), "");
        let found = head().send().await.expect(200);
        assert_eq!(found.header("x-ms-lease-state"), "breaking");
        assert_eq!(found.header("x-ms-lease-duration"), "");
        let released = lease("release").header("x-ms-lease-id", A);
        released.send().await.expect(200);
        delete().send().await.expect(202);
        let gone = lease("break").send().await;
        assert_eq!(gone.status, 404, "{}", gone.text());
    }
}

#[tokio::test]
async fn what_leases_refuse() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "abc").await;
    for (path, headers, status, code) in [
        (BLOB, &[][..], 400, "MissingRequiredHeader"),
        (
            BLOB,
            &[("x-ms-lease-action", "take")],
            400,
            "InvalidHeaderValue",
        ),
        (
            BLOB,
            &[("x-ms-lease-action", "break"), ("if-match", "\"0x1\"")],
            412,
            "ConditionNotMet",
        ),
        (
            BLOB,
            &[("x-ms-lease-action", "break")],
            409,
            "LeaseNotPresentWithLeaseOperation",
        ),
        (
            CONTAINER,
            &[("x-ms-lease-action", "renew"), ("x-ms-lease-id", A)],
            409,
            "LeaseIdMismatchWithLeaseOperation",
        ),
        (
            "/in1/none?comp=lease",
            &[("x-ms-lease-action", "break")],
            404,
            "BlobNotFound",
        ),
        (
            "/none?restype=container&comp=lease",
            &[("x-ms-lease-action", "break")],
            404,
            "ContainerNotFound",
        ),
        (
            "/in1/a?comp=metadata",
            &[("x-ms-lease-id", "mine")],
            400,
            "InvalidHeaderValue",
        ),
        (
            "/in2?restype=container",
            &[("x-ms-lease-id", A)],
            400,
            "UnsupportedHeader",
        ),
        (
            "/in1/a?comp=metadata",
            &[("x-ms-lease-id", A)],
            412,
            "LeaseNotPresentWithBlobOperation",
        ),
    ] {
        let request = server.request("PUT", path);
        let request = headers.iter().fold(request, |r, (n, v)| r.header(n, v));
        request.send().await.refused(status, code);
    }
}

#[tokio::test]
async fn writes_name_the_lease() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "abc").await;
    let acquire = server.request("PUT", BLOB);
    let acquire = acquire
        .header("x-ms-lease-action", "acquire")
        .header("x-ms-lease-duration", "-1")
        .header("x-ms-proposed-lease-id", A);
    acquire.send().await.expect(201);
    let put = || {
        let put = server.request("PUT", "/in1/a").body("new");
        put.header("x-ms-blob-type", "BlockBlob")
    };
    put().send().await.refused(412, "LeaseIdMissing");
    let block = || {
        let block = server.request("PUT", "/in1/a?comp=block&blockid=QQ%3D%3D");
        block.body("new")
    };
    block().send().await.refused(412, "LeaseIdMissing");
    server.assert_tidy().await;
    let other = put().header("x-ms-lease-id", B);
    let other = other.send().await;
    other.refused(412, "LeaseIdMismatchWithBlobOperation");
    put().header("x-ms-lease-id", A).send().await.expect(201);
    block().header("x-ms-lease-id", A).send().await.expect(201);
    let list = server.request("GET", "/in1/a?comp=blocklist");
    list.header("x-ms-lease-id", A).send().await.expect(200);
    let copy = || {
        let source = format!("http://{}/acct/in1/a", server.address);
        let copy = server.request("PUT", "/in1/copy");
        copy.header("x-ms-copy-source", &source)
    };
    let wrong = copy().header("x-ms-source-lease-id", B).send().await;
    wrong.refused(412, "LeaseIdMismatchWithBlobOperation");
    copy()
        .header("x-ms-source-lease-id", A)
        .send()
        .await
        .expect(202);
    let found = server.request("HEAD", "/in1/copy").send().await.expect(200);
    assert_eq!(found.header("x-ms-lease-state"), "available");
    assert_eq!(server.get("/in1/a").await.text(), "new");
}

#[tokio::test]
async fn rights_to_lease() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "abc").await;
    let a = Resource::Blob {
        container: "in1",
        blob: "a",
    };
    for (permissions, action, status) in [
        ("r", "acquire", 403),
        ("d", "acquire", 403),
        ("w", "acquire", 201),
        ("d", "break", 202),
        ("w", "break", 202),
    ] {
        let request = server
            .request("PUT", BLOB)
            .header("x-ms-lease-action", action)
            .header("x-ms-lease-duration", "-1")
            .sas(&server.sas(a, permissions));
        request.send().await.expect(status);
    }
}
