//! The one seam: every request to Batch and to Blob Storage passes through [`Transport::send`].

use std::error::Error as StdError;
use std::fmt::Debug;
use std::io;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tokio_rustls::rustls;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other end may be silent, before its answer and within it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest link we wait for: it gives a body of 4 MiB seven minutes to get out.
const SLOWEST_BYTES_PER_SECOND: u64 = 10_000;
/// No answer is meant to be longer; blobs are fetched in parts.
const LONGEST_ANSWER: usize = 256 * 1024 * 1024;

/// Sends one request and gives back the whole answer, whatever its status.
#[async_trait]
pub trait Transport: Send + Sync + Debug {
    /// # Errors
    /// When there is no complete answer.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// Why there is no answer. Says nothing of the URL, which may hold a signature.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}{}", in_vain(*.tried))]
pub struct TransportError {
    pub kind: TransportErrorKind,
    /// How often the request was sent in vain, when more than once.
    pub tried: Option<Tried>,
    #[source]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What was tried before giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    pub times: u32,
    pub within: Duration,
}

/// To be put behind what went wrong.
pub(super) fn in_vain(tried: Option<Tried>) -> String {
    tried.map_or_else(String::new, |t| {
        format!(", tried {} times in {} s", t.times, t.within.as_secs())
    })
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportErrorKind {
    #[error("no connection")]
    NoConnection,
    #[error("its certificate is not trusted")]
    Untrusted,
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection broke")]
    Broken,
    #[error("the answer is too long")]
    TooLong,
    #[error("the request is not well formed")]
    Unsendable,
    #[error("no token of Entra ID")]
    NotSignedIn,
}

impl TransportError {
    pub fn new(kind: TransportErrorKind) -> Self {
        Self {
            kind,
            tried: None,
            source: None,
        }
    }

    /// With a reason in words.
    pub fn told(kind: TransportErrorKind, reason: String) -> Self {
        Self {
            kind,
            tried: None,
            source: Some(Arc::new(RootCause(reason))),
        }
    }

    /// With the innermost cause; the layers of the HTTP library above it say nothing to a person.
    pub fn caused_by(kind: TransportErrorKind, error: &(dyn StdError + 'static)) -> Self {
        let mut root = error;
        while let Some(source) = root.source() {
            root = source;
        }
        Self {
            kind,
            tried: None,
            source: Some(Arc::new(RootCause(root.to_string()))),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct RootCause(String);

/// The real transport: one pool of connections.
#[derive(Debug, Clone)]
pub struct Reqwest {
    proxied: reqwest::Client,
    /// A proxy of the environment cannot reach this machine's own loopback.
    direct: reqwest::Client,
    /// How long the other end may be silent.
    idle: Duration,
}

impl Reqwest {
    /// # Errors
    /// When TLS or the proxies of the environment cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .user_agent(concat!("batchflow/", env!("CARGO_PKG_VERSION")))
                .tcp_nodelay(true)
                // A blob with Content-Encoding has to arrive as it is.
                .no_gzip()
                .no_deflate()
                .no_brotli()
                .no_zstd()
                .build()
                .map_err(|e| TransportError::caused_by(TransportErrorKind::Unsendable, &e))
        };
        Ok(Self {
            proxied: build(reqwest::Client::builder())?,
            direct: build(reqwest::Client::builder().no_proxy())?,
            idle: IDLE_TIMEOUT,
        })
    }

    /// The same with another idea of how long the other end may be silent.
    pub fn with_idle_timeout(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    fn client_for(&self, host: Option<&str>) -> &reqwest::Client {
        if host.is_some_and(is_loopback) {
            &self.direct
        } else {
            &self.proxied
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.to_ascii_lowercase().ends_with(".localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[async_trait]
impl Transport for Reqwest {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let client = self.client_for(request.uri().host());
        let upload = request.body().len() as u64 / SLOWEST_BYTES_PER_SECOND;
        let request = reqwest::Request::try_from(request).map_err(explain)?;
        let answered = client.execute(request);
        let mut response = in_time(self.idle + Duration::from_secs(upload), answered).await?;

        let mut head = Response::builder().status(response.status());
        if let Some(headers) = head.headers_mut() {
            *headers = std::mem::take(response.headers_mut());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = in_time(self.idle, response.chunk()).await? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(TransportError::new(TransportErrorKind::TooLong));
            }
            body.extend_from_slice(&chunk);
        }
        head.body(body.freeze())
            .map_err(|e| TransportError::caused_by(TransportErrorKind::Broken, &e))
    }
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = reqwest::Result<T>>,
) -> Result<T, TransportError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(explain),
        Err(_) => Err(TransportError::new(TransportErrorKind::TimedOut)),
    }
}

fn explain(error: reqwest::Error) -> TransportError {
    let kind = if error.is_timeout() {
        TransportErrorKind::TimedOut
    } else if error.is_connect() && is_untrusted(&error) {
        TransportErrorKind::Untrusted
    } else if error.is_connect() {
        TransportErrorKind::NoConnection
    } else if error.is_builder() {
        TransportErrorKind::Unsendable
    } else {
        TransportErrorKind::Broken
    };
    TransportError::caused_by(kind, &error.without_url())
}

/// Whether the other end showed a certificate that does not pass.
fn is_untrusted(error: &reqwest::Error) -> bool {
    let refused = |e: &(dyn StdError + 'static)| {
        matches!(
            e.downcast_ref::<rustls::Error>(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    };
    successors(error.source(), |e| cause(*e)).any(refused)
}

/// What is behind an error. An I/O error does not name what it carries as its source, and may carry another.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(carried) => Some(carried),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn loopback_hosts() {
        for host in [
            "127.0.0.1",
            "127.8.0.1",
            "[::1]",
            "localhost",
            "a.LOCALHOST",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "localhost.example", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_no_connection_and_the_url_stays_out_of_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let request = Request::get(format!("http://127.0.0.1:{port}/c?sig=secret"))
            .body(Bytes::new())
            .unwrap();
        let error = Reqwest::new().unwrap().send(request).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::NoConnection);
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("refused"), "{cause}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    /// What goes over the wire has to be what was signed: nothing more, nothing less.
    #[tokio::test]
    async fn headers_go_out_as_they_are() {
        for (method, length, sent) in [
            ("DELETE", Some("0"), "content-length: 0"),
            ("POST", Some("2"), "content-length: 2"),
            ("GET", None, ""),
        ] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let body = if method == "POST" { "{}" } else { "" };
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                let end = format!("\r\n\r\n{body}").into_bytes();
                while !request.ends_with(&end) {
                    assert!(stream.read_buf(&mut request).await.unwrap() > 0);
                }
                let answer = b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
                String::from_utf8(request).unwrap()
            });
            let mut request = Request::builder()
                .method(method)
                .uri(format!("http://{address}/a%2Fb%20c?x=%27y%27&sig=a%2Bb"));
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let request = request.body(Bytes::from(body)).unwrap();
            let answer = Reqwest::new().unwrap().send(request).await.unwrap();
            assert_eq!(answer.status(), 302, "redirects are not followed");
            assert_eq!(answer.body(), "ok");
            let request = server.await.unwrap();
            let line = format!("{method} /a%2Fb%20c?x=%27y%27&sig=a%2Bb HTTP/1.1\r\n");
            assert!(request.starts_with(&line), "{request}");
            let lengths: Vec<&str> = request
                .lines()
                .filter(|line| line.starts_with("content-length"))
                .collect();
            assert_eq!(lengths.join("|"), sent, "{request}");
            assert!(!request.contains("accept-encoding"), "{request}");
        }
    }
}
