//! Content in and out.

use tokio::io::AsyncWriteExt as _;

use super::harness::{Server, key};
use crate::clock;
use crate::wire::auth::{Request, Scheme, authorization};
use crate::wire::time::Time;

const MD5_OF_ABC: &str = "kAFQmDzST7DWlj99KOF/cg==";

#[tokio::test]
async fn a_blob_is_written_and_read() {
    let server = Server::start().await;
    server.container("in1").await;
    // A slash may be encoded or not: it is the same blob.
    let put = server
        .request("PUT", "/in1/dir%2Fa%20%C3%A9%2B.txt")
        .header("x-ms-blob-type", "BlockBlob")
        .header("content-type", "text/plain")
        .header("x-ms-blob-cache-control", "no-cache")
        .header("content-md5", MD5_OF_ABC)
        .header("x-ms-meta-k", "v")
        .body("abc")
        .send()
        .await
        .expect(201);
    assert_eq!(put.header("content-md5"), MD5_OF_ABC);
    assert_eq!(put.header("x-ms-request-server-encrypted"), "true");

    let path = "/in1/dir/a%20%C3%A9%2B.txt";
    for method in ["GET", "HEAD"] {
        let found = server.request(method, path).send().await.expect(200);
        let body: &[u8] = if method == "GET" { b"abc" } else { b"" };
        assert_eq!(found.body, body);
        for (name, value) in [
            ("content-length", "3"),
            ("content-type", "text/plain"),
            ("content-md5", MD5_OF_ABC),
            ("cache-control", "no-cache"),
            ("x-ms-meta-k", "v"),
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-server-encrypted", "true"),
            ("etag", put.header("etag")),
            ("last-modified", put.header("last-modified")),
        ] {
            assert_eq!(found.header(name), value, "{method} {name}");
        }
    }
    server.request("DELETE", path).send().await.expect(202);
    let gone = server.request("GET", path).send().await;
    gone.refused(404, "BlobNotFound");
    assert_eq!(server.files(), 0);
}

#[tokio::test]
async fn parts_of_a_blob() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "0123456789").await;
    let get = || server.request("GET", "/in1/a");
    for (name, range, expected, place) in [
        ("range", "bytes=0-3", "0123", "bytes 0-3/10"),
        ("x-ms-range", "bytes=7-", "789", "bytes 7-9/10"),
        ("x-ms-range", "bytes=7-99", "789", "bytes 7-9/10"),
    ] {
        let part = get().header(name, range).send().await.expect(206);
        assert_eq!(part.text(), expected);
        assert_eq!(part.header("content-range"), place);
        assert_eq!(part.header("content-length"), expected.len().to_string());
        assert_eq!(part.header("content-md5"), "");
        assert_ne!(part.header("x-ms-blob-content-md5"), "");
    }
    let checked = get()
        .header("x-ms-range", "bytes=1-2")
        .header("x-ms-range-get-content-md5", "true")
        .send()
        .await
        .expect(206);
    // MD5 of "12".
    assert_eq!(checked.header("content-md5"), "wgrU12/pd1mqJ6DJm/9nEA==");
    let beyond = get().header("range", "bytes=10-").send().await;
    let beyond = beyond.refused(416, "InvalidRange");
    assert_eq!(beyond.header("content-range"), "bytes */10");

    server.put("/in1/empty", "").await;
    assert_eq!(server.get("/in1/empty").await.header("content-length"), "0");
    let empty = server.request("GET", "/in1/empty");
    let empty = empty.header("range", "bytes=0-").send().await;
    empty.refused(416, "InvalidRange");
}

#[tokio::test]
async fn headers_and_metadata_change_without_the_content() {
    let server = Server::start().await;
    server.container("in1").await;
    let put = server.put("/in1/a", "abc").await;
    let changed = server
        .request("PUT", "/in1/a?comp=properties")
        .header("x-ms-blob-content-type", "text/css")
        .header("x-ms-blob-content-language", "de")
        .send()
        .await
        .expect(200);
    assert_ne!(changed.header("etag"), put.header("etag"));
    let found = server.get("/in1/a").await;
    assert_eq!(found.header("content-type"), "text/css");
    assert_eq!(found.header("content-language"), "de");
    assert_eq!(found.header("content-md5"), "", "not given, so cleared");
    assert_eq!(found.text(), "abc");

    server
        .request("PUT", "/in1/a?comp=metadata")
        .header("x-ms-meta-k", "v")
        .send()
        .await
        .expect(200);
    for method in ["GET", "HEAD"] {
        let metadata = server.request(method, "/in1/a?comp=metadata");
        let metadata = metadata.send().await.expect(200);
        assert_eq!(metadata.header("x-ms-meta-k"), "v");
    }
}

