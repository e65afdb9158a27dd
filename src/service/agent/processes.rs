//! The service's end of the launcher: one is kept running, requests go in, notices find who waits for them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::failure::chain;
use super::orphans::kill_leftovers;
use super::protocol::{Command, LAUNCHER_ARGUMENT, LaunchFailure, Notice, Request};
use super::requests::Requests;

/// What a process has whose launcher was killed, and which was killed for that.
const LOST: i32 = 137;
/// How long a launcher may take to greet, and to go.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program that becomes the launcher.
#[derive(Debug, Clone)]
pub(in crate::service) struct LauncherProgram {
    path: PathBuf,
    arguments: Vec<String>,
}

impl LauncherProgram {
    /// The `batchflow` program itself.
    pub(in crate::service) fn new(path: PathBuf) -> Self {
        Self {
            path,
            arguments: vec![LAUNCHER_ARGUMENT.to_owned()],
        }
    }

    #[cfg(test)]
    pub(super) fn with_arguments(path: PathBuf, arguments: &[&str]) -> Self {
        Self {
            path,
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
        }
    }
}

/// Why there is no launcher.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum LauncherError {
    #[error("cannot start the launcher {path}")]
    Start {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} does not behave like a launcher")]
    Silent { path: PathBuf },
}

/// A running process.
pub(super) struct Process {
    /// Its exit code, when it and all it left behind are gone; or, when that is held, when it has ended itself.
    pub(super) ended: oneshot::Receiver<End>,
}

/// How a process ended.
pub(super) enum End {
    Gone(i32),
    /// What it left goes on. The code, and the end of all that by [`Processes::kill`].
    Held(i32, oneshot::Receiver<End>),
}

struct Waiter {
    generation: u64,
    started: Option<oneshot::Sender<Result<(), LaunchFailure>>>,
    ended: oneshot::Sender<End>,
}

struct Connection {
    generation: u64,
    requests: Requests,
    child: Child,
    /// The launcher is no more, and neither is what it started.
    gone: CancellationToken,
    reading: JoinHandle<()>,
}

/// The processes of all nodes.
pub(super) struct Processes {
    program: LauncherProgram,
    nodes_dir: PathBuf,
    /// None once it is stopped.
    connection: tokio::sync::Mutex<Option<Connection>>,
    waiting: Arc<Mutex<HashMap<u64, Waiter>>>,
}

impl Processes {
    /// Kills what an earlier service left, and starts the launcher.
    pub(super) async fn start(
        program: LauncherProgram,
        nodes_dir: PathBuf,
    ) -> Result<Self, LauncherError> {
        sweep(nodes_dir.clone()).await;
        let processes = Self {
            program,
            nodes_dir,
            connection: tokio::sync::Mutex::default(),
            waiting: Arc::default(),
        };
        let first = processes.connect(1).await?;
        *processes.connection.lock().await = Some(first);
        Ok(processes)
    }

