//! A server on a free port, a client that signs, and a look at what lies on disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};

use crate::clock;
use crate::service::core::effect::Effect;
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply, BlobStorage};
use crate::service::extents::Extents;
use crate::service::http::blob::{BlobPort, BlobState, router};
use crate::wire::auth::{AccountKey, Request, Scheme, authorization};
use crate::wire::sas::{Resource, Terms, service_sas};
use crate::wire::time::Time;

const KEY: &str = "a2V5IG9mIHRoZSB0ZXN0cw==";

struct LockedStorage {
    storage: Mutex<BlobStorage>,
    extents: Extents,
}

#[async_trait]
impl BlobPort for LockedStorage {
    async fn blob(&self, command: BlobCommand) -> Result<BlobReply, BlobRefusal> {
        let now = Time::from(clock::now());
        let mut effects = Vec::new();
        let mut storage = self.storage.lock().unwrap();
        let reply = storage.handle(command, now, &mut effects);
        for effect in effects {
            match effect {
                Effect::DeleteExtent(extent) => self.extents.delete(&extent).unwrap(),
                other => panic!("{other:?}"),
            }
        }
        reply
    }
}

pub(super) struct Server {
    pub(super) address: std::net::SocketAddr,
    home: tempfile::TempDir,
    port: Arc<LockedStorage>,
    client: reqwest::Client,
}

pub(super) fn key() -> AccountKey {
    AccountKey::from_base64(KEY).unwrap()
}

impl Server {
    pub(super) async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let extents = Extents::open_for_files(&home.path().join("extents"));
        let port = Arc::new(LockedStorage {
            storage: Mutex::default(),
            extents: extents.clone(),
        });
        let app = router(BlobState {
            account: "acct".to_owned(),
            key: key(),
            secure: false,
            extents,
            port: port.clone(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            home,
            port,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// `path` with its query, after the account.
    pub(super) fn request(&self, method: &str, path: &str) -> Sending<'_> {
        Sending {
            server: self,
            method: method.parse().unwrap(),
            target: format!("/acct{path}"),
            headers: vec![
                ("x-ms-version".into(), "2026-10-06".into()),
                ("x-ms-date".into(), Time::from(clock::now()).to_rfc1123()),
            ],
            body: None,
            signature: Signature::SharedKey(key()),
        }
    }

    /// Creates a container.
    pub(super) async fn container(&self, name: &str) {
        let path = format!("/{name}?restype=container");
        self.request("PUT", &path).send().await.expect(201);
    }

    /// Puts a blob.
    pub(super) async fn put(&self, path: &str, content: impl Into<Vec<u8>>) -> Answer {
        let put = self
            .request("PUT", path)
            .header("x-ms-blob-type", "BlockBlob");
        put.body(content).send().await.expect(201)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send().await.expect(200)
    }

    /// The query of a signature good for ten minutes.
    pub(super) fn sas(&self, resource: Resource<'_>, permissions: &str) -> String {
        let now = Time::from(clock::now());
        let terms = Terms {
            resource,
            permissions: permissions.parse().unwrap(),
            start: None,
            expiry: now.plus(crate::wire::time::Duration::from_secs(600)),
            https_only: false,
        };
        service_sas("acct", &key(), &terms).expose().to_owned()
    }

    pub(super) fn files(&self) -> usize {
        std::fs::read_dir(self.home.path().join("extents"))
            .unwrap()
            .count()
    }

    /// Waits until there are as many files as this.
    pub(super) async fn wait_for_files(&self, count: usize) {
        let reached = async {
            while self.files() != count {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), reached).await;
        assert!(waited.is_ok(), "{} files, not {count}", self.files());
    }

    /// Everything on disk is referred to, and the other way round.
    pub(super) async fn assert_tidy(&self) {
        let referenced = self.port.storage.lock().unwrap().extents().count();
        self.wait_for_files(referenced).await;
    }
}

pub(super) enum Signature {
    SharedKey(AccountKey),
    /// A query of its own.
    Sas(String),
    None,
}

pub(super) struct Sending<'a> {
    server: &'a Server,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    signature: Signature,
}

impl Sending<'_> {
    /// Adds a header, or replaces one of the two that every request has.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.into(), value.into()));
        }
        self
    }

    pub(super) fn body(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.body = Some(content.into());
        self
    }

    /// As a client that knows the account by its own host.
    pub(super) fn host_style(mut self) -> Self {
        let rest = self.target.strip_prefix("/acct").unwrap_or(&self.target);
        self.target = rest.to_owned();
        let port = self.server.address.port();
        self.header("host", &format!("acct.blob.localhost:{port}"))
    }

    pub(super) fn signed(mut self, signature: Signature) -> Self {
        self.signature = signature;
        self
    }

    pub(super) fn sas(self, query: &str) -> Self {
        self.signed(Signature::Sas(query.to_owned()))
    }

    pub(super) async fn start(self) -> reqwest::Response {
        let mut target = self.target;
        let mut headers = self.headers;
        match self.signature {
            Signature::None => {}
            Signature::Sas(query) => {
                target.push(if target.contains('?') { '&' } else { '?' });
                target.push_str(&query);
            }
            Signature::SharedKey(key) => {
                let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                let length = self.body.as_ref().map(|b| b.len().to_string());
                let request = Request::new(self.method.as_str(), path, query)
                    .headers(headers.iter().map(|(n, v)| (n, v)))
                    .headers(length.map(|l| ("content-length", l)));
                let signed = authorization(Scheme::Blob, "acct", &key, &request);
                headers.push(("authorization".into(), signed));
            }
        }
        let url = format!("http://{}{target}", self.server.address);
        let mut request = self.server.client.request(self.method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            // reqwest leaves it out for an empty body.
            request = request.header("content-length", body.len()).body(body);
        }
        request.send().await.unwrap()
    }

    pub(super) async fn send(self) -> Answer {
        let response = self.start().await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.bytes().await.unwrap().to_vec(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: reqwest::header::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        for name in ["x-ms-request-id", "x-ms-version", "date"] {
            assert!(self.headers.contains_key(name), "{name} is missing");
        }
        self
    }

    /// A refusal with this code in header and body.
    #[track_caller]
    pub(super) fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("x-ms-error-code"), code, "{}", answer.text());
        if !answer.body.is_empty() {
            let element = format!("<Code>{code}</Code>");
            assert!(answer.text().contains(&element), "{}", answer.text());
        }
        answer
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|v| v.to_str().unwrap());
        value.unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of each element of this name.
    pub(super) fn elements(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let text = self.text();
        let after = text.split(&open).skip(1);
        after
            .map(|rest| rest.split(&close).next().unwrap_or_default().to_owned())
            .collect()
    }
}