#[tokio::test]
async fn conditions() {
    let server = Server::start().await;
    server.container("in1").await;
    let etag = server.put("/in1/a", "abc").await.header("etag").to_owned();
    let put = || {
        let put = server.request("PUT", "/in1/a").body("new");
        put.header("x-ms-blob-type", "BlockBlob")
    };
    let exists = put().header("if-none-match", "*").send().await;
    exists.refused(409, "BlobAlreadyExists");
    let stale = put().header("if-match", "\"0x1\"").send().await;
    stale.refused(412, "ConditionNotMet");
    server.assert_tidy().await;
    let unchanged = server.request("GET", "/in1/a");
    let unchanged = unchanged.header("if-none-match", &etag).send().await;
    assert_eq!(unchanged.refused(304, "ConditionNotMet").body, b"");
    put().header("if-match", &etag).send().await.expect(201);

    // The other ways to write and the deletion heed them too.
    let commit = || {
        let commit = server.request("PUT", "/in1/a?comp=blocklist");
        commit.body("<BlockList/>")
    };
    let copy = || {
        let source = format!("http://{}/acct/in1/a", server.address);
        let copy = server.request("PUT", "/in1/a");
        copy.header("x-ms-copy-source", &source)
    };
    let delete = || server.request("DELETE", "/in1/a");
    for (request, header, value, status, code) in [
        (commit(), "if-none-match", "*", 409, "BlobAlreadyExists"),
        (commit(), "if-match", &*etag, 412, "ConditionNotMet"),
        (copy(), "if-none-match", "*", 409, "BlobAlreadyExists"),
        (copy(), "if-match", &*etag, 412, "ConditionNotMet"),
        (
            copy(),
            "x-ms-source-if-match",
            &*etag,
            412,
            "SourceConditionNotMet",
        ),
        (delete(), "if-match", &*etag, 412, "ConditionNotMet"),
        (delete(), "if-none-match", "*", 412, "ConditionNotMet"),
    ] {
        let refused = request.header(header, value).send().await;
        refused.refused(status, code);
    }
    assert_eq!(server.get("/in1/a").await.text(), "new");
    server.assert_tidy().await;
}

#[tokio::test]
async fn blocks() {
    let server = Server::start().await;
    server.container("in1").await;
    for (id, content) in [("QQ==", "one "), ("Qg==", "two "), ("Qw==", "unused")] {
        let id = id.replace('=', "%3D");
        let path = format!("/in1/a?comp=block&blockid={id}");
        server
            .request("PUT", &path)
            .body(content)
            .send()
            .await
            .expect(201);
    }
    let list = server.get("/in1/a?comp=blocklist&blocklisttype=all").await;
    assert_eq!(list.elements("Size"), ["4", "4", "6"]);
    let gone = server.request("GET", "/in1/a").send().await;
    gone.refused(404, "BlobNotFound");

    let commit = |body: &str| {
        let commit = server.request("PUT", "/in1/a?comp=blocklist").body(body);
        commit.header("x-ms-blob-content-type", "text/plain")
    };
    let unknown = commit("<BlockList><Latest>Wg==</Latest></BlockList>");
    unknown.send().await.refused(400, "InvalidBlockList");
    let broken = commit("<BlockList><Latest>");
    broken.send().await.refused(400, "InvalidXmlDocument");
    let wrong = commit("<BlockList/>").header("content-md5", MD5_OF_ABC);
    wrong.send().await.refused(400, "Md5Mismatch");
    commit("<BlockList><Latest>Qg==</Latest><Uncommitted>QQ==</Uncommitted><Latest>Qg==</Latest></BlockList>")
        .send()
        .await
        .expect(201);
    let found = server.get("/in1/a").await;
    assert_eq!(found.text(), "two one two ");
    assert_eq!(found.header("content-type"), "text/plain");
    let part = server.request("GET", "/in1/a").header("range", "bytes=2-9");
    assert_eq!(part.send().await.expect(206).text(), "o one tw");
    server.wait_for_files(2).await;
    let list = server.get("/in1/a?comp=blocklist").await;
    assert_eq!(list.elements("Name"), ["Qg==", "QQ==", "Qg=="]);
    assert_eq!(list.header("x-ms-blob-content-length"), "12");
}

