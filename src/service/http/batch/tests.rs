//! Signed requests over a real socket, with a node agent that only pretends.

mod jobs;
mod nodes;

use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{BatchState, router};
use crate::clock;
use crate::service::core::Site;
use crate::service::core::effect::{Effect, Report, Role, RunEnd};
use crate::service::driver::{Cores, Driver, DriverHandle, Perform};
use crate::wire::auth::{AccountKey, Request, Scheme, authorization};
use crate::wire::time::Time;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const VERSION: &str = "api-version=2025-06-01";

struct Service {
    endpoint: String,
    http: reqwest::Client,
    driver: DriverHandle,
    _nodes: tempfile::TempDir,
}

/// Prepares nodes at once and ends every task with the exit code its command line names.
fn pretend(driver: DriverHandle, nodes_dir: PathBuf) -> Perform {
    let mut primary = None;
    Box::new(move |effect| match effect {
        Effect::PrepareNode(node) => {
            driver.report(Report::NodePrepared { node, error: None });
        }
        Effect::Launch(launch) => {
            let run = launch.run;
            let at: Time = clock::now().into();
            if let Role::Task { job, task } = &launch.role {
                let node = nodes_dir.join(&launch.node.pool).join(&launch.node.node);
                let folder = node.join("workitems").join(job).join("job-1").join(task);
                std::fs::create_dir_all(folder.join("wd/sub dir")).unwrap();
                std::fs::write(folder.join("stdout.txt"), "0123456789").unwrap();
                std::fs::write(folder.join("wd/sub dir/a+b.bin"), "inside").unwrap();
                let outside = nodes_dir.join("outside.txt");
                std::fs::write(&outside, "secret").unwrap();
                let _ = std::os::unix::fs::symlink(&outside, folder.join("wd/link"));
            }
            driver.report(Report::RunStarted { run, at });
            if launch.instance.is_some() {
                if launch.instance.is_some_and(|i| i.id == 0) {
                    primary = launch.command_line.parse().ok();
                }
                return driver.report(Report::RunCoordinated { run, at });
            }
            let end = RunEnd {
                at,
                exit_code: launch.command_line.parse().ok(),
                failure: None,
            };
            driver.report(Report::RunEnded { run, end });
        }
        Effect::Proceed(run) => {
            let end = RunEnd {
                at: clock::now().into(),
                exit_code: primary,
                failure: None,
            };
            driver.report(Report::RunEnded { run, end });
        }
        _ => {}
    })
}

async fn service() -> Service {
    let nodes = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let site = Site {
        account: "acct".to_owned(),
        batch_endpoint: endpoint.clone(),
        autoscale_interval: None,
    };
    let cores = Cores::restore(site.clone(), Vec::new()).unwrap();
    let driver = Driver::new(cores, None);
    let handle = driver.handle();
    let pretend = pretend(handle.clone(), nodes.path().to_owned());
    driver.start(pretend).unwrap();
    let key = AccountKey::from_base64(KEY).unwrap();
    let state = BatchState::new(site, key, handle.clone(), nodes.path().to_owned());
    tokio::spawn(async move { axum::serve(listener, router(state)).await });
    Service {
        endpoint,
        http: reqwest::Client::new(),
        driver: handle,
        _nodes: nodes,
    }
}

