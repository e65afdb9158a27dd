//! Whole nodes: restarted, made anew, their logs sent away.

use super::{Fixture, is_gone, node, shell, task};
use crate::service::core::effect::{Effect, LogUpload, Report, Role, StopReason};
use crate::wire::secret::Secret;

impl Fixture {
    async fn prepared(&mut self) {
        let prepared = Report::NodePrepared {
            node: node(),
            error: None,
        };
        assert_eq!(self.report().await, prepared);
    }

    /// Starts a command that would run on and gives its process.
    async fn long_run(&mut self) -> String {
        self.launch(shell(1, "echo $$; exec sleep 1000"));
        self.started(1).await;
        self.line_of("stdout.txt").await
    }
}

#[tokio::test]
async fn a_reboot_waits_for_what_it_kills_and_keeps_the_files() {
    let mut fixture = Fixture::start().await;
    let process = fixture.long_run().await;
    fixture.stop(1, StopReason::Abandoned);
    fixture.agent.perform(Effect::PrepareNode(node()));
    fixture.prepared().await;
    assert!(is_gone(&process));
    assert!(fixture.dirs(&task("t")).stdout().exists());
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_reimage_leaves_nothing() {
    let mut fixture = Fixture::start().await;
    let process = fixture.long_run().await;
    std::fs::write(fixture.node_dirs().shared().join("tool"), "x").unwrap();
    fixture.stop(1, StopReason::Abandoned);
    fixture.agent.perform(Effect::RemoveNode(node()));
    fixture.agent.perform(Effect::PrepareNode(node()));
    fixture.prepared().await;
    assert!(is_gone(&process));
    assert!(!fixture.dirs(&task("t")).root().exists());
    let shared = fixture.node_dirs().shared();
    assert_eq!(std::fs::read_dir(shared).unwrap().count(), 0);
    fixture.agent.stop().await;
}

#[tokio::test]
async fn logs_are_sent_where_they_are_asked_for() {
    let mut fixture = Fixture::start().await;
    let mut start = shell(1, "echo ready");
    start.role = Role::StartTask;
    assert_eq!(fixture.run(start).await, (Some(0), None));
    let upload = LogUpload {
        node: node(),
        container_url: Secret::new(fixture.blobs.url("logs")),
        folder: "p/tvm-1/1".into(),
        report: "{}".into(),
        has_start_task: true,
    };
    fixture.agent.perform(Effect::UploadLogs(Box::new(upload)));
    let sent = async {
        while fixture.blobs.names("logs").len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::DEADLINE, sent).await.unwrap();
    for (name, content) in [
        ("node.json", "{}"),
        ("startup/stdout.txt", "ready\n"),
        ("startup/stderr.txt", ""),
    ] {
        let blob = fixture.blobs.get(&format!("logs/p/tvm-1/1/{name}"));
        assert_eq!(blob.as_deref(), Some(content.as_bytes()), "{name}");
    }
    fixture.agent.stop().await;
}
