//! Processes: their environment, their ends, their stops, their directories.

use super::*;
use crate::wire::batch::command::ErrorCategory;

#[tokio::test]
async fn a_start_task_and_a_task() {
    let mut fixture = Fixture::start().await;
    let start = Launch {
        role: Role::StartTask,
        ..shell(1, "echo tool > \"$AZ_BATCH_NODE_SHARED_DIR/tool\"; pwd")
    };
    assert_eq!(fixture.run(start).await, (Some(0), None));
    let startup = fixture.dirs(&Role::StartTask);
    let printed = std::fs::read_to_string(startup.stdout()).unwrap();
    assert_eq!(printed.trim(), startup.working().to_str().unwrap());

    let script = "cat \"$AZ_BATCH_NODE_SHARED_DIR/tool\"; echo $AZ_BATCH_TASK_ID it\\'s >&2; echo x > made; exit 3";
    assert_eq!(fixture.run(shell(2, script)).await, (Some(3), None));
    assert_eq!(fixture.read("stdout.txt"), "tool\n");
    assert_eq!(fixture.read("stderr.txt"), "t it's\n");

    // The next attempt finds a clean directory.
    assert_eq!(
        fixture.run(shell(3, "ls -A; exit 0")).await,
        (Some(0), None)
    );
    assert_eq!(fixture.read("stdout.txt"), "");
    fixture.agent.stop().await;
}

#[tokio::test]
async fn the_service_gives_nothing_of_its_own_environment() {
    let mut fixture = Fixture::start().await;
    let launch = Launch {
        command_line: "env".into(),
        ..shell(1, "")
    };
    assert_eq!(fixture.run(launch).await, (Some(0), None));
    let printed = fixture.read("stdout.txt");
    let mut names: Vec<_> = printed.lines().filter_map(|l| l.split_once('=')).collect();
    names.retain(|(name, _)| !name.starts_with("AZ_BATCH_"));
    let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["HOME", "LANG", "LOGNAME", "PATH", "USER"]);
    assert!(printed.contains("AZ_BATCH_ACCOUNT_URL=http://127.0.0.1:1\n"));
    fixture.agent.stop().await;
}

