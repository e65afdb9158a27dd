//! The service put together: directory, store, core, agent, two listeners.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::agent::{
    Addresses, Agent, AgentOptions, BlobEndpoints, LauncherProgram, OwnStorage, Sandbox,
    SandboxError,
};
use super::core::Site;
use super::core::effect::Effect;
use super::core::storage::{BlobCommand, BlobRefusal, BlobReply};
use super::development;
use super::driver::{Cores, Driver, DriverHandle, Perform, Stopped};
use super::extents::Extents;
use super::http::batch::{self, BatchState};
use super::http::blob::{self, BlobPort, BlobState};
use super::http::page;
use super::listen::{listen, not_across_sites, only_for_this_machine, serve};
use super::state_dir::{Endpoints, StateDir, StateDirError};
use super::store::{Store, StoreError};
use super::tls::{Identity, Tls, TlsError};
use crate::wire::auth::{AccountKey, InvalidKey};
use crate::wire::blob::error::Code;
use crate::wire::secret::Secret;
use crate::wire::time;

/// How long requests under way may take once the service is asked to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How to run a service.
#[derive(Debug, Clone)]
pub struct Options {
    /// None: everything is forgotten when the service stops.
    pub state_dir: Option<PathBuf>,
    /// Where to listen. Anything but loopback lets others run commands as this user, if they know the key.
    pub address: IpAddr,
    /// 0: the port of the last start if it is free, else any.
    pub batch_port: u16,
    pub blob_port: u16,
    /// The program that starts the processes of tasks: `batchflow` itself.
    pub launcher_executable: PathBuf,
    /// Name of the Batch account and of the storage account.
    pub account: String,
    /// Key of both. None: the one in the state directory, made at the first start.
    pub key: Option<Secret>,
    pub tls: Tls,
    /// Whether tasks run in a sandbox of bubblewrap.
    pub sandbox: bool,
    pub nodes: Nodes,
    /// How often autoscale formulas are evaluated, whatever their pools say: the least that Azure allows is 5
    /// minutes, which is long for trying one out. None: as the pools say.
    pub autoscale_interval: Option<Duration>,
}

impl Options {
    /// In memory, on any free ports, with a key made for the occasion.
    pub fn new(launcher_executable: PathBuf) -> Self {
        Self {
            state_dir: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            batch_port: 0,
            blob_port: 0,
            launcher_executable,
            account: development::ACCOUNT.to_owned(),
            key: None,
            tls: Tls::Off,
            sandbox: false,
            nodes: Nodes::default(),
            autoscale_interval: None,
        }
    }
}

/// At least a second, so that evaluating is not all the service does.
fn whole_ticks(interval: Duration) -> time::Duration {
    let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
    time::Duration::from_secs(seconds.max(1))
}

/// Whether pools get their nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nodes {
    #[default]
    Running,
    /// Requests are answered, but no node starts and so no task runs: for looking and for deleting.
    Paused,
}

