//! The agent itself: takes effects, does them in order per directory, reports.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Context, Waker};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::blob_url::BlobEndpoints;
use super::deletions::{Deletion, Deletions};
use super::directories::NodeDirectories;
use super::failure::chain;
use super::lanes::{Lanes, Turn};
use super::logs;
use super::own_storage::OwnStorage;
use super::processes::{LauncherError, LauncherProgram, Processes};
use super::run::{self, Signals};
use super::sandbox::Sandbox;
use super::trees;
use super::web::{Web, WebError};
use crate::service::core::effect::{Effect, Launch, NodeRef, Report, Role, RunId, StopReason};

/// What an agent needs to know.
pub(in crate::service) struct AgentOptions {
    /// Where the nodes' trees are made. Nothing else may use it.
    pub(in crate::service) nodes_dir: PathBuf,
    pub(in crate::service) launcher: LauncherProgram,
    /// What is put around tasks.
    pub(in crate::service) sandbox: Option<Sandbox>,
    pub(in crate::service) account_name: String,
    /// Certificates (PEM) that are trusted besides the system's.
    pub(in crate::service) trusted: Option<Vec<u8>>,
    /// What the agent's work runs on.
    pub(in crate::service) runtime: Handle,
    /// Takes reports; called on threads of the runtime, must not block.
    pub(in crate::service) report: Box<dyn Fn(Report) + Send + Sync>,
}

