//! Multi-instance tasks: the coordination command, what it leaves, and what comes after it.

use super::*;
use crate::service::core::effect::Instance;

/// One instance of the task `t`, on a node of its own.
fn instance(run: u64, id: u16, coordination: &str, script: &str) -> Launch {
    Launch {
        node: NodeRef {
            pool: "p".into(),
            node: format!("tvm-{}", id + 1),
        },
        instance: Some(Box::new(Instance {
            id,
            coordination_command_line: shell(0, coordination).command_line,
            common_resource_files: Vec::new(),
            addresses: vec![[127, 9, 0, 1].into(), [127, 9, 0, 2].into()],
        })),
        ..shell(run, script)
    }
}

const DAEMON: &str = "setsid sleep 1000 & echo $! > \"$AZ_BATCH_TASK_SHARED_DIR/daemon\"";

impl Fixture {
    async fn coordinated(&mut self, run: u64) {
        match self.report().await {
            Report::RunCoordinated { run: r, .. } if r == RunId(run) => {}
            other => panic!("{run} is not coordinated: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_primary_goes_on_with_what_the_coordination_left() {
    let mut fixture = Fixture::start().await;
    let coordination = format!("{DAEMON}; echo first");
    let script = "read pid < ../daemon; kill -0 $pid && echo then $CCP_NODES \
        $AZ_BATCH_NODE_LIST $AZ_BATCH_HOST_LIST $AZ_BATCH_MASTER_NODE $AZ_BATCH_IS_CURRENT_NODE_MASTER; exit 6";
    fixture.launch(instance(1, 0, &coordination, script));
    fixture.started(1).await;
    fixture.coordinated(1).await;
    let daemon = fixture.line_of("daemon").await;
    assert!(!is_gone(&daemon));
    fixture.agent.perform(Effect::Proceed(RunId(1)));
    let end = fixture.ended(1).await;
    assert_eq!((end.exit_code, end.failure), (Some(6), None));
    assert!(is_gone(&daemon));
    assert_eq!(
        fixture.read("stdout.txt"),
        "first\nthen 2 127.9.0.1 1 127.9.0.2 1 127.9.0.1;127.9.0.2 127.9.0.1,127.9.0.2 127.9.0.1:6000 true\n"
    );
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_subtask_has_its_directory_below_the_tasks_and_holds_on_until_it_is_stopped() {
    let mut fixture = Fixture::start().await;
    let coordination =
        format!("{DAEMON}; echo $AZ_BATCH_IS_CURRENT_NODE_MASTER $AZ_BATCH_TASK_SHARED_DIR; pwd");
    fixture.launch(instance(1, 1, &coordination, "echo never"));
    fixture.started(1).await;
    fixture.coordinated(1).await;
    let node = NodeRef {
        pool: "p".into(),
        node: "tvm-2".into(),
    };
    let nodes = fixture.nodes.path().join("nodes").canonicalize().unwrap();
    let dirs = NodeDirectories::new(&nodes, &node).unwrap();
    let shared = dirs.task("j", "t").unwrap();
    let daemon = std::fs::read_to_string(shared.join("daemon")).unwrap();
    assert!(!is_gone(daemon.trim()));
    let printed = std::fs::read_to_string(shared.join("1/stdout.txt")).unwrap();
    let (task, wd) = (shared.display(), shared.join("1/wd"));
    assert_eq!(printed, format!("false {task}\n{}\n", wd.display()));
    fixture.stop(1, StopReason::Abandoned);
    // Whoever comes next in the directory finds it alone.
    let next = Launch {
        node,
        ..shell(2, "ls -A ..")
    };
    assert_eq!(fixture.run(next).await, (Some(0), None));
    assert!(is_gone(daemon.trim()));
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_coordination_that_fails_or_is_stopped_leaves_nothing() {
    let mut fixture = Fixture::start().await;
    fixture.launch(instance(1, 0, &format!("{DAEMON}; exit 4"), "echo never"));
    fixture.started(1).await;
    assert_eq!(fixture.ended(1).await.exit_code, Some(4));
    assert!(is_gone(&fixture.line_of("daemon").await));

    for (run, coordination) in [(2, DAEMON.to_owned()), (3, format!("{DAEMON}; sleep 1000"))] {
        fixture.launch(instance(run, 0, &coordination, "echo never"));
        fixture.started(run).await;
        if run == 2 {
            fixture.coordinated(run).await;
        }
        let daemon = fixture.line_of("daemon").await;
        fixture.stop(run, StopReason::Terminated);
        assert_eq!(fixture.ended(run).await.exit_code, Some(137));
        assert!(is_gone(&daemon));
    }

    let mut launch = instance(4, 0, DAEMON, "");
    launch.command_line = "no-such-program".to_owned();
    fixture.launch(launch);
    fixture.started(4).await;
    fixture.coordinated(4).await;
    let daemon = fixture.line_of("daemon").await;
    fixture.agent.perform(Effect::Proceed(RunId(4)));
    let end = fixture.ended(4).await;
    assert_eq!(
        (end.exit_code, failure_code(&end).as_deref()),
        (None, Some("CommandProgramNotFound"))
    );
    // Killed with it, and gone before the directory has its next owner.
    assert_eq!(fixture.run(shell(5, "true")).await, (Some(0), None));
    assert!(is_gone(&daemon));
    let mut launch = instance(6, 0, "", "true");
    launch.instance.as_mut().unwrap().coordination_command_line = "no-such-program".to_owned();
    let (code, why) = fixture.run(launch).await;
    assert_eq!(
        (code, why.as_deref()),
        (None, Some("CommandProgramNotFound"))
    );
    assert_eq!(fixture.run(shell(7, "exit 1")).await, (Some(1), None));
    fixture.agent.stop().await;
}
