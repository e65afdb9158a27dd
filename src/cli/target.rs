//! Where a manifest is applied: the local service, or the account it names. Everything after this file is the
//! same for both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::args::{ManifestArgs, TargetArgs};
use super::document::{self, Document};
use super::error::CliError;
use super::run_args::AccountArgs;
use crate::client::credentials::Named;
use crate::client::{Account, Client, Credential, Endpoint, Reqwest, RetryPolicy, ServiceAccount};
use crate::manifest::At;
use crate::service::{self, Neighbour, Nodes, Options, Service, ServiceError, StateDirError};
use crate::wire::auth::AccountKey;
use crate::wire::secret::Secret;

/// A client, and the local service behind it if there is one.
pub(super) struct Target {
    pub(super) client: Client,
    /// The first line of every plan.
    pub(super) name: String,
    /// The same for the same target, from whichever folder it is named.
    pub(super) identity: String,
    /// What is shown to each service, by where it comes from.
    pub(super) credentials: Vec<(&'static str, String)>,
    local: Option<Service>,
    /// The local service is another process's, and ends with it.
    is_neighbour: bool,
}

/// How often the local service evaluates an autoscale formula.
const AUTOSCALE_INTERVAL: Duration = Duration::from_secs(1);

/// A service on this machine that does not answer is not there any more.
const NEIGHBOUR: RetryPolicy = RetryPolicy {
    tries: 2,
    deadline: Duration::from_secs(10),
    base: Duration::from_millis(100),
    cap: Duration::from_secs(1),
};

/// What the target is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Only to look: the local service starts no task meanwhile, and nothing is made for it on disk.
    Look,
    /// To change things.
    Change,
}

impl Target {
    pub(super) async fn open(
        document: &Document,
        args: &TargetArgs,
        purpose: Purpose,
    ) -> Result<Self, CliError> {
        match &document.account {
            Some(account) if !args.local => {
                let value = |v: &Option<At<String>>| v.as_ref().map(|v| v.value.clone());
                let named = Named {
                    batch_account: value(&account.batch_account),
                    batch_endpoint: value(&account.batch_endpoint),
                    location: value(&account.location),
                    storage_account: value(&account.storage_account),
                    storage_endpoint: value(&account.storage_endpoint),
                };
                Self::account(&named)
            }
            _ => Self::service(Some(&local_state(document, args)), purpose).await,
        }
    }

    fn account(named: &Named) -> Result<Self, CliError> {
        let found = Account::from_environment(&|name| std::env::var(name).ok(), named)?;
        let account = found.account;
        let name = format!(
            "Azure Batch account `{}` at {}, storage account `{}`",
            account.batch.name, account.batch.endpoint, account.storage.name
        );
        Ok(Self {
            identity: name.clone(),
            name,
            client: Client::new(&account, transport()?)?,
            credentials: vec![("Batch", found.batch_from), ("Storage", found.storage_from)],
            local: None,
            is_neighbour: false,
        })
    }

    /// The same to look at what is there or to end it. A local service that runs already, because of an `apply`, is
    /// asked itself; otherwise nothing starts to run meanwhile.
    pub(super) async fn reach(document: &Document, args: &TargetArgs) -> Result<Self, CliError> {
        match Self::open(document, args, Purpose::Look).await {
            Err(CliError::Service(ServiceError::StateDir(StateDirError::InUse { path, pid }))) => {
                let neighbour = Neighbour::of(&path)
                    .ok_or(ServiceError::StateDir(StateDirError::InUse { path, pid }))?;
                Self::neighbour(document, args, &neighbour)
            }
            result => result,
        }
    }

    /// An account rather than what a manifest asks of it: that of a manifest, else that of the environment, else, to
    /// look at, a local service of the moment.
    pub(super) async fn of_account(args: &AccountArgs) -> Result<Self, CliError> {
        if let Some(path) = &args.manifest {
            let manifest = ManifestArgs {
                manifest: path.clone(),
                vars: Vec::new(),
            };
            return Self::reach(&document::load_footprint(&manifest)?, &args.target).await;
        }
        if !args.target.local && args.target.state_dir.is_none() {
            return Self::account(&Named::default());
        }
        Self::service(args.target.state_dir.as_deref(), Purpose::Look).await
    }

