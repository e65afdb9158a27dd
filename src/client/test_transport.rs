//! A transport for tests: answers come from a function, every request has to be signed and is kept.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use super::transport::{Transport, TransportError};
use super::{Account, Client, Credential, RetryPolicy, ServiceAccount};
use crate::clock;
use crate::wire::auth::{self, AccountKey, Scheme};

type Answering = dyn Fn(&Request<Bytes>, usize) -> Answer + Send + Sync;
type Answer = Result<Response<Bytes>, TransportError>;

/// Answers by a function of the request and of how many came before it.
pub(super) struct Canned {
    answer: Box<Answering>,
    seen: Mutex<Vec<Request<Bytes>>>,
}

impl Canned {
    pub(super) fn new(
        answer: impl Fn(&Request<Bytes>, usize) -> Answer + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            seen: Mutex::default(),
        })
    }

    /// Gives these answers one after the other.
    pub(super) fn in_order(answers: Vec<Answer>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter());
        Self::new(move |request, _| {
            let next = answers.lock().unwrap().next();
            next.unwrap_or_else(|| panic!("one request too many: {request:?}"))
        })
    }

    pub(super) fn client(self: &Arc<Self>) -> Client {
        let account = |endpoint: &str| ServiceAccount {
            name: "acct".to_owned(),
            credential: Credential::Key(key()),
            endpoint: endpoint.parse().unwrap(),
        };
        let account = Account {
            batch: account("http://batch.test"),
            storage: account("http://blob.test/acct"),
        };
        let retry = RetryPolicy {
            base: Duration::ZERO,
            ..RetryPolicy::default()
        };
        Client::with_retry(&account, self.clone(), retry).unwrap()
    }

    /// The requests so far, as "VERB path?query".
    pub(super) fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let line = |r: &Request<Bytes>| {
            let target = r.uri().path_and_query().map_or("", |p| p.as_str());
            format!("{} {target}", r.method())
        };
        seen.iter().map(line).collect()
    }

    pub(super) fn seen(&self) -> Vec<Request<Bytes>> {
        self.seen.lock().unwrap().clone()
    }
}

impl fmt::Debug for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canned")
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: Request<Bytes>) -> Answer {
        check_signature(&request);
        let before = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        (self.answer)(&request, before)
    }
}

fn key() -> AccountKey {
    AccountKey::from_base64("a2V5").unwrap()
}

fn check_signature(request: &Request<Bytes>) {
    let scheme = match request.uri().host() {
        Some("batch.test") => Scheme::Batch,
        _ => Scheme::Blob,
    };
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let view = auth::Request::new(
        request.method().as_str(),
        request.uri().path(),
        request.uri().query().unwrap_or_default(),
    )
    .headers(headers);
    let verdict = auth::verify(scheme, "acct", &key(), &view, clock::now().into());
    assert_eq!(verdict, Ok(()), "{request:?}");
}

/// An answer with a body.
pub(super) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Ok(Response::builder()
        .status(status)
        .body(body.into())
        .unwrap())
}

/// A refusal of Batch.
pub(super) fn refuse(status: u16, code: &str) -> Answer {
    answer(status, format!(r#"{{"code":"{code}"}}"#))
}