/// Where the service listens; known only once it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::service) struct Addresses {
    /// What tasks see as `AZ_BATCH_ACCOUNT_URL`.
    pub(in crate::service) batch_url: String,
    pub(in crate::service) blob: BlobEndpoints,
}

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum AgentError {
    #[error("the directory of the nodes, {path}, cannot be made")]
    NodesDirectory {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the path {path} is not UTF-8, which the environment of tasks needs")]
    NotUnicode { path: PathBuf },
    #[error("no launcher for the processes of tasks")]
    Launcher(#[source] LauncherError),
    #[error("no client for the files of tasks")]
    Web(#[source] WebError),
}

/// What all runs share.
pub(super) struct Shared {
    pub(super) nodes_dir: PathBuf,
    pub(super) account_name: String,
    pub(super) processes: Processes,
    pub(super) sandbox: Option<Sandbox>,
    pub(super) web: Web,
    addresses: RwLock<Addresses>,
    report: Box<dyn Fn(Report) + Send + Sync>,
    runs: Mutex<HashMap<RunId, Active>>,
    deletions: Deletions,
}

/// A run that has not ended.
struct Active {
    node: NodeRef,
    role: Role,
    stop: watch::Sender<Option<StopReason>>,
    /// Of the primary of a multi-instance task: the others are ready.
    proceed: CancellationToken,
}

impl Shared {
    pub(super) fn report(&self, report: Report) {
        (self.report)(report);
    }

    pub(super) fn addresses(&self) -> Addresses {
        let addresses = self.addresses.read();
        addresses.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, Active>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn abandon(&self, which: impl Fn(&Active) -> bool) {
        for active in self.runs().values().filter(|active| which(active)) {
            active.stop.send_replace(Some(StopReason::Abandoned));
        }
    }
}

/// All nodes of the service.
pub(in crate::service) struct Agent {
    shared: Arc<Shared>,
    lanes: Lanes,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Agent {
    /// Starts the launcher. Whatever an earlier agent left running in the same directory is killed first.
    pub(in crate::service) async fn start(options: AgentOptions) -> Result<Self, AgentError> {
        let nodes_dir = make_directory(&options.nodes_dir).map_err(|source| {
            let path = options.nodes_dir.clone();
            AgentError::NodesDirectory { path, source }
        })?;
        if nodes_dir.to_str().is_none() {
            return Err(AgentError::NotUnicode { path: nodes_dir });
        }
        let web = Web::new(options.trusted.as_deref()).map_err(AgentError::Web)?;
        let processes = Processes::start(options.launcher, nodes_dir.clone())
            .await
            .map_err(AgentError::Launcher)?;
        Ok(Self {
            shared: Arc::new(Shared {
                nodes_dir,
                account_name: options.account_name,
                processes,
                sandbox: options.sandbox,
                web,
                addresses: RwLock::default(),
                report: options.report,
                runs: Mutex::default(),
                deletions: Deletions::default(),
            }),
            lanes: Lanes::default(),
            tasks: TaskTracker::new(),
            runtime: options.runtime,
        })
    }

    /// To be called before the first launch; later launches see the new addresses.
    pub(in crate::service) fn set_addresses(&self, addresses: Addresses) {
        *self
            .shared
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// What nodes fetch from this storage and put there takes no connection. To be called before the first launch.
    pub(in crate::service) fn set_own_storage(&self, own: OwnStorage) {
        self.shared.web.set_own(own);
    }

    /// Starts to do what an effect asks and returns at once. Effects that are not about nodes are left to others.
    pub(in crate::service) fn perform(&self, effect: Effect) {
        if self.tasks.is_closed() {
            return;
        }
        match effect {
            Effect::PrepareNode(node) => {
                let turn = self.lanes.enter_node(&node);
                self.spawn(prepare_node(self.shared.clone(), node, turn));
            }
            Effect::Launch(launch) => self.launch(*launch),
            Effect::Proceed(run) => {
                if let Some(active) = self.shared.runs().get(&run) {
                    active.proceed.cancel();
                }
            }
            Effect::Stop { run, reason } => self.stop_run(run, reason),
            Effect::RemoveNode(node) => {
                let turn = self.lanes.enter_node(&node);
                self.shared.abandon(|active| active.node == node);
                self.spawn(remove_node(self.shared.clone(), node, turn));
            }
            Effect::DeleteTaskDirectory { node, job, task } => {
                let role = Role::Task { job, task };
                let turn = self.lanes.enter(&node, &role);
                self.shared
                    .abandon(|active| active.node == node && active.role == role);
                self.spawn(delete_directory(self.shared.clone(), node, role, turn));
            }
            Effect::UploadLogs(upload) => {
                self.spawn(logs::upload(self.shared.clone(), *upload));
            }
            Effect::DeleteExtent(_) => {}
        }
    }

    /// Kills everything and reports nothing more. Directories stay.
    pub(in crate::service) async fn stop(&self) {
        self.tasks.close();
        self.shared.abandon(|_| true);
        self.shared.processes.stop().await;
        self.tasks.wait().await;
    }

    fn launch(&self, launch: Launch) {
        let turn = self.lanes.enter(&launch.node, &launch.role);
        let (stop, stopped) = watch::channel(None);
        let active = Active {
            node: launch.node.clone(),
            role: launch.role.clone(),
            stop,
            proceed: CancellationToken::new(),
        };
        let signals = Signals {
            stop: stopped,
            proceed: active.proceed.clone(),
        };
        self.shared.runs().insert(launch.run, active);
        self.begin(run_to_end(self.shared.clone(), launch, turn, signals));
    }

    /// Goes as far as it can on the caller's thread, which for most runs is the request to the launcher: another
    /// thread would have to be woken first. A future that is polled anew waits for the same with its new waker.
    fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let _entered = self.runtime.enter();
        let mut work = Box::pin(work);
        let begun = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if begun.is_pending() {
            self.spawn(work);
        }
    }

    fn stop_run(&self, run: RunId, reason: StopReason) {
        if let Some(active) = self.shared.runs().get(&run) {
            active.stop.send_modify(|current| {
                // The first reason stands, unless nobody wants to know any more.
                if current.is_none() || reason == StopReason::Abandoned {
                    *current = Some(reason);
                }
            });
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }
}

fn make_directory(path: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(path)?;
    path.canonicalize()
}

async fn run_to_end(shared: Arc<Shared>, launch: Launch, turn: Turn, signals: Signals) {
    turn.come().await;
    let stop = signals.stop.clone();
    let end = run::run(&shared, &launch, signals).await;
    shared.runs().remove(&launch.run);
    drop(turn);
    let is_wanted = *stop.borrow() != Some(StopReason::Abandoned);
    if let Some(end) = end.filter(|_| is_wanted) {
        shared.report(Report::RunEnded {
            run: launch.run,
            end,
        });
    }
}

async fn prepare_node(shared: Arc<Shared>, node: NodeRef, turn: Turn) {
    turn.come().await;
    let prepared = blocking(&shared, &node, |node| trees::prepare_node(&node)).await;
    drop(turn);
    shared.report(Report::NodePrepared {
        node,
        error: prepared.err(),
    });
}

async fn remove_node(shared: Arc<Shared>, node: NodeRef, turn: Turn) {
    turn.come().await;
    let removed = blocking(&shared, &node, |node| trees::remove_tree(node.root())).await;
    if let Err(e) = removed {
        tracing::warn!("the tree of node {} could not be deleted: {e}", node.node);
    }
}

async fn delete_directory(shared: Arc<Shared>, node: NodeRef, role: Role, turn: Turn) {
    turn.come().await;
    let node = NodeDirectories::new(&shared.nodes_dir, &node);
    // A name that is none has no directory.
    let Ok(run) = node.and_then(|node| node.of(&role)) else {
        return;
    };
    if let Some(work) = shared.deletions.push(Deletion { run, turn }) {
        let _ = tokio::task::spawn_blocking(work).await;
    }
}

/// Work on a node's tree, off the threads that must not wait. Gives what went wrong as one line.
async fn blocking(
    shared: &Shared,
    node: &NodeRef,
    work: impl FnOnce(NodeDirectories) -> std::io::Result<()> + Send + 'static,
) -> Result<(), String> {
    let node = NodeDirectories::new(&shared.nodes_dir, node).map_err(|e| chain(&e))?;
    tokio::task::spawn_blocking(move || work(node))
        .await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|e| chain(&e))
}
