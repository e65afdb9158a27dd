//! Job schedules and job managers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Harness, everything, job, task};
use crate::service::core::command::{Answer, JobRequest, JobScheduleRequest, Reply, Request};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::JobState;
use crate::wire::batch::job_schedule::{JobSchedule, JobScheduleState};
use crate::wire::batch::task::TaskState;
use crate::wire::time::Duration;

fn create(id: &str, schedule: Value, job: Value) -> Request {
    let mut specification = json!({"poolInfo": {"poolId": "p"}});
    let map = specification.as_object_mut().unwrap();
    map.extend(job.as_object().unwrap().clone());
    let body = json!({"id": id, "schedule": schedule, "jobSpecification": specification});
    Request::CreateJobSchedule(serde_json::from_value(body).unwrap())
}

impl Harness {
    fn schedule_do(&mut self, id: &str, request: JobScheduleRequest) -> Answer {
        self.ask(Request::JobSchedule(id.to_owned(), request))
    }

    fn schedule(&mut self, id: &str) -> JobSchedule {
        match self.schedule_do(id, JobScheduleRequest::Get) {
            Ok(Reply::JobSchedule(schedule)) => *schedule,
            other => panic!("no schedule: {other:?}"),
        }
    }

    fn jobs_of(&mut self, id: &str) -> Vec<(String, JobState)> {
        match self.schedule_do(id, JobScheduleRequest::Jobs(everything())) {
            Ok(Reply::Jobs(page)) => page.value.into_iter().map(|j| (j.id, j.state)).collect(),
            other => panic!("no jobs: {other:?}"),
        }
    }

    fn end_job(&mut self, id: &str) {
        self.job_do(id, JobRequest::Terminate(None)).unwrap();
        self.tick();
    }
}

fn minutes(count: i64) -> Duration {
    Duration::from_secs(count * 60)
}

#[test]
fn a_recurring_schedule_makes_a_job_when_one_is_due_and_none_is_there() {
    let mut h = Harness::new();
    let mut stored = BTreeMap::new();
    h.must(create(
        "S",
        json!({"recurrenceInterval": "PT10M"}),
        json!({}),
    ));
    let made = |h: &mut Harness| h.jobs_of("s").len();
    assert_eq!(h.jobs_of("S"), [("S:job-1".to_owned(), JobState::Active)]);
    let info = h.schedule("s").execution_info;
    assert_eq!(info.recent_job.unwrap().id.as_deref(), Some("S:job-1"));
    let next = info.next_run_time.unwrap();
    h.pass(minutes(25));
    assert_eq!(made(&mut h), 1);
    h.restart(&mut stored);
    h.end_job("S:job-1");
    h.tick();
    // That of 20 minutes is still due, that of 10 is lost.
    assert_eq!(made(&mut h), 2);
    let next_but_two = h.schedule("s").execution_info.next_run_time.unwrap();
    assert_eq!(next_but_two.since(next), minutes(20));
    h.end_job("s:job-2");
    assert_eq!(made(&mut h), 2);
    h.pass(minutes(5));
    assert_eq!(made(&mut h), 3);
    h.nothing_left();
}

#[test]
fn a_missed_window_is_lost() {
    let mut h = Harness::new();
    let times = json!({"recurrenceInterval": "PT10M", "startWindow": "PT2M"});
    h.must(create("s", times, json!({})));
    h.pass(minutes(15));
    h.end_job("s:job-1");
    assert_eq!(h.jobs_of("s").len(), 1);
    h.pass(minutes(6));
    assert_eq!(h.jobs_of("s").len(), 2);
}

#[test]
fn a_schedule_that_does_not_recur_ends_with_its_job() {
    let mut h = Harness::new();
    let first = h.now.plus(minutes(3));
    h.must(create("s", json!({"doNotRunUntil": first}), json!({})));
    assert!(h.jobs_of("s").is_empty());
    assert_eq!(h.schedule("s").execution_info.next_run_time, Some(first));
    h.pass(minutes(3));
    assert_eq!(h.jobs_of("s").len(), 1);
    h.end_job("s:job-1");
    let s = h.schedule("s");
    assert_eq!(s.state, JobScheduleState::Completed);
    assert!(s.execution_info.end_time.is_some());
    let refused = h.schedule_do("s", JobScheduleRequest::Disable).unwrap_err();
    assert_eq!(refused.code, Code::JobScheduleCompleted);
}

#[test]
fn a_schedule_ends_after_its_last_moment() {
    let mut h = Harness::new();
    let last = h.now.plus(minutes(15));
    let times = json!({"recurrenceInterval": "PT10M", "doNotRunAfter": last});
    h.must(create("s", times, json!({})));
    h.end_job("s:job-1");
    h.pass(minutes(11));
    h.end_job("s:job-2");
    h.pass(minutes(5));
    assert_eq!(h.schedule("s").state, JobScheduleState::Completed);
    assert_eq!(h.jobs_of("s").len(), 2);
}

