//! Jobs: their life, and what becomes of their tasks.

use std::collections::BTreeMap;

use serde_json::json;

use super::harness::{Harness, job, task};
use crate::service::core::command::{JobRequest, PoolRequest, Request, TaskRequest};
use crate::service::core::effect::{Effect, Report, RunId, StopReason};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::{DisableTasks, JobState};
use crate::wire::batch::node::NodeState;
use crate::wire::batch::task::TaskState;
use crate::wire::time::Duration;

fn update(body: serde_json::Value) -> JobRequest {
    JobRequest::Update(serde_json::from_value(body).unwrap())
}

/// A job with a running and a waiting task.
fn half_done(more: serde_json::Value) -> (Harness, RunId) {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({}));
    h.must(job("j", "p", more));
    h.must(task("j", "a", json!({})));
    h.must(task("j", "b", json!({})));
    let (_, run) = h.take_tasks().remove(0);
    h.started(run);
    h.nothing_left();
    (h, run)
}

#[test]
fn a_job_ends_when_all_its_tasks_have() {
    let (mut h, run) = half_done(json!({}));
    h.job_do("j", update(json!({"onAllTasksComplete": "terminatejob"})))
        .unwrap();
    h.ended(run, 0);
    let (_, run) = h.take_tasks().remove(0);
    assert_eq!(h.job("j").state, JobState::Active);
    h.ended(run, 1);
    h.tick();
    let j = h.job("j");
    assert_eq!(
        (j.state, j.previous_state),
        (JobState::Completed, Some(JobState::Terminating))
    );
    let info = j.execution_info.unwrap();
    assert_eq!(info.terminate_reason.as_deref(), Some("AllTasksComplete"));
    assert!(info.end_time.is_some());
    assert_eq!(h.refused(task("j", "c", json!({}))), Code::JobCompleted);
}

#[test]
fn a_job_without_tasks_that_should_end_ends_at_once() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({"onAllTasksComplete": "terminatejob"})));
    h.tick();
    assert_eq!(h.job("j").state, JobState::Completed);
    h.must(job("k", "p", json!({})));
    h.job_do("k", update(json!({"onAllTasksComplete": "terminatejob"})))
        .unwrap();
    h.tick();
    assert_eq!(h.job("k").state, JobState::Completed);
}

#[test]
fn terminating_kills_what_runs_and_leaves_the_rest() {
    let (mut h, run) = half_done(json!({}));
    h.job_do("j", JobRequest::Terminate(Some("enough".to_owned())))
        .unwrap();
    assert_eq!(h.take_stops(), [(run, StopReason::Terminated)]);
    h.tick();
    assert_eq!(h.job("j").state, JobState::Terminating);
    assert_eq!(
        h.refused(task("j", "c", json!({}))),
        Code::JobBeingTerminated
    );
    h.ended(run, 137);
    h.tick();
    let j = h.job("j");
    assert_eq!(j.state, JobState::Completed);
    assert_eq!(
        j.execution_info.unwrap().terminate_reason.as_deref(),
        Some("enough")
    );
    let counts = h.counts("j");
    assert_eq!((counts.active, counts.failed), (1, 1));
    h.nothing_left();
}

#[test]
fn disabling_three_ways() {
    for option in [
        DisableTasks::Requeue,
        DisableTasks::Terminate,
        DisableTasks::Wait,
    ] {
        let (mut h, run) = half_done(json!({}));
        h.job_do("j", JobRequest::Disable(option)).unwrap();
        assert_eq!(h.job("j").state, JobState::Disabling);
        let (stopped, waits, state) = match option {
            DisableTasks::Requeue => (Some(StopReason::Abandoned), false, TaskState::Active),
            DisableTasks::Terminate => (Some(StopReason::Terminated), true, TaskState::Completed),
            DisableTasks::Wait => (None, true, TaskState::Completed),
        };
        assert_eq!(h.take_stops().first().map(|s| s.1), stopped);
        h.tick();
        if waits {
            assert_eq!(h.job("j").state, JobState::Disabling);
            h.ended(run, 0);
            h.tick();
        }
        assert_eq!(h.job("j").state, JobState::Disabled);
        assert_eq!(h.task("j", "a").state, state);
        h.nothing_left();
        h.job_do("j", JobRequest::Enable).unwrap();
        h.tick();
        assert_eq!(h.job("j").state, JobState::Active);
        assert_eq!(h.take_tasks().len(), 1);
    }
}