#[tokio::test]
async fn command_lines_that_cannot_be_launched() {
    let mut fixture = Fixture::start().await;
    for (run, (line, code)) in (1..).zip([
        ("no-such-program -x", "CommandProgramNotFound"),
        ("./none", "CommandProgramNotFound"),
        ("/", "CommandLaunchFailed"),
        ("sh -c 'open", "CommandLaunchFailed"),
        (" ", "CommandLaunchFailed"),
    ]) {
        let launch = Launch {
            command_line: line.into(),
            ..shell(run, "")
        };
        fixture.launch(launch);
        let end = fixture.ended(run).await;
        assert_eq!(end.exit_code, None, "{line}");
        let failure = end.failure.unwrap();
        assert_eq!(failure.stage, FailureStage::PreProcessing);
        assert_eq!(failure.info.category, ErrorCategory::UserError);
        assert_eq!(failure.info.code.as_deref(), Some(code), "{line}");
    }
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_stop_kills_all_of_a_run() {
    let mut fixture = Fixture::start().await;
    for (run, reason) in [(1, StopReason::WallClock), (2, StopReason::Terminated)] {
        fixture.launch(shell(run, "setsid sleep 1000 & echo $! > child; wait"));
        fixture.started(run).await;
        let child = fixture.line_of("wd/child").await;
        fixture.stop(run, reason);
        let end = fixture.ended(run).await;
        assert_eq!((end.exit_code, &end.failure), (Some(137), &None));
        assert!(is_gone(&child));
    }
    // One that is over or unknown.
    fixture.stop(2, StopReason::Terminated);
    fixture.stop(99, StopReason::Abandoned);
    fixture.agent.stop().await;
}

#[tokio::test]
async fn an_abandoned_run_is_silent_and_gone_before_its_successor_starts() {
    let mut fixture = Fixture::start().await;
    fixture.launch(shell(1, "echo $$ > leader; exec sleep 1000"));
    fixture.started(1).await;
    let leader = fixture.line_of("wd/leader").await;
    fixture.stop(1, StopReason::Abandoned);
    assert_eq!(fixture.run(shell(2, "ls -A")).await, (Some(0), None));
    assert_eq!(fixture.read("stdout.txt"), "");
    assert!(is_gone(&leader));
    fixture.agent.stop().await;
}

#[tokio::test]
async fn directories_go_with_their_task_and_node() {
    let mut fixture = Fixture::start().await;
    assert_eq!(fixture.run(shell(1, "true")).await, (Some(0), None));
    let task_dir = fixture.file("");
    fixture.agent.perform(Effect::DeleteTaskDirectory {
        node: node(),
        job: "j".into(),
        task: "t".into(),
    });
    // The answer to what is asked for afterwards says that it is done.
    fixture.agent.perform(Effect::PrepareNode(node()));
    fixture.report().await;
    assert!(!task_dir.exists());

    let shared = fixture.node_dirs().shared().join("kept");
    std::fs::write(&shared, "").unwrap();
    fixture.agent.perform(Effect::PrepareNode(node()));
    fixture.report().await;
    assert!(shared.exists());

    let script =
        "mkdir locked && touch locked/f && chmod 0 locked; echo $$ > leader; exec sleep 1000";
    fixture.launch(shell(2, script));
    fixture.started(2).await;
    let leader = fixture.line_of("wd/leader").await;
    fixture.agent.perform(Effect::RemoveNode(node()));
    fixture.agent.perform(Effect::PrepareNode(node()));
    let prepared = fixture.report().await;
    assert!(
        matches!(prepared, Report::NodePrepared { error: None, .. }),
        "{prepared:?}"
    );
    assert!(is_gone(&leader) && !shared.exists() && !task_dir.exists());
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_node_that_cannot_be_made_says_why() {
    let mut fixture = Fixture::start().await;
    let nodes = fixture.nodes.path().join("nodes");
    std::fs::write(nodes.join("q"), "not a directory").unwrap();
    for pool in ["q", "../q"] {
        let node = NodeRef {
            pool: pool.into(),
            node: "n".into(),
        };
        fixture.agent.perform(Effect::PrepareNode(node));
        let report = fixture.report().await;
        assert!(
            matches!(report, Report::NodePrepared { error: Some(_), .. }),
            "{report:?}"
        );
    }
    fixture.agent.stop().await;
}

#[tokio::test]
async fn stopping_the_agent_ends_everything_without_a_word() {
    let mut fixture = Fixture::start().await;
    fixture.launch(shell(1, "setsid sleep 1000 & echo $! > child; wait"));
    fixture.started(1).await;
    let child = fixture.line_of("wd/child").await;
    fixture.agent.stop().await;
    assert!(is_gone(&child));
    fixture.launch(shell(2, "true"));
    drop(fixture.agent);
    assert_eq!(fixture.reports.recv().await, None);
}

#[tokio::test]
async fn a_killed_launcher_takes_its_runs_along_and_is_replaced() {
    let mut fixture = Fixture::start().await;
    fixture.launch(shell(
        1,
        "echo $PPID > parent; echo $$ > leader; exec sleep 1000",
    ));
    fixture.started(1).await;
    let parent = fixture.line_of("wd/parent").await;
    let leader = fixture.line_of("wd/leader").await;
    let parent = rustix::process::Pid::from_raw(parent.parse().unwrap()).unwrap();
    rustix::process::kill_process(parent, rustix::process::Signal::KILL).unwrap();
    let end = fixture.ended(1).await;
    assert_eq!((end.exit_code, end.failure), (Some(137), None));
    assert!(is_gone(&leader));
    assert_eq!(fixture.run(shell(2, "exit 4")).await, (Some(4), None));
    fixture.agent.stop().await;
}
