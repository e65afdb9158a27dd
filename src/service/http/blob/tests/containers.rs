//! Containers and listings.

use super::harness::Server;

#[tokio::test]
async fn a_container_lives_and_dies() {
    let server = Server::start().await;
    let path = "/in1?restype=container";
    let create = || server.request("PUT", path).header("x-ms-meta-mark", "ours");
    let created = create().send().await.expect(201);
    assert!(created.header("etag").starts_with("\"0x"));
    assert_eq!(created.header("x-ms-version"), "2026-10-06");
    create().send().await.refused(409, "ContainerAlreadyExists");

    for method in ["GET", "HEAD"] {
        let found = server.request(method, path).send().await.expect(200);
        assert_eq!(found.header("etag"), created.header("etag"));
        assert_eq!(found.header("x-ms-meta-mark"), "ours");
        assert_eq!(found.header("x-ms-lease-state"), "available");
        assert_eq!(found.body, b"");
    }
    let metadata = "/in1?restype=container&comp=metadata";
    let changed = server
        .request("PUT", metadata)
        .header("x-ms-meta-other", "1")
        .send()
        .await
        .expect(200);
    assert_ne!(changed.header("etag"), created.header("etag"));
    let found = server.get(metadata).await;
    assert_eq!(found.header("x-ms-meta-mark"), "");
    assert_eq!(found.header("x-ms-meta-other"), "1");

    server.put("/in1/a", "content").await;
    server.request("DELETE", path).send().await.expect(202);
    server.assert_tidy().await;
    assert_eq!(server.files(), 0);
    let gone = server.request("HEAD", path).send().await;
    assert_eq!(gone.refused(404, "ContainerNotFound").body, b"");
    let gone = server.request("DELETE", path).send().await;
    gone.refused(404, "ContainerNotFound");
}

#[tokio::test]
async fn containers_are_listed_in_pages() {
    let server = Server::start().await;
    for name in ["ccc", "aaa", "bbb"] {
        server.container(name).await;
    }
    let page = server
        .get("/?comp=list&maxresults=2&include=metadata")
        .await;
    assert_eq!(page.header("content-type"), "application/xml");
    assert_eq!(page.elements("Name"), ["aaa", "bbb"]);
    assert_eq!(page.elements("MaxResults"), ["2"]);
    let marker = &page.elements("NextMarker")[0];
    let page = server.get(&format!("/?comp=list&marker={marker}")).await;
    assert_eq!(page.elements("Name"), ["ccc"]);
    assert!(page.text().contains("<NextMarker />"), "{}", page.text());
    let page = server.get("/?comp=list&prefix=b").await;
    assert_eq!(page.elements("Name"), ["bbb"]);
}

#[tokio::test]
async fn blobs_are_listed() {
    let server = Server::start().await;
    server.container("in1").await;
    for name in ["a.txt", "d/1", "d/2", "e%20%26/3", "z"] {
        server.put(&format!("/in1/{name}"), name).await;
    }
    server
        .request("PUT", "/in1/z?comp=metadata")
        .header("x-ms-meta-k", "v")
        .send()
        .await
        .expect(200);

    let list = "/in1?restype=container&comp=list";
    let all = server.get(list).await;
    assert_eq!(
        all.elements("Name"),
        ["a.txt", "d/1", "d/2", "e &amp;/3", "z"]
    );
    assert_eq!(all.elements("Content-Length")[0], "5");
    assert_eq!(all.elements("Metadata"), [""; 0]);
    let grouped = server
        .get(&format!("{list}&delimiter=%2F&include=metadata"))
        .await;
    assert_eq!(grouped.elements("Name"), ["a.txt", "d/", "e &amp;/", "z"]);
    assert_eq!(grouped.elements("BlobPrefix").len(), 2);
    assert_eq!(grouped.elements("Metadata"), ["<k>v</k>"]);

    let mut names = Vec::new();
    let mut marker = String::new();
    loop {
        let path = format!("{list}&prefix=d&maxresults=1&marker={marker}");
        let page = server.get(&path).await;
        names.extend(page.elements("Name"));
        match page.elements("NextMarker").pop() {
            Some(next) => marker = next,
            None => break,
        }
    }
    assert_eq!(names, ["d/1", "d/2"]);
}
