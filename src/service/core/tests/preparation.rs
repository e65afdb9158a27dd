//! Preparation and release of the nodes of a job.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Harness, everything, job, task};
use crate::service::core::command::{JobRequest, PoolRequest, Reply};
use crate::service::core::effect::{Report, RunId, StopReason};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::{JobPreparationAndReleaseTaskStatus as Status, JobState};
use crate::wire::batch::task::TaskState;
use crate::wire::time::Duration;

fn prepared(nodes: usize, preparation: Value, release: Value) -> Harness {
    let mut h = Harness::new();
    h.ready_pool("p", nodes, json!({"taskSlotsPerNode": 2}));
    let mut first = json!({"commandLine": "prepare"});
    let map = first.as_object_mut().unwrap();
    map.extend(preparation.as_object().unwrap().clone());
    h.must(job(
        "j",
        "p",
        json!({"jobPreparationTask": first, "jobReleaseTask": release}),
    ));
    h
}

fn release() -> Value {
    json!({"commandLine": "clean"})
}

impl Harness {
    fn statuses(&mut self) -> Vec<Status> {
        match self.job_do("j", JobRequest::Preparations(everything())) {
            Ok(Reply::Preparations(page)) => page.value,
            other => panic!("no statuses: {other:?}"),
        }
    }

    fn only(&mut self, name: &str) -> RunId {
        let mut launched = self.take_tasks();
        assert_eq!(launched.len(), 1, "{launched:?}");
        let (launched, run) = launched.remove(0);
        assert_eq!(launched, name);
        run
    }
}

#[test]
fn a_node_is_prepared_once_and_released_when_the_job_ends() {
    let mut h = prepared(1, json!({}), release());
    assert!(h.statuses().is_empty());
    for id in ["a", "b", "c"] {
        h.must(task("j", id, json!({})));
    }
    let run = h.only("jobpreparation");
    h.started(run);
    assert_eq!(h.task("j", "a").state, TaskState::Preparing);
    assert_eq!(h.task("j", "c").state, TaskState::Active);
    h.ended(run, 0);
    let launches = h.take_launches();
    assert_eq!(launches.len(), 2);
    assert_eq!(launches[0].preparation.as_deref(), Some("jobpreparation"));
    for launch in launches {
        h.ended(launch.run, 0);
    }
    let run = h.only("c");
    h.ended(run, 0);
    h.job_do("j", JobRequest::Terminate(None)).unwrap();
    h.tick();
    assert_eq!(h.job("j").state, JobState::Terminating);
    let run = h.only("jobrelease");
    h.ended(run, 1);
    h.tick();
    assert_eq!(h.job("j").state, JobState::Completed);
    let status = h.statuses().remove(0);
    let first = status.job_preparation_task_execution_info.unwrap();
    assert_eq!(
        first.task_root_directory.as_deref(),
        Some("workitems/j/job-1/jobpreparation")
    );
    assert_eq!(first.exit_code, Some(0));
    assert_eq!(
        status.job_release_task_execution_info.unwrap().exit_code,
        Some(1)
    );
    h.nothing_left();
}

#[test]
fn a_node_that_cannot_be_prepared_takes_no_task_of_the_job() {
    let constraints = json!({"constraints": {"maxTaskRetryCount": 1}});
    let mut h = prepared(1, constraints, json!(null));
    h.must(task("j", "a", json!({})));
    for _ in 0..2 {
        let run = h.only("jobpreparation");
        h.ended(run, 1);
    }
    h.nothing_left();
    assert_eq!(h.task("j", "a").state, TaskState::Active);
    let info = h.statuses().remove(0).job_preparation_task_execution_info;
    assert_eq!(info.unwrap().retry_count, 1);
    h.must(job("other", "p", json!({})));
    h.must(task("other", "x", json!({})));
    h.only("x");
}

#[test]
fn tasks_do_not_wait_when_told_so() {
    let mut h = prepared(
        1,
        json!({"waitForSuccess": false, "id": "prep"}),
        json!(null),
    );
    h.must(task("j", "a", json!({})));
    let launched = h.take_tasks();
    assert_eq!(
        (launched[0].0.as_str(), launched[1].0.as_str()),
        ("prep", "a")
    );
    h.ended(launched[0].1, 1);
    h.ended(launched[1].1, 0);
    assert_eq!(h.task("j", "a").state, TaskState::Completed);
    h.nothing_left();
}

#[test]
fn terminated_while_it_prepares() {
    let mut h = prepared(1, json!({}), release());
    h.must(task("j", "a", json!({})));
    let run = h.only("jobpreparation");
    h.job_do("j", JobRequest::Terminate(None)).unwrap();
    assert!(h.take_stops().contains(&(run, StopReason::Terminated)));
    h.ended(run, 137);
    assert_eq!(h.task("j", "a").state, TaskState::Completed);
    h.tick();
    let run = h.only("jobrelease");
    h.pass(Duration::from_secs(15 * 60));
    assert_eq!(h.take_stops(), [(run, StopReason::WallClock)]);
    h.ended(run, 137);
    h.tick();
    assert_eq!(h.job("j").state, JobState::Completed);
}

#[test]
fn after_a_restart_nodes_are_prepared_again() {
    for (again, expected) in [(true, "jobpreparation"), (false, "b")] {
        let rerun = json!({"rerunOnNodeRebootAfterSuccess": again});
        let mut h = prepared(1, rerun, json!(null));
        let mut stored = BTreeMap::new();
        h.must(task("j", "a", json!({})));
        let run = h.only("jobpreparation");
        h.ended(run, 0);
        let run = h.only("a");
        h.ended(run, 0);
        h.wait(Duration::from_secs(1));
        h.restart(&mut stored);
        for node in h.take_prepared(1) {
            h.report(Report::NodePrepared { node, error: None });
        }
        h.must(task("j", "b", json!({})));
        h.only(expected);
    }
}

#[test]
fn a_job_does_not_wait_for_nodes_that_are_gone() {
    let mut h = prepared(1, json!({}), release());
    h.must(task("j", "a", json!({})));
    h.only("jobpreparation");
    h.pool_do("p", PoolRequest::Delete).unwrap();
    h.job_do("j", JobRequest::Delete).unwrap();
    h.tick();
    let gone = h.job_do("j", JobRequest::Get).unwrap_err();
    assert_eq!(gone.code, Code::JobNotFound);
}

#[test]
fn what_is_refused() {
    let mut h = prepared(
        1,
        json!({"id": "One"}),
        json!({"commandLine": "x", "id": "two"}),
    );
    h.must(job("plain", "p", json!({})));
    for (request, code) in [
        (
            task("j", "one", json!({})),
            Code::TaskIdSameAsJobPreparationTask,
        ),
        (
            task("j", "TWO", json!({})),
            Code::TaskIdSameAsJobReleaseTask,
        ),
        (
            job("x", "p", json!({"jobReleaseTask": release()})),
            Code::InvalidPropertyValue,
        ),
        (
            job("x", "p", json!({"jobPreparationTask": {"commandLine": ""}})),
            Code::InvalidPropertyValue,
        ),
    ] {
        assert_eq!(h.refused(request), code);
    }
    let none = h.job_do("plain", JobRequest::Preparations(everything()));
    assert_eq!(none.unwrap_err().code, Code::JobPreparationTaskNotSpecified);
}
