use std::path::Path;

use futures::TryStreamExt;
use http::{Method, Request, Response, StatusCode};
use md5::{Digest, Md5};

use super::*;
use crate::client::test_transport::{Canned, answer};
use crate::client::transport::{TransportError, TransportErrorKind};
use crate::client::{Create, Failure};

type Answer = Result<Response<bytes::Bytes>, TransportError>;

fn refuse(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>No.</Message></Error>");
    Ok(Response::builder()
        .status(status)
        .header("x-ms-error-code", code)
        .body(body.into())
        .unwrap())
}

fn md5(content: &[u8]) -> [u8; 16] {
    Md5::digest(content).into()
}

#[tokio::test]
async fn a_container_is_created_or_there() {
    let metadata = Metadata::from([("run".to_owned(), "1".to_owned())]);
    for (reply, outcome) in [
        (answer(201, ""), Ok(Create::Created)),
        (
            refuse(409, "ContainerAlreadyExists"),
            Ok(Create::AlreadyExists),
        ),
        (
            refuse(403, "AuthenticationFailed"),
            Err("cannot create container `in`: 403 AuthenticationFailed: No."),
        ),
    ] {
        let canned = Canned::in_order(vec![reply]);
        let got = canned.client().blob.create_container("in", &metadata).await;
        let got = got.map_err(|e| e.to_string());
        assert_eq!(got, outcome.map_err(str::to_owned));
        assert_eq!(canned.lines(), ["PUT /acct/in?restype=container"]);
        let headers = canned.seen()[0].headers().clone();
        assert_eq!(headers["x-ms-meta-run"], "1");
        assert_eq!(headers["x-ms-version"], API_VERSION);
    }
}

#[tokio::test]
async fn a_name_that_is_still_taken_is_waited_for() {
    let canned = Canned::in_order(vec![
        refuse(409, "ContainerBeingDeleted"),
        refuse(409, "ContainerBeingDeleted"),
        answer(201, ""),
    ]);
    let mut blob = canned.client().blob;
    blob.deletion.ask_every = Duration::ZERO;
    let got = blob.create_container("in", &Metadata::new()).await;
    assert_eq!(got.unwrap(), Create::Created);

    let canned = Canned::new(|_, _| refuse(409, "ContainerBeingDeleted"));
    let mut blob = canned.client().blob;
    blob.deletion.gone_within = Duration::ZERO;
    let error = blob.create_container("in", &Metadata::new()).await;
    let error = error.unwrap_err();
    assert!(matches!(error.failure(), Failure::Deadline { .. }));
    assert_eq!(error.code(), Some("ContainerBeingDeleted"));
}

#[tokio::test]
async fn what_does_not_exist_is_none_and_what_is_gone_is_gone() {
    for code in ["ContainerNotFound", "BlobNotFound"] {
        let canned = Canned::new(move |_, _| refuse(404, code));
        let blob = canned.client().blob;
        assert_eq!(blob.get_container("in").await.unwrap(), None);
        assert_eq!(blob.get_blob_properties("in", "b").await.unwrap(), None);
        assert_eq!(blob.read_small("in", "b", 9).await.unwrap(), None);
        blob.delete_blob("in", "b").await.unwrap();
        blob.delete_container("in").await.unwrap();
    }
    let canned = Canned::in_order(vec![refuse(409, "ContainerBeingDeleted")]);
    canned.client().blob.delete_container("in").await.unwrap();
}

#[tokio::test]
async fn a_lease_is_held_lost_or_somebody_elses() {
    let canned = Canned::in_order(vec![
        refuse(409, "BlobAlreadyExists"),
        refuse(409, "LeaseAlreadyPresent"),
        // The answer to the first was lost on the way: the second is for the same lease.
        refuse(500, "InternalError"),
        answer(201, ""),
        answer(200, ""),
        refuse(409, "LeaseIsBrokenAndCannotBeRenewed"),
        refuse(404, "BlobNotFound"),
        refuse(409, "LeaseNotPresentWithLeaseOperation"),
    ]);
    let blob = canned.client().blob;
    let created = blob.create_blob("in", "b", &Metadata::new()).await;
    assert_eq!(created.unwrap(), Create::AlreadyExists);
    let acquire = || blob.acquire_lease("in", "b", Duration::from_secs(30));
    assert_eq!(acquire().await.unwrap(), None);
    let lease = acquire().await.unwrap().unwrap();
    assert_eq!(format!("{lease:?}"), "Lease(in/b)");
    assert!(blob.renew_lease(&lease).await.unwrap());
    assert!(!blob.renew_lease(&lease).await.unwrap());
    blob.release_lease(lease).await.unwrap();
    blob.break_lease("in", "b").await.unwrap();
    let seen = canned.seen();
    assert_eq!(seen[0].headers()["if-none-match"], "*");
    assert_eq!(seen[1].headers()["x-ms-lease-duration"], "30");
    let proposed = |n: usize| seen[n].headers()["x-ms-proposed-lease-id"].clone();
    assert_eq!(proposed(2), proposed(3));
    assert_ne!(proposed(1), proposed(2));
    assert_eq!(seen[4].headers()["x-ms-lease-id"], proposed(2));
}

