//! Writing answers.

use axum::body::Body;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::service::core::storage::{BlobRefusal, Lease, Metadata, Properties, etag, shown};
use crate::wire::blob::error::Code;
use crate::wire::time::Time;

/// For requests that do not say which version they speak.
const DEFAULT_VERSION: &str = "2021-12-02";

pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}

pub(super) fn xml(status: u16, document: String) -> Response {
    let mut response = empty(status);
    *response.body_mut() = Body::from(document);
    set(&mut response, "content-type", "application/xml");
    response
}

/// Sets a header. A value that HTTP cannot carry is left out; none that came over HTTP is such a one.
pub(super) fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, value);
    }
}

pub(super) fn set_metadata(response: &mut Response, metadata: &Metadata) {
    for (name, value) in metadata {
        let name = HeaderName::try_from(format!("x-ms-meta-{name}"));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// ETag and Last-Modified.
pub(super) fn set_modified(response: &mut Response, modified: Time) {
    set(response, "etag", &etag(modified));
    set(response, "last-modified", &modified.to_rfc1123());
}

pub(super) fn set_lease(response: &mut Response, lease: Option<&Lease>, now: Time) {
    let lease = shown(lease, now);
    set(response, "x-ms-lease-status", lease.state.status());
    set(response, "x-ms-lease-state", lease.state.as_str());
    if let Some(duration) = lease.duration {
        set(response, "x-ms-lease-duration", duration);
    }
}

/// An answer to a change.
pub(super) fn written(status: u16, modified: Time) -> Response {
    let mut response = empty(status);
    set_modified(&mut response, modified);
    set(&mut response, "x-ms-request-server-encrypted", "true");
    response
}

/// Everything about a blob but its length and what depends on the range.
pub(super) fn set_properties(response: &mut Response, properties: &Properties, now: Time) {
    set_modified(response, properties.modified);
    set_lease(response, properties.lease.as_ref(), now);
    set_metadata(response, &properties.metadata);
    if let Some(copy) = &properties.copy {
        set(response, "x-ms-copy-id", &copy.id);
        set(response, "x-ms-copy-source", &copy.source);
        set(response, "x-ms-copy-status", "success");
        let progress = format!("{0}/{0}", properties.length);
        set(response, "x-ms-copy-progress", &progress);
        let completed = copy.completed.to_rfc1123();
        set(response, "x-ms-copy-completion-time", &completed);
    }
    let created = properties.created.to_rfc1123();
    let headers = &properties.headers;
    let content_type = headers.content_type.as_deref();
    for (name, value) in [
        (
            "content-type",
            Some(content_type.unwrap_or("application/octet-stream")),
        ),
        ("content-encoding", headers.content_encoding.as_deref()),
        ("content-language", headers.content_language.as_deref()),
        (
            "content-disposition",
            headers.content_disposition.as_deref(),
        ),
        ("cache-control", headers.cache_control.as_deref()),
        ("accept-ranges", Some("bytes")),
        ("x-ms-blob-type", Some("BlockBlob")),
        ("x-ms-creation-time", Some(&created)),
        ("x-ms-server-encrypted", Some("true")),
        ("x-ms-access-tier", Some("Hot")),
        ("x-ms-access-tier-inferred", Some("true")),
    ] {
        if let Some(value) = value {
            set(response, name, value);
        }
    }
}

/// The answer to a refused request.
pub(super) fn refusal(
    refusal: &BlobRefusal,
    method: &Method,
    request_id: &str,
    now: Time,
) -> Response {
    let status = refusal.code.status();
    let mut response = if *method == Method::HEAD || refusal.code == Code::NotModified {
        empty(status)
    } else {
        xml(status, refusal.to_xml(request_id, now))
    };
    let code = match refusal.code {
        Code::NotModified => Code::ConditionNotMet,
        code => code,
    };
    set(&mut response, "x-ms-error-code", code.as_str());
    let detail = |name| refusal.details.iter().find(|(n, _)| *n == name);
    match refusal.code {
        Code::NoAuthenticationInformation => {
            set(&mut response, "www-authenticate", "SharedKey");
        }
        Code::InvalidRange => {
            if let Some((_, length)) = detail("ContentLength") {
                set(&mut response, "content-range", &format!("bytes */{length}"));
            }
        }
        _ => {}
    }
    response
}

/// What every answer has.
pub(super) fn finish(response: &mut Response, parts: &Parts, request_id: &str) {
    let headers = response.headers_mut();
    let echoed = |name: &str, to: &'static str, headers: &mut HeaderMap| {
        if let Some(value) = parts.headers.get(name) {
            headers.insert(HeaderName::from_static(to), value.clone());
        }
    };
    headers.insert("x-ms-version", HeaderValue::from_static(DEFAULT_VERSION));
    echoed("x-ms-version", "x-ms-version", headers);
    echoed("x-ms-client-request-id", "x-ms-client-request-id", headers);
    headers.insert(header::SERVER, HeaderValue::from_static("batchflow-blob"));
    set(response, "x-ms-request-id", request_id);
}
