//! Signs requests and sends them as they are told, right or wrong.

use batchflow::clock;
use batchflow::service::Service;
use batchflow::wire::auth::{AccountKey, Request, Scheme, authorization};
use batchflow::wire::time::Time;
use hyper::ext::ReasonPhrase;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;

pub(crate) const VERSION: &str = "2025-06-01";

/// One account, as a client knows it.
pub(crate) struct Caller {
    pub(crate) batch: String,
    pub(crate) blob: String,
    pub(crate) account: String,
    pub(crate) key: AccountKey,
    pub(crate) http: Client,
}

/// A request before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) verb: &'a str,
    /// Percent-encoded, as it shall stand on the wire.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'a str, String)>,
    /// Sent but not signed, or sent instead of what was signed.
    pub(crate) unsigned: Vec<(&'a str, String)>,
    pub(crate) sign: bool,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The rest of the status line.
    pub(crate) reason: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    /// The error code, from the body or, where there is none, from the header of Blob Storage.
    pub(crate) fn code(&self) -> String {
        let header = self.header("x-ms-error-code");
        if !header.is_empty() || self.text.is_empty() {
            return header.to_owned();
        }
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |v| v.to_str().unwrap_or_default())
    }

    /// A detail of an error.
    pub(crate) fn value(&self, key: &str) -> String {
        let body = self.json();
        let values = body["values"].as_array().cloned().unwrap_or_default();
        let found = values.iter().find(|v| v["key"] == key);
        found
            .and_then(|v| v["value"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Caller {
    pub(crate) fn of(service: &Service) -> Self {
        Self::new(
            service.batch_endpoint(),
            service.blob_endpoint(),
            service.account(),
            service.key().expose(),
            Client::new(),
        )
    }

    pub(crate) fn new(batch: &str, blob: &str, account: &str, key: &str, http: Client) -> Self {
        Self {
            batch: batch.to_owned(),
            blob: blob.to_owned(),
            account: account.to_owned(),
            key: AccountKey::from_base64(key).unwrap(),
            http,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Call::batch("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Call::batch("POST", path).json(&body)).await
    }

    /// The headers of a call as they go out, those that are left empty not at all.
    pub(crate) fn headers<'a>(&self, call: &Call<'a>) -> Vec<(&'a str, String)> {
        let mut headers = call.headers.clone();
        if !headers.iter().any(|(name, _)| name.ends_with("date")) {
            let date = Time::from(clock::now()).to_rfc1123();
            headers.push((call.scheme.date_header(), date));
        }
        if !matches!(call.verb, "GET" | "HEAD") || !call.body.is_empty() {
            headers.push(("content-length", call.body.len().to_string()));
        }
        let signed = headers.iter().map(|(n, v)| (*n, v.as_str()));
        let signed = Request::new(call.verb, &call.path, &call.query).headers(signed);
        if call.sign {
            let signature = authorization(call.scheme, &self.account, &self.key, &signed);
            headers.push(("authorization", signature));
        }
        headers.retain(|(name, _)| !call.unsigned.iter().any(|(n, _)| n == name));
        headers.extend(call.unsigned.clone());
        headers.retain(|(_, value)| !value.is_empty());
        headers
    }

    pub(crate) async fn send(&self, call: Call<'_>) -> Answer {
        let base = match call.scheme {
            Scheme::Batch => &self.batch,
            // The path names the account itself.
            Scheme::Blob => self.blob.rsplit_once('/').unwrap().0,
        };
        let headers = self.headers(&call);
        let url = format!("{base}{}", call.target());
        let method = Method::from_bytes(call.verb.as_bytes()).unwrap();
        let mut request = self.http.request(method, url).body(call.body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let said = response.extensions().get::<ReasonPhrase>();
        let said = said.map(|r| String::from_utf8_lossy(r.as_bytes()).into_owned());
        let usual = || response.status().canonical_reason().unwrap_or_default();
        Answer {
            status: response.status().as_u16(),
            reason: said.unwrap_or_else(|| usual().to_owned()),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }
}

impl<'a> Call<'a> {
    /// `path` with its query, to which the version is added.
    pub(crate) fn batch(verb: &'a str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut query = query.to_owned();
        if !query.contains("api-version") {
            let and = if query.is_empty() { "" } else { "&" };
            query = format!("api-version={VERSION}{and}{query}");
        }
        Self::raw(Scheme::Batch, verb, path, &query)
    }

    pub(crate) fn blob(verb: &'a str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Self::raw(Scheme::Blob, verb, path, query);
        call.header("x-ms-version", "2021-12-02")
    }

    pub(crate) fn raw(scheme: Scheme, verb: &'a str, path: &str, query: &str) -> Self {
        Self {
            scheme,
            verb,
            path: path.to_owned(),
            query: query.to_owned(),
            body: Vec::new(),
            headers: Vec::new(),
            unsigned: Vec::new(),
            sign: true,
        }
    }

    /// Path and query.
    pub(crate) fn target(&self) -> String {
        let and = if self.query.is_empty() { "" } else { "?" };
        format!("{}{and}{}", self.path, self.query)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub(crate) fn text(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self.header("content-type", "application/json; odata=minimalmetadata")
    }

    pub(crate) fn header(mut self, name: &'a str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn unsigned(mut self, name: &'a str, value: &str) -> Self {
        self.unsigned.push((name, value.to_owned()));
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.sign = false;
        self
    }
}