#[test]
fn deleting_a_job_takes_everything_with_it() {
    let (mut h, run) = half_done(json!({}));
    h.job_do("j", JobRequest::Delete).unwrap();
    assert_eq!(h.job("j").state, JobState::Deleting);
    assert_eq!(
        h.job_do("j", JobRequest::Delete).unwrap_err().code,
        Code::JobBeingDeleted
    );
    assert_eq!(h.refused(job("J", "p", json!({}))), Code::JobBeingDeleted);
    assert_eq!(h.take_stops(), [(run, StopReason::Abandoned)]);
    h.tick();
    assert_eq!(
        h.job_do("j", JobRequest::Get).unwrap_err().code,
        Code::JobNotFound
    );
    h.nothing_left();
    h.must(job("j", "p", json!({})));
    assert_eq!(h.counts("j").active, 0);
}

#[test]
fn deleting_a_job_deletes_the_files_of_its_tasks() {
    let (mut h, run) = half_done(json!({}));
    h.ended(run, 0);
    h.take_tasks();
    h.job_do("j", JobRequest::Delete).unwrap();
    h.take_stops();
    h.tick();
    assert!(matches!(h.take_effect(), Effect::DeleteTaskDirectory { task, .. } if task == "a"));
    h.nothing_left();
}

#[test]
fn the_wall_clock_of_a_job() {
    let (mut h, run) = half_done(json!({"constraints": {"maxWallClockTime": "PT1H"}}));
    h.pass(Duration::from_secs(3600));
    assert_eq!(h.take_stops(), [(run, StopReason::Terminated)]);
    h.ended(run, 137);
    h.tick();
    let info = h.job("j").execution_info.unwrap();
    assert_eq!(
        info.terminate_reason.as_deref(),
        Some("MaxWallClockTimeExpiry")
    );
}

#[test]
fn priorities_and_parallel_limits() {
    let mut h = Harness::new();
    h.must(job("low", "p", json!({"priority": -5})));
    h.must(job(
        "high",
        "p",
        json!({"priority": 7, "maxParallelTasks": 1}),
    ));
    for j in ["low", "high"] {
        for t in ["1", "2"] {
            h.must(task(j, &format!("{j}{t}"), json!({})));
        }
    }
    h.must(super::harness::pool(
        "p",
        json!({"targetDedicatedNodes": 1, "taskSlotsPerNode": 2}),
    ));
    let node = h.take_prepared(1).remove(0);
    h.report(Report::NodePrepared { node, error: None });
    let names: Vec<String> = h.take_tasks().into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["high1", "low1"]);
    h.job_do("high", update(json!({"maxParallelTasks": 0})))
        .unwrap_err();
    h.job_do("high", update(json!({"priority": 1001})))
        .unwrap_err();
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let property = "allowTaskPreemption";
    let body = json!({"allowTaskPreemption": true});
    let mut h = Harness::new();
    let refusal = h.ask(job("j", "p", body)).expect_err(property);
    assert_eq!(refusal.code, Code::UnsupportedProperty);
    assert_eq!(refusal.values[0].1, property);
}

#[test]
fn what_was_there_is_there_after_a_restart() {
    let (mut h, run) = half_done(json!({}));
    h.ended(run, 0);
    let (_, run) = h.take_tasks().remove(0);
    h.started(run);
    let mut stored = BTreeMap::new();
    h.restart(&mut stored);
    assert_eq!(h.task("j", "a").state, TaskState::Completed);
    let b = h.task("j", "b");
    assert_eq!(b.state, TaskState::Active);
    assert_eq!(b.execution_info.unwrap().requeue_count, 0);
    assert_eq!(h.node_states("p"), [NodeState::Rebooting]);
    let node = h.take_prepared(1).remove(0);
    h.nothing_left();
    h.ended(run, 0);
    h.nothing_left();
    h.report(Report::NodePrepared { node, error: None });
    let (name, again) = h.take_tasks().remove(0);
    assert_eq!(name, "b");
    assert!(again > run, "a run number is never used twice");
    assert!(h.task_do("j", "a", TaskRequest::Directory).is_ok());
}

#[test]
fn what_was_on_its_way_out_is_gone_after_a_restart() {
    let (mut h, _) = half_done(json!({}));
    h.job_do("j", JobRequest::Delete).unwrap();
    h.pool_do("p", PoolRequest::Delete).unwrap();
    h.must(job("k", "p", json!({})));
    h.job_do("k", JobRequest::Terminate(None)).unwrap();
    let mut stored = BTreeMap::new();
    h.restart(&mut stored);
    h.tick();
    assert_eq!(
        h.refused(Request::Job("j".to_owned(), JobRequest::Get)),
        Code::JobNotFound
    );
    assert_eq!(
        h.refused(Request::Pool("p".to_owned(), PoolRequest::Get)),
        Code::PoolNotFound
    );
    assert_eq!(h.job("k").state, JobState::Completed);
    h.store(&mut stored);
    let left: Vec<&str> = stored.keys().map(String::as_str).collect();
    assert_eq!(left, ["counters", "job/k"]);
}
