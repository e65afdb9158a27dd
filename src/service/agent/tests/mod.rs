//! The agent as the driver sees it: effects in, reports out, real processes, a small blob server.

mod blobs;
mod coordination;
mod files;
mod nodes;
mod runs;

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::directories::{NodeDirectories, RunDirectories};
use super::{Addresses, Agent, AgentOptions, BlobEndpoints, LauncherProgram};
use crate::service::core::effect::{
    Effect, FailureStage, Launch, NodeRef, Report, Role, RunEnd, RunId, StopReason,
};
use blobs::Blobs;

/// Far beyond what anything here takes; reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(30);

/// This test program turned into the launcher of the other tests, which run it with exactly this name.
#[test]
#[ignore = "the other tests run it as their launcher"]
fn be_the_launcher() {
    if std::env::args().any(|argument| argument == "--exact") {
        let _ = super::launcher_main();
        std::process::exit(0);
    }
}

/// An agent with its node and its blobs.
struct Fixture {
    agent: Agent,
    blobs: Blobs,
    reports: mpsc::UnboundedReceiver<Report>,
    nodes: tempfile::TempDir,
}

fn node() -> NodeRef {
    NodeRef {
        pool: "p".into(),
        node: "tvm-1".into(),
    }
}

fn task(name: &str) -> Role {
    Role::Task {
        job: "j".into(),
        task: name.into(),
    }
}

/// A run of a shell script as the task `t`.
fn shell(run: u64, script: &str) -> Launch {
    let quoted = script.replace('\'', r"'\''");
    Launch {
        run: RunId(run),
        node: node(),
        role: task("t"),
        dedicated: true,
        command_line: format!("/bin/sh -c '{quoted}'"),
        environment: Vec::new(),
        resource_files: Vec::new(),
        preparation: None,
        output_files: Vec::new(),
        instance: None,
    }
}

impl Fixture {
    async fn start() -> Self {
        let nodes = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let name = "service::agent::tests::be_the_launcher";
        let arguments = [name, "--exact", "--ignored", "--nocapture", "--quiet"];
        let (send, reports) = mpsc::unbounded_channel();
        let agent = Agent::start(AgentOptions {
            nodes_dir: nodes.path().join("nodes"),
            launcher: LauncherProgram::with_arguments(program, &arguments),
            sandbox: None,
            account_name: "acct".into(),
            trusted: None,
            runtime: Handle::current(),
            report: Box::new(move |report| drop(send.send(report))),
        })
        .await
        .unwrap();
        let blobs = Blobs::start().await;
        agent.set_addresses(Addresses {
            batch_url: "http://127.0.0.1:1".into(),
            blob: BlobEndpoints {
                current: blobs.endpoint.clone(),
                former: vec!["http://127.0.0.1:9/acct".into()],
            },
        });
        let mut fixture = Self {
            agent,
            blobs,
            reports,
            nodes,
        };
        fixture.agent.perform(Effect::PrepareNode(node()));
        let prepared = Report::NodePrepared {
            node: node(),
            error: None,
        };
        assert_eq!(fixture.report().await, prepared);
        fixture
    }

    async fn report(&mut self) -> Report {
        tokio::time::timeout(DEADLINE, self.reports.recv())
            .await
            .expect("a report in time")
            .unwrap()
    }

    fn launch(&self, launch: Launch) {
        self.agent.perform(Effect::Launch(Box::new(launch)));
    }

    fn stop(&self, run: u64, reason: StopReason) {
        let run = RunId(run);
        self.agent.perform(Effect::Stop { run, reason });
    }

    async fn started(&mut self, run: u64) {
        let report = self.report().await;
        assert!(
            matches!(report, Report::RunStarted { run: r, .. } if r == RunId(run)),
            "{report:?}"
        );
    }

    async fn ended(&mut self, run: u64) -> RunEnd {
        match self.report().await {
            Report::RunEnded { run: r, end } if r == RunId(run) => end,
            other => panic!("not the end of {run}: {other:?}"),
        }
    }

    /// Runs to the end and gives the exit code and the code of the failure.
    async fn run(&mut self, launch: Launch) -> (Option<i32>, Option<String>) {
        let run = launch.run.0;
        self.launch(launch);
        let mut report = self.report().await;
        if matches!(report, Report::RunStarted { .. }) {
            report = self.report().await;
        }
        match report {
            Report::RunEnded { run: r, end } if r == RunId(run) => {
                (end.exit_code, failure_code(&end))
            }
            other => panic!("not the end of {run}: {other:?}"),
        }
    }

    fn node_dirs(&self) -> NodeDirectories {
        let nodes = self.nodes.path().join("nodes").canonicalize().unwrap();
        NodeDirectories::new(&nodes, &node()).unwrap()
    }

    fn dirs(&self, role: &Role) -> RunDirectories {
        self.node_dirs().of(role).unwrap()
    }

    /// A file of the task `t`, relative to its directory.
    fn file(&self, name: &str) -> PathBuf {
        self.dirs(&task("t")).root().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// Waits until a command has written a whole line, and gives it.
    async fn line_of(&self, name: &str) -> String {
        let written = async {
            loop {
                match std::fs::read_to_string(self.file(name)) {
                    Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(DEADLINE, written).await.unwrap()
    }
}

fn failure_code(end: &RunEnd) -> Option<String> {
    end.failure.as_ref().and_then(|f| f.info.code.clone())
}

fn is_gone(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
    })
}