/// Why there is no service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    #[error("the account key is not usable")]
    Key(#[source] InvalidKey),
    #[error(
        "the development key is public: with it the service listens on loopback only, not on {address}"
    )]
    OpenToAll { address: IpAddr },
    #[error("port {port} of {address} is in use by another program")]
    PortInUse { address: IpAddr, port: u16 },
    #[error("cannot listen on port {port} of {address}")]
    Listen {
        address: IpAddr,
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("cannot serve https")]
    Tls(#[from] TlsError),
    #[error("cannot put tasks into a sandbox")]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the stored state cannot be used")]
    Restore(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the folder for blob content cannot be used")]
    Extents(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the node agent cannot start")]
    Agent(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

impl ServiceError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::StateDir(error) => error.help(),
            Self::Sandbox(error) => Some(error.help()),
            Self::OpenToAll { .. } => Some("use a key of its own: --own-key"),
            Self::PortInUse { .. } => Some("choose another port, or 0 for any that is free"),
            _ => None,
        }
    }
}

/// A running service. Dropping it stops it less politely than [`Service::stop`].
pub struct Service {
    batch_endpoint: String,
    blob_endpoint: String,
    authority: Option<PathBuf>,
    account: String,
    key: Secret,
    shutdown: CancellationToken,
    servers: Vec<JoinHandle<io::Result<()>>>,
    agent: Arc<Agent>,
    driver: DriverHandle,
    driver_thread: Option<thread::JoinHandle<Result<(), StoreError>>>,
    /// Last: the directory is free once nothing uses it any more.
    _state_dir: StateDir,
}

/// Starts a service. Needs a tokio runtime, which its work then runs on.
pub async fn start(options: Options) -> Result<Service, ServiceError> {
    let state_dir = match &options.state_dir {
        Some(path) => StateDir::open(path)?,
        None => StateDir::temporary()?,
    };
    let key = match options.key {
        Some(key) => key,
        None => state_dir.key()?,
    };
    let is_public = key == development::key();
    if is_public && !options.address.is_loopback() {
        let address = options.address;
        return Err(ServiceError::OpenToAll { address });
    }
    let sandbox = options.sandbox.then(find_sandbox).transpose()?;
    let account_key = AccountKey::from_base64(key.expose()).map_err(ServiceError::Key)?;

    let tls = Identity::open(&options.tls, &state_dir)?;
    let before = state_dir.endpoints();
    let batch_listener = listen(options.address, options.batch_port, before.batch_port).await?;
    let blob_listener = listen(options.address, options.blob_port, before.blob_port).await?;
    let port_of = |listener: &TcpListener| {
        let listening = listener.local_addr();
        listening
            .map(|a| a.port())
            .map_err(|source| ServiceError::Listen {
                address: options.address,
                port: 0,
                source,
            })
    };
    let (batch_port, blob_port) = (port_of(&batch_listener)?, port_of(&blob_listener)?);
    let base = base_url(options.address, tls.is_some());
    let batch_endpoint = format!("{base}:{batch_port}");
    let blob_endpoint = format!("{base}:{blob_port}/{}", options.account);
    let endpoints = before.moved(batch_port, blob_port, blob_endpoint.clone());

    let site = Site {
        account: options.account.clone(),
        batch_endpoint: batch_endpoint.clone(),
        autoscale_interval: options.autoscale_interval.map(whole_ticks),
    };
    let (store, cores) = load(&state_dir, site.clone())?;
    state_dir.set_endpoints(&endpoints)?;
    let extents = open_extents(&state_dir, &cores)?;

    let driver = Driver::new(cores, store);
    let handle = driver.handle();
    let launcher = LauncherProgram::new(options.launcher_executable);
    let agent = start_agent(
        &state_dir,
        launcher,
        sandbox,
        &options.account,
        tls.as_ref().map(|identity| identity.trusted.clone()),
        handle.clone(),
    )
    .await?;
    agent.set_addresses(addresses(&batch_endpoint, endpoints));
    let batch = batch::router(BatchState::new(
        site,
        account_key.clone(),
        handle.clone(),
        state_dir.nodes(),
    ))
    .merge(page::router(&options.account, is_public));
    let blob = |port: Arc<dyn BlobPort>| {
        blob::router(BlobState {
            account: options.account.clone(),
            key: account_key.clone(),
            secure: tls.is_some(),
            extents: extents.clone(),
            port,
        })
    };
    let for_nodes = blob(Arc::new(NodePort(handle.clone())));
    if let Some(own) = OwnStorage::new(&blob_endpoint, for_nodes) {
        agent.set_own_storage(own);
    }
    let blob = blob(Arc::new(handle.clone()));
    let perform = performer(options.nodes, agent.clone(), extents, Handle::current());
    let driver_thread = driver.start(perform).map_err(ServiceError::Thread)?;
    let shutdown = CancellationToken::new();
    let servers = [(batch_listener, batch), (blob_listener, blob)]
        .into_iter()
        .map(|(listener, router)| {
            let router = not_across_sites(router);
            let router = if options.address.is_loopback() {
                only_for_this_machine(router)
            } else {
                router
            };
            serve(listener, router, tls.as_ref(), shutdown.clone())
        })
        .collect::<Result<_, _>>()
        .map_err(|source| ServiceError::Listen {
            address: options.address,
            port: batch_port,
            source,
        })?;
    tracing::info!(%batch_endpoint, %blob_endpoint, "the local service runs");
    Ok(Service {
        batch_endpoint,
        blob_endpoint,
        authority: tls.and_then(|identity| identity.authority),
        account: options.account,
        key,
        shutdown,
        servers,
        agent,
        driver: handle,
        driver_thread: Some(driver_thread),
        _state_dir: state_dir,
    })
}

fn find_sandbox() -> Result<Sandbox, SandboxError> {
    Sandbox::find(&std::env::var("PATH").unwrap_or_default())
}

/// Without the port. A service on every address is reached here by loopback.
fn base_url(address: IpAddr, secure: bool) -> String {
    let scheme = if secure { "https" } else { "http" };
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => format!("{scheme}://127.0.0.1"),
        IpAddr::V4(v4) => format!("{scheme}://{v4}"),
        IpAddr::V6(v6) if v6.is_unspecified() => format!("{scheme}://[::1]"),
        IpAddr::V6(v6) => format!("{scheme}://[{v6}]"),
    }
}

