//! What our client sends is what azure-batch 15 sends for the same thing.
//!
//! The SDK goes first and is recorded; our client then sends the bodies of the record, read into our own types.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use batchflow::client::batch::ListOptions;
use batchflow::client::{Account, Batch, Client, Reqwest};
use batchflow::wire::batch::task::TaskCollection;
use batchflow::wire::{self, batch::job::JobUpdate};
use futures::TryStreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::peers::{self, Python, skip};

#[test]
fn our_requests_are_those_of_azure_batch_15() {
    let python = match Python::with("requirements-15.txt") {
        Ok(python) => python,
        Err(needs) => return skip("our_requests_are_those_of_azure_batch_15", &needs),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let recorder = runtime.block_on(Recorder::start());

    let mut script = python.script(&peers::folder().join("python/recorded/requests_of_15.py"));
    script.env("AZURE_BATCH_ENDPOINT", &recorder.endpoint);
    peers::run(&mut script, Duration::from_secs(60)).unwrap_or_else(|said| panic!("{said}"));
    let theirs = recorder.take();
    runtime.block_on(send_the_same(&client(&recorder.endpoint), &theirs));
    let ours = recorder.take();

    let lines = |requests: &[Recorded]| requests.iter().map(Recorded::line).collect::<Vec<_>>();
    assert_eq!(lines(&ours), lines(&theirs));
    assert_eq!(theirs.len(), 10);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!(ours == theirs, "ours: {ours:#?}\ntheirs: {theirs:#?}");
    }
}

async fn send_the_same(batch: &Batch, recorded: &[Recorded]) {
    let body = |path: &str| &recorded.iter().find(|r| r.path == path).unwrap().body;
    batch.create_pool(&read(body("/pools"))).await.unwrap();
    batch.create_job(&read(body("/jobs"))).await.unwrap();
    let tasks: TaskCollection = read(body("/jobs/j-1/addtaskcollection"));
    let added: Vec<_> = batch
        .add_tasks("j-1", tasks.value, 1)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(added.concat().len(), 3);
    let update: JobUpdate = read(body("/jobs/j-1"));
    batch
        .patch_job("j-1", &update, Some("0x8DB24CB604A1D00"))
        .await
        .unwrap();

    let options = ListOptions {
        page_size: Some(10),
        ..ListOptions::default().filter("startswith(id,'p-')")
    };
    let _: Vec<Value> = batch.list_pools(&options).try_collect().await.unwrap();
    let options = ListOptions {
        page_size: Some(500),
        ..ListOptions::default()
            .filter("state eq 'completed' and executionInfo/exitCode ne 0")
            .select("id,executionInfo")
    };
    let _: Vec<Value> = batch
        .list_tasks("j-1", &options)
        .try_collect()
        .await
        .unwrap();
    let _: Vec<_> = batch
        .list_task_files("j-1", "t-0", true)
        .try_collect()
        .await
        .unwrap();
    let path = "wd/sub dir/a+b.txt";
    batch
        .task_file("j-1", "t-0", path, Some(6..10))
        .await
        .unwrap();
    batch.reactivate_task("j-1", "t-0").await.unwrap();
    batch.delete_task("j-1", "t-0").await.unwrap();
}

fn read<T: DeserializeOwned>(body: &Value) -> T {
    serde_json::from_value(body.clone()).unwrap()
}

fn client(endpoint: &str) -> Batch {
    let variables = |name: &str| {
        Some(match name {
            "AZURE_BATCH_ACCOUNT" | "AZURE_STORAGE_ACCOUNT" => "acct".to_owned(),
            "AZURE_BATCH_ACCESS_KEY" | "AZURE_STORAGE_KEY" => "a2V5".to_owned(),
            "AZURE_BATCH_ENDPOINT" => endpoint.to_owned(),
            _ => return None,
        })
    };
    let found = Account::from_environment(&variables, &Default::default()).unwrap();
    let account = found.account;
    Client::new(&account, Arc::new(Reqwest::new().unwrap()))
        .unwrap()
        .batch
}

/// The part of a request that decides what the service does.
#[derive(Debug, Clone, PartialEq)]
struct Recorded {
    verb: String,
    /// Still encoded.
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Recorded {
    async fn of(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let query = parts.uri.query().unwrap_or_default();
        let query = reqwest::Url::parse(&format!("http://host/?{query}")).unwrap();
        let kept = ["content-type", "if-match", "ocp-range"];
        Self {
            verb: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: query.query_pairs().into_owned().collect(),
            headers: kept
                .iter()
                .filter_map(|name| {
                    let value = parts.headers.get(*name)?.to_str().unwrap();
                    // The SDK puts quotes around ETags, which the service returns without.
                    Some(((*name).to_owned(), value.trim_matches('"').to_owned()))
                })
                .collect(),
            body: if body.is_empty() {
                Value::Null
            } else {
                canonical("", serde_json::from_slice(&body).unwrap())
            },
        }
    }

    fn line(&self) -> String {
        format!("{} {}", self.verb, self.path)
    }

    fn answer(&self) -> Response<Body> {
        let json = |value: Value| Response::new(Body::from(value.to_string()));
        if self.path.ends_with("/addtaskcollection") {
            let tasks = self.body["value"].as_array().unwrap();
            let added = tasks
                .iter()
                .map(|t| json!({ "status": "Success", "taskId": t["id"] }));
            return json(json!({ "value": added.collect::<Vec<_>>() }));
        }
        match (self.verb.as_str(), self.path.contains("/files/")) {
            ("GET", true) => Response::new(Body::from("bytes")),
            ("GET", false) => json(json!({ "value": [] })),
            (verb, _) => {
                let mut response = Response::new(Body::empty());
                let success = match verb {
                    "POST" if self.path.ends_with("/reactivate") => 204,
                    "POST" => 201,
                    _ => 200,
                };
                *response.status_mut() = success.try_into().unwrap();
                response
            }
        }
    }
}

/// What may differ without a difference: the order of tasks in a collection, which the SDK turns round, the
/// zeros of its durations, and the case of values that the service itself returns capitalised.
fn canonical(name: &str, value: Value) -> Value {
    match value {
        Value::Object(properties) => properties
            .into_iter()
            .map(|(name, value)| (name.clone(), canonical(&name, value)))
            .collect(),
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(|v| canonical(name, v)).collect();
            if name == "value" {
                items.sort_by_key(|task| task["id"].to_string());
            }
            items.into()
        }
        Value::String(text) if matches!(name, "nodeFillType" | "uploadCondition") => {
            text.to_lowercase().into()
        }
        Value::String(text) if name.ends_with("Time") || name.ends_with("Timeout") => text
            .parse::<wire::time::Duration>()
            .map_or(text, |d| d.to_string())
            .into(),
        other => other,
    }
}

/// A server that writes down what it is asked.
struct Recorder {
    endpoint: String,
    recorded: Arc<Mutex<Vec<Recorded>>>,
}

impl Recorder {
    async fn start() -> Self {
        let recorded = Arc::<Mutex<Vec<Recorded>>>::default();
        let router = Router::new().fallback(record).with_state(recorded.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, recorded }
    }

    fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.recorded.lock().unwrap())
    }
}

async fn record(
    State(recorded): State<Arc<Mutex<Vec<Recorded>>>>,
    request: Request,
) -> Response<Body> {
    let request = Recorded::of(request).await;
    let answer = request.answer();
    recorded.lock().unwrap().push(request);
    answer
}
