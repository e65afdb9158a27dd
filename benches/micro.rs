//! Small pieces that run often: `cargo bench --bench micro`.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use batchflow::client::{Account, Client, Credential, Reqwest, ServiceAccount};
use batchflow::desired::{Desired, compile, sources};
use batchflow::inputs::digest_file;
use batchflow::manifest::Manifest;
use batchflow::observed::{Observed, Receipt};
use batchflow::plan::{Options as PlanOptions, build};
use batchflow::service::{Options, Service, start};
use batchflow::wire::auth::{AccountKey, Request, Scheme, authorization};
use batchflow::wire::batch::task::TaskCreate;
use divan::Bencher;
use tokio::runtime::Runtime;

const TASKS: usize = 1000;

fn main() {
    divan::main();
}

#[divan::bench]
fn sign_a_request(bencher: Bencher<'_, '_>) {
    let key = AccountKey::from_base64("bm90IGEgc2VjcmV0").expect("base64");
    bencher.bench(|| {
        let request = Request::new(
            "POST",
            "/jobs/j/addtaskcollection",
            "api-version=2025-06-01",
        )
        .header("content-length", "51234")
        .header("content-type", "application/json; odata=minimalmetadata")
        .header("ocp-date", "Thu, 01 Jan 2026 00:00:00 GMT");
        authorization(Scheme::Batch, "account", black_box(&key), &request)
    });
}

fn task() -> String {
    r#"{"id":"task-1","commandLine":"/bin/sh -c 'wc -w a.txt > a.out'","resourceFiles":[{"httpUrl":
    "http://127.0.0.1:1/a/input/a.txt?sv=2025-11-05&sig=x","filePath":"a.txt"}],"environmentSettings":
    [{"name":"A","value":"1"},{"name":"B","value":"2"}],"constraints":{"maxTaskRetryCount":2}}"#
        .to_owned()
}

#[divan::bench]
fn read_a_task(bencher: Bencher<'_, '_>) {
    let text = task();
    bencher.bench(|| serde_json::from_str::<TaskCreate>(black_box(&text)).expect("a task"));
}

#[divan::bench]
fn write_a_task(bencher: Bencher<'_, '_>) {
    let task: TaskCreate = serde_json::from_str(&task()).expect("a task");
    bencher.bench(|| serde_json::to_string(black_box(&task)).expect("JSON"));
}

#[divan::bench]
fn digest_a_mebibyte(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    fs::write(&path, vec![7; 1 << 20]).expect("the folder is writable");
    bencher.bench(|| digest_file(black_box(&path)).expect("readable"));
}

fn text() -> String {
    format!(
        r#"name = "micro"
[pool]
id = "micro"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "micro"
[[tasks]]
for_each = {{ range = [0, {TASKS}] }}
id = "task-{{{{item}}}}"
commands = ['echo {{{{item}}}} > {{{{item}}}}.out']
"#
    )
}

fn manifest() -> Manifest {
    let (manifest, problems) = batchflow::manifest::load(&text(), &[]);
    assert_eq!(problems, []);
    manifest.expect("no problem")
}

#[divan::bench]
fn read_a_manifest(bencher: Bencher<'_, '_>) {
    let text = text();
    bencher.bench(|| batchflow::manifest::load(black_box(&text), &[]));
}

fn desired(manifest: &Manifest) -> Desired {
    let now = batchflow::clock::now();
    let (files, _) = batchflow::inputs::scan(&sources(manifest), Path::new("."), None, now);
    compile(manifest, &files, Path::new("")).expect("it compiles")
}

#[divan::bench]
fn compile_a_thousand_tasks(bencher: Bencher<'_, '_>) {
    let manifest = manifest();
    bencher.bench(|| desired(black_box(&manifest)));
}

#[divan::bench]
fn plan_a_thousand_tasks(bencher: Bencher<'_, '_>) {
    let desired = desired(&manifest());
    let mut observed = Observed::nothing(Receipt::empty("micro"));
    observed.node_agent_sku = Some("batch.node.ubuntu 24.04".into());
    bencher.bench(|| build(black_box(&desired), &observed, &PlanOptions::default()));
}

/// A request from our client to the core of a service in this process and back.
#[divan::bench]
fn ask_the_service_for_a_job(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().expect("a runtime");
    let options = Options::new(env!("CARGO_BIN_EXE_batchflow").into());
    let service = runtime.block_on(start(options)).expect("a service");
    let client = client(&service);
    let body = serde_json::json!({"id": "j", "poolInfo": {"poolId": "p"}});
    let body = serde_json::from_value(body).expect("a job");
    runtime
        .block_on(client.batch.create_job(&body))
        .expect("the job is made");
    bencher.bench_local(|| runtime.block_on(client.batch.get_job("j")).expect("a job"));
    runtime.block_on(service.stop());
}

fn client(service: &Service) -> Client {
    let account = |endpoint: &str| ServiceAccount {
        name: service.account().to_owned(),
        credential: Credential::Key(
            AccountKey::from_base64(service.key().expose()).expect("base64"),
        ),
        endpoint: endpoint.parse().expect("a URL"),
    };
    let account = Account {
        batch: account(service.batch_endpoint()),
        storage: account(service.blob_endpoint()),
    };
    let transport = Reqwest::new().expect("a transport");
    Client::new(&account, Arc::new(transport)).expect("a client")
}
