//! Tasks that wait for tasks, and what the end of one does to its job.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Harness, job, task};
use crate::service::core::command::TaskRequest;
use crate::service::core::effect::{Failure, FailureStage, Report, RunEnd, RunId, StopReason};
use crate::wire::batch::command::{ErrorCategory, TaskFailureInfo};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::JobState;
use crate::wire::batch::task::TaskState;

fn with_job(nodes: usize, more: Value) -> Harness {
    let mut h = Harness::new();
    h.ready_pool("p", nodes, json!({}));
    h.must(job("j", "p", more));
    h
}

fn waiting_job() -> Harness {
    with_job(4, json!({"usesTaskDependencies": true}))
}

fn names(launched: &[(String, RunId)]) -> Vec<&str> {
    launched.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_task_waits_for_tasks_that_need_not_exist_yet() {
    let mut h = waiting_job();
    let depends =
        json!({"dependsOn": {"taskIds": ["A", "b"], "taskIdRanges": [{"start": 7, "end": 8}]}});
    h.must(task("j", "last", depends));
    for id in ["a", "b", "007", "8"] {
        assert!(h.take_tasks().is_empty());
        h.must(task("j", id, json!({})));
        let run = h.take_tasks().remove(0).1;
        assert_eq!(h.task("j", "last").state, TaskState::Active);
        h.started(run);
        h.ended(run, 0);
    }
    assert_eq!(names(&h.take_tasks()), ["last"]);
    h.nothing_left();
}

#[test]
fn a_failed_task_blocks_until_it_is_reactivated_and_succeeds() {
    let mut h = waiting_job();
    let mut stored = BTreeMap::new();
    h.must(task("j", "a", json!({})));
    h.must(task("j", "b", json!({"dependsOn": {"taskIds": ["a"]}})));
    let run = h.take_tasks().remove(0).1;
    h.ended(run, 1);
    h.nothing_left();
    h.restart(&mut stored);
    for node in h.take_prepared(4) {
        h.report(Report::NodePrepared { node, error: None });
    }
    h.nothing_left();
    h.task_do("j", "a", TaskRequest::Reactivate).unwrap();
    let run = h.take_tasks().remove(0).1;
    h.ended(run, 0);
    assert_eq!(names(&h.take_tasks()), ["b"]);
}

#[test]
fn waiting_tasks_keep_their_job_from_ending() {
    let mut h = with_job(1, json!({"usesTaskDependencies": true}));
    h.must(task("j", "a", json!({"dependsOn": {"taskIds": ["never"]}})));
    let update = serde_json::from_value(json!({"onAllTasksComplete": "terminatejob"})).unwrap();
    h.job_do(
        "j",
        crate::service::core::command::JobRequest::Update(update),
    )
    .unwrap();
    h.tick();
    assert_eq!(h.job("j").state, JobState::Active);
    h.task_do("j", "a", TaskRequest::Delete).unwrap();
    h.tick();
    assert_eq!(h.job("j").state, JobState::Completed);
}

#[test]
fn what_dependencies_may_not_be() {
    let mut h = waiting_job();
    h.must(job("plain", "p", json!({})));
    let long: Vec<String> = (0..1100).map(|i| format!("{i:064}")).collect();
    for (to, depends, code) in [
        ("plain", json!({}), Code::TaskDependenciesNotSpecifiedOnJob),
        (
            "j",
            json!({"taskIds": long}),
            Code::TaskDependencyListTooLong,
        ),
        (
            "j",
            json!({"taskIdRanges": vec![json!({"start": 1, "end": 2}); 1001]}),
            Code::TaskDependencyRangesTooLong,
        ),
        (
            "j",
            json!({"taskIdRanges": [{"start": 2, "end": 1}]}),
            Code::InvalidPropertyValue,
        ),
    ] {
        assert_eq!(
            h.refused(task(to, "t", json!({"dependsOn": depends}))),
            code
        );
    }
    let acts = json!({"exitConditions": {"default": {"jobAction": "terminate"}}});
    assert_eq!(h.refused(task("j", "t", acts)), Code::InvalidPropertyValue);
    let blocks = json!({"exitConditions": {"default": {"dependencyAction": "block"}}});
    assert_eq!(
        h.refused(task("plain", "t", blocks)),
        Code::InvalidPropertyValue
    );
    h.nothing_left();
}

#[test]
fn exit_conditions_decide_who_may_go_on() {
    let conditions = json!({
        "exitCodes": [
            {"code": 0, "exitOptions": {"dependencyAction": "block"}},
            {"code": 3, "exitOptions": {"dependencyAction": "block"}},
        ],
        "exitCodeRanges": [{"start": 2, "end": 5, "exitOptions": {"dependencyAction": "satisfy"}}],
        "fileUploadError": {"dependencyAction": "satisfy"},
        "default": {"dependencyAction": "satisfy"},
        "preProcessingError": {"dependencyAction": "block"},
    });
    use FailureStage::{FileUpload, PreProcessing};
    for (exit_code, stage, goes_on) in [
        (Some(0), None, false),
        (Some(1), None, true),
        (Some(2), None, true),
        (Some(3), None, false),
        (Some(3), Some(FileUpload), false),
        (Some(9), Some(FileUpload), true),
        (None, Some(PreProcessing), false),
    ] {
        let mut h = waiting_job();
        h.must(task("j", "a", json!({"exitConditions": conditions})));
        h.must(task("j", "b", json!({"dependsOn": {"taskIds": ["a"]}})));
        let run = h.take_tasks().remove(0).1;
        let info = TaskFailureInfo {
            category: ErrorCategory::UserError,
            code: None,
            message: None,
            details: Vec::new(),
        };
        let failure = stage.map(|stage| Failure { stage, info });
        let end = RunEnd {
            at: h.now,
            exit_code,
            failure,
        };
        h.report(Report::RunEnded { run, end });
        let went_on = h.take_tasks().len() == 1;
        assert_eq!(went_on, goes_on, "{exit_code:?} {stage:?}");
        h.nothing_left();
    }
}

#[test]
fn exit_conditions_act_on_the_job() {
    for (conditions, exit_code, state, reason) in [
        (json!(null), 0, JobState::Active, None),
        (json!(null), 1, JobState::Completed, Some("TaskFailed")),
        (
            json!({"default": {"jobAction": "none"}}),
            1,
            JobState::Active,
            None,
        ),
        (
            json!({"exitCodes": [{"code": 1, "exitOptions": {"jobAction": "disable"}}]}),
            1,
            JobState::Disabled,
            None,
        ),
    ] {
        let mut h = with_job(2, json!({"onTaskFailure": "performexitoptionsjobaction"}));
        h.must(task("j", "a", json!({"exitConditions": conditions})));
        h.must(task("j", "b", json!({})));
        let runs = h.take_tasks();
        h.ended(runs[0].1, exit_code);
        for (run, stop) in h.take_stops() {
            if stop == StopReason::Terminated {
                h.ended(run, 137);
            }
        }
        h.tick();
        let j = h.job("j");
        assert_eq!(j.state, state);
        assert_eq!(
            j.execution_info.unwrap().terminate_reason.as_deref(),
            reason
        );
        let kept = h.task("j", "b").state;
        let expected = match state {
            JobState::Completed => TaskState::Completed,
            JobState::Disabled => TaskState::Active,
            _ => TaskState::Preparing,
        };
        assert_eq!(kept, expected);
        h.nothing_left();
    }
}
