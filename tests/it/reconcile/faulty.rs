//! A transport that fails requests as told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use batchflow::client::{
    Account, Client, Credential, Reqwest, RetryPolicy, ServiceAccount, Transport, TransportError,
    TransportErrorKind,
};
use batchflow::service::Service;
use batchflow::wire::auth::AccountKey;
use bytes::Bytes;
use http::{Request, Response};
use tokio::io::AsyncWriteExt;

/// How often a request is sent before the client gives up.
const TRIES: u32 = 3;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    LostRequest,
    LostAnswer,
    Throttled,
    Unavailable,
    /// The connection breaks in the middle of the request's body, or of the answer's.
    Reset,
    /// The request has its effect, the answer never comes.
    Stall,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::LostRequest,
        Self::LostAnswer,
        Self::Throttled,
        Self::Unavailable,
        Self::Reset,
        Self::Stall,
    ];
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// The next try is answered.
    Once,
    /// Every try of this request; others are answered.
    Request,
    /// Nothing is answered from here on.
    Rest,
}

impl Span {
    pub(super) const ALL: [Self; 3] = [Self::Once, Self::Request, Self::Rest];
}

/// The n-th request of its name, counted from 0.
pub(super) type Place = (String, usize);

#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) at: Place,
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Faulty {
    inner: Reqwest,
    /// What is replaced in names, so that those of different cases are the same.
    prefix: String,
    fault: Option<Fault>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    places: Vec<Place>,
    counts: HashMap<String, usize>,
    struck: bool,
}

impl Faulty {
    pub(super) fn new(prefix: &str, fault: Option<Fault>) -> Arc<Self> {
        Arc::new(Self {
            inner: Reqwest::new().unwrap(),
            prefix: prefix.to_owned(),
            fault,
            seen: Mutex::default(),
        })
    }

    /// A client of the service whose requests go through this transport, and which waits for nothing.
    pub(super) fn client(self: &Arc<Self>, service: &Service) -> Client {
        let account = |endpoint: &str| ServiceAccount {
            name: service.account().to_owned(),
            credential: Credential::Key(AccountKey::from_base64(service.key().expose()).unwrap()),
            endpoint: endpoint.parse().unwrap(),
        };
        let account = Account {
            batch: account(service.batch_endpoint()),
            storage: account(service.blob_endpoint()),
        };
        let retry = RetryPolicy {
            tries: TRIES,
            base: Duration::ZERO,
            ..RetryPolicy::default()
        };
        Client::with_retry(&account, self.clone(), retry).unwrap()
    }

    /// The requests so far.
    pub(super) fn places(&self) -> Vec<Place> {
        self.seen.lock().unwrap().places.clone()
    }

    /// Whether the fault has happened.
    pub(super) fn struck(&self) -> bool {
        self.seen.lock().unwrap().struck
    }

    /// Takes note of a request; answers with what happens to it.
    fn fate(&self, request: &Request<Bytes>) -> Option<Kind> {
        let mut seen = self.seen.lock().unwrap();
        let name = self.name(request);
        let count = seen.counts.entry(name.clone()).or_default();
        let place = (name, *count);
        *count += 1;
        seen.places.push(place.clone());
        let fault = self.fault.as_ref()?;
        let strikes = match fault.span {
            Span::Once => place == fault.at,
            Span::Request => {
                let tries = fault.at.1..fault.at.1 + TRIES as usize;
                place.0 == fault.at.0 && tries.contains(&place.1)
            }
            Span::Rest => seen.struck || place == fault.at,
        };
        seen.struck |= strikes;
        strikes.then_some(fault.kind)
    }

    /// What a request is about, without what differs from run to run.
    fn name(&self, request: &Request<Bytes>) -> String {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default().split('&');
        let kept: Vec<&str> = query
            .filter(|q| q.starts_with("comp=") || q.starts_with("restype="))
            .collect();
        let name = format!("{} {} {}", request.method(), uri.path(), kept.join("&"));
        name.replace(&self.prefix, "@").trim_end().to_owned()
    }
}

#[async_trait]
impl Transport for Faulty {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let fail = |kind| Err(TransportError::new(kind));
        let refuse = |status: u16, retry_after: Option<&str>| {
            let mut answer = Response::builder().status(status);
            if let Some(seconds) = retry_after {
                answer = answer.header("retry-after", seconds);
            }
            let body = r#"{"code":"ServerBusy","message":{"value":"busy"}}"#;
            Ok(answer.body(body.into()).unwrap())
        };
        match self.fate(&request) {
            None => self.inner.send(request).await,
            Some(Kind::LostRequest) => fail(TransportErrorKind::NoConnection),
            Some(Kind::Throttled) => refuse(429, Some("0")),
            Some(Kind::Unavailable) => refuse(503, None),
            Some(Kind::LostAnswer) => {
                self.inner.send(request).await?;
                fail(TransportErrorKind::Broken)
            }
            Some(Kind::Stall) => {
                self.inner.send(request).await?;
                fail(TransportErrorKind::TimedOut)
            }
            Some(Kind::Reset) if request.body().is_empty() => {
                self.inner.send(request).await?;
                fail(TransportErrorKind::Broken)
            }
            Some(Kind::Reset) => {
                send_half(&request).await;
                fail(TransportErrorKind::Broken)
            }
        }
    }
}

/// Everything but the second half of the body, and then the end of the connection.
async fn send_half(request: &Request<Bytes>) {
    let uri = request.uri();
    let authority = uri.authority().unwrap().as_str();
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {authority}\r\n",
        request.method(),
        uri.path_and_query().unwrap()
    );
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str("\r\n");
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let half = &request.body()[..request.body().len() / 2];
    stream.write_all(half).await.unwrap();
    stream.flush().await.unwrap();
}