#[tokio::test]
async fn names_that_a_url_would_change_are_not_sent() {
    let canned = Canned::in_order(Vec::new());
    let blob = canned.client().blob;
    for name in ["", ".", "..", "a\\b"] {
        let error = blob.delete_blob("in", name).await.unwrap_err();
        assert!(
            matches!(error.failure(), Failure::Unsendable { .. }),
            "{name}"
        );
    }
}

#[tokio::test]
async fn lists_go_on_to_their_last_page() {
    let page = |name: &str, next: &str| {
        answer(
            200,
            format!(
                "<EnumerationResults><Blobs><Blob><Name>{name}</Name><Properties><Content-Length>7</Content-Length><Content-MD5>MTIzNDU2Nzg5MDEyMzQ1Ng==</Content-MD5><Etag>\"1\"</Etag><Last-Modified>Tue, 14 Mar 2023 20:33:30 GMT</Last-Modified></Properties><Metadata><Run>1</Run></Metadata></Blob></Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
            ),
        )
    };
    let canned = Canned::in_order(vec![page("a &amp; b", "m/1"), page("c", "")]);
    let blobs = canned.client().blob.list_blobs("in", Some("x y"));
    let blobs: Vec<BlobItem> = blobs.try_collect().await.unwrap();
    let expected = BlobItem {
        name: "a & b".to_owned(),
        length: 7,
        md5: Some(*b"1234567890123456"),
        etag: Some("\"1\"".to_owned()),
        last_modified: "2023-03-14T20:33:30Z".parse().ok(),
        content_type: None,
        metadata: Metadata::from([("run".to_owned(), "1".to_owned())]),
    };
    assert_eq!(blobs[0], expected);
    assert_eq!(blobs[1].name, "c");
    let queries = canned.lines();
    assert!(queries[0].contains("prefix=x%20y") || queries[0].contains("prefix=x+y"));
    assert!(queries[1].contains("marker=m%2F1"), "{queries:?}");
}

#[tokio::test]
async fn what_passes_is_sent_again_and_what_does_not_is_not() {
    let canned = Canned::in_order(vec![
        refuse(503, "ServerBusy"),
        Err(TransportError::new(TransportErrorKind::TimedOut)),
        answer(202, ""),
    ]);
    canned.client().blob.delete_blob("in", "b").await.unwrap();

    let canned = Canned::new(|_, _| Err(TransportError::new(TransportErrorKind::NoConnection)));
    let error = canned.client().blob.delete_blob("in", "b").await;
    let error = error.unwrap_err();
    assert_eq!(canned.seen().len(), 6);
    assert!(matches!(error.failure(), Failure::Transport { .. }));
    assert_eq!(
        error.to_string(),
        "cannot delete blob `in/b`: no answer from http://blob.test/acct"
    );
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_not_sent() {
    let canned = Canned::in_order(Vec::new());
    let blob = canned.client().blob;
    for error in [
        blob.delete_container("..").await.unwrap_err(),
        blob.delete_blob("in", ".").await.unwrap_err(),
        blob.delete_blob("in", "").await.unwrap_err(),
    ] {
        assert!(matches!(error.failure(), Failure::Unsendable { .. }));
    }
    let metadata = Metadata::from([("run".to_owned(), "ü\n".to_owned())]);
    let error = blob.create_container("in", &metadata).await.unwrap_err();
    assert!(
        matches!(error.failure(), Failure::Unsendable { .. }),
        "{error:?}"
    );
}

fn upload<'a>(file: &'a Path, content: &[u8]) -> Upload<'a> {
    Upload {
        container: "in",
        blob: "b",
        file,
        length: content.len() as u64,
        md5: md5(content),
        content_type: Some("text/plain"),
        metadata: Metadata::new(),
    }
}

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_small_file_goes_in_one_request_and_a_large_one_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    for (length, requests) in [(0, 1), (4 * MIB, 1), (4 * MIB + 1, 3), (11 * MIB, 4)] {
        let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        std::fs::write(&file, &content).unwrap();
        let canned = Canned::new(|_, _| answer(201, ""));
        let blob = canned.client().blob;
        blob.upload_file(&upload(&file, &content)).await.unwrap();
        let seen = canned.seen();
        assert_eq!(seen.len(), requests, "{length}");
        let last = seen.last().unwrap();
        let kept =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, md5(&content));
        assert_eq!(last.headers()["x-ms-blob-content-md5"], kept.as_str());
        assert_eq!(last.headers()["x-ms-blob-content-type"], "text/plain");
        let sent: usize = seen
            .iter()
            .filter(|r| r.uri().query() != Some("comp=blocklist"))
            .map(|r| r.body().len())
            .sum();
        assert_eq!(sent, length);
    }
}