#[test]
fn disabled_enabled_terminated_deleted() {
    let mut h = Harness::new();
    h.must(create(
        "s",
        json!({"recurrenceInterval": "PT10M"}),
        json!({}),
    ));
    h.schedule_do("s", JobScheduleRequest::Disable).unwrap();
    h.end_job("s:job-1");
    h.pass(minutes(30));
    assert_eq!(h.jobs_of("s").len(), 1);
    h.schedule_do("s", JobScheduleRequest::Enable).unwrap();
    h.tick();
    assert_eq!(h.jobs_of("s").len(), 2);
    h.schedule_do("s", JobScheduleRequest::Terminate).unwrap();
    let refused = h.schedule_do("s", JobScheduleRequest::Enable).unwrap_err();
    assert_eq!(refused.code, Code::JobScheduleBeingTerminated);
    h.tick();
    assert_eq!(h.schedule("s").state, JobScheduleState::Completed);
    let reason = h.job("s:job-2").execution_info.unwrap().terminate_reason;
    assert_eq!(reason.as_deref(), Some("TerminateJobSchedule"));
    h.schedule_do("s", JobScheduleRequest::Delete).unwrap();
    h.tick();
    let gone = h.schedule_do("s", JobScheduleRequest::Get).unwrap_err();
    assert_eq!(gone.code, Code::JobScheduleNotFound);
    assert_eq!(
        h.refused(Request::Job("s:job-1".into(), JobRequest::Get)),
        Code::JobNotFound
    );
    h.nothing_left();
}

#[test]
fn what_a_schedule_may_not_be() {
    let mut h = Harness::new();
    h.must(create("s", json!({}), json!({})));
    h.must(job("j", "p", json!({})));
    for (request, code) in [
        (create("S", json!({}), json!({})), Code::JobScheduleExists),
        (create("J", json!({}), json!({})), Code::JobWithSameIdExists),
        (job("S", "p", json!({})), Code::JobScheduleWithSameIdExists),
        (
            create("x", json!({"recurrenceInterval": "PT59S"}), json!({})),
            Code::InvalidPropertyValue,
        ),
        (
            create("x", json!({"startWindow": "PT1S"}), json!({})),
            Code::InvalidPropertyValue,
        ),
        (
            create(
                "x",
                json!({"doNotRunAfter": "2020-01-01T00:00:00Z"}),
                json!({}),
            ),
            Code::InvalidPropertyValue,
        ),
        (
            create("x", json!({}), json!({"priority": 5000})),
            Code::OutOfRangePriority,
        ),
        (
            create("x:job-1", json!({}), json!({})),
            Code::InvalidPropertyValue,
        ),
    ] {
        assert_eq!(h.refused(request), code);
    }
}

#[test]
fn the_end_of_the_manager_is_the_end_of_the_job() {
    for (more, state) in [
        (json!({}), JobState::Completed),
        (json!({"killJobOnCompletion": false}), JobState::Active),
    ] {
        let mut h = Harness::new();
        h.ready_pool("p", 2, json!({"taskSlotsPerNode": 2}));
        let mut manager = json!({"id": "m", "commandLine": "x"});
        manager
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        h.must(job(
            "j",
            "p",
            json!({"jobManagerTask": manager, "onAllTasksComplete": "terminatejob"}),
        ));
        let run = h.take_tasks().remove(0).1;
        for id in ["a", "b", "c"] {
            h.must(task("j", id, json!({})));
        }
        // The manager has its node for itself.
        let others = h.take_tasks();
        assert_eq!(others.len(), 2);
        h.ended(run, 1);
        for (run, _) in h.take_stops() {
            h.ended(run, 137);
        }
        h.tick();
        let j = h.job("j");
        assert_eq!(j.state, state);
        if state == JobState::Completed {
            assert_eq!(
                j.execution_info.unwrap().terminate_reason.as_deref(),
                Some("JMComplete")
            );
            assert_eq!(h.task("j", "a").state, TaskState::Completed);
        } else {
            assert_eq!(h.take_tasks().len(), 1);
        }
        h.nothing_left();
    }
}

#[test]
fn a_manager_may_want_a_node_to_itself_and_a_dedicated_one() {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({"taskSlotsPerNode": 2}));
    h.must(job("first", "p", json!({"priority": 5})));
    h.must(task("first", "t", json!({})));
    let run = h.take_tasks().remove(0).1;
    let manager = json!({"id": "m", "commandLine": "x", "allowLowPriorityNode": false});
    h.must(job("j", "p", json!({"jobManagerTask": manager})));
    h.nothing_left();
    h.ended(run, 0);
    assert_eq!(h.take_tasks().len(), 1);
    h.nothing_left();
}
