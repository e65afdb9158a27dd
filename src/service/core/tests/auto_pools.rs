//! Auto pools: made with their job or schedule, gone with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Harness, everything, job, task};
use crate::service::core::command::{JobRequest, JobScheduleRequest, PoolRequest, Reply, Request};
use crate::service::core::effect::{Effect, Report};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::{Job, JobState};
use crate::wire::batch::job_schedule::JobScheduleState;
use crate::wire::batch::pool::PoolState;
use crate::wire::time::Duration;

fn specification(nodes: usize) -> Value {
    json!({
        "vmSize": "standard_d2s_v5",
        "targetDedicatedNodes": nodes,
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04",
        },
    })
}

fn auto(lifetime: &str, more: Value) -> Value {
    let mut auto = json!({
        "autoPoolIdPrefix": "Mine",
        "poolLifetimeOption": lifetime,
        "pool": specification(1),
    });
    auto.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"poolInfo": {"autoPoolSpecification": auto}})
}

fn schedule(lifetime: &str, more: Value) -> Request {
    let mut body = json!({"id": "s", "schedule": {"recurrenceInterval": "PT10M"}});
    body["jobSpecification"] = auto(lifetime, more);
    Request::CreateJobSchedule(serde_json::from_value(body).unwrap())
}

impl Harness {
    fn create_job_in(&mut self, id: &str, pool: Value) -> Job {
        let Request::CreateJob(plain) = job(id, "x", json!({})) else {
            panic!("a job");
        };
        let mut body = serde_json::to_value(plain).unwrap();
        body.as_object_mut()
            .unwrap()
            .extend(pool.as_object().unwrap().clone());
        self.must(Request::CreateJob(serde_json::from_value(body).unwrap()));
        self.job(id)
    }

    /// All pools by id, with their states.
    fn pools(&mut self) -> Vec<(String, PoolState)> {
        match self.must(Request::Pools(everything())) {
            Reply::Pools(page) => page.value.into_iter().map(|p| (p.id, p.state)).collect(),
            other => panic!("no pools: {other:?}"),
        }
    }

    fn schedule_must(&mut self, request: JobScheduleRequest) -> Reply {
        self.must(Request::JobSchedule("s".to_owned(), request))
    }

    fn finish(&mut self, job: &str) {
        self.job_do(job, JobRequest::Terminate(None)).unwrap();
        self.tick();
        assert_eq!(self.job(job).state, JobState::Completed);
    }
}

fn pool_of(job: &Job) -> String {
    job.execution_info
        .as_ref()
        .unwrap()
        .pool_id
        .clone()
        .unwrap()
}

#[test]
fn a_pool_for_one_job() {
    let mut h = Harness::new();
    let made = h.create_job_in("j", auto("job", json!({})));
    let id = pool_of(&made);
    assert!(id.starts_with("Mine_") && id.len() == 5 + 36, "{id}");
    assert_eq!(
        id["Mine_".len()..],
        id["Mine_".len()..].to_ascii_uppercase()
    );
    assert_eq!(made.pool_info.pool_id, None);
    h.must(task("j", "t", json!({})));
    let node = h.take_prepared(1).remove(0);
    assert_eq!(node.pool, id);
    h.report(Report::NodePrepared { node, error: None });
    let run = h.take_tasks().remove(0).1;
    h.ended(run, 0);
    assert_eq!(h.pools(), [(id.clone(), PoolState::Active)]);
    h.job_do("j", JobRequest::Terminate(None)).unwrap();
    assert_eq!(h.pools(), [(id, PoolState::Active)], "as long as the job");
    h.tick();
    assert_eq!(h.pools(), []);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.nothing_left();
}

#[test]
fn a_release_task_still_has_the_pool() {
    let mut h = Harness::new();
    let mut body = auto("job", json!({}));
    body["jobPreparationTask"] = json!({"commandLine": "x"});
    body["jobReleaseTask"] = json!({"commandLine": "x"});
    h.create_job_in("j", body);
    h.must(task("j", "t", json!({})));
    let node = h.take_prepared(1).remove(0);
    h.report(Report::NodePrepared { node, error: None });
    let run = h.take_tasks().remove(0).1;
    h.ended(run, 0);
    h.take_tasks();
    h.job_do("j", JobRequest::Delete).unwrap();
    h.tick();
    h.take_stops();
    let (name, run) = h.take_tasks().remove(0);
    assert_eq!((name.as_str(), h.pools().len()), ("jobrelease", 1));
    h.ended(run, 0);
    h.tick();
    assert_eq!(h.pools(), []);
    assert_eq!(
        h.job_do("j", JobRequest::Get).unwrap_err().code,
        Code::JobNotFound
    );
}

