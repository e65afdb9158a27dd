//! A blob server that keeps what it is sent and remembers every request. Only `sig=good` may come in.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

#[derive(Default)]
pub(super) struct Kept {
    /// By path, `/acct/c/b`, decoded.
    pub(super) blobs: BTreeMap<String, Bytes>,
    blocks: HashMap<(String, String), Bytes>,
    pub(super) requests: Vec<Recorded>,
    /// How often a path is answered with 503 before it works.
    pub(super) troubles: HashMap<String, u32>,
}

pub(super) struct Recorded {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
}

pub(super) struct Blobs {
    /// `http://127.0.0.1:port/acct`.
    pub(super) endpoint: String,
    kept: Arc<Mutex<Kept>>,
}

impl Blobs {
    pub(super) async fn start() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let router = axum::Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(kept.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/acct", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, kept }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub(super) fn put(&self, path: &str, content: &str) {
        let content = Bytes::copy_from_slice(content.as_bytes());
        self.kept().blobs.insert(format!("/acct/{path}"), content);
    }

    pub(super) fn get(&self, path: &str) -> Option<Bytes> {
        self.kept().blobs.get(&format!("/acct/{path}")).cloned()
    }

    /// The names of a container that are there, sorted.
    pub(super) fn names(&self, container: &str) -> Vec<String> {
        let prefix = format!("/acct/{container}/");
        let kept = self.kept();
        let names = kept.blobs.keys().filter_map(|k| k.strip_prefix(&prefix));
        names.map(str::to_owned).collect()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{path}?sv=1&sig=good", self.endpoint)
    }
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let path = decode(uri.path());
    let query = uri.query().unwrap_or_default().to_owned();
    let parameters: HashMap<String, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect();
    if path.contains("/stall/") {
        std::future::pending::<()>().await;
    }
    let mut kept = kept.lock().unwrap();
    kept.requests.push(Recorded {
        method: method.clone(),
        path: path.clone(),
        query,
        headers,
    });
    if let Some(left) = kept.troubles.get_mut(&path).filter(|left| **left > 0) {
        *left -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if parameters.get("sig").is_none_or(|sig| sig != "good") {
        let code = [("x-ms-error-code", "AuthenticationFailed")];
        return (StatusCode::FORBIDDEN, code).into_response();
    }
    if path.contains("/absent/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let operation = parameters.get("comp").map(String::as_str);
    match (method.as_str(), operation) {
        ("GET", Some("list")) => list(&kept, &path, &parameters).into_response(),
        ("GET", _) => match kept.blobs.get(&path) {
            Some(content) => content.clone().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        ("PUT", Some("block")) => {
            kept.blocks
                .insert((path, parameters["blockid"].clone()), body);
            StatusCode::CREATED.into_response()
        }
        ("PUT", Some("blocklist")) => {
            let text = String::from_utf8_lossy(&body);
            let ids = text.split("<Latest>").skip(1);
            let ids = ids
                .filter_map(|rest| rest.split_once('<'))
                .map(|(id, _)| id);
            let mut whole = Vec::new();
            for id in ids {
                whole.extend_from_slice(&kept.blocks[&(path.clone(), id.to_owned())]);
            }
            kept.blobs.insert(path, whole.into());
            StatusCode::CREATED.into_response()
        }
        ("PUT", None) => {
            kept.blobs.insert(path, body);
            StatusCode::CREATED.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Two names a page; the marker is the number of names given so far.
fn list(kept: &Kept, container: &str, parameters: &HashMap<String, String>) -> String {
    let below = format!("{container}/");
    let prefix = parameters.get("prefix").map_or("", String::as_str);
    let names: Vec<&str> = kept
        .blobs
        .keys()
        .filter_map(|k| k.strip_prefix(&below))
        .filter(|name| name.starts_with(prefix))
        .collect();
    let from = parameters.get("marker").map_or(0, |m| m.parse().unwrap());
    let mut xml = String::from("<EnumerationResults><Blobs>");
    for name in names.iter().skip(from).take(2) {
        let name = name.replace('&', "&amp;").replace('<', "&lt;");
        xml.push_str(&format!("<Blob><Name>{name}</Name></Blob>"));
    }
    xml.push_str("</Blobs>");
    if from + 2 < names.len() {
        xml.push_str(&format!("<NextMarker>{}</NextMarker>", from + 2));
    }
    xml.push_str("</EnumerationResults>");
    xml
}
