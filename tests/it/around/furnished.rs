//! A service whose state a test makes over HTTP, with a manifest that names it as its account.

use std::process::Command;

use batchflow::service::Service;
use serde_json::{Value, json};

use crate::protocol::caller::Caller;
use crate::support::{Ran, Workshop, local_service};

pub(super) const MANIFEST: &str = r#"
name = "demo"
[account]
[pool]
id = "p"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "j"
[[tasks]]
id = "t"
commands = "true"
"#;

pub(super) struct Site {
    pub(super) shop: Workshop,
    pub(super) service: Service,
    pub(super) caller: Caller,
}

impl Site {
    /// With nodes that never start, or with real ones.
    pub(super) async fn new(nodes: bool) -> Self {
        let shop = Workshop::new();
        shop.write("m.toml", MANIFEST);
        let service = local_service(None, nodes).await;
        let caller = Caller::of(&service);
        Self {
            shop,
            service,
            caller,
        }
    }

    pub(super) async fn post(&self, path: &str, body: Value) {
        let answer = self.caller.post(path, body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
    }

    /// A pool like the manifest's, changed by `more`.
    pub(super) async fn pool(&self, more: Value) {
        let mut pool = json!({"id": "p", "vmSize": "Standard_D2s_v5", "targetDedicatedNodes": 1,
            "virtualMachineConfiguration": {
                "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
                "nodeAgentSKUId": "batch.node.ubuntu 24.04"}});
        merge(&mut pool, more);
        self.post("/pools", pool).await;
    }

    pub(super) async fn job(&self, more: Value) {
        let mut job = json!({"id": "j", "poolInfo": {"poolId": "p"}});
        merge(&mut job, more);
        self.post("/jobs", job).await;
    }

    pub(super) async fn task(&self, id: &str, command_line: &str, more: Value) {
        let mut task = json!({"id": id, "commandLine": command_line});
        merge(&mut task, more);
        self.post("/jobs/j/tasks", task).await;
    }

    /// Waits until what a GET answers satisfies `holds`.
    pub(super) async fn until(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begin = batchflow::clock::monotonic();
        loop {
            let found = self.caller.get(path).await.json();
            if holds(&found) {
                return found;
            }
            assert!(begin.elapsed().as_secs() < 60, "{path} stays {found}");
            tokio::task::yield_now().await;
        }
    }

    /// The program with this service as its account.
    pub(super) async fn run(&self, args: &[&str]) -> Ran {
        self.run_command(self.shop.command(args)).await
    }

    /// The same on so many columns.
    pub(super) async fn run_on(&self, columns: usize, args: &[&str]) -> Ran {
        let mut command = self.shop.command(args);
        command.env("COLUMNS", columns.to_string());
        self.run_command(command).await
    }

    async fn run_command(&self, mut command: Command) -> Ran {
        let (account, key) = (self.service.account(), self.service.key().expose());
        let storage = format!(
            "AccountName={account};AccountKey={key};BlobEndpoint={}",
            self.service.blob_endpoint()
        );
        command
            .env("AZURE_BATCH_ACCOUNT", account)
            .env("AZURE_BATCH_ACCESS_KEY", key)
            .env("AZURE_BATCH_ENDPOINT", self.service.batch_endpoint())
            .env("AZURE_STORAGE_CONNECTION_STRING", storage);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
        Ran::of(output.unwrap())
    }
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else {
        panic!("an object is merged, not {more}");
    };
    for (key, value) in more {
        into[key] = value;
    }
}
