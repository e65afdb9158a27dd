//! Multi-instance tasks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Harness, job, pool, task};
use crate::service::core::command::{
    JobRequest, NodeRequest, PoolRequest, Power, Reply, TaskRequest,
};
use crate::service::core::effect::{
    Effect, Failure, FailureStage, Launch, Report, RunEnd, RunId, StopReason,
};
use crate::wire::batch::command::{ErrorCategory, ExecutionResult, TaskFailureInfo};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::JobState;
use crate::wire::batch::node::{NodeRemove, NodeState};
use crate::wire::batch::pool::NodeDeallocationOption;
use crate::wire::batch::task::{Subtask, SubtaskState, TaskState};
use crate::wire::time::Duration;

fn together() -> Value {
    json!({"enableInterNodeCommunication": true})
}

fn mpi(instances: i32) -> Value {
    json!({
        "commandLine": "app",
        "resourceFiles": [{"httpUrl": "http://x/own", "filePath": "own"}],
        "multiInstanceSettings": {
            "numberOfInstances": instances,
            "coordinationCommandLine": "coordinate",
            "commonResourceFiles": [{"httpUrl": "http://x/common", "filePath": "common"}],
        },
    })
}

/// A task on all three nodes of a pool, just launched.
fn three(more: Value) -> (Harness, Vec<RunId>) {
    let mut h = Harness::new();
    h.ready_pool("p", 3, together());
    h.must(job("j", "p", json!({})));
    let mut body = mpi(3);
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    h.must(task("j", "t", body));
    let runs = h.runs(3);
    h.nothing_left();
    (h, runs)
}

impl Harness {
    fn runs(&mut self, count: usize) -> Vec<RunId> {
        let launches = self.take_launches();
        assert_eq!(launches.len(), count, "{launches:#?}");
        launches.into_iter().map(|l| l.run).collect()
    }

    fn coordinated(&mut self, run: RunId) {
        let at = self.now;
        self.report(Report::RunCoordinated { run, at });
    }

    fn subtasks(&mut self) -> Vec<Subtask> {
        match self.task_do("j", "t", TaskRequest::Subtasks) {
            Ok(Reply::Subtasks(subtasks)) => subtasks,
            other => panic!("no subtasks: {other:?}"),
        }
    }

    fn assert_abandoned(&mut self, runs: &[RunId]) {
        let abandoned: Vec<_> = runs.iter().map(|r| (*r, StopReason::Abandoned)).collect();
        assert_eq!(self.take_stops(), abandoned);
    }
}

fn states(subtasks: &[Subtask]) -> Vec<SubtaskState> {
    subtasks.iter().map(|s| s.state.unwrap()).collect()
}

#[test]
fn every_node_coordinates_and_then_the_primary_runs() {
    let mut h = Harness::new();
    h.ready_pool("p", 3, together());
    h.must(job(
        "j",
        "p",
        json!({"commonEnvironmentSettings": [{"name": "A", "value": "1"}]}),
    ));
    h.must(task("j", "t", mpi(3)));
    let launches = h.take_launches();
    let of = |l: &Launch| {
        let instance = l.instance.as_deref().unwrap();
        assert_eq!(instance.coordination_command_line, "coordinate");
        assert_eq!(
            instance.common_resource_files[0].file_path.as_deref(),
            Some("common")
        );
        assert_eq!(instance.addresses.len(), 3);
        assert_eq!(l.environment[0].name, "A");
        (instance.id, l.command_line.clone(), l.resource_files.len())
    };
    let what: Vec<_> = launches.iter().map(of).collect();
    assert_eq!(
        what,
        [
            (0, "app".to_owned(), 1),
            (1, String::new(), 0),
            (2, String::new(), 0)
        ]
    );
    let addresses = launches[0].instance.as_ref().unwrap().addresses.clone();
    for (launch, address) in launches.iter().zip(&addresses) {
        assert!(address.is_loopback());
        let Ok(Reply::Node(node)) = h.pool_do("p", PoolRequest::Node(launch.node.node.clone()))
        else {
            panic!("no node")
        };
        assert_eq!(node.ip_address, address.to_string());
    }
    let runs: Vec<RunId> = launches.iter().map(|l| l.run).collect();
    assert_eq!(h.node_states("p"), [NodeState::Running; 3]);
    assert_eq!(states(&h.subtasks()), [SubtaskState::Preparing; 2]);
    for run in &runs {
        h.started(*run);
    }
    assert_eq!(h.task("j", "t").state, TaskState::Running);
    h.coordinated(runs[1]);
    h.coordinated(runs[0]);
    h.nothing_left();
    assert_eq!(
        states(&h.subtasks()),
        [SubtaskState::Completed, SubtaskState::Running]
    );
    h.coordinated(runs[2]);
    assert_eq!(h.take_effect(), Effect::Proceed(runs[0]));
    // They keep their nodes as long as the primary runs.
    assert_eq!(h.node_states("p"), [NodeState::Running; 3]);
    h.ended(runs[0], 0);
    h.assert_abandoned(&runs[1..]);
    assert_eq!(h.node_states("p"), [NodeState::Idle; 3]);
    let ended = h.task("j", "t");
    assert_eq!(ended.state, TaskState::Completed);
    assert_eq!(ended.execution_info.unwrap().exit_code, Some(0));
    let subtask = h.subtasks().remove(1);
    assert_eq!((subtask.id, subtask.exit_code), (Some(2), Some(0)));
    assert_eq!(subtask.result, Some(ExecutionResult::Success));
    assert_eq!(subtask.previous_state, Some(SubtaskState::Running));
    let place = subtask.node_info.unwrap();
    assert_eq!(
        place.task_root_directory.as_deref(),
        Some("workitems/j/job-1/t/2")
    );
    let node = h
        .nodes("p")
        .into_iter()
        .find(|n| Some(&n.id) == place.node_id.as_ref());
    let recent = node.unwrap().recent_tasks.remove(0);
    assert_eq!(
        (recent.subtask_id, recent.task_state),
        (Some(2), TaskState::Completed)
    );
    h.nothing_left();
}

