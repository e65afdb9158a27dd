//! The service's own blob storage, asked without a connection: the same answers to the same signatures by the same
//! code. Nodes and storage of a local service are one process, which need not write to itself.

use axum::Router;
use axum::http::uri::PathAndQuery;
use axum::http::{Request, Response, Uri, header};
use http_body::Body as _;
use reqwest::{Body, Url};
use tower::ServiceExt;

/// Answers for one endpoint.
#[derive(Debug, Clone)]
pub(in crate::service) struct OwnStorage {
    endpoint: Url,
    router: Router,
}

/// A request that cannot be sent anywhere.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum Unsendable {
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    #[error(transparent)]
    Form(#[from] axum::http::Error),
}

impl OwnStorage {
    /// `endpoint`: where the router is served. None when it is no URL.
    pub(in crate::service) fn new(endpoint: &str, router: Router) -> Option<Self> {
        let endpoint = Url::parse(endpoint).ok()?;
        Some(Self { endpoint, router })
    }

    pub(super) fn is_at(&self, url: &Url) -> bool {
        let place = |url: &Url| (url.port_or_known_default(), url.scheme() == "https");
        url.host() == self.endpoint.host() && place(url) == place(&self.endpoint)
    }

    pub(super) async fn answer(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, Unsendable> {
        let request = as_received(request)?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = Body::wrap_stream(body.into_data_stream());
        Ok(Response::from_parts(parts, body).into())
    }
}

/// As it would come out of a connection: the path alone, with the host and the length as headers.
fn as_received(request: reqwest::Request) -> Result<Request<Body>, Unsendable> {
    let mut request = Request::<Body>::try_from(request)?;
    let path = request.uri().path_and_query().cloned();
    if let Some(host) = request.uri().authority().map(|a| a.as_str().to_owned()) {
        let host = host.try_into().map_err(axum::http::Error::from)?;
        request.headers_mut().insert(header::HOST, host);
    }
    *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    if let Some(length) = request.body().size_hint().exact() {
        request
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(request)
}
