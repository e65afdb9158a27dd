//! Blob Batch.

use super::harness::{Server, key};
use crate::clock;
use crate::wire::auth::{Request, Scheme, authorization};
use crate::wire::sas::Resource;
use crate::wire::time::Time;

/// A request of a batch, signed as the SDKs do.
fn signed(method: &str, target: &str) -> String {
    let date = Time::from(clock::now()).to_rfc1123();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request::new(method, path, query).header("x-ms-date", &date);
    let authorization = authorization(Scheme::Blob, "acct", &key(), &request);
    format!(
        "{method} {target} HTTP/1.1\r\nx-ms-date: {date}\r\nAuthorization: {authorization}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn body(requests: &[String]) -> String {
    let mut body = String::new();
    for (id, request) in requests.iter().enumerate() {
        body.push_str(&format!(
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {id}\r\n\r\n{request}\r\n"
        ));
    }
    body + "--b--\r\n"
}

async fn submit(server: &Server, path: &str, requests: &[String]) -> super::harness::Answer {
    let request = server
        .request("POST", path)
        .header("content-type", "multipart/mixed; boundary=b");
    request.body(body(requests)).send().await
}

const OF_IN1: &str = "/in1?restype=container&comp=batch";

#[tokio::test]
async fn each_request_has_its_answer() {
    let server = Server::start().await;
    server.container("in1").await;
    server.container("in2").await;
    for path in ["/in1/a", "/in1/b%20c", "/in1/d", "/in2/a"] {
        server.put(path, "abc").await;
    }
    let sas = server.sas(Resource::Container("in1"), "d");
    let reader = server.sas(Resource::Container("in1"), "r");
    let requests = [
        signed("DELETE", "/acct/in1/a"),
        format!("DELETE /acct/in1/b%20c?{sas} HTTP/1.1\r\n\r\n"),
        signed("DELETE", "/acct/in1/none"),
        format!("DELETE /acct/in1/d?{reader} HTTP/1.1\r\n\r\n"),
        "DELETE /acct/in1/d HTTP/1.1\r\n\r\n".to_owned(),
        signed("DELETE", "/acct/in2/a"),
        signed("GET", "/acct/in1/d"),
        signed("PUT", "/acct/in1/d?comp=tier"),
    ];
    let answer = submit(&server, OF_IN1, &requests).await.expect(202);
    let kind = answer.header("content-type");
    assert!(
        kind.starts_with("multipart/mixed; boundary=batchresponse_"),
        "{kind}"
    );
    let text = answer.text();
    let statuses: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3))
        .collect();
    assert_eq!(
        statuses,
        ["202", "202", "404", "403", "401", "400", "501", "501"],
        "{text}"
    );
    for id in 0..requests.len() {
        assert!(text.contains(&format!("Content-ID: {id}\r\n")), "{text}");
    }
    assert!(text.contains("<Code>BlobNotFound</Code>"), "{text}");
    assert!(!text.contains("sig="), "{text}");
    let whole = submit(&server, "/?comp=batch", &[signed("DELETE", "/acct/in2/a")]).await;
    assert!(whole.expect(202).text().contains("HTTP/1.1 202 Accepted"));
    assert_eq!(server.get("/in1/d").await.text(), "abc");
    server.wait_for_files(1).await;
}

#[tokio::test]
async fn what_is_no_batch() {
    let server = Server::start().await;
    server.container("in1").await;
    let one = signed("DELETE", "/acct/in1/a");
    let many = vec![one.clone(); 257];
    submit(&server, OF_IN1, &many)
        .await
        .refused(400, "InvalidInput");
    submit(&server, OF_IN1, &[])
        .await
        .refused(400, "InvalidInput");
    submit(&server, OF_IN1, &["DELETE nowhere\r\n".into()])
        .await
        .refused(400, "InvalidInput");
    for (kind, text, code) in [
        (
            "multipart/mixed",
            body(std::slice::from_ref(&one)),
            "InvalidHeaderValue",
        ),
        ("multipart/mixed; boundary=c", body(&[one]), "InvalidInput"),
    ] {
        let request = server.request("POST", OF_IN1).header("content-type", kind);
        request.body(text).send().await.refused(400, code);
    }
}
