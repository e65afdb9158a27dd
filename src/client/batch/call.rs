//! One call of an operation: from the wire's table to a request, and from the answer to a type.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH};
use http::{Method, Request, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::error::{ClientError, Failure};
use super::super::refused::Refused;
use super::Batch;
use crate::wire::batch::operation::{API_VERSION, Operation};

const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const JSON: HeaderValue = HeaderValue::from_static("application/json; odata=minimalmetadata");
const ACCEPT_JSON: HeaderValue = HeaderValue::from_static("application/json");
const OCP_RANGE: HeaderName = HeaderName::from_static("ocp-range");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// A call being put together. Its errors come out when it is sent. It has no `Debug`: bodies hold signed URLs.
pub(super) struct Call<'a> {
    batch: &'a Batch,
    /// Verb and object, for errors.
    attempt: String,
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(HeaderName, Result<HeaderValue, String>)>,
    body: Result<Bytes, String>,
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    attempt: String,
    endpoint: String,
    response: Response<Bytes>,
}

impl Batch {
    /// Calls an operation on what its parameters name.
    pub(super) fn call(&self, operation: Operation, parameters: &[&str]) -> Call<'_> {
        let object = parameters.join("/");
        Call {
            batch: self,
            attempt: attempt(operation, &object),
            method: operation.spec().verb.as_str(),
            path: operation.path(parameters),
            query: format!("api-version={API_VERSION}"),
            headers: Vec::new(),
            body: Ok(Bytes::new()),
        }
    }

    /// Follows a link of an earlier answer as it is.
    pub(super) async fn follow(&self, attempt: &str, link: &str) -> Result<Answer, ClientError> {
        let url = Url::parse(link).ok();
        match url.filter(|url| self.endpoint().is_origin_of(url)) {
            Some(url) => {
                self.execute(attempt, Method::GET, url, Vec::new(), Bytes::new())
                    .await
            }
            // It would get our signature.
            None => Err(ClientError::new(
                attempt,
                Failure::Unreadable {
                    endpoint: self.endpoint().to_string(),
                    source: "the link to the next page leads elsewhere".into(),
                },
            )),
        }
    }

    async fn execute(
        &self,
        attempt: &str,
        method: Method,
        url: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let endpoint = self.endpoint().to_string();
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(|_| {
            ClientError::new(
                attempt,
                Failure::Unsendable {
                    reason: "the name does not fit into a URL".to_owned(),
                },
            )
        })?;
        request.headers_mut().insert(ACCEPT, ACCEPT_JSON);
        if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
            request.headers_mut().insert(CLIENT_REQUEST_ID, id);
        }
        request.headers_mut().extend(headers);
        match self.0.exchange.send(&request).await {
            Err(source) => Err(ClientError::new(
                attempt,
                Failure::unanswered(endpoint, source),
            )),
            Ok(response) if response.status().is_success() => Ok(Answer {
                attempt: attempt.to_owned(),
                endpoint,
                response,
            }),
            Ok(response) => Err(ClientError::new(
                attempt,
                Failure::Refused(Refused::new(&response)),
            )),
        }
    }
}

impl Call<'_> {
    /// Names the object where the path does not.
    pub(super) fn on(mut self, object: &str) -> Self {
        self.attempt = format!("{} `{object}`", self.attempt);
        self
    }

    /// In better words than those of the operation's name.
    pub(super) fn attempting(self, attempt: String) -> Self {
        Self { attempt, ..self }
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        let value = utf8_percent_encode(value, VALUE);
        self.query.push_str(&format!("&{name}={value}"));
        self
    }

    pub(super) fn optional_query(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Only if it still has this ETag.
    pub(super) fn if_match(self, etag: Option<&str>) -> Self {
        match etag {
            Some(etag) => self.header(IF_MATCH, etag),
            None => self,
        }
    }

    /// Bytes from the first to the one before the last.
    pub(super) fn range(self, range: Option<&std::ops::Range<u64>>) -> Self {
        match range {
            Some(range) => {
                let last = range.end.saturating_sub(1);
                self.header(OCP_RANGE, &format!("bytes={}-{last}", range.start))
            }
            None => self,
        }
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        let checked = HeaderValue::from_str(value)
            .map_err(|_| format!("`{}` cannot be the value of {name}", value.escape_debug()));
        self.headers.push((name, checked));
        self
    }

    pub(super) fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.json_bytes(bytes.into()),
            Err(error) => Self {
                body: Err(format!("the request has no JSON form: {error}")),
                ..self
            },
        }
    }

    /// A body that is JSON already.
    pub(super) fn json_bytes(mut self, body: Bytes) -> Self {
        self.headers.push((CONTENT_TYPE, Ok(JSON)));
        self.body = Ok(body);
        self
    }

    pub(super) async fn send(self) -> Result<Answer, ClientError> {
        let unsendable = |reason| ClientError::new(&*self.attempt, Failure::Unsendable { reason });
        let base = self.batch.endpoint();
        let base_path = base.url().path().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{}?{}", self.path, self.query)).ok();
        let url = url
            // A name such as `..` would turn the path into that of something else.
            .filter(|url| url.path() == format!("{base_path}{}", self.path))
            .ok_or_else(|| unsendable("the name does not fit into a URL".to_owned()))?;
        let method =
            Method::from_bytes(self.method.as_bytes()).map_err(|e| unsendable(e.to_string()))?;
        let body = self.body.clone().map_err(unsendable)?;
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), value.clone()?)))
            .collect::<Result<_, String>>()
            .map_err(unsendable)?;
        self.batch
            .execute(&self.attempt, method, url, headers, body)
            .await
    }

    /// None for what does not exist.
    pub(super) async fn find(self) -> Result<Option<Answer>, ClientError> {
        match self.send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes these error codes for success: what was asked for is so already.
    pub(super) async fn ensure(self, already: &[&str]) -> Result<(), ClientError> {
        match self.send().await {
            Ok(_) => Ok(()),
            Err(error) if already.iter().any(|code| error.is(code)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same for a deletion, where nothing to delete is success.
    pub(super) async fn ensure_gone(self, already: &[&str]) -> Result<(), ClientError> {
        match self.ensure(already).await {
            Err(error) if error.is_not_found() => Ok(()),
            result => result,
        }
    }

    pub(super) fn attempt(&self) -> &str {
        &self.attempt
    }
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let mut body = serde_json::Deserializer::from_slice(self.response.body());
        serde_path_to_error::deserialize(&mut body).map_err(|source| {
            ClientError::new(
                self.attempt,
                Failure::Unreadable {
                    endpoint: self.endpoint,
                    source: Box::new(source),
                },
            )
        })
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.response.into_body()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }
}

/// `GetTask` on `j/t` becomes "get task `j/t`".
fn attempt(operation: Operation, object: &str) -> String {
    let mut words = String::new();
    for c in operation.spec().name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    if object.is_empty() {
        words
    } else {
        format!("{words} `{object}`")
    }
}
