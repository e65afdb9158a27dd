//! Copy Blob and Put Blob From URL.

use super::harness::{Server, Signature};
use crate::wire::sas::Resource;

fn url(server: &Server, path: &str) -> String {
    format!("http://{}/acct{path}", server.address)
}

#[tokio::test]
async fn a_copy_is_a_blob_of_its_own() {
    let server = Server::start().await;
    server.container("in1").await;
    server.container("out1").await;
    let put = server
        .request("PUT", "/in1/a%20b")
        .header("x-ms-blob-type", "BlockBlob")
        .header("content-type", "text/plain")
        .header("x-ms-meta-k", "v");
    put.body("abc").send().await.expect(201);
    let source = url(&server, "/in1/a%20b");
    let copy = server
        .request("PUT", "/out1/c")
        .header("x-ms-copy-source", &source);
    let copied = copy.send().await.expect(202);
    assert_eq!(copied.header("x-ms-copy-status"), "success");
    let found = server.get("/out1/c").await;
    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-ms-meta-k", "v"),
        ("x-ms-copy-id", copied.header("x-ms-copy-id")),
        ("x-ms-copy-status", "success"),
        ("x-ms-copy-source", source.as_str()),
        ("x-ms-copy-progress", "3/3"),
        ("etag", copied.header("etag")),
    ] {
        assert_eq!(found.header(name), value, "{name}");
    }
    assert_eq!(server.files(), 1, "no byte was copied");

    server
        .request("DELETE", "/in1/a%20b")
        .send()
        .await
        .expect(202);
    assert_eq!(server.get("/out1/c").await.text(), "abc");
    let put = server
        .request("PUT", "/out1/d")
        .header("x-ms-copy-source", &url(&server, "/out1/c"))
        .header("x-ms-blob-type", "BlockBlob")
        .header("x-ms-blob-content-language", "de")
        .body("");
    put.send().await.expect(201);
    let found = server.get("/out1/d").await;
    assert_eq!(found.text(), "abc");
    assert_eq!(found.header("content-language"), "de");
    assert_eq!(found.header("content-type"), "text/plain");
    assert_eq!(found.header("x-ms-copy-id"), "");
    for path in ["/out1/c", "/out1/d"] {
        server.request("DELETE", path).send().await.expect(202);
    }
    server.wait_for_files(0).await;
}

#[tokio::test]
async fn a_source_needs_leave_of_its_own() {
    let server = Server::start().await;
    server.container("in1").await;
    server.container("out1").await;
    server.put("/in1/a", "abc").await;
    let (to, from) = (Resource::Container("out1"), Resource::Container("in1"));
    let writes = server.sas(to, "cw");
    for (source, destination, status, code) in [
        (String::new(), None, 202, ""),
        (server.sas(from, "r"), None, 202, ""),
        (server.sas(from, "r"), Some(&writes), 202, ""),
        (String::new(), Some(&writes), 403, "CannotVerifyCopySource"),
        (
            server.sas(from, "l"),
            Some(&writes),
            403,
            "CannotVerifyCopySource",
        ),
        (
            server.sas(to, "r"),
            Some(&writes),
            403,
            "CannotVerifyCopySource",
        ),
        (server.sas(to, "r"), None, 403, "CannotVerifyCopySource"),
    ] {
        let from = url(&server, &format!("/in1/a?{source}"));
        let mut copy = server
            .request("PUT", "/out1/b")
            .header("x-ms-copy-source", &from);
        if let Some(sas) = destination {
            copy = copy.signed(Signature::Sas(sas.clone()));
        }
        let answer = copy.send().await.expect(status);
        assert_eq!(answer.header("x-ms-error-code"), code);
        assert!(!answer.text().contains("sig="), "{}", answer.text());
    }
    let shown = server.get("/out1/b").await;
    assert_eq!(shown.header("x-ms-copy-source"), url(&server, "/in1/a"));
}

#[tokio::test]
async fn refused_copies() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "abc").await;
    let here = |path: &str| url(&server, path);
    let sourced = |name: &'static str, value: &'static str| Some((name, value));
    for (source, header, status, code) in [
        (here("/in1/none"), None, 404, "BlobNotFound"),
        (here("/none/a"), None, 404, "ContainerNotFound"),
        (here("/in1"), None, 400, "InvalidHeaderValue"),
        ("nonsense".to_owned(), None, 400, "InvalidHeaderValue"),
        (here("/in1/a?snapshot=1"), None, 501, "NotImplemented"),
        (
            here("/in1/a"),
            sourced("x-ms-source-if-match", "\"0x1\""),
            412,
            "SourceConditionNotMet",
        ),
        (
            here("/in1/a"),
            sourced("x-ms-requires-sync", "perhaps"),
            400,
            "InvalidHeaderValue",
        ),
        (
            here("/in1/a"),
            sourced("if-match", "*"),
            412,
            "ConditionNotMet",
        ),
        (
            here("/in1/a"),
            sourced("x-ms-source-content-md5", "x"),
            400,
            "UnsupportedHeader",
        ),
    ] {
        let mut copy = server
            .request("PUT", "/in1/b")
            .header("x-ms-copy-source", &source);
        if let Some((name, value)) = header {
            copy = copy.header(name, value);
        }
        copy.send().await.refused(status, code);
    }
    server.assert_tidy().await;
}