#[test]
fn it_waits_for_enough_nodes_that_talk_to_each_other() {
    let mut h = Harness::new();
    h.ready_pool("alone", 3, json!({}));
    h.ready_pool(
        "slots",
        3,
        json!({"enableInterNodeCommunication": true, "taskSlotsPerNode": 2}),
    );
    h.ready_pool("p", 2, together());
    for pool in ["alone", "slots", "p"] {
        let id = format!("j-{pool}");
        h.must(job(&id, pool, json!({})));
        h.must(task(&id, "t", mpi(3)));
        h.must(task(&id, "one", json!({})));
        // The one that waits is not in the way of others.
        let others = h.take_tasks();
        assert_eq!(others[0].0, "one", "{pool}");
        h.ended(others[0].1, 0);
        let mut large = mpi(2);
        large["requiredSlots"] = json!(2);
        h.must(task(&id, "large", large));
        h.must(task(&id, "two", mpi(2)));
        let runs = h.take_launches();
        assert_eq!(runs.len(), if pool == "p" { 2 } else { 0 }, "{pool}");
        h.nothing_left();
    }
}

#[test]
fn a_subtask_that_fails_fails_the_task() {
    for (retries, again) in [(0, false), (1, true)] {
        let (mut h, runs) = three(json!({"constraints": {"maxTaskRetryCount": retries}}));
        for run in &runs {
            h.started(*run);
        }
        h.coordinated(runs[0]);
        h.ended(runs[2], 3);
        assert_eq!(h.take_stops(), [(runs[0], StopReason::Terminated)]);
        h.ended(runs[0], 137);
        h.assert_abandoned(&runs[1..2]);
        let shown = h.task("j", "t");
        let info = shown.execution_info.unwrap();
        if again {
            let second = h.runs(3);
            assert!(second.iter().all(|run| !runs.contains(run)));
            assert_eq!((shown.state, info.retry_count), (TaskState::Preparing, 1));
        } else {
            assert_eq!(
                (info.exit_code, info.result),
                (Some(3), Some(ExecutionResult::Failure))
            );
            assert_eq!(
                info.failure_info.unwrap().code.as_deref(),
                Some("FailureExitCode")
            );
            assert_eq!(h.subtasks()[1].exit_code, Some(3));
        }
        h.nothing_left();
    }
}

#[test]
fn files_that_a_subtask_cannot_get_are_not_tried_again() {
    let (mut h, runs) = three(json!({"constraints": {"maxTaskRetryCount": -1}}));
    let info = TaskFailureInfo {
        category: ErrorCategory::UserError,
        code: Some("BlobNotFound".to_owned()),
        message: None,
        details: Vec::new(),
    };
    let failure = Some(Failure {
        stage: FailureStage::PreProcessing,
        info: info.clone(),
    });
    let end = RunEnd {
        at: h.now,
        exit_code: None,
        failure,
    };
    h.report(Report::RunEnded { run: runs[1], end });
    assert_eq!(h.take_stops(), [(runs[0], StopReason::Terminated)]);
    h.ended(runs[0], 137);
    h.assert_abandoned(&runs[2..]);
    let shown = h.task("j", "t").execution_info.unwrap();
    assert_eq!((shown.exit_code, shown.failure_info), (None, Some(info)));
    assert_eq!(
        states(&h.subtasks()),
        [SubtaskState::Completed, SubtaskState::Preparing]
    );
    h.nothing_left();
}

