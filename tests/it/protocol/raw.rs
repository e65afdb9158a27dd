//! What no HTTP library sends: the bytes of a socket.

use std::time::Duration;

use batchflow::clock;
use batchflow::service::Service;
use batchflow::wire::auth::{AccountKey, Request, Scheme, authorization};
use batchflow::wire::time::Time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::local_service;

/// No answer takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

fn authority(service: &Service) -> String {
    service
        .batch_endpoint()
        .trim_start_matches("http://")
        .to_owned()
}

/// A signed head for `POST /jobs`, without the blank line at its end.
fn head(service: &Service, headers: &[(&str, &str)]) -> String {
    let key = AccountKey::from_base64(service.key().expose()).unwrap();
    let date = Time::from(clock::now()).to_rfc1123();
    let mut all = headers.to_vec();
    all.push(("ocp-date", &date));
    let query = "api-version=2025-06-01";
    let signed = Request::new("POST", "/jobs", query).headers(all.iter().copied());
    let signature = authorization(Scheme::Batch, service.account(), &key, &signed);
    let mut text = format!(
        "POST /jobs?{query} HTTP/1.1\r\nhost: {}\r\n",
        authority(service)
    );
    for (name, value) in all {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("authorization: {signature}\r\n"));
    text
}

/// Sends bytes and reads until `expected` has come or the other side hangs up.
async fn exchange(stream: &mut TcpStream, bytes: &[u8], expected: &str) -> String {
    let talk = async {
        // A server that has heard enough may close while we are still sending.
        let _ = stream.write_all(bytes).await;
        let mut answer = String::new();
        let mut part = [0; 4096];
        while !answer.contains(expected) {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(n) => answer.push_str(&String::from_utf8_lossy(&part[..n])),
            }
        }
        answer
    };
    tokio::time::timeout(PATIENCE, talk)
        .await
        .expect("an answer in time")
}

#[tokio::test]
async fn bodies_of_unsaid_and_excessive_length() {
    let service = local_service(None, false).await;
    let mut stream = TcpStream::connect(authority(&service)).await.unwrap();
    let kind = ("content-type", "application/json");
    let without = format!("{}\r\n", head(&service, &[kind]));
    let answer = exchange(&mut stream, without.as_bytes(), "Time:").await;
    assert!(answer.starts_with("HTTP/1.1 411"), "{answer}");
    assert!(answer.contains("MissingContentLengthHeader"), "{answer}");

    // The same connection takes the next request: one in chunks.
    let chunked = [kind, ("transfer-encoding", "chunked")];
    let body = "{\"id\": \"j\", \"poolInfo\": {\"poolId\": \"p\"}}";
    let text = format!(
        "{}\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        head(&service, &chunked),
        body.len()
    );
    let answer = exchange(&mut stream, text.as_bytes(), "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    // Too much, chunk by chunk: refused without a length to go by.
    let mut text = format!("{}\r\n", head(&service, &chunked));
    for _ in 0..40 {
        text.push_str(&format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024)));
    }
    text.push_str("0\r\n\r\n");
    let answer = exchange(&mut stream, text.as_bytes(), "MaxLimit").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    // Far too much is announced, and none of it waited for to the end.
    let mut stream = TcpStream::connect(authority(&service)).await.unwrap();
    let length = [kind, ("content-length", "100000000000")];
    let mut text = format!("{}\r\n", head(&service, &length)).into_bytes();
    text.resize(text.len() + 17 * 1024 * 1024, b' ');
    let answer = exchange(&mut stream, &text, "MaxLimit").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer}"
    );
    service.stop().await;
}

#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let service = local_service(None, false).await;
    for bytes in [
        &b"\x16\x03\x01\x00\x05hello\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /pools HTTP/9.9\r\n\r\n",
        b"GET /po ols HTTP/1.1\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut stream = TcpStream::connect(authority(&service)).await.unwrap();
        let answer = exchange(&mut stream, bytes, "\r\n\r\n").await;
        let refused = answer.starts_with("HTTP/1.1 4") || answer.is_empty();
        assert!(refused, "{:?}: {answer}", String::from_utf8_lossy(bytes));
    }
    let endless = format!(
        "GET /pools?{} HTTP/1.1\r\nhost: x\r\n\r\n",
        "a".repeat(1 << 20)
    );
    let mut stream = TcpStream::connect(authority(&service)).await.unwrap();
    let answer = exchange(&mut stream, endless.as_bytes(), "\r\n\r\n").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    // It still answers.
    let mut stream = TcpStream::connect(authority(&service)).await.unwrap();
    let anonymous = b"GET /pools HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = exchange(&mut stream, anonymous, "never").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    service.stop().await;
}