#[tokio::test]
async fn a_file_that_changed_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    for length in [10, 5 * MIB] {
        let content = vec![b'a'; length];
        for (now, what) in [
            (vec![b'b'; length], "other bytes"),
            (vec![b'a'; length - 1], "shorter"),
            (vec![b'a'; length + 1], "longer"),
        ] {
            std::fs::write(&file, now).unwrap();
            let canned = Canned::new(|_, _| answer(201, ""));
            let blob = canned.client().blob;
            let result = blob.upload_file(&upload(&file, &content)).await;
            let error = result.unwrap_err();
            assert!(
                matches!(error.failure(), Failure::Content { .. }),
                "{what}: {error}"
            );
            let blocks_only = |r: &Request<_>| r.uri().query().unwrap().contains("blockid=");
            assert!(canned.seen().iter().all(blocks_only), "{what}");
        }
    }
    let missing = folder.path().join("missing");
    let canned = Canned::in_order(Vec::new());
    let blob = canned.client().blob;
    let error = blob.upload_file(&upload(&missing, b"x")).await;
    let error = error.unwrap_err();
    assert!(matches!(error.failure(), Failure::File { .. }), "{error}");
}

/// Answers GET as the service does: whole without a range, else a part.
fn serve(content: Vec<u8>, md5: Option<[u8; 16]>) -> impl Fn(&Request<bytes::Bytes>) -> Answer {
    move |request| {
        assert_eq!(request.method(), Method::GET);
        let range = request
            .headers()
            .get("x-ms-range")
            .or_else(|| request.headers().get("range"));
        let md5 =
            md5.map(|m| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, m));
        let mut response = Response::builder().header("etag", "\"1\"");
        let Some(range) = range else {
            response = response.header("content-length", content.len());
            if let Some(md5) = md5 {
                response = response.header("content-md5", md5);
            }
            return Ok(response.body(content.clone().into()).unwrap());
        };
        let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let start: usize = start.parse().unwrap();
        if start >= content.len() {
            return refuse(416, "InvalidRange");
        }
        let end = (end.parse::<usize>().unwrap() + 1).min(content.len());
        if let Some(md5) = md5 {
            response = response.header("x-ms-blob-content-md5", md5);
        }
        let part = content[start..end].to_vec();
        Ok(response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(
                "content-range",
                format!("bytes {start}-{}/{}", end - 1, content.len()),
            )
            .header("content-length", part.len())
            .body(part.into())
            .unwrap())
    }
}

#[tokio::test]
async fn a_blob_becomes_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out ü.txt");
    for length in [0, 10, 4 * MIB, 9 * MIB + 7] {
        let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        let sum = md5(&content);
        for kept in [Some(sum), None] {
            let served = serve(content.clone(), kept);
            let canned = Canned::new(move |request, before| match before {
                // The connection breaks once on the way.
                1 => Err(TransportError::new(TransportErrorKind::Broken)),
                _ => served(request),
            });
            let blob = canned.client().blob;
            let done = blob.download_file("out", "b", &to, 9).await.unwrap();
            assert_eq!((done.length, done.md5), (length as u64, sum));
            let sha256: [u8; 32] = sha2::Sha256::digest(&content).into();
            assert_eq!(done.sha256, sha256);
            assert!(std::fs::read(&to).unwrap() == content, "{length}");
            for later in canned.seen().iter().skip(1).filter(|_| length > 4 * MIB) {
                assert_eq!(later.headers()["if-match"], "\"1\"");
            }
            let read = blob.read_small("out", "b", length as u64).await.unwrap();
            assert!(read.unwrap() == content);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_download_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out.txt");
    std::fs::write(&to, "before").unwrap();
    let wrong = serve(b"content".to_vec(), Some(md5(b"other")));
    let truncated = serve(vec![b'x'; 5 * MIB], None);
    let changed = serve(vec![b'x'; 5 * MIB], None);
    type Answers = Box<dyn Fn(&Request<bytes::Bytes>, usize) -> Answer + Send + Sync>;
    let cases: Vec<(&str, Answers)> = vec![
        ("wrong MD5", Box::new(move |r, _| wrong(r))),
        (
            "a part is short",
            Box::new(move |r, before| {
                truncated(r).map(|whole| match before {
                    0 => whole,
                    _ => whole.map(|body| body.slice(..9)),
                })
            }),
        ),
        (
            "another blob in between",
            Box::new(move |r, before| match before {
                0 => changed(r),
                _ => refuse(412, "ConditionNotMet"),
            }),
        ),
        ("no such blob", Box::new(|_, _| refuse(404, "BlobNotFound"))),
    ];
    for (what, answers) in cases {
        let canned = Canned::new(answers);
        let result = canned.client().blob.download_file("out", "b", &to, 9).await;
        assert!(result.is_err(), "{what}");
        assert_eq!(std::fs::read(&to).unwrap(), b"before", "{what}");
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "{what}");
    }
    let nowhere = folder.path().join("missing/out.txt");
    let served = serve(b"x".to_vec(), None);
    let canned = Canned::new(move |r, _| served(r));
    let blob = canned.client().blob;
    let error = blob.download_file("out", "b", &nowhere, 9).await;
    let error = error.unwrap_err();
    assert!(matches!(error.failure(), Failure::File { .. }), "{error}");
}