#[test]
fn stopping_and_deleting_reach_all_of_it() {
    let (mut h, runs) = three(json!({}));
    h.started(runs[0]);
    h.task_do("j", "t", TaskRequest::Terminate).unwrap();
    assert_eq!(h.take_stops(), [(runs[0], StopReason::Terminated)]);
    // A subtask that fails meanwhile changes nothing about why it ended.
    h.ended(runs[1], 1);
    h.take_stops();
    h.ended(runs[0], 137);
    h.assert_abandoned(&runs[2..]);
    let info = h.task("j", "t").execution_info.unwrap();
    assert_eq!(
        info.failure_info.unwrap().code.as_deref(),
        Some("TaskEnded")
    );
    h.task_do("j", "t", TaskRequest::Reactivate).unwrap();
    let runs = h.runs(3);
    h.task_do("j", "t", TaskRequest::Delete).unwrap();
    h.assert_abandoned(&runs);
    let deleted: Vec<_> = h.drop_effects();
    assert_eq!(deleted.len(), 3);
    assert!(
        deleted
            .iter()
            .all(|e| matches!(e, Effect::DeleteTaskDirectory { .. }))
    );
    assert_eq!(h.node_states("p"), [NodeState::Idle; 3]);
}

#[test]
fn the_wall_clock_and_the_retention_are_the_tasks() {
    let limits = json!({"maxWallClockTime": "PT1M", "retentionTime": "PT1H"});
    let (mut h, runs) = three(json!({"constraints": limits}));
    h.started(runs[0]);
    h.pass(Duration::from_secs(61));
    assert_eq!(h.take_stops(), [(runs[0], StopReason::WallClock)]);
    h.ended(runs[0], 137);
    h.assert_abandoned(&runs[1..]);
    h.pass(Duration::from_secs(3700));
    assert_eq!(h.drop_effects().len(), 3, "directories");
}

#[test]
fn a_node_that_goes_takes_the_whole_task_along() {
    let option = |option| Some(option);
    for at in 0..3 {
        let (mut h, runs) = three(json!({}));
        for run in &runs {
            h.started(*run);
        }
        let node = h.nodes("p").into_iter().find(|n| {
            let id = n.recent_tasks[0].subtask_id;
            id.unwrap_or(0) == at
        });
        let remove = NodeRemove {
            node_list: vec![node.unwrap().id],
            resize_timeout: None,
            node_deallocation_option: option(NodeDeallocationOption::Requeue),
        };
        h.pool_do("p", PoolRequest::RemoveNodes(remove)).unwrap();
        let others: Vec<RunId> = runs
            .iter()
            .copied()
            .filter(|r| *r != runs[at as usize])
            .collect();
        h.assert_abandoned(&others);
        assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
        let shown = h.task("j", "t");
        assert_eq!(shown.state, TaskState::Active);
        assert_eq!(shown.execution_info.unwrap().requeue_count, 1);
        assert_eq!(h.node_states("p"), [NodeState::Idle; 2]);
        // It cannot run on two nodes.
        h.nothing_left();
    }
}

#[test]
fn nodes_that_wait_for_it_go_on_when_it_has_ended() {
    let (mut h, runs) = three(json!({}));
    let nodes: Vec<String> = h.nodes("p").into_iter().map(|n| n.id).collect();
    for (node, option) in nodes.iter().zip([
        NodeDeallocationOption::TaskCompletion,
        NodeDeallocationOption::TaskCompletion,
        NodeDeallocationOption::Terminate,
    ]) {
        let reboot = NodeRequest::Power(Power::Reboot, option);
        h.pool_do("p", PoolRequest::OnNode(node.clone(), reboot))
            .unwrap();
    }
    assert_eq!(h.take_stops(), [(runs[0], StopReason::Terminated)]);
    assert_eq!(h.node_states("p"), [NodeState::Rebooting; 3]);
    h.ended(runs[0], 137);
    h.assert_abandoned(&runs[1..]);
    h.take_prepared(3);
    h.nothing_left();
}

