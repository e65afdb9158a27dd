//! Our exchange as the HTTP client of the vendor's libraries, so that their requests take the same way as
//! ours: signed, repeated and sent in one place.

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::request::Body;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions,
    Transport, UserAgentOptions,
};
use bytes::Bytes;
use futures::AsyncReadExt;

use super::error::{ClientError, Failure};
use super::exchange::Exchange;
use super::refused::Refused;
use super::transport::{Transport as Way, TransportError, TransportErrorKind};

/// Options that make a client of the vendor use our exchange and leave repeating to it.
pub(super) fn client_options(exchange: Exchange) -> ClientOptions {
    ClientOptions {
        transport: Some(Transport::new(Arc::new(Port(exchange)))),
        retry: RetryOptions::none(),
        user_agent: UserAgentOptions {
            application_id: Some("batchflow".to_owned()),
        },
        ..ClientOptions::default()
    }
}

/// How often the vendor's library sends such a request again; a person waits for it.
const PLAIN_RETRIES: u32 = 3;

/// Options for requests that are sent as they are.
pub(super) fn plain_options(way: Arc<dyn Way>) -> ClientOptions {
    ClientOptions {
        transport: Some(Transport::new(Arc::new(Plain(way)))),
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: PLAIN_RETRIES,
            ..ExponentialRetryOptions::default()
        }),
        ..ClientOptions::default()
    }
}

#[derive(Debug)]
struct Plain(Arc<dyn Way>);

#[async_trait]
impl HttpClient for Plain {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let request = outward(request).await?;
        self.0.send(request).await.map(inward).map_err(wrap)
    }
}

#[derive(Debug)]
struct Port(Exchange);

#[async_trait]
impl HttpClient for Port {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let request = outward(request).await?;
        self.0.send(&request).await.map(inward).map_err(wrap)
    }
}

fn inward(response: http::Response<Bytes>) -> AsyncRawResponse {
    let (head, body) = response.into_parts();
    let mut headers = Headers::new();
    for (name, value) in &head.headers {
        if let Ok(value) = value.to_str() {
            headers.insert(HeaderName::from(name.as_str().to_owned()), value.to_owned());
        }
    }
    AsyncRawResponse::from_bytes(head.status.as_u16().into(), headers, body)
}

async fn outward(request: &Request) -> azure_core::Result<http::Request<Bytes>> {
    let unsendable = |error: &(dyn StdError + 'static)| {
        wrap(TransportError::caused_by(
            TransportErrorKind::Unsendable,
            error,
        ))
    };
    let body = match request.body() {
        Body::Bytes(bytes) => bytes.clone(),
        Body::SeekableStream(stream) => {
            let mut whole = Vec::new();
            stream.clone().read_to_end(&mut whole).await?;
            whole.into()
        }
    };
    let mut builder = http::Request::builder()
        .method(request.method().as_str())
        .uri(request.url().as_str());
    for (name, value) in request.headers().iter() {
        builder = builder.header(name.as_str(), value.as_str());
    }
    builder.body(body).map_err(|e| unsendable(&e))
}

fn wrap(error: TransportError) -> Error {
    let kind = match error.kind {
        TransportErrorKind::NoConnection | TransportErrorKind::Untrusted => ErrorKind::Connection,
        _ => ErrorKind::Io,
    };
    Error::new(kind, error)
}

/// What became of an attempt, from what the vendor's library says of it.
pub(super) fn client_error(attempt: String, endpoint: &str, error: Error) -> ClientError {
    let endpoint = endpoint.to_owned();
    let failure = if let Some(source) = transport_error(&error) {
        if source.kind == TransportErrorKind::Unsendable {
            Failure::Unsendable {
                reason: source
                    .source()
                    .map_or_else(|| source.to_string(), ToString::to_string),
            }
        } else {
            Failure::unanswered(endpoint, source)
        }
    } else if let Some(refused) = refused(&error) {
        Failure::Refused(refused)
    } else {
        Failure::Unreadable {
            endpoint,
            source: Box::new(error),
        }
    };
    ClientError::new(attempt, failure)
}

fn transport_error(error: &Error) -> Option<TransportError> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<TransportError>() {
            return Some(found.clone());
        }
        next = error.source();
    }
    None
}

fn refused(error: &Error) -> Option<Refused> {
    let ErrorKind::HttpResponse {
        raw_response: Some(raw),
        ..
    } = error.kind()
    else {
        return None;
    };
    let mut response = http::Response::new(Bytes::copy_from_slice(raw.body()));
    *response.status_mut() = http::StatusCode::from_u16(u16::from(raw.status())).ok()?;
    for (name, value) in raw.headers().iter() {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::from_bytes(name.as_str().as_bytes()),
            http::HeaderValue::from_str(value.as_str()),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    Some(Refused::new(&response))
}