    fn neighbour(
        document: &Document,
        args: &TargetArgs,
        service: &Neighbour,
    ) -> Result<Self, CliError> {
        let state_dir = local_state(document, args);
        let account = |endpoint: &str| account(&service.account, &service.key, endpoint);
        let account = Account {
            batch: account(&service.batch_endpoint)?,
            storage: account(&service.blob_endpoint)?,
        };
        Ok(Self {
            name: format!("local service, state in {}", shown(&state_dir)),
            identity: format!("local service, state in {}", whole(&state_dir).display()),
            client: Client::with_retry(&account, transport()?, NEIGHBOUR)?,
            credentials: Vec::new(),
            local: None,
            is_neighbour: true,
        })
    }

    /// The local service in this process; without a folder it forgets everything.
    async fn service(state_dir: Option<&Path>, purpose: Purpose) -> Result<Self, CliError> {
        let kept = state_dir.filter(|d| purpose == Purpose::Change || d.exists());
        let options = Options {
            state_dir: kept.map(Path::to_owned),
            nodes: match purpose {
                Purpose::Look => Nodes::Paused,
                Purpose::Change => Nodes::Running,
            },
            // A laptop's nodes cost nothing and start in a moment: Azure's least of five minutes would only be waited for.
            autoscale_interval: Some(AUTOSCALE_INTERVAL),
            ..Options::new(launcher()?)
        };
        let service = service::start(options).await?;
        let account = |endpoint: &str| account(service.account(), service.key(), endpoint);
        let account = Account {
            batch: account(service.batch_endpoint())?,
            storage: account(service.blob_endpoint())?,
        };
        let named = |state_dir: Option<String>| match state_dir {
            Some(folder) => format!("local service, state in {folder}"),
            None => "local service".to_owned(),
        };
        Ok(Self {
            name: named(state_dir.map(shown)),
            identity: named(state_dir.map(|d| whole(d).display().to_string())),
            client: Client::new(&account, transport()?)?,
            credentials: Vec::new(),
            local: Some(service),
            is_neighbour: false,
        })
    }

    /// Whether it may end at any time, with the process it belongs to.
    pub(super) fn is_neighbour(&self) -> bool {
        self.is_neighbour
    }

    pub(super) fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// The address of a page that shows the local service, with its key.
    pub(super) fn live_page(&self) -> Option<String> {
        self.local.as_ref().map(Service::live_page)
    }

    /// Ends the local service; its state stays.
    pub(super) async fn close(self) {
        if let Some(service) = self.local {
            service.stop().await;
        }
    }
}

fn local_state(document: &Document, args: &TargetArgs) -> PathBuf {
    let beside = || document.state_dir().join("local");
    args.state_dir.clone().unwrap_or_else(beside)
}

fn account(name: &str, key: &Secret, endpoint: &str) -> Result<ServiceAccount, CliError> {
    Ok(ServiceAccount {
        name: name.to_owned(),
        credential: Credential::Key(AccountKey::from_base64(key.expose()).map_err(CliError::Key)?),
        endpoint: endpoint.parse::<Endpoint>().map_err(CliError::Endpoint)?,
    })
}

fn transport() -> Result<Arc<Reqwest>, CliError> {
    Reqwest::new().map(Arc::new).map_err(CliError::Transport)
}

/// This program: the local service starts its launcher from it.
pub(super) fn launcher() -> Result<PathBuf, CliError> {
    std::env::current_exe().map_err(CliError::Runtime)
}

/// The path from the root.
pub(super) fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path without the detours that joining leaves in it.
pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix("./")
        .unwrap_or(path)
        .display()
        .to_string()
}
