//! A manifest in a folder, planned and applied inside this process through any client.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use batchflow::apply::{Outcome, Run, run};
use batchflow::client::Client;
use batchflow::desired::{Desired, compile, compile_footprint, sources};
use batchflow::event::Sink;
use batchflow::observed::{Depth, Observed, Receipt, observe, observe_owned};
use batchflow::plan::{Options, Plan, build, destroy};
use batchflow::service::Service;
use tokio_util::sync::CancellationToken;

use crate::support::{Ran, Workshop, local_service};

/// The text of an error and all its causes.
pub(super) struct Failed(pub(super) String);

impl<E: Error> From<E> for Failed {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let _ = write!(text, ": {cause}");
            next = cause.source();
        }
        Self(text)
    }
}

pub(super) struct Rig {
    pub(super) shop: Workshop,
    manifest: String,
}

impl Rig {
    pub(super) fn new(manifest: impl Into<String>) -> Self {
        Self {
            shop: Workshop::new(),
            manifest: manifest.into(),
        }
    }

    pub(super) fn edit(&mut self, from: &str, to: &str) {
        assert!(self.manifest.contains(from), "{from:?} is not in it");
        self.manifest = self.manifest.replace(from, to);
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.shop.path("")
    }

    pub(super) fn desired(&self) -> Desired {
        let (manifest, problems) = batchflow::manifest::load(&self.manifest, &[]);
        assert_eq!(problems, []);
        let manifest = manifest.unwrap();
        let now = batchflow::clock::now();
        let (snapshot, problems) =
            batchflow::inputs::scan(&sources(&manifest), &self.folder(), None, now);
        assert_eq!(problems, []);
        compile(&manifest, &snapshot, &self.folder()).unwrap()
    }

    fn receipt_folder(&self, desired: &Desired) -> PathBuf {
        let download = desired.download.as_ref().map(|d| d.to.clone());
        download.unwrap_or_else(|| self.shop.path(".batchflow/m"))
    }

    pub(super) async fn plan(
        &self,
        desired: &Desired,
        client: &Client,
        options: &Options,
    ) -> Result<(Plan, Observed), Failed> {
        let receipt = Receipt::load(&self.receipt_folder(desired), &desired.name)?;
        let depth = if options.force {
            Depth::Full
        } else {
            Depth::AsNeeded
        };
        let observed = observe(desired, client, receipt, depth).await?;
        let plan = build(desired, &observed, options).map_err(|refused| {
            let all: Vec<String> = refused.iter().map(ToString::to_string).collect();
            Failed(all.join("; "))
        })?;
        Ok((plan, observed))
    }

    pub(super) async fn apply(&self, client: &Client) -> Result<Outcome, Failed> {
        self.apply_with(client, &Options::default()).await
    }

    pub(super) async fn apply_with(
        &self,
        client: &Client,
        options: &Options,
    ) -> Result<Outcome, Failed> {
        let desired = self.desired();
        let (plan, observed) = self.plan(&desired, client, options).await?;
        let outcome = self.carry_out(client, &desired, &plan, observed.receipt);
        Ok(outcome.await?)
    }

    pub(super) async fn destroy(&self, client: &Client) -> Result<Outcome, Failed> {
        let (manifest, _) = batchflow::manifest::load(&self.manifest, &[]);
        let desired = compile_footprint(&manifest.unwrap(), &self.folder()).unwrap();
        let observed = observe_owned(&desired, client).await?;
        let plan = destroy(&desired, &observed);
        let outcome = self.carry_out(client, &desired, &plan, Receipt::empty(&desired.name));
        Ok(outcome.await?)
    }

    async fn carry_out(
        &self,
        client: &Client,
        desired: &Desired,
        plan: &Plan,
        receipt: Receipt,
    ) -> Result<Outcome, batchflow::apply::ApplyError> {
        run(Run {
            desired,
            plan,
            client,
            events: Sink::ignore(),
            cancel: CancellationToken::new(),
            receipt_folder: self.receipt_folder(desired),
            receipt,
        })
        .await
    }
}

/// Names of all containers, jobs and pools of the account that begin with `prefix`.
pub(super) async fn left_over(client: &Client, prefix: &str) -> Vec<String> {
    use futures::TryStreamExt;
    #[derive(serde::Deserialize)]
    struct Named {
        id: String,
        state: String,
    }
    let options = batchflow::client::batch::ListOptions::default();
    let containers = client.blob.list_containers(Some(prefix));
    let containers: Vec<_> = containers.map_ok(|c| c.name).try_collect().await.unwrap();
    let jobs: Vec<Named> = client
        .batch
        .list_jobs(&options)
        .try_collect()
        .await
        .unwrap();
    let pools: Vec<Named> = client
        .batch
        .list_pools(&options)
        .try_collect()
        .await
        .unwrap();
    let named = jobs.into_iter().chain(pools);
    let named = named.filter(|n| n.state != "deleting").map(|n| n.id);
    let all = containers.into_iter().chain(named);
    all.filter(|name| name.starts_with(prefix)).collect()
}

/// A service in this process, and the variables with which the program takes it for an account in Azure.
pub(super) struct Account {
    pub(super) service: Service,
    runtime: tokio::runtime::Runtime,
}

impl Account {
    pub(super) fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let service = runtime.block_on(local_service(None, true));
        Self { service, runtime }
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The program in a workshop, with the account.
    pub(super) fn command(&self, shop: &Workshop, args: &[&str]) -> Command {
        let service = &self.service;
        let mut command = shop.command(args);
        command
            .env("AZURE_BATCH_ACCOUNT", service.account())
            .env("AZURE_BATCH_ACCESS_KEY", service.key().expose())
            .env("AZURE_BATCH_ENDPOINT", service.batch_endpoint())
            .env("AZURE_STORAGE_CONNECTION_STRING", self.connection_string());
        command
    }

    pub(super) fn run(&self, shop: &Workshop, args: &[&str]) -> Ran {
        Ran::of(self.command(shop, args).output().unwrap())
    }

    fn connection_string(&self) -> String {
        format!(
            "DefaultEndpointsProtocol=http;AccountName={};AccountKey={};BlobEndpoint={};",
            self.service.account(),
            self.service.key().expose(),
            self.service.blob_endpoint(),
        )
    }
}

/// A manifest for an account whose only task waits until there is a file `go`.
pub(super) fn waiting(shop: &Workshop) {
    let (go, trace) = (shop.path("go"), shop.path("trace"));
    shop.write(
        "m.toml",
        &format!(
            r#"
name = "waiting"
[account]
[vars]
round = 0
[containers.waiting-out]
[pool]
id = "waiting-pool"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "waiting-job"
[[tasks]]
id = "one"
commands = ["echo ran {{{{vars.round}}}} >> {}", "until test -e {}; do sleep 0.02; done", "echo done > 1.out"]
output_files = [{{ pattern = "1.out", container = "waiting-out" }}]
[download]
container = "waiting-out"
to = "out"
"#,
            trace.display(),
            go.display()
        ),
    );
    shop.write("trace", "");
}
