//! Tasks: scheduling, retries, ends.

use serde_json::json;

use super::harness::{Harness, everything, job, task};
use crate::service::core::command::{JobRequest, List, Reply, Request, TASK_STATE, TaskRequest};
use crate::service::core::effect::{
    Effect, Failure, FailureStage, Report, RunEnd, RunId, StopReason,
};
use crate::wire::batch::command::{ErrorCategory, ExecutionResult, TaskFailureInfo};
use crate::wire::batch::error::Code;
use crate::wire::batch::node::NodeState;
use crate::wire::batch::task::{TaskExecutionInfo, TaskState};
use crate::wire::filter::{Filter, lists};
use crate::wire::time::Duration;

/// One task on one node.
fn one(more: serde_json::Value) -> (Harness, RunId) {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({}));
    h.must(job(
        "j",
        "p",
        json!({"commonEnvironmentSettings": [{"name": "A", "value": "job"}]}),
    ));
    h.must(task("j", "t", more));
    let launch = h.take_launches().remove(0);
    h.nothing_left();
    (h, launch.run)
}

fn info(h: &mut Harness) -> TaskExecutionInfo {
    h.task("j", "t").execution_info.expect("always there")
}

#[test]
fn a_task_runs() {
    let (mut h, run) = one(json!({}));
    assert_eq!(h.task("j", "t").state, TaskState::Preparing);
    assert_eq!(h.node_states("p"), [NodeState::Running]);
    h.started(run);
    assert_eq!(h.task("J", "T").state, TaskState::Running);
    h.ended(run, 0);
    let t = h.task("j", "t");
    assert_eq!(t.state, TaskState::Completed);
    assert_eq!(t.previous_state, Some(TaskState::Running));
    let info = t.execution_info.unwrap();
    assert_eq!(
        (info.exit_code, info.result),
        (Some(0), Some(ExecutionResult::Success))
    );
    assert!(info.start_time.is_some() && info.end_time.is_some() && info.failure_info.is_none());
    let place = t.node_info.unwrap();
    assert_eq!(
        place.task_root_directory.as_deref(),
        Some("workitems/j/job-1/t")
    );
    let node = h.nodes("p").remove(0);
    assert_eq!(
        (node.total_tasks_run, node.total_tasks_succeeded),
        (1, Some(1))
    );
    assert_eq!(node.recent_tasks[0].task_id.as_deref(), Some("t"));
    assert_eq!(node.state, NodeState::Idle);
    h.nothing_left();
}

#[test]
fn the_environment_of_the_job_comes_first() {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({}));
    h.must(job(
        "j",
        "p",
        json!({"commonEnvironmentSettings": [{"name": "A", "value": "job"}]}),
    ));
    h.must(task(
        "j",
        "t",
        json!({"environmentSettings": [{"name": "A", "value": "task"}]}),
    ));
    let launch = h.take_launches().remove(0);
    let values: Vec<_> = launch
        .environment
        .iter()
        .map(|e| e.value.as_deref())
        .collect();
    assert_eq!(values, [Some("job"), Some("task")]);
}

#[test]
fn failures_are_retried_as_often_as_allowed() {
    let (mut h, mut run) = one(json!({"constraints": {"maxTaskRetryCount": 2}}));
    for _ in 0..2 {
        h.started(run);
        h.ended(run, 1);
        run = h.take_tasks().remove(0).1;
    }
    h.started(run);
    h.ended(run, 7);
    let info = info(&mut h);
    assert_eq!((info.retry_count, info.exit_code), (2, Some(7)));
    assert_eq!(info.result, Some(ExecutionResult::Failure));
    assert_eq!(
        info.failure_info.unwrap().code.as_deref(),
        Some("FailureExitCode")
    );
    h.nothing_left();
}

#[test]
fn staging_and_upload_failures_are_not_retried() {
    for (stage, exit_code) in [
        (FailureStage::PreProcessing, None),
        (FailureStage::FileUpload, Some(0)),
    ] {
        let (mut h, run) = one(json!({"constraints": {"maxTaskRetryCount": -1}}));
        let failed = TaskFailureInfo {
            category: ErrorCategory::UserError,
            code: Some("BlobNotFound".to_owned()),
            message: None,
            details: Vec::new(),
        };
        let failure = Some(Failure {
            stage,
            info: failed.clone(),
        });
        let end = RunEnd {
            at: h.now,
            exit_code,
            failure,
        };
        h.report(Report::RunEnded { run, end });
        let info = info(&mut h);
        assert_eq!(
            (info.exit_code, info.failure_info),
            (exit_code, Some(failed))
        );
        assert_eq!(info.result, Some(ExecutionResult::Failure));
        h.nothing_left();
    }
}

