//! What we do not do is refused by name.

use super::harness::Server;

#[tokio::test]
async fn refused_by_name() {
    let server = Server::start().await;
    server.container("in1").await;
    server.put("/in1/a", "abc").await;
    let put_as = |kind| Some(("x-ms-blob-type", kind));
    let list = "/in1?restype=container&comp=list";
    for (method, path, header, status, code, mentions) in [
        (
            "PUT",
            "/in1/a",
            put_as("AppendBlob"),
            501,
            "NotImplemented",
            "append blobs",
        ),
        (
            "PUT",
            "/in1/a",
            put_as("PageBlob"),
            501,
            "NotImplemented",
            "page blobs",
        ),
        (
            "PUT",
            "/in1/a",
            put_as("Other"),
            400,
            "InvalidHeaderValue",
            "Other",
        ),
        (
            "PUT",
            "/in1/a",
            None,
            400,
            "MissingRequiredHeader",
            "x-ms-blob-type",
        ),
        (
            "PUT",
            "/in1/a?comp=snapshot",
            None,
            501,
            "NotImplemented",
            "snapshots",
        ),
        (
            "PUT",
            "/in1/a?comp=tier",
            None,
            501,
            "NotImplemented",
            "tiers",
        ),
        (
            "PUT",
            "/in1/a?comp=appendblock",
            None,
            501,
            "NotImplemented",
            "append",
        ),
        (
            "PUT",
            "/in2?restype=container",
            Some(("x-ms-blob-public-access", "blob")),
            409,
            "PublicAccessNotPermitted",
            "",
        ),
        (
            "GET",
            "/?restype=service&comp=stats",
            None,
            501,
            "NotImplemented",
            "service statistics",
        ),
        (
            "GET",
            "/$web/a",
            None,
            501,
            "NotImplemented",
            "system container",
        ),
        (
            "GET",
            "/in1/a?snapshot=1",
            None,
            400,
            "UnsupportedQueryParameter",
            "snapshot",
        ),
        (
            "GET",
            "/in1/a?versionid=1",
            None,
            400,
            "UnsupportedQueryParameter",
            "versionid",
        ),
        (
            "GET",
            "/in1/a?comp=nonsense",
            None,
            400,
            "InvalidQueryParameterValue",
            "nonsense",
        ),
        ("GET", "/in1", None, 400, "InvalidUri", ""),
        ("POST", "/in1/a", None, 405, "UnsupportedHttpVerb", ""),
        (
            "GET",
            "/in1/a",
            Some(("x-ms-lease-id", "x")),
            400,
            "InvalidHeaderValue",
            "x-ms-lease-id",
        ),
        (
            "GET",
            "/in1/a",
            Some(("x-ms-if-tags", "x")),
            400,
            "UnsupportedHeader",
            "x-ms-if-tags",
        ),
        (
            "GET",
            "/in1/a",
            Some(("range", "bytes=-5")),
            400,
            "InvalidHeaderValue",
            "bytes=-5",
        ),
        (
            "GET",
            "/in1/a",
            Some(("if-match", "*,")),
            412,
            "ConditionNotMet",
            "",
        ),
        (
            "GET",
            "/in1/a",
            Some(("if-modified-since", "now")),
            400,
            "InvalidHeaderValue",
            "now",
        ),
        (
            "GET",
            "/in1/a",
            Some(("x-ms-version", "2018-03-28")),
            400,
            "InvalidHeaderValue",
            "2018-03-28",
        ),
        (
            "GET",
            "/in1/a",
            Some(("x-ms-version", "newest")),
            400,
            "InvalidHeaderValue",
            "newest",
        ),
        (
            "DELETE",
            "/in1/a",
            Some(("x-ms-delete-snapshots", "only")),
            501,
            "NotImplemented",
            "snapshots",
        ),
        (
            "PUT",
            "/in1/a?comp=copy&copyid=x",
            Some(("x-ms-copy-action", "abort")),
            409,
            "NoPendingCopyOperation",
            "",
        ),
        (
            "PUT",
            "/in1/a",
            Some(("x-ms-copy-source", "http://x/y")),
            501,
            "NotImplemented",
            "another host",
        ),
        (
            "PUT",
            "/in1/a?comp=block&blockid=AA==",
            Some(("x-ms-copy-source", "http://x/y")),
            400,
            "UnsupportedHeader",
            "x-ms-copy-source",
        ),
        (
            "PUT",
            "/in1/a?comp=block",
            None,
            400,
            "MissingRequiredQueryParameter",
            "blockid",
        ),
        (
            "PUT",
            "/in1/a?comp=block&blockid=%21",
            None,
            400,
            "InvalidBlockId",
            "",
        ),
        (
            "PUT",
            "/in1/a?comp=metadata",
            Some(("x-ms-meta-a-b", "x")),
            400,
            "InvalidMetadata",
            "",
        ),
        (
            "PUT",
            "/in1/a?comp=metadata",
            Some(("x-ms-meta-", "x")),
            400,
            "EmptyMetadataKey",
            "",
        ),
        (
            "PUT",
            "/Bad?restype=container",
            None,
            400,
            "InvalidResourceName",
            "",
        ),
        (
            "PUT",
            "/ab?restype=container",
            None,
            400,
            "OutOfRangeInput",
            "",
        ),
        (
            "GET",
            &format!("{list}&include=metadata,permissions"),
            None,
            400,
            "InvalidQueryParameterValue",
            "permissions",
        ),
        (
            "PUT",
            "/in1/a?comp=block&blockid=AA==",
            Some(("content-length", "0")),
            400,
            "InvalidHeaderValue",
            "Content-Length",
        ),
        (
            "PUT",
            "/in1/a",
            Some(("x-ms-content-crc64", "AAAAAAAAAAA=")),
            400,
            "UnsupportedHeader",
            "x-ms-content-crc64",
        ),
        (
            "GET",
            &format!("{list}&maxresults=0"),
            None,
            400,
            "OutOfRangeQueryParameterValue",
            "maxresults",
        ),
        (
            "GET",
            &format!("{list}&maxresults=x"),
            None,
            400,
            "InvalidQueryParameterValue",
            "maxresults",
        ),
        (
            "GET",
            &format!("{list}&marker=x"),
            None,
            400,
            "InvalidQueryParameterValue",
            "marker",
        ),
        (
            "GET",
            &format!("{list}&startfrom=x"),
            None,
            400,
            "UnsupportedQueryParameter",
            "startfrom",
        ),
        (
            "GET",
            "/in1/a?comp=blocklist&blocklisttype=x",
            None,
            400,
            "InvalidQueryParameterValue",
            "blocklisttype",
        ),
    ] {
        let mut request = server.request(method, path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        let case = format!("{method} {path} {header:?}: {}", answer.text());
        assert_eq!(answer.status, status, "{case}");
        let answer = answer.refused(status, code);
        assert!(answer.text().contains(mentions), "{case}");
    }
    assert_eq!(server.get("/in1/a").await.text(), "abc");
    server.assert_tidy().await;
}

/// A large body that is refused unread does not cost the client the answer.
#[tokio::test]
async fn the_refusal_reaches_a_client_that_sends_first() {
    let server = Server::start().await;
    for _ in 0..5 {
        let put = server.request("PUT", "/in1/a?comp=tier");
        let put = put.body(vec![0; 4 << 20]).send().await;
        put.refused(501, "NotImplemented");
    }
}