#[test]
fn pools_that_are_kept() {
    let mut h = Harness::new();
    h.create_job_in("a", auto("job", json!({"keepAlive": true})));
    h.create_job_in("b", auto("job", json!({"keepAlive": true})));
    let update = serde_json::from_value(auto("job", json!({"keepAlive": false}))).unwrap();
    h.job_do("b", JobRequest::Update(Box::new(update))).unwrap();
    h.finish("a");
    h.job_do("a", JobRequest::Delete).unwrap();
    h.finish("b");
    h.tick();
    assert_eq!(h.pools().len(), 1);
    for other in [
        json!({"poolInfo": {"poolId": "p"}}),
        auto("job", json!({"autoPoolIdPrefix": "x"})),
    ] {
        h.create_job_in("c", auto("job", json!({})));
        let update = serde_json::from_value(other).unwrap();
        let refused = h.job_do("c", JobRequest::Update(Box::new(update)));
        assert_eq!(refused.unwrap_err().code, Code::InvalidPropertyValue);
        h.job_do("c", JobRequest::Delete).unwrap();
        h.tick();
    }
}

#[test]
fn a_pool_that_is_gone_before_its_job() {
    let mut h = Harness::new();
    let made = h.create_job_in("j", auto("job", json!({})));
    h.pool_do(&pool_of(&made), PoolRequest::Delete).unwrap();
    h.tick();
    h.must(task("j", "t", json!({})));
    h.finish("j");
    assert_eq!(h.pools(), []);
}

#[test]
fn the_jobs_of_a_schedule_share_a_pool() {
    let mut h = Harness::new();
    h.must(schedule("jobschedule", json!({})));
    let id = pool_of(&h.job("s:job-1"));
    h.finish("s:job-1");
    let mut stored = BTreeMap::new();
    h.restart(&mut stored);
    h.pass(Duration::from_secs(600));
    assert_eq!(pool_of(&h.job("s:job-2")), id);
    // Somebody deletes it: the next job has a new one.
    h.pool_do(&id, PoolRequest::Delete).unwrap();
    h.finish("s:job-2");
    h.pass(Duration::from_secs(600));
    let again = pool_of(&h.job("s:job-3"));
    assert_ne!(again, id);
    h.schedule_must(JobScheduleRequest::Terminate);
    h.tick();
    let Reply::JobSchedule(shown) = h.schedule_must(JobScheduleRequest::Get) else {
        panic!("a schedule")
    };
    assert_eq!(shown.state, JobScheduleState::Completed);
    assert_eq!(h.pools(), []);
}

#[test]
fn a_deleted_schedule_takes_its_pool_along_unless_it_is_kept() {
    for (keep, left) in [(false, 0), (true, 1)] {
        let mut h = Harness::new();
        h.must(schedule("jobschedule", json!({"keepAlive": keep})));
        h.schedule_must(JobScheduleRequest::Delete);
        h.tick();
        assert_eq!(h.pools().len(), left);
    }
}

#[test]
fn each_job_of_a_schedule_may_have_its_own() {
    let mut h = Harness::new();
    h.must(schedule("job", json!({})));
    let first = pool_of(&h.job("s:job-1"));
    h.finish("s:job-1");
    assert_eq!(h.pools(), []);
    h.pass(Duration::from_secs(600));
    assert_ne!(pool_of(&h.job("s:job-2")), first);
    h.schedule_must(JobScheduleRequest::Delete);
    h.tick();
    assert_eq!(h.pools(), []);
}

#[test]
fn a_job_without_room_for_its_pool_is_over() {
    let mut h = Harness::new();
    let mut body = auto("job", json!({"pool": specification(101)}));
    body["jobManagerTask"] = json!({"id": "m", "commandLine": "x"});
    let made = h.create_job_in("j", body);
    assert_eq!(made.state, JobState::Completed);
    let error = made.execution_info.unwrap().scheduling_error.unwrap();
    assert!(error.code.unwrap().contains("QuotaReached"));
    h.tick();
    assert_eq!(h.pools(), []);
    assert_eq!(h.refused(task("j", "t", json!({}))), Code::JobCompleted);
}

#[test]
fn what_is_refused() {
    let mut h = Harness::new();
    let nameless = json!({"poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job"}}});
    let mut both = auto("job", json!({}));
    both["poolInfo"]["poolId"] = json!("p");
    let mut unscaled = specification(1);
    unscaled["autoScaleFormula"] = json!("$TargetDedicatedNodes = 1;");
    for (body, code) in [
        (auto("jobschedule", json!({})), Code::InvalidPropertyValue),
        (
            auto("job", json!({"autoPoolIdPrefix": "x".repeat(21)})),
            Code::InvalidPropertyValue,
        ),
        (
            auto("job", json!({"autoPoolIdPrefix": "a b"})),
            Code::InvalidPropertyValue,
        ),
        (
            auto("job", json!({"pool": {"vmSize": "x"}})),
            Code::MissingRequiredProperty,
        ),
        (
            auto("job", json!({"pool": unscaled})),
            Code::InvalidPropertyValue,
        ),
        (both, Code::InvalidPropertyValue),
        (nameless, Code::MissingRequiredProperty),
        (json!({"poolInfo": {}}), Code::MissingRequiredProperty),
    ] {
        let mut whole = json!({"id": "j"});
        whole
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        let request = Request::CreateJob(serde_json::from_value(whole).unwrap());
        assert_eq!(h.refused(request), code, "{body}");
    }
    assert_eq!(h.pools(), []);
    let bad = schedule("job", json!({"pool": {"vmSize": ""}}));
    assert_eq!(h.refused(bad), Code::MissingRequiredProperty);
}
