//! The account as the first part of the path, or of the host.

use super::harness::Server;
use crate::wire::sas::Resource;

#[tokio::test]
async fn both_styles_name_the_same() {
    let server = Server::start().await;
    let create = server.request("PUT", "/in1?restype=container");
    create.host_style().send().await.expect(201);
    let put = server
        .request("PUT", "/in1/dir/a%20b")
        .header("x-ms-blob-type", "BlockBlob")
        .body("abc");
    put.host_style().send().await.expect(201);
    assert_eq!(server.get("/in1/dir/a%20b").await.text(), "abc");

    let blob = Resource::Blob {
        container: "in1",
        blob: "dir/a b",
    };
    let signed = server.request("GET", "/in1/dir/a%20b");
    let signed = signed.sas(&server.sas(blob, "r")).host_style().send().await;
    assert_eq!(signed.expect(200).text(), "abc");
    // A container may have the name of the account.
    let own = server
        .request("PUT", "/acct?restype=container")
        .host_style();
    own.send().await.expect(201);
    let list = server.request("GET", "/?comp=list").host_style();
    let list = list.send().await.expect(200);
    assert_eq!(list.elements("Name"), ["acct", "in1"]);
    let endpoint = format!("\"http://acct.blob.localhost:{}/\"", server.address.port());
    assert!(list.text().contains(&endpoint), "{}", list.text());

    let source = format!(
        "http://acct.localhost:{}/in1/dir/a%20b",
        server.address.port()
    );
    let copy = server.request("PUT", "/in1/copy");
    let copy = copy.header("x-ms-copy-source", &source).send().await;
    copy.expect(202);
    assert_eq!(server.get("/in1/copy").await.text(), "abc");
}

#[tokio::test]
async fn each_style_reads_the_path_its_own_way() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "abc").await;
    let container_acct = server.request("GET", "/in1/a");
    let container_acct = container_acct.header("host", "acct.localhost").send().await;
    container_acct.refused(404, "ContainerNotFound");
    let account_in1 = server.request("GET", "/in1/a").host_style();
    let account_in1 = account_in1.header("host", "other.localhost").send().await;
    account_in1.refused(404, "ResourceNotFound");
}
