//! `batchflow serve` as a program: what it prints, whom it lets in, how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use batchflow::client::{Account, Client, Credential, Reqwest, ServiceAccount};
use batchflow::clock;
use batchflow::service::development;
use batchflow::wire::sas::Permissions;
use batchflow::wire::time::{Duration, Time};
use reqwest::Certificate;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::protocol::caller::{Call, Caller};
use crate::support::{Workshop, wait_for};

/// A program that serves; killed when the test fails.
pub(crate) struct Serving {
    child: Child,
    first_line: String,
    /// What it says on stderr, read as it comes: a full pipe would stop it.
    said: Option<JoinHandle<String>>,
}

impl Serving {
    pub(crate) fn start(workshop: &Workshop, args: &[&str]) -> Self {
        let any_port = ["--port", "0", "--blob-port", "0"];
        Self::run(workshop, &[&any_port[..], args].concat())
    }

    pub(crate) fn run(workshop: &Workshop, args: &[&str]) -> Self {
        let mut child = workshop.start([&["serve"][..], args].concat());
        let mut first_line = String::new();
        let stdout = BufReader::new(child.stdout.as_mut().unwrap());
        { stdout }.read_line(&mut first_line).unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let said = thread::spawn(move || {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            said
        });
        Self {
            child,
            first_line,
            said: Some(said),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.first_line).unwrap()
    }

    /// The variables with which the program takes it for an account in Azure.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, String> {
        let told = self.json();
        [
            ("AZURE_BATCH_ACCOUNT", "account"),
            ("AZURE_BATCH_ACCESS_KEY", "key"),
            ("AZURE_BATCH_ENDPOINT", "batch_endpoint"),
            (
                "AZURE_STORAGE_CONNECTION_STRING",
                "storage_connection_string",
            ),
        ]
        .map(|(variable, field)| (variable, told[field].as_str().unwrap().to_owned()))
        .into()
    }

    pub(crate) fn caller(&self, http: reqwest::Client) -> Caller {
        let told = self.json();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let (batch, blob) = (text("batch_endpoint"), text("blob_endpoint"));
        Caller::new(&batch, &blob, &text("account"), &text("key"), http)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as a service manager would; what it said on stderr.
    pub(crate) fn stop(mut self) -> String {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).unwrap();
        let said = self.said.take().unwrap().join().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pool() -> Value {
    json!({"id": "p", "vmSize": "standard_d2s_v5", "targetDedicatedNodes": 1,
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_development_account_is_the_same_everywhere() {
    let workshop = Workshop::new();
    let serving = Serving::start(&workshop, &["--json", "--in-memory", "-v"]);
    let told = serving.json();
    assert_eq!(told["account"], development::ACCOUNT);
    assert_eq!(told["key"], development::KEY);
    assert_eq!(told["ca_certificate"], Value::Null);
    let caller = serving.caller(reqwest::Client::new());
    caller
        .get("/pools?$filter=state%20eq%20'active'")
        .await
        .expect(200);
    let blob = Call::blob(
        "GET",
        "/batchflow/con/b?sv=2021-12-02&sr=b&sp=r&se=2000-01-01&sig=c2VjcmV0",
    );
    caller.send(blob.anonymous()).await.expect(403);

    // A page that gave its own name our address gets nothing, signed or not.
    for host in ["rebound.example:80", "localhost.example"] {
        let call = Call::batch("GET", "/pools").header("host", host);
        caller.send(call).await.expect(421);
    }
    let call = Call::batch("GET", "/pools").header("host", "localhost:1");
    caller.send(call).await.expect(200);

    // Nor does a page of another site, whatever it knows; one of our own does.
    let own = caller.batch.clone();
    for (headers, status) in [
        (&[("origin", "https://example.org")][..], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "http://localhost:1")], 403),
        (&[("origin", own.as_str())], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("sec-fetch-site", "same-origin")], 200),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ],
            200,
        ),
    ] {
        let call = Call::batch("GET", "/pools");
        let call = headers.iter().fold(call, |call, (n, v)| call.header(n, v));
        caller.send(call).await.expect(status);
    }
    // Headers are limited in number and length.
    for (name, value) in [("x-long", "v".repeat(1 << 20)), ("x-many", String::new())] {
        let mut request = caller.http.get(&caller.batch).header(name, value);
        for i in 0..if name == "x-many" { 200 } else { 0 } {
            request = request.header(format!("x-{i}"), "v");
        }
        let status = request.send().await.map(|answer| answer.status().as_u16());
        assert!(matches!(status, Ok(431) | Err(_)), "{name}: {status:?}");
    }

    let log = serving.stop();
    assert!(
        log.contains("method=\"GET\" path=\"/pools\" status=200"),
        "{log}"
    );
    assert!(
        log.contains("path=\"/batchflow/con/b\" status=403"),
        "{log}"
    );
    for secret in ["c2VjcmV0", "active", &development::KEY[..20]] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn formulas_are_evaluated_as_often_as_asked() {
    let workshop = Workshop::new();
    let args = ["--json", "--in-memory", "--autoscale-interval", "1s"];
    let serving = Serving::start(&workshop, &args);
    let caller = serving.caller(reqwest::Client::new());
    let mut body = pool();
    let fields = body.as_object_mut().unwrap();
    fields.remove("targetDedicatedNodes");
    fields.insert("enableAutoScale".to_owned(), json!(true));
    fields.insert(
        "autoScaleFormula".to_owned(),
        json!("$TargetDedicatedNodes = 0;"),
    );
    let created = caller.send(Call::batch("POST", "/pools").json(&body)).await;
    created.expect(201);
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        let shown = caller.get("/pools/p").await.json();
        assert_eq!(shown["autoScaleEvaluationInterval"], "PT15M");
        let run = shown["autoScaleRun"]["timestamp"].as_str();
        seen.extend(run.map(str::to_owned));
    }
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_to_paste_and_a_key_of_its_own() {
    let workshop = Workshop::new();
    let serving = Serving::start(
        &workshop,
        &["--own-key", "--account", "mine", "--state-dir", "s"],
    );
    assert_eq!(serving.first_line, "export AZURE_BATCH_ACCOUNT=mine\n");
    let key = workshop.read("s/account.key");
    assert_ne!(key.trim(), development::KEY);
    // Nobody but who knows the key gets in.
    let endpoints: Value = serde_json::from_str(&workshop.read("s/endpoints.json")).unwrap();
    let batch = format!("http://127.0.0.1:{}", endpoints["batch_port"]);
    let with = |key: &str| Caller::new(&batch, "-", "mine", key, reqwest::Client::new());
    with(development::KEY).get("/pools").await.expect(403);
    with(key.trim()).get("/pools").await.expect(200);
    serving.stop();
}

