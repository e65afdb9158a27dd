//! One request until it has an answer: date it, sign it, send it, and send it again as the policy says.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};

use super::pace::Pace;
use super::retry::{self, Outcome, RetryPolicy};
use super::tokens::Tokens;
use super::transport::{Transport, TransportError, TransportErrorKind, Tried};
use crate::clock;
use crate::wire::auth::{self, AccountKey, Scheme};
use crate::wire::secret::Secret;
use crate::wire::time::Time;

/// On an answer that says no to the last of several tries, for [`Refused`](super::refused::Refused): how often and
/// for how many seconds it was tried. The vendor's library hands headers through, and nothing else.
pub(super) const TRIED: HeaderName = HeaderName::from_static("batchflow-tried");

/// What is shown with each request.
#[derive(Debug, Clone)]
pub(super) enum Pass {
    Key(AccountKey),
    /// A query.
    Sas(Secret),
    Tokens(Tokens),
}

/// What it takes to have a request of one account answered.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) scheme: Scheme,
    pub(super) account: String,
    pub(super) pass: Pass,
    pub(super) retry: RetryPolicy,
    pub(super) pace: Pace,
}

impl Exchange {
    /// The last answer, whatever its status, or why there is none.
    pub(super) async fn send(
        &self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let start = clock::monotonic();
        let mut tries_made = 0;
        loop {
            let turn = self.pace.turn().await;
            let result = match self.signed(request.clone()).await {
                Ok(signed) => {
                    tracing::info!(method = %signed.method(), path = signed.uri().path(), "sending");
                    self.transport.send(signed).await
                }
                Err(error) => Err(error),
            };
            tries_made += 1;
            let outcome = outcome(&result);
            let received = result.as_ref().map_or(0, |r| r.body().len());
            turn.end(outcome, (request.body().len() + received) as u64);
            let elapsed = start.elapsed();
            match self
                .retry
                .wait(tries_made, elapsed, outcome, retry::jitter())
            {
                None if tries_made > 1 => {
                    return mark(
                        result,
                        Tried {
                            times: tries_made,
                            within: elapsed,
                        },
                    );
                }
                None => return result,
                Some(wait) => {
                    tracing::debug!(
                        method = %request.method(), path = request.uri().path(),
                        ?outcome, ?wait, tries_made, "sending again"
                    );
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Each try has its own date: an old one would be refused.
    async fn signed(&self, mut request: Request<Bytes>) -> Result<Request<Bytes>, TransportError> {
        let date = Time::from(clock::now()).to_rfc1123();
        let date_header = HeaderName::from_static(self.scheme.date_header());
        request.headers_mut().insert(date_header, value(&date)?);
        let bare =
            request.body().is_empty() && matches!(request.method(), &Method::GET | &Method::HEAD);
        if !bare {
            let length = HeaderValue::from(request.body().len());
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let authorization = match &self.pass {
            Pass::Key(key) => self.signature(key, &request)?,
            Pass::Tokens(tokens) => format!("Bearer {}", tokens.bearer().await?.expose()),
            Pass::Sas(sas) => {
                *request.uri_mut() = with_query(request.uri(), sas)?;
                return Ok(request);
            }
        };
        let mut authorization = value(&authorization)?;
        authorization.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, authorization);
        Ok(request)
    }

    fn signature(
        &self,
        key: &AccountKey,
        request: &Request<Bytes>,
    ) -> Result<String, TransportError> {
        let mut view = auth::Request::new(
            request.method().as_str(),
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
        );
        for (name, value) in request.headers() {
            let text = value
                .to_str()
                .map_err(|e| TransportError::caused_by(TransportErrorKind::Unsendable, &e))?;
            view = view.header(name.as_str(), text);
        }
        Ok(auth::authorization(self.scheme, &self.account, key, &view))
    }
}

fn with_query(uri: &Uri, query: &Secret) -> Result<Uri, TransportError> {
    let sign = if uri.query().is_some() { '&' } else { '?' };
    let whole = format!("{uri}{sign}{}", query.expose());
    // The cause could show the signature.
    whole
        .parse()
        .map_err(|_| TransportError::new(TransportErrorKind::Unsendable))
}

/// Notes what was tried on a last result that is no better than those before.
fn mark(
    mut result: Result<Response<Bytes>, TransportError>,
    tried: Tried,
) -> Result<Response<Bytes>, TransportError> {
    match &mut result {
        Ok(response) if !response.status().is_success() => {
            let text = format!("{} {}", tried.times, tried.within.as_secs());
            response.headers_mut().insert(TRIED, value(&text)?);
        }
        Ok(_) => {}
        Err(error) => error.tried = Some(tried),
    }
    result
}

fn value(text: &str) -> Result<HeaderValue, TransportError> {
    HeaderValue::from_str(text)
        .map_err(|e| TransportError::caused_by(TransportErrorKind::Unsendable, &e))
}

fn outcome(result: &Result<Response<Bytes>, TransportError>) -> Outcome {
    match result {
        Ok(response) => Outcome::Answer {
            status: response.status().as_u16(),
            retry_after: retry::retry_after(response.headers(), clock::now().into()),
        },
        Err(error) => Outcome::NoAnswer(error.kind),
    }
}
