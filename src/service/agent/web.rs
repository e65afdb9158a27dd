//! Requests to blob storage and the web: sent again while that may help, never printed with their signatures.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, Request, Response, StatusCode, Url};

use super::failure::chain;
use super::own_storage::{OwnStorage, Unsendable};

/// The version of the Blob protocol the node speaks. With a shared access signature it only names the form
/// of answers.
const BLOB_VERSION: &str = "2021-12-02";

/// The node's way to the web.
#[derive(Debug, Clone)]
pub(super) struct Web {
    /// Loopback is never reached through a proxy.
    direct: Client,
    proxied: Client,
    own: OnceLock<OwnStorage>,
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum WebError {
    #[error("the server answered {status}{}", .code.as_deref().map(|c| format!(" {c}")).unwrap_or_default())]
    Status {
        status: StatusCode,
        /// `x-ms-error-code`.
        code: Option<String>,
    },
    #[error("no complete answer in time")]
    TimedOut(#[source] reqwest::Error),
    #[error("no complete answer")]
    Connection(#[source] reqwest::Error),
    #[error("the request could not be made")]
    Request(#[source] reqwest::Error),
    #[error("the request could not be made")]
    Unsendable(#[source] Unsendable),
    #[error("the answer could not be kept")]
    Keep(#[source] std::io::Error),
}

impl WebError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 408 | 429)
            }
            Self::TimedOut(_) | Self::Connection(_) => true,
            Self::Request(_) | Self::Unsendable(_) | Self::Keep(_) => false,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    pub(super) fn line(&self) -> String {
        chain(self)
    }
}

impl From<reqwest::Error> for WebError {
    fn from(e: reqwest::Error) -> Self {
        // The URL may be signed.
        let e = e.without_url();
        if e.is_builder() || e.is_redirect() {
            Self::Request(e)
        } else if e.is_timeout() {
            Self::TimedOut(e)
        } else {
            Self::Connection(e)
        }
    }
}

impl Web {
    /// `trusted`: certificates (PEM) besides the system's.
    pub(super) fn new(trusted: Option<&[u8]>) -> Result<Self, WebError> {
        let trusted = match trusted {
            Some(pem) => Certificate::from_pem_bundle(pem)?,
            None => Vec::new(),
        };
        let builder = || {
            Client::builder()
                .user_agent(concat!("batchflow-node/", env!("CARGO_PKG_VERSION")))
                // A referer would carry the signature to wherever a redirect leads.
                .referer(false)
                .connect_timeout(Duration::from_secs(30))
                .read_timeout(Duration::from_secs(100))
                .tls_certs_merge(trusted.iter().cloned())
        };
        Ok(Self {
            direct: builder().no_proxy().build()?,
            proxied: builder().build()?,
            own: OnceLock::new(),
        })
    }

    /// What is at this storage's endpoint is asked of it from now on. The first one stands.
    pub(super) fn set_own(&self, own: OwnStorage) {
        let _ = self.own.set(own);
    }

    pub(super) fn client(&self, url: &Url) -> &Client {
        let host = url.host_str().unwrap_or_default();
        let loopback = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        if loopback {
            &self.direct
        } else {
            &self.proxied
        }
    }

    pub(super) fn blob_request(
        &self,
        method: reqwest::Method,
        url: Url,
    ) -> reqwest::RequestBuilder {
        self.client(&url)
            .request(method, url)
            .header("x-ms-version", BLOB_VERSION)
    }

    /// Sends and answers with what has a good status.
    pub(super) async fn send(&self, request: Request) -> Result<Response, WebError> {
        let response = match self.own.get().filter(|own| own.is_at(request.url())) {
            Some(own) => own.answer(request).await.map_err(WebError::Unsendable)?,
            None => self.client(request.url()).execute(request).await?,
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let code = response.headers().get("x-ms-error-code");
        let code = code.and_then(|c| c.to_str().ok()).map(str::to_owned);
        Err(WebError::Status { status, code })
    }
}

/// Pauses between attempts.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_millis(3200),
];

/// Does it again, a few times, while the trouble may pass.
pub(super) async fn retrying<T, F: Future<Output = Result<T, WebError>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, WebError> {
    for pause in PAUSES {
        match attempt().await {
            Err(error) if error.may_pass() => tokio::time::sleep(pause).await,
            other => return other,
        }
    }
    attempt().await
}