#[test]
fn the_wall_clock_stops_a_task() {
    let (mut h, run) =
        one(json!({"constraints": {"maxWallClockTime": "PT10S", "maxTaskRetryCount": 3}}));
    h.pass(Duration::from_secs(60));
    h.nothing_left();
    h.started(run);
    h.pass(Duration::from_secs(11));
    assert_eq!(h.take_stops(), [(run, StopReason::WallClock)]);
    h.ended(run, 137);
    let info = info(&mut h);
    assert_eq!((info.exit_code, info.retry_count), (Some(137), 0));
    let failure = info.failure_info.unwrap();
    assert_eq!(failure.code.as_deref(), Some("TaskEnded"));
    assert!(failure.message.unwrap().contains("maximum execution time"));
    h.nothing_left();
}

#[test]
fn terminate_and_reactivate() {
    let (mut h, run) = one(json!({}));
    assert_eq!(
        h.task_do("j", "t", TaskRequest::Reactivate)
            .unwrap_err()
            .code,
        Code::TaskNotCompleted
    );
    h.started(run);
    h.task_do("j", "t", TaskRequest::Terminate).unwrap();
    assert_eq!(h.take_stops(), [(run, StopReason::Terminated)]);
    h.task_do("j", "t", TaskRequest::Terminate).unwrap();
    h.nothing_left();
    h.ended(run, 137);
    assert_eq!(
        h.task_do("j", "t", TaskRequest::Terminate)
            .unwrap_err()
            .code,
        Code::TaskCompleted
    );
    let ended = info(&mut h).failure_info.unwrap();
    assert_eq!(
        ended.message.as_deref(),
        Some("Task Was Ended by User Request")
    );
    h.task_do("j", "t", TaskRequest::Reactivate).unwrap();
    let (_, again) = h.take_tasks().remove(0);
    h.started(again);
    h.ended(again, 0);
    assert_eq!(
        h.task_do("j", "t", TaskRequest::Reactivate)
            .unwrap_err()
            .code,
        Code::TaskSucceeded
    );
}

#[test]
fn an_active_task_ends_without_having_run() {
    let mut h = Harness::new();
    h.must(job("j", "nowhere", json!({})));
    h.must(task("j", "t", json!({})));
    h.task_do("j", "t", TaskRequest::Terminate).unwrap();
    let t = h.task("j", "t");
    assert_eq!((t.state, t.node_info), (TaskState::Completed, None));
    assert_eq!(t.execution_info.unwrap().exit_code, None);
    let files = h.task_do("j", "t", TaskRequest::Directory);
    assert_eq!(files.unwrap_err().code, Code::TaskFilesCleanedup);
}

#[test]
fn deleting_a_task_removes_its_files() {
    let (mut h, run) = one(json!({}));
    h.started(run);
    h.task_do("j", "t", TaskRequest::Delete).unwrap();
    assert_eq!(h.take_stops(), [(run, StopReason::Abandoned)]);
    assert!(matches!(h.take_effect(), Effect::DeleteTaskDirectory { task, .. } if task == "t"));
    h.nothing_left();
    assert_eq!(
        h.task_do("j", "t", TaskRequest::Get).unwrap_err().code,
        Code::TaskNotFound
    );
    assert_eq!(h.node_states("p"), [NodeState::Idle]);
    h.ended(run, 0);
    h.nothing_left();
}

#[test]
fn files_are_kept_as_long_as_asked() {
    let (mut h, run) = one(json!({"constraints": {"retentionTime": "PT1H"}}));
    h.started(run);
    h.ended(run, 0);
    assert!(matches!(
        h.task_do("j", "t", TaskRequest::Directory),
        Ok(Reply::TaskDirectory { .. })
    ));
    h.pass(Duration::from_secs(3600));
    assert!(matches!(
        h.take_effect(),
        Effect::DeleteTaskDirectory { .. }
    ));
    let late = h.task_do("j", "t", TaskRequest::Directory);
    assert_eq!(late.unwrap_err().code, Code::TaskFilesCleanedup);
    h.nothing_left();
}

#[test]
fn slots_bound_what_runs() {
    let mut h = Harness::new();
    h.ready_pool("p", 2, json!({"taskSlotsPerNode": 2}));
    h.must(job("j", "p", json!({})));
    for (id, slots) in [("a", 1), ("b", 2), ("c", 2), ("d", 1), ("e", 1), ("f", 3)] {
        h.must(task("j", id, json!({"requiredSlots": slots})));
    }
    let running = h.take_tasks();
    let names: Vec<&str> = running.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(
        names,
        ["a", "b", "d"],
        "c waits for two slots, e for one, f for ever"
    );
    h.ended(running[1].1, 0);
    assert_eq!(h.take_tasks()[0].0, "c");
    h.ended(running[0].1, 0);
    assert_eq!(h.take_tasks()[0].0, "e");
    h.nothing_left();
}

