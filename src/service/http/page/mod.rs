//! The live page: pools, nodes, jobs and tasks in a browser. Static files at `/_batchflow/`, beside the Batch
//! service whose client the page is: it signs its requests as any other client does, with a key that is handed to it
//! in the fragment of its address, which no browser sends anywhere. Only the key that everybody may know is told here.
//! The page reads and changes nothing.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::json;

use crate::page::{TABLE, THEME};
use crate::service::development;

/// Where the page lies, below the Batch endpoint.
pub(in crate::service) const PATH: &str = "/_batchflow/";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JSON: &str = "application/json";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [(&str, &str, &str); 6] = [
    ("/_batchflow/", HTML, include_str!("live.html")),
    ("/_batchflow/theme.css", CSS, THEME),
    ("/_batchflow/live.css", CSS, include_str!("live.css")),
    ("/_batchflow/table.js", SCRIPT, TABLE),
    ("/_batchflow/batch.js", SCRIPT, include_str!("batch.js")),
    ("/_batchflow/live.js", SCRIPT, include_str!("live.js")),
];

/// The page loads nothing from elsewhere, is in no frame, sends no form, and runs no script but its own files.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
];

/// The page's files. `is_public`: the account has the development key, so the page need not ask for it.
pub(in crate::service) fn router(account: &str, is_public: bool) -> Router {
    let key = is_public.then_some(development::KEY);
    let account = json!({ "account": account, "key": key }).to_string();
    let about = move || async move { file(JSON, account) };
    let there = || async { Redirect::permanent(PATH) };
    let mut router = Router::new()
        .route("/_batchflow", get(there))
        .route("/_batchflow/account", get(about));
    for (path, kind, text) in FILES {
        router = router.route(path, get(move || async move { file(kind, text) }));
    }
    router
}

fn file(kind: &'static str, text: impl IntoResponse) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