fn load(state_dir: &StateDir, site: Site) -> Result<(Option<Store>, Cores), ServiceError> {
    let store = if state_dir.is_temporary() {
        None
    } else {
        Some(Store::open(&state_dir.database())?)
    };
    let stored = match &store {
        Some(store) => store.load()?,
        None => Vec::new(),
    };
    let cores = Cores::restore(site, stored).map_err(|e| ServiceError::Restore(Box::new(e)))?;
    Ok((store, cores))
}

fn open_extents(state_dir: &StateDir, cores: &Cores) -> Result<Extents, ServiceError> {
    let failed = |e| ServiceError::Extents(Box::new(e));
    let extents = Extents::open(&state_dir.extents()).map_err(failed)?;
    let swept = extents.sweep(cores.storage.extents()).map_err(failed)?;
    if !swept.missing.is_empty() {
        let missing = swept.missing.len();
        tracing::warn!(missing, "the content of some blobs is no longer there");
    }
    Ok(extents)
}

async fn start_agent(
    state_dir: &StateDir,
    launcher: LauncherProgram,
    sandbox: Option<Sandbox>,
    account: &str,
    trusted: Option<Vec<u8>>,
    driver: DriverHandle,
) -> Result<Arc<Agent>, ServiceError> {
    let agent = Agent::start(AgentOptions {
        nodes_dir: state_dir.nodes(),
        launcher,
        sandbox,
        account_name: account.to_owned(),
        trusted,
        runtime: Handle::current(),
        report: Box::new(move |report| driver.report(report)),
    });
    let agent = agent.await.map_err(|e| ServiceError::Agent(Box::new(e)))?;
    Ok(Arc::new(agent))
}

fn addresses(batch_endpoint: &str, endpoints: Endpoints) -> Addresses {
    Addresses {
        batch_url: batch_endpoint.to_owned(),
        blob: BlobEndpoints {
            current: endpoints.blob,
            former: endpoints.former_blob,
        },
    }
}

/// Sends each effect to whom it concerns.
fn performer(nodes: Nodes, agent: Arc<Agent>, extents: Extents, runtime: Handle) -> Perform {
    Box::new(move |effect| match effect {
        Effect::DeleteExtent(extent) => {
            let extents = extents.clone();
            runtime.spawn_blocking(move || {
                if let Err(error) = extents.delete(&extent) {
                    tracing::warn!(%error, "some blob content stays until the next start");
                }
            });
        }
        Effect::PrepareNode(_) if nodes == Nodes::Paused => {}
        effect => agent.perform(effect),
    })
}

#[async_trait]
impl BlobPort for DriverHandle {
    async fn blob(&self, command: BlobCommand) -> Result<BlobReply, BlobRefusal> {
        self.ask_blob(command).await.unwrap_or_else(no_driver)
    }
}

/// What nodes ask.
struct NodePort(DriverHandle);

#[async_trait]
impl BlobPort for NodePort {
    async fn blob(&self, command: BlobCommand) -> Result<BlobReply, BlobRefusal> {
        let answer = self.0.ask_blob_for_node(command).await;
        answer.unwrap_or_else(no_driver)
    }
}

fn no_driver(stopped: Stopped) -> Result<BlobReply, BlobRefusal> {
    Err(BlobRefusal::new(Code::InternalError).with("Reason", stopped.to_string()))
}

impl Service {
    /// Base URL of the Batch endpoint, without a slash at the end.
    pub fn batch_endpoint(&self) -> &str {
        &self.batch_endpoint
    }

    /// Base URL of the Blob endpoint, the account in its path, without a slash at the end.
    pub fn blob_endpoint(&self) -> &str {
        &self.blob_endpoint
    }

    /// The certificate that clients have to trust, if the service made its own.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// The address of the live page. Unless everybody knows the key, it holds the key: in its fragment, which browsers
    /// keep to themselves.
    pub fn live_page(&self) -> String {
        let page = format!("{}{}", self.batch_endpoint, page::PATH);
        if self.key == development::key() {
            return page;
        }
        let key = utf8_percent_encode(self.key.expose(), NON_ALPHANUMERIC);
        format!("{page}#key={key}")
    }

    /// Stops listening, kills what runs, writes down what is left to write and frees the state directory. The
    /// tasks that ran are queued again at the next start.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let polite = async {
            for server in &mut self.servers {
                let _ = server.await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, polite).await;
        for server in &self.servers {
            server.abort();
        }
        self.agent.stop().await;
        self.driver.stop();
        if let Some(thread) = self.driver_thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("batch_endpoint", &self.batch_endpoint)
            .field("blob_endpoint", &self.blob_endpoint)
            .finish_non_exhaustive()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.cancel();
        for server in &self.servers {
            server.abort();
        }
        self.driver.stop();
        if let Some(thread) = self.driver_thread.take() {
            let _ = thread.join();
        }
    }
}