struct Answered {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Service {
    /// Sends a signed request; `path` with its query, the version added.
    async fn send(
        &self,
        verb: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answered {
        let text = body.map(|b| b.to_string()).unwrap_or_default();
        let query = match path.split_once('?') {
            Some((_, query)) => format!("{VERSION}&{query}"),
            None => VERSION.to_owned(),
        };
        let path = path.split('?').next().unwrap();
        self.send_raw(verb, path, &query, text, headers).await
    }

    async fn send_raw(
        &self,
        verb: &str,
        path: &str,
        query: &str,
        text: String,
        headers: &[(&str, &str)],
    ) -> Answered {
        let mut headers = headers.to_vec();
        let date = Time::from(clock::now()).to_rfc1123();
        headers.push(("ocp-date", &date));
        let length = text.len().to_string();
        if !matches!(verb, "GET" | "HEAD") {
            headers.push(("content-length", &length));
            headers.push(("content-type", "application/json; odata=minimalmetadata"));
        }
        let key = AccountKey::from_base64(KEY).unwrap();
        let signed = Request::new(verb, path, query).headers(headers.iter().copied());
        let signature = authorization(Scheme::Batch, "acct", &key, &signed);
        let url = format!("{}{path}?{query}", self.endpoint);
        let method = Method::from_bytes(verb.as_bytes()).unwrap();
        let mut request = self.http.request(method, url).body(text);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.header("authorization", signature).send();
        let response = response.await.unwrap();
        Answered {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Answered {
        self.send("GET", path, None, &[]).await
    }

    async fn post(&self, path: &str, body: Value) -> Answered {
        self.send("POST", path, Some(body), &[]).await
    }

    /// Asks until it is so: whatever is waited for is under way.
    async fn until(&self, path: &str, so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let value = self.get(path).await.json();
            if so(&value) {
                return value;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn with_job(&self) {
        let pool = json!({"id": "P", "vmSize": "x", "targetDedicatedNodes": "1",
            "virtualMachineConfiguration": {
                "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
                "nodeAgentSKUId": "batch.node.ubuntu 24.04"}});
        assert_eq!(self.post("/pools", pool).await.status, 201);
        let job = json!({"id": "J", "poolInfo": {"poolId": "P"}});
        assert_eq!(self.post("/jobs", job).await.status, 201);
    }
}

#[tokio::test]
async fn a_task_from_the_wire_and_back() {
    let s = service().await;
    s.with_job().await;
    let created = s
        .post("/jobs/J/tasks", json!({"id": "T", "commandLine": "3"}))
        .await;
    assert_eq!((created.status, created.text.as_str()), (201, ""));
    let url = format!("{}/jobs/J/tasks/T", s.endpoint);
    assert_eq!(
        (created.header("location"), created.header("dataserviceid")),
        (url.as_str(), url.as_str())
    );
    assert!(created.header("etag").starts_with("0x8"));
    let task = s
        .until("/jobs/j/tasks/t", |t| t["state"] == "completed")
        .await;
    assert_eq!(task["executionInfo"]["exitCode"], 3);
    assert_eq!(task["eTag"], created.header("etag"));
    assert_eq!(
        task["odata.metadata"],
        format!("{}/$metadata#tasks/@Element", s.endpoint)
    );
    let counts = s.get("/jobs/J/taskcounts").await.json();
    assert_eq!(counts["taskCounts"]["failed"], 1);
    assert_eq!(
        s.get("/nodecounts").await.json()["value"][0]["dedicated"]["total"],
        1
    );
}

#[tokio::test]
async fn files_of_a_task() {
    let s = service().await;
    s.with_job().await;
    s.post("/jobs/J/tasks", json!({"id": "T", "commandLine": "0"}))
        .await;
    s.until("/jobs/J/tasks/T", |t| t["state"] == "completed")
        .await;
    let names = |v: Value| -> Vec<String> {
        let list = v["value"].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|f| f["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(s.get("/jobs/J/tasks/T/files").await.json()),
        ["stdout.txt", "wd"]
    );
    let all = s.get("/jobs/J/tasks/T/files?recursive=true").await.json();
    assert_eq!(
        names(all.clone()),
        ["stdout.txt", "wd", "wd/sub dir", "wd/sub dir/a+b.bin"]
    );
    assert_eq!(all["value"][0]["properties"]["contentLength"], "10");
    let some = s
        .get("/jobs/J/tasks/T/files?recursive=true&$filter=startswith(name,'wd/')&maxresults=1")
        .await
        .json();
    assert_eq!(names(some.clone()), ["wd/sub dir"]);
    let next = some["odata.nextLink"]
        .as_str()
        .unwrap()
        .strip_prefix(&s.endpoint)
        .unwrap();
    let (path, query) = next.split_once('?').unwrap();
    let rest = s
        .send_raw("GET", path, query, String::new(), &[])
        .await
        .json();
    assert_eq!(names(rest.clone()), ["wd/sub dir/a+b.bin"]);
    assert!(rest.get("odata.nextLink").is_none());

    let file = "/jobs/J/tasks/T/files/stdout.txt";
    let whole = s.get(file).await;
    assert_eq!((whole.status, whole.text.as_str()), (200, "0123456789"));
    assert_eq!(whole.header("ocp-batch-file-isdirectory"), "False");
    assert!(whole.header("ocp-batch-file-mode").starts_with("0o100"));
    for (range, status, text) in [
        ("bytes=6-9", 200, "6789"),
        ("bytes=8-", 200, "89"),
        ("bytes=2-100", 200, "23456789"),
    ] {
        let part = s.send("GET", file, None, &[("ocp-range", range)]).await;
        assert_eq!((part.status, part.text.as_str()), (status, text), "{range}");
    }
    for (range, code) in [
        ("bytes=10-", "InvalidRange"),
        ("bytes=x", "InvalidHeaderValue"),
    ] {
        let refused = s.send("GET", file, None, &[("ocp-range", range)]).await;
        assert_eq!(refused.code(), code, "{range}");
    }
    let head = s.send("HEAD", file, None, &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, "10"));
    let spaces = s
        .get("/jobs/J/tasks/T/files/wd%2Fsub%20dir%2Fa%2Bb.bin")
        .await;
    assert_eq!(spaces.text, "inside");
    for outside in [
        "wd%2Flink",
        "..%2F..%2F..%2F..%2F..%2Foutside.txt",
        "%2Fetc%2Fpasswd",
        "nothing",
    ] {
        let refused = s.get(&format!("/jobs/J/tasks/T/files/{outside}")).await;
        assert_eq!(refused.code(), "FileNotFound", "{outside}");
    }
    let nodes = s.get("/pools/P/nodes").await.json();
    let node = nodes["value"][0]["id"].as_str().unwrap();
    let by_node = format!("/pools/P/nodes/{node}/files/workitems%2FJ%2Fjob-1%2FT%2Fstdout.txt");
    assert_eq!(s.get(&by_node).await.text, "0123456789");
}

#[tokio::test]
async fn lists_are_selected_filtered_and_paged() {
    let s = service().await;
    let job = json!({"id": "J", "poolInfo": {"poolId": "absent"}});
    s.post("/jobs", job).await;
    let tasks: Vec<Value> = (0..5)
        .map(|i| json!({"id": format!("t{i}"), "commandLine": "0"}))
        .collect();
    let added = s
        .post("/jobs/J/addtaskcollection", json!({"value": tasks}))
        .await
        .json();
    assert_eq!(added["value"][0]["status"], "Success");
    assert_eq!(
        added["value"][0]["location"],
        format!("{}/jobs/J/tasks/t0", s.endpoint)
    );
    let again = s
        .post("/jobs/J/addtaskcollection", json!({"value": [tasks[0]]}))
        .await
        .json();
    assert_eq!(again["value"][0]["status"], "ClientError");
    assert_eq!(again["value"][0]["error"]["code"], "TaskExists");
    let page = s
        .get("/jobs/J/tasks?$select=id%2Cstate&$filter=id%20ge%20'T1'&maxresults=3")
        .await
        .json();
    assert_eq!(page["value"][0], json!({"id": "t1", "state": "active"}));
    assert_eq!(page["value"].as_array().map(Vec::len), Some(3));
    assert!(
        page["odata.nextLink"]
            .as_str()
            .unwrap()
            .contains("$skiptoken=")
    );
}

#[tokio::test]
async fn refusals_by_status_and_code() {
    let s = service().await;
    s.with_job().await;
    for (verb, path, body, status, code) in [
        ("GET", "/pools/absent", None, 404, "PoolNotFound"),
        (
            "POST",
            "/pools",
            Some(json!({"id": "P"})),
            400,
            "MissingRequiredProperty",
        ),
        ("GET", "/nothing", None, 400, "InvalidUri"),
        ("PUT", "/pools/P", None, 405, "UnsupportedHttpVerb"),
        (
            "GET",
            "/pools?maxresults=0",
            None,
            400,
            "OutOfRangeQueryParameterValue",
        ),
        (
            "GET",
            "/pools?$filter=colour%20eq%201",
            None,
            400,
            "InvalidQueryParameterValue",
        ),
        (
            "GET",
            "/pools?colour=red",
            None,
            400,
            "UnsupportedQueryParameter",
        ),
        (
            "GET",
            "/jobs/J/tasks/none/subtasksinfo",
            None,
            404,
            "TaskNotFound",
        ),
        ("GET", "/applications/x", None, 404, "ApplicationNotFound"),
        (
            "GET",
            "/poolusagemetrics?startTime=yesterday",
            None,
            400,
            "InvalidQueryParameterValue",
        ),
        (
            "GET",
            "/poolusagemetrics?startTime=2026-01-02T00:00:00Z&endtime=2026-01-01T00:00:00Z",
            None,
            400,
            "InvalidQueryParameterValue",
        ),
        (
            "POST",
            "/pools/P/nodes/n/reboot",
            Some(json!({})),
            404,
            "NodeNotFound",
        ),
        (
            "POST",
            "/jobs/J/disable",
            Some(json!({})),
            400,
            "MissingRequiredProperty",
        ),
        (
            "POST",
            "/jobs",
            Some(json!({"id": "j", "poolInfo": {"poolId": "P"}})),
            409,
            "JobExists",
        ),
    ] {
        let answer = s.send(verb, path, body, &[]).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{verb} {path}"
        );
        let message = answer.json()["message"]["value"].to_string();
        assert!(
            message.contains("RequestId:") && message.contains("Time:"),
            "{message}"
        );
    }
    let large = json!({"value": [{"id": "t", "commandLine": "x".repeat(2 * 1024 * 1024)}]});
    let answer = s.post("/jobs/J/addtaskcollection", large).await;
    assert_eq!(
        (answer.status, answer.json()["values"][0]["value"].as_str()),
        (413, Some("1048576"))
    );
    assert_eq!(s.send("HEAD", "/pools/P", None, &[]).await.status, 200);
    let absent = s.send("HEAD", "/pools/absent", None, &[]).await;
    assert_eq!((absent.status, absent.text.as_str()), (404, ""));
}

#[tokio::test]
async fn conditions_and_request_ids() {
    let s = service().await;
    s.with_job().await;
    let echo = [
        ("client-request-id", "mine"),
        ("return-client-request-id", "true"),
    ];
    let pool = s.send("GET", "/pools/P", None, &echo).await;
    assert_eq!(pool.header("client-request-id"), "mine");
    assert!(!pool.header("request-id").is_empty());
    let etag = pool.header("etag").to_owned();
    let unchanged = s
        .send("GET", "/pools/P", None, &[("if-none-match", &etag)])
        .await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    let stale = s
        .send("DELETE", "/pools/P", None, &[("if-match", "0x1")])
        .await;
    assert_eq!(
        (stale.status, stale.code().as_str()),
        (412, "ConditionNotMet")
    );
    assert_eq!(
        s.send("DELETE", "/pools/P", None, &[("if-match", &etag)])
            .await
            .status,
        202
    );
    s.until("/pools/P", |v| v["code"] == "PoolNotFound").await;
}

#[tokio::test]
async fn who_may_not_come_in() {
    let s = service().await;
    let url = format!("{}/pools?{VERSION}", s.endpoint);
    let anonymous = s.http.get(&url).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    assert!(anonymous.headers().contains_key("www-authenticate"));
    let date = Time::from(clock::now()).to_rfc1123();
    let forged = s
        .http
        .get(&url)
        .header("ocp-date", date)
        .header("authorization", "SharedKey acct:eA==");
    let forged = forged.send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let text = forged.text().await.unwrap();
    assert!(text.contains("string to sign"), "{text}");
    for (query, code) in [
        ("", "MissingRequiredQueryParameter"),
        ("api-version=1999-01-01", "UnsupportedRequestVersion"),
    ] {
        let answer = s.send_raw("GET", "/pools", query, String::new(), &[]).await;
        assert_eq!(answer.code(), code);
    }
}

#[tokio::test]
async fn a_stopped_driver_is_an_answer_too() {
    let s = service().await;
    s.driver.stop();
    loop {
        let answer = s.get("/pools").await;
        if answer.status == 500 {
            assert_eq!(answer.code(), "InternalError");
            return;
        }
    }
}

#[test]
fn places_do_not_escape() {
    let node = crate::service::core::effect::NodeRef {
        pool: "..".to_owned(),
        node: "n".to_owned(),
    };
    assert!(super::files::Place::of_node(Path::new("/nodes"), &node).is_none());
}
