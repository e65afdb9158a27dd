//! The account, the service and the policies of containers.

use super::harness::Server;

#[tokio::test]
async fn what_the_account_is() {
    let server = Server::start().await;
    for path in ["/", "/in1", "/in1/a"] {
        for method in ["GET", "HEAD"] {
            let path = format!("{path}?restype=account&comp=properties");
            let found = server.request(method, &path).send().await.expect(200);
            assert_eq!(found.header("x-ms-account-kind"), "StorageV2");
            assert_eq!(found.header("x-ms-sku-name"), "Standard_LRS");
        }
    }
}

#[tokio::test]
async fn service_properties_are_the_default_and_stay() {
    let server = Server::start().await;
    let path = "/?restype=service&comp=properties";
    let found = server.get(path).await;
    assert!(found.elements("Enabled").iter().all(|e| e == "false"));
    let set = |body: String| server.request("PUT", path).body(body);
    set(found.text()).send().await.expect(202);
    let on = found.text().replace("<Read>false", "<Read>true");
    let refused = set(on).send().await.refused(501, "NotImplemented");
    assert!(
        refused.text().contains("Logging/Read"),
        "{}",
        refused.text()
    );
    let broken = set("<Storage".to_owned()).send().await;
    broken.refused(400, "InvalidXmlDocument");
}

#[tokio::test]
async fn a_container_is_for_holders_of_the_key() {
    let server = Server::start().await;
    let path = "/in1?restype=container&comp=acl";
    let absent = server.request("GET", path).send().await;
    absent.refused(404, "ContainerNotFound");
    server.container("in1").await;
    let found = server.get(path).await;
    assert!(found.text().ends_with("<SignedIdentifiers />"));
    assert_eq!(found.header("x-ms-blob-public-access"), "");
    let set = |body: &str| server.request("PUT", path).body(body);
    let done = set("").send().await.expect(200);
    assert_ne!(done.header("etag"), found.header("etag"));
    set(&found.text()).send().await.expect(200);
    let policy = set("<SignedIdentifiers><SignedIdentifier/></SignedIdentifiers>");
    let policy = policy.send().await.refused(501, "NotImplemented");
    assert!(policy.text().contains("stored access policies"));
    let public = set("").header("x-ms-blob-public-access", "container");
    public.send().await.refused(409, "PublicAccessNotPermitted");
    let sas = server.sas(crate::wire::sas::Resource::Container("in1"), "racwdl");
    let signed = server.request("GET", path).sas(&sas).send().await;
    signed.refused(403, "AuthorizationPermissionMismatch");
}