#[test]
fn what_keeps_it_from_serving() {
    let workshop = Workshop::new();
    workshop
        .run(["serve", "--in-memory", "--host", "0.0.0.0"])
        .ends_with(1)
        .says(&["the development key is public", "--own-key"]);
    let squatter = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = squatter.local_addr().unwrap().port().to_string();
    workshop
        .run(["serve", "--in-memory", "--port", &port])
        .ends_with(1)
        .says(&[&port, "is in use by another program", "help:"]);
    workshop.write("no.pem", "nothing");
    workshop
        .run([
            "serve",
            "--in-memory",
            "--port",
            "0",
            "--blob-port",
            "0",
            "--tls-cert",
            "no.pem",
            "--tls-key",
            "no.pem",
        ])
        .ends_with(1)
        .says(&["cannot serve https", "no.pem holds no usable certificate"]);
    workshop
        .run(["serve", "--account", "No Name"])
        .ends_with(64)
        .says(&["lower-case letters and digits"]);
}

/// The authority that a service said to trust.
fn trusting(serving: &Serving) -> reqwest::Client {
    let path = PathBuf::from(serving.json()["ca_certificate"].as_str().unwrap());
    let authority = Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([authority]);
    builder.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn https_from_end_to_end() {
    use std::os::unix::fs::PermissionsExt;
    let workshop = Workshop::new();
    let args = ["--json", "--state-dir", "s", "--tls"];
    let serving = Serving::start(&workshop, &args);
    let key = workshop.path("s/tls-server.key");
    let mode = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let caller = serving.caller(trusting(&serving));
    assert!(caller.batch.starts_with("https://127.0.0.1:"));

    // Not trusted without being told so, nor without TLS.
    let stranger = reqwest::Client::new().get(&caller.batch).send().await;
    assert!(stranger.unwrap_err().is_connect());
    let plain = caller.batch.replace("https", "http");
    assert!(reqwest::Client::new().get(plain).send().await.is_err());
    let named = caller.batch.replace("127.0.0.1", "localhost");
    let named = caller.http.get(named).send().await.unwrap();
    assert_eq!(named.status(), 401);

    // A task fetches its file by https, with a signature that demands it.
    let container = Call::blob("PUT", "/batchflow/in1?restype=container");
    caller.send(container).await.expect(201);
    let mut blob = Call::blob("PUT", "/batchflow/in1/a.txt").header("x-ms-blob-type", "BlockBlob");
    blob.body = b"by https\n".to_vec();
    caller.send(blob).await.expect(201);
    let url = signed_url(&caller, 3600);
    assert!(
        caller
            .http
            .get(&url)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    caller.post("/pools", pool()).await.expect(201);
    let job = json!({"id": "j", "poolInfo": {"poolId": "p"}});
    caller.post("/jobs", job).await.expect(201);
    let task = json!({"id": "t", "commandLine": "/bin/cat a.txt",
        "resourceFiles": [{"httpUrl": url, "filePath": "a.txt"}]});
    caller.post("/jobs/j/tasks", task).await.expect(201);
    until(&caller, "/jobs/j/tasks/t", |t| t["state"] == "completed").await;
    let output = caller.get("/jobs/j/tasks/t/files/stdout.txt").await;
    assert_eq!(output.expect(200).text, "by https\n");

    let authority = workshop.read("s/tls-ca.pem");
    serving.stop();
    let again = Serving::start(&workshop, &args);
    assert_eq!(workshop.read("s/tls-ca.pem"), authority, "made once");
    again
        .caller(trusting(&again))
        .get("/jobs/j")
        .await
        .expect(200);
    again.stop();

    // The same certificate, given by name.
    let files = [
        "--json",
        "--in-memory",
        "--tls-cert",
        "s/tls-server.pem",
        "--tls-key",
        "s/tls-server.key",
    ];
    let given = Serving::start(&workshop, &files);
    given.caller(caller.http).get("/pools").await.expect(200);
    given.stop();
}

/// A URL that may be read with for that long.
pub(crate) fn signed_url(caller: &Caller, seconds: i64) -> String {
    let expiry = Time::from(clock::now()).plus(Duration::from_secs(seconds));
    let storage = ServiceAccount {
        name: caller.account.clone(),
        credential: Credential::Key(caller.key.clone()),
        endpoint: caller.blob.parse().unwrap(),
    };
    let account = Account {
        batch: storage.clone(),
        storage,
    };
    let client = Client::new(&account, Arc::new(Reqwest::new().unwrap())).unwrap();
    let url = client
        .sas
        .blob_url("in1", "a.txt", Permissions::READ, expiry);
    url.expose().to_owned()
}

async fn until(caller: &Caller, path: &str, so: impl Fn(&Value) -> bool) {
    let begin = clock::monotonic();
    loop {
        let found = caller.get(path).await.json();
        if so(&found) {
            return;
        }
        assert!(begin.elapsed().as_secs() < 60, "still {found}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_leaves_nothing_and_kills_what_runs() {
    let workshop = Workshop::new();
    let serving = Serving::start(&workshop, &["--json", "--state-dir", "s"]);
    let caller = serving.caller(reqwest::Client::new());
    let container = Call::blob("PUT", "/batchflow/in1?restype=container");
    caller.send(container).await.expect(201);
    caller.post("/pools", pool()).await.expect(201);
    let job = json!({"id": "j", "poolInfo": {"poolId": "p"}});
    caller.post("/jobs", job).await.expect(201);
    let schedule = json!({"id": "s", "schedule": {"recurrenceInterval": "PT1M"},
        "jobSpecification": {"poolInfo": {"poolId": "p"}}});
    caller.post("/jobschedules", schedule).await.expect(201);
    let pid = workshop.path("pid");
    let command = format!("/bin/sh -c 'echo $$ > {}; exec sleep 1000'", pid.display());
    let task = json!({"id": "t", "commandLine": command});
    caller.post("/jobs/j/tasks", task).await.expect(201);
    wait_for("the task", || {
        std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'))
    });
    let pid = workshop.read("pid").trim().to_owned();

    caller
        .send(Call::batch("POST", "/_batchflow/reset").anonymous())
        .await
        .expect(401);
    caller
        .send(Call::batch("GET", "/_batchflow/reset"))
        .await
        .expect(405);
    caller.get("/jobs/j").await.expect(200);
    caller
        .send(Call::batch("POST", "/_batchflow/reset"))
        .await
        .expect(204);
    for list in ["/pools", "/jobs", "/jobschedules"] {
        assert_eq!(caller.get(list).await.json()["value"], json!([]), "{list}");
    }
    let list = caller
        .send(Call::blob("GET", "/batchflow/?comp=list"))
        .await;
    assert!(!list.text.contains("in1"), "{}", list.text);
    wait_for("the end of the task", || {
        !std::path::Path::new(&format!("/proc/{pid}")).exists()
    });
    // And all begins anew.
    caller.post("/pools", pool()).await.expect(201);
    serving.stop();
}