    async fn connect(&self, generation: u64) -> Result<Connection, LauncherError> {
        let path = &self.program.path;
        let mut child = tokio::process::Command::new(path)
            .args(&self.program.arguments)
            // Not found by the service's name when somebody kills by name.
            .arg0("task-launcher")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| LauncherError::Start {
                path: path.clone(),
                source,
            })?;
        let silent = || LauncherError::Silent { path: path.clone() };
        let input = child.stdin.take().ok_or_else(silent)?;
        let output = child.stdout.take().ok_or_else(silent)?;
        let mut lines = BufReader::new(output).lines();
        let greeted = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if serde_json::from_str(&line).is_ok_and(|notice: Notice| notice == Notice::Ready) {
                    return true;
                }
            }
            false
        };
        if !tokio::time::timeout(PATIENCE, greeted)
            .await
            .unwrap_or(false)
        {
            let _ = child.start_kill();
            return Err(silent());
        }
        let requests = Requests::to(input).map_err(|source| LauncherError::Start {
            path: path.clone(),
            source,
        })?;
        let gone = CancellationToken::new();
        let reading = tokio::spawn(read_notices(
            lines,
            generation,
            self.waiting.clone(),
            self.nodes_dir.clone(),
            gone.clone(),
        ));
        Ok(Connection {
            generation,
            requests,
            child,
            gone,
            reading,
        })
    }

    /// Starts a process; a launcher that was killed is replaced.
    pub(super) async fn launch(&self, command: Command) -> Result<Process, LaunchFailure> {
        let (started, answer) = oneshot::channel();
        let (ended, end) = oneshot::channel();
        {
            let mut current = self.connection.lock().await;
            let connection = current
                .as_mut()
                .ok_or_else(|| no_launcher("the node is stopping"))?;
            if connection.gone.is_cancelled() {
                let next = self.connect(connection.generation + 1).await;
                *connection = next.map_err(|e| no_launcher(&chain(&e)))?;
            }
            let run = command.run;
            let waiter = Waiter {
                generation: connection.generation,
                started: Some(started),
                ended,
            };
            lock(&self.waiting).insert(run, waiter);
            connection.requests.send(&Request::Launch(command));
            // Whoever waits when the launcher goes is told so, but only then.
            if connection.gone.is_cancelled() {
                lock(&self.waiting).remove(&run);
            }
        }
        match answer.await {
            Ok(Ok(())) => Ok(Process { ended: end }),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(no_launcher("the launcher was killed")),
        }
    }

    /// Kills a process with its group; its exit code follows.
    pub(super) async fn kill(&self, run: u64) {
        if let Some(connection) = self.connection.lock().await.as_ref() {
            connection.requests.send(&Request::Kill { run });
        }
    }

    /// Ends the launcher and so everything it started.
    pub(super) async fn stop(&self) {
        let Some(connection) = self.connection.lock().await.take() else {
            return;
        };
        let Connection {
            requests,
            mut child,
            reading,
            ..
        } = connection;
        // The end of its input.
        drop(requests);
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            tracing::warn!("the launcher did not end; something it started cannot be killed");
            let _ = child.start_kill();
        }
        let _ = reading.await;
    }
}

fn no_launcher(why: &str) -> LaunchFailure {
    LaunchFailure::Refused {
        message: why.to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn sweep(nodes_dir: PathBuf) {
    let _ = tokio::task::spawn_blocking(move || kill_leftovers(&nodes_dir)).await;
}

async fn read_notices(
    mut lines: Lines<BufReader<ChildStdout>>,
    generation: u64,
    waiting: Arc<Mutex<HashMap<u64, Waiter>>>,
    nodes_dir: PathBuf,
    gone: CancellationToken,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(notice) = serde_json::from_str(&line) {
            pass_on(notice, &mut lock(&waiting));
        }
    }
    // It is gone, by `stop` or by force. What was its is killed here, should it not have been able to.
    sweep(nodes_dir).await;
    gone.cancel();
    let mut waiting = lock(&waiting);
    let lost = waiting.extract_if(|_, waiter| waiter.generation == generation);
    for (_, waiter) in lost {
        let _ = waiter.ended.send(End::Gone(LOST));
    }
}

fn pass_on(notice: Notice, waiting: &mut HashMap<u64, Waiter>) {
    match notice {
        Notice::Ready => {}
        Notice::Started { run, .. } => {
            if let Some(started) = waiting.get_mut(&run).and_then(|w| w.started.take()) {
                let _ = started.send(Ok(()));
            }
        }
        Notice::Failed { run, why } => {
            if let Some(started) = waiting.remove(&run).and_then(|w| w.started) {
                let _ = started.send(Err(why));
            }
        }
        Notice::Held { run, code } => {
            if let Some(waiter) = waiting.get_mut(&run) {
                let (ended, end) = oneshot::channel();
                let held = std::mem::replace(&mut waiter.ended, ended);
                let _ = held.send(End::Held(code, end));
            }
        }
        Notice::Exited { run, code } => {
            if let Some(waiter) = waiting.remove(&run) {
                let _ = waiter.ended.send(End::Gone(code));
            }
        }
    }
}