#[test]
fn the_pool_goes_under_it() {
    let (mut h, runs) = three(json!({}));
    h.pool_do("p", PoolRequest::Delete).unwrap();
    assert_eq!(h.task("j", "t").state, TaskState::Active);
    let stopped = h.take_stops().into_iter().map(|(run, _)| run);
    assert!(stopped.into_iter().all(|run| runs.contains(&run)));
    assert_eq!(h.drop_effects().len(), 3, "nodes removed");
}

#[test]
fn disabling_the_job_requeues_it_once() {
    let (mut h, runs) = three(json!({}));
    let requeue = serde_json::from_value(json!("requeue")).unwrap();
    h.job_do("j", JobRequest::Disable(requeue)).unwrap();
    h.assert_abandoned(&runs);
    h.tick();
    assert_eq!(h.job("j").state, JobState::Disabled);
    assert_eq!(h.task("j", "t").execution_info.unwrap().requeue_count, 1);
    for run in runs {
        h.coordinated(run);
        h.ended(run, 0);
    }
    h.nothing_left();
    h.job_do("j", JobRequest::Enable).unwrap();
    h.tick();
    h.runs(3);
}

#[test]
fn after_a_restart_it_starts_from_the_beginning() {
    let (mut h, runs) = three(json!({}));
    let mut stored = BTreeMap::new();
    h.started(runs[0]);
    h.coordinated(runs[1]);
    h.restart(&mut stored);
    for node in h.take_prepared(3) {
        h.report(Report::NodePrepared { node, error: None });
    }
    let again = h.runs(3);
    h.nothing_left();
    for run in &again {
        h.coordinated(*run);
    }
    assert_eq!(h.take_effect(), Effect::Proceed(again[0]));
    h.ended(again[0], 0);
    h.assert_abandoned(&again[1..]);
    h.restart(&mut stored);
    assert_eq!(h.subtasks().len(), 2, "kept after the end");
}

#[test]
fn its_nodes_are_prepared_first() {
    let mut h = Harness::new();
    h.ready_pool("p", 2, together());
    h.must(job(
        "j",
        "p",
        json!({"jobPreparationTask": {"commandLine": "prepare"}}),
    ));
    h.must(task("j", "t", mpi(2)));
    let first = h.take_launches();
    assert!(first.iter().all(|l| l.instance.is_none()) && first.len() == 2);
    h.ended(first[1].run, 0);
    let subtask = h.runs(1).remove(0);
    // A subtask fails before its primary has been sent to its node.
    h.ended(subtask, 4);
    h.take_stops();
    h.ended(first[0].run, 0);
    let info = h.task("j", "t").execution_info.unwrap();
    assert_eq!(info.exit_code, Some(4));
    h.nothing_left();
    assert_eq!(h.node_states("p"), [NodeState::Idle; 2]);

    h.must(job(
        "k",
        "p",
        json!({"jobPreparationTask": {"commandLine": "prepare"}}),
    ));
    h.must(task("k", "t", mpi(2)));
    let prepare = h.take_launches();
    h.ended(prepare[0].run, 0);
    let primary = h.runs(1).remove(0);
    h.ended(prepare[1].run, 1);
    // One node will never do, and two are needed.
    h.assert_abandoned(&[primary]);
    assert_eq!(h.task("k", "t").state, TaskState::Active);
    h.nothing_left();
}

#[test]
fn one_instance_is_a_team_too() {
    let mut h = Harness::new();
    h.ready_pool("p", 1, together());
    h.must(job("j", "p", json!({})));
    h.must(task(
        "j",
        "t",
        json!({"multiInstanceSettings": {"coordinationCommandLine": "x"}}),
    ));
    let run = h.runs(1).remove(0);
    h.coordinated(run);
    assert_eq!(h.take_effect(), Effect::Proceed(run));
    h.ended(run, 0);
    assert!(h.subtasks().is_empty());
    h.must(task("j", "plain", json!({})));
    let plain = h.task_do("j", "plain", TaskRequest::Subtasks);
    assert_eq!(plain, Ok(Reply::Subtasks(Vec::new())));
}

#[test]
fn what_is_refused() {
    let mut h = Harness::new();
    h.must(pool("p", together()));
    h.must(job("j", "p", json!({})));
    for settings in [
        json!({"numberOfInstances": 0, "coordinationCommandLine": "x"}),
        json!({"numberOfInstances": 70000, "coordinationCommandLine": "x"}),
        json!({"coordinationCommandLine": " "}),
        json!({"coordinationCommandLine": "x", "commonResourceFiles": [{"filePath": "a"}]}),
    ] {
        let body = json!({"multiInstanceSettings": settings});
        assert_eq!(h.refused(task("j", "t", body)), Code::InvalidPropertyValue);
    }
}