#[test]
fn spread_and_pack() {
    for (fill, wanted) in [("spread", 2), ("pack", 1)] {
        let mut h = Harness::new();
        let policy = json!({"taskSlotsPerNode": 2, "taskSchedulingPolicy": {"nodeFillType": fill}});
        h.ready_pool("p", 2, policy);
        h.must(job("j", "p", json!({})));
        h.must(task("j", "a", json!({})));
        h.must(task("j", "b", json!({})));
        let nodes: std::collections::BTreeSet<_> =
            h.take_launches().into_iter().map(|l| l.node).collect();
        assert_eq!(nodes.len(), wanted, "{fill}");
    }
}

#[test]
fn a_task_runs_where_it_would_like_to() {
    let mut h = Harness::new();
    h.ready_pool("p", 3, json!({"taskSlotsPerNode": 2}));
    h.must(job("j", "p", json!({})));
    for node in h.nodes("p") {
        let wish = json!({"affinityInfo": {"affinityId": node.affinity_id}});
        h.must(task("j", &format!("t-{}", node.id), wish));
        assert_eq!(h.take_launches()[0].node.node, node.id);
    }
}

#[test]
fn collections_answer_for_each_task() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({})));
    h.must(task("j", "a", json!({})));
    let bodies = json!([{"id": "A", "commandLine": "x"}, {"id": "b c", "commandLine": "x"},
        {"id": "d", "commandLine": "x"}, {"id": "d", "commandLine": "x"}]);
    let bodies = serde_json::from_value(bodies).unwrap();
    let Ok(Reply::Added(results)) = h.job_do("j", JobRequest::AddTasks(bodies)) else {
        panic!("the collection is taken");
    };
    let codes: Vec<Option<Code>> = results
        .into_iter()
        .map(|(_, r)| r.err().map(|e| e.code))
        .collect();
    let (exists, bad) = (Some(Code::TaskExists), Some(Code::InvalidPropertyValue));
    assert_eq!(codes, [exists, bad, None, exists]);
    let many = (0..101).map(|i| json!({"id": format!("t{i}"), "commandLine": "x"}));
    let many = serde_json::from_value(many.collect()).unwrap();
    assert!(h.job_do("j", JobRequest::AddTasks(many)).is_err());
    assert_eq!(h.counts("j").active, 2);
}

#[test]
fn the_state_of_a_task_is_the_same_without_its_body() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({})));
    h.must(task("j", "Tt", json!({"displayName": "x"})));
    h.task_do("j", "tt", TaskRequest::Terminate).unwrap();
    let mut view = |without_bodies| {
        let list = List {
            without_bodies,
            ..everything()
        };
        match h.job_do("j", JobRequest::Tasks(list)) {
            Ok(Reply::Tasks(page)) => serde_json::to_value(&page.value[0]).unwrap(),
            other => panic!("no tasks: {other:?}"),
        }
    };
    let (whole, state) = (view(false), view(true));
    for name in TASK_STATE {
        assert_eq!(whole[name], state[name], "{name}");
    }
    assert!(!whole["executionInfo"].is_null() && state["displayName"].is_null());
}

#[test]
fn lists_page_and_filter() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({})));
    for i in 0..25 {
        h.must(task("j", &format!("T{i:02}"), json!({})));
    }
    h.task_do("j", "t07", TaskRequest::Terminate).unwrap();
    let mut list = List {
        max: 10,
        ..everything()
    };
    let mut seen = Vec::new();
    loop {
        let Ok(Reply::Tasks(page)) = h.job_do("j", JobRequest::Tasks(list.clone())) else {
            panic!("a page");
        };
        seen.extend(page.value.into_iter().map(|t| t.id));
        match page.next {
            Some(next) => list.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
    let changed = h.task("j", "t07").state_transition_time;
    let filter = format!("state eq 'completed' and stateTransitionTime ge DateTime'{changed}'");
    list.after = None;
    list.filter = Some(Filter::parse(&filter, lists::TASKS).unwrap());
    let request = Request::Job("j".to_owned(), JobRequest::Tasks(list));
    let Reply::Tasks(page) = h.must(request) else {
        panic!("a page")
    };
    assert_eq!(page.value.len(), 1);
    assert_eq!((page.value[0].id.as_str(), page.next), ("T07", None));
}

#[test]
fn what_is_not_done_here_is_said_or_kept() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({})));
    for (property, value, code) in [
        (
            "containerSettings",
            json!({"imageName": "x"}),
            Code::UnsupportedProperty,
        ),
        (
            "applicationPackageReferences",
            json!([{"applicationId": "x"}]),
            Code::InvalidApplicationPackageReferences,
        ),
        (
            "userIdentity",
            json!({"username": "u", "autoUser": {"scope": "task"}}),
            Code::InvalidPropertyValue,
        ),
        ("userIdentity", json!({}), Code::InvalidPropertyValue),
    ] {
        assert_eq!(h.refused(task("j", "t", json!({ property: value }))), code);
    }
    let user = json!({"autoUser": {"scope": "task", "elevationLevel": "admin"}});
    h.must(task("j", "t", json!({ "userIdentity": user })));
    let shown = h.task("j", "t").user_identity;
    assert_eq!(serde_json::to_value(shown).unwrap(), user);
}