#[tokio::test]
async fn content_that_is_not_what_it_says_leaves_nothing() {
    let server = Server::start().await;
    server.container("in1").await;
    for (name, value, code) in [
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "Md5Mismatch"),
        (
            "x-ms-blob-content-md5",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "Md5Mismatch",
        ),
        ("content-md5", "c2hvcnQ=", "InvalidMd5"),
        ("content-md5", "?", "InvalidMd5"),
    ] {
        let put = server.request("PUT", "/in1/a").body("abc");
        let put = put
            .header("x-ms-blob-type", "BlockBlob")
            .header(name, value);
        put.send().await.refused(400, code);
    }
    let block = server.request("PUT", "/in1/a?comp=block&blockid=QQ%3D%3D");
    let block = block
        .body("abc")
        .header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
    block.send().await.refused(400, "Md5Mismatch");
    assert_eq!(server.files(), 0);
    let absent = server.request("PUT", "/none/a").body("abc");
    let absent = absent.header("x-ms-blob-type", "BlockBlob").send().await;
    absent.refused(404, "ContainerNotFound");
    server.assert_tidy().await;
}

/// A signed request as text, its headers ended, without a body.
fn raw_put(query: &str, length: Option<u64>) -> String {
    let date = Time::from(clock::now()).to_rfc1123();
    let mut headers = vec![
        ("x-ms-date", date),
        ("x-ms-version", "2021-12-02".to_owned()),
        ("x-ms-blob-type", "BlockBlob".to_owned()),
    ];
    headers.extend(length.map(|length| ("content-length", length.to_string())));
    let request = Request::new("PUT", "/acct/in1/a", query).headers(headers.clone());
    headers.push((
        "authorization",
        authorization(Scheme::Blob, "acct", &key(), &request),
    ));
    let lines: String = headers
        .iter()
        .map(|(n, v)| format!("{n}: {v}\r\n"))
        .collect();
    format!("PUT /acct/in1/a?{query} HTTP/1.1\r\nhost: x\r\n{lines}\r\n")
}

#[tokio::test]
async fn a_request_that_ends_in_the_middle_leaves_nothing() {
    let server = Server::start().await;
    server.container("in1").await;
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    stream
        .write_all(raw_put("", Some(9 << 20)).as_bytes())
        .await
        .unwrap();
    // Enough for some of it to be written.
    stream.write_all(&vec![7; 3 << 20]).await.unwrap();
    server.wait_for_files(1).await;
    drop(stream);
    server.wait_for_files(0).await;
}

#[tokio::test]
async fn lengths_are_demanded_and_limited() {
    use tokio::io::AsyncReadExt as _;
    let server = Server::start().await;
    let block = "comp=block&blockid=QQ%3D%3D";
    for (query, length, expected) in [
        ("", None, "HTTP/1.1 411"),
        ("", Some((5000 << 20) + 1), "HTTP/1.1 413"),
        (block, None, "HTTP/1.1 411"),
        (block, Some((4000 << 20) + 1), "HTTP/1.1 413"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.address)
            .await
            .unwrap();
        let mut head = raw_put(query, length);
        if length.is_none() {
            head = head.replace("host: x\r\n", "host: x\r\ntransfer-encoding: chunked\r\n");
        }
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), expected);
    }
    assert_eq!(server.files(), 0);
}

#[tokio::test]
async fn a_reader_sees_one_blob_to_its_end() {
    let server = Server::start().await;
    server.container("in1").await;
    // More than the sockets' buffers hold, so that the server has not read it all when it is replaced.
    let old: Vec<u8> = (0..24_u32 << 20).map(|i| (i % 251) as u8).collect();
    server.put("/in1/a", old.clone()).await;
    let mut response = server.request("GET", "/in1/a").start().await;
    let mut read = response.chunk().await.unwrap().unwrap().to_vec();
    server.put("/in1/a", "new").await;
    assert_eq!(server.get("/in1/a").await.text(), "new");
    while let Some(chunk) = response.chunk().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    assert!(read == old, "{} bytes", read.len());
    drop(response);
    server.assert_tidy().await;
}
