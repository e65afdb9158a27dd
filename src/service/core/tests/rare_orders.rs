//! Events in orders that rarely happen: what was begun meets what is asked for meanwhile, and reports come late.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Harness, job, pool, task};
use crate::service::core::command::{
    JobRequest, JobScheduleRequest, NodeRequest, PoolRequest, Power, Reply, Request, TaskRequest,
};
use crate::service::core::effect::{Effect, NodeRef, Report, RunId, StopReason};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::{DisableTasks, JobState};
use crate::wire::batch::job_schedule::JobScheduleState;
use crate::wire::batch::node::{NodeDisableSchedulingOption, NodeRemove, NodeState};
use crate::wire::batch::pool::{AllocationState, NodeDeallocationOption, PoolResize};
use crate::wire::batch::task::TaskState;
use crate::wire::time::Duration;

fn resize(nodes: i32) -> PoolRequest {
    PoolRequest::Resize(PoolResize {
        target_dedicated_nodes: Some(nodes),
        target_low_priority_nodes: None,
        resize_timeout: None,
        node_deallocation_option: None,
    })
}

fn remove(node: &str, option: NodeDeallocationOption) -> PoolRequest {
    PoolRequest::RemoveNodes(NodeRemove {
        node_list: vec![node.to_owned()],
        resize_timeout: None,
        node_deallocation_option: Some(option),
    })
}

/// One node that runs the first of two tasks.
fn busy(more: Value) -> (Harness, String, RunId) {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({}));
    h.must(job("j", "p", more));
    h.must(task("j", "a", json!({})));
    h.must(task("j", "b", json!({})));
    let launch = h.take_launches().remove(0);
    h.started(launch.run);
    h.nothing_left();
    (h, launch.node.node, launch.run)
}

impl Harness {
    fn code(&mut self, pool: &str, request: PoolRequest) -> Option<Code> {
        self.pool_do(pool, request).err().map(|r| r.code)
    }

    fn job_code(&mut self, request: JobRequest) -> Option<Code> {
        self.job_do("j", request).err().map(|r| r.code)
    }

    fn power_code(&mut self, node: &str, power: Power) -> Option<Code> {
        let request = NodeRequest::Power(power, NodeDeallocationOption::Requeue);
        self.code("p", PoolRequest::OnNode(node.to_owned(), request))
    }

    fn prepare(&mut self, node: NodeRef) {
        self.report(Report::NodePrepared { node, error: None });
    }

    fn job_state(&mut self) -> JobState {
        self.job("j").state
    }
}

#[test]
fn a_pool_is_deleted_while_it_grows() {
    let mut h = Harness::new();
    h.must(pool("p", json!({"targetDedicatedNodes": 2})));
    let nodes = h.take_prepared(2);
    h.prepare(nodes[0].clone());
    assert_eq!(
        h.pool("p").allocation_state,
        Some(AllocationState::Resizing)
    );
    h.pool_do("p", PoolRequest::Delete).unwrap();
    for request in [resize(3), PoolRequest::StopResize, PoolRequest::Delete] {
        assert_eq!(h.code("p", request), Some(Code::PoolBeingDeleted));
    }
    assert_eq!(h.refused(pool("p", json!({}))), Code::PoolBeingDeleted);
    // Made when nobody wants it any more.
    h.prepare(nodes[1].clone());
    let removed = h.drop_effects();
    assert!(removed.iter().all(|e| matches!(e, Effect::RemoveNode(_))));
    assert_eq!(removed.len(), 2);
    h.tick();
    assert_eq!(h.code("p", PoolRequest::Get), Some(Code::PoolNotFound));
    // A new pool of that name is another one: late words of the old do not reach it.
    h.must(pool("p", json!({"targetDedicatedNodes": 1})));
    h.prepare(nodes[1].clone());
    assert_eq!(h.node_states("p"), [NodeState::Creating]);
}

#[test]
fn a_resize_meets_a_resize() {
    let mut h = Harness::new();
    h.must(pool("p", json!({"targetDedicatedNodes": 1})));
    let node = h.take_prepared(1).remove(0);
    assert_eq!(h.code("p", resize(2)), Some(Code::PoolBeingResized));
    let option = NodeDeallocationOption::Requeue;
    assert_eq!(
        h.code("p", remove(&node.node, option)),
        Some(Code::PoolBeingResized)
    );
    h.pool_do("p", PoolRequest::StopResize).unwrap();
    assert_eq!(
        h.pool("p").allocation_state,
        Some(AllocationState::Stopping)
    );
    h.pool_do("p", PoolRequest::StopResize).unwrap();
    assert_eq!(h.code("p", resize(2)), Some(Code::PoolBeingResized));
    h.tick();
    h.prepare(node);
    assert_eq!(h.node_states("p"), []);
    h.drop_effects();
    h.pool_do("p", resize(2)).unwrap();
    h.take_prepared(2);
}

#[test]
fn a_pool_with_running_tasks_is_deleted_and_comes_again() {
    let (mut h, _, run) = busy(json!({}));
    h.task_do("j", "a", TaskRequest::Terminate).unwrap();
    h.take_stops();
    h.pool_do("p", PoolRequest::Delete).unwrap();
    h.drop_effects();
    // It was being ended anyway; the other waits for a pool of that name.
    assert_eq!(h.task("j", "a").state, TaskState::Completed);
    h.ended(run, 0);
    let ended = h.task("j", "a").execution_info.unwrap();
    assert_eq!(ended.exit_code, None);
    h.tick();
    h.ready_pool_again();
    assert_eq!(h.take_tasks()[0].0, "b");
}

impl Harness {
    fn ready_pool_again(&mut self) {
        self.must(pool("p", json!({"targetDedicatedNodes": 1})));
        let node = self.take_prepared(1).remove(0);
        self.prepare(node);
    }
}

#[test]
fn a_node_goes_while_its_task_hands_in_its_files() {
    let (mut h, node, run) = busy(json!({}));
    h.pool_do("p", remove(&node, NodeDeallocationOption::Requeue))
        .unwrap();
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.nothing_left();
    h.ended(run, 0);
    let info = h.task("j", "a").execution_info.unwrap();
    assert_eq!((info.exit_code, info.requeue_count), (None, 1));
    assert_eq!(h.task("j", "a").state, TaskState::Active);
    h.nothing_left();
}

#[test]
fn a_node_that_waits_to_leave_is_told_to_leave_at_once() {
    let (mut h, node, run) = busy(json!({}));
    let wait = NodeDeallocationOption::TaskCompletion;
    h.pool_do("p", remove(&node, wait)).unwrap();
    assert_eq!(h.node_states("p"), [NodeState::LeavingPool]);
    for power in [Power::Reboot, Power::Reimage, Power::Deallocate] {
        assert_eq!(
            h.power_code(&node, power),
            Some(Code::OperationNotValidOnNode)
        );
    }
    // The resize that waits is stopped: the node stays, and goes on.
    h.pool_do("p", PoolRequest::StopResize).unwrap();
    h.tick();
    assert_eq!(h.node_states("p"), [NodeState::Running]);
    h.pool_do("p", remove(&node, NodeDeallocationOption::Terminate))
        .unwrap();
    assert_eq!(h.take_stops(), [(run, StopReason::Terminated)]);
    h.ended(run, 137);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.nothing_left();
    assert_eq!(h.pool("p").allocation_state, Some(AllocationState::Steady));
}

#[test]
fn the_power_of_a_node_that_is_on_its_way() {
    let mut h = Harness::new();
    let start = json!({"targetDedicatedNodes": 1, "startTask": {"commandLine": "s"}});
    h.must(pool("p", start));
    let node = h.take_prepared(1).remove(0);
    let id = node.node.clone();
    assert_eq!(
        h.power_code(&id, Power::Reboot),
        Some(Code::NodeBeingCreated)
    );
    h.prepare(node.clone());
    let run = h.take_tasks().remove(0).1;
    assert_eq!(
        h.power_code(&id, Power::Reboot),
        Some(Code::NodeBeingStarted)
    );
    h.started(run);
    h.ended(run, 1);
    assert_eq!(h.node_states("p"), [NodeState::StartTaskFailed]);
    assert_eq!(h.power_code(&id, Power::Reboot), None);
    assert_eq!(
        h.power_code(&id, Power::Reimage),
        Some(Code::NodeBeingRebooted)
    );
    h.take_prepared(1);
    h.prepare(node);
    let run = h.take_tasks().remove(0).1;
    // Removed while its start task runs.
    let option = NodeDeallocationOption::TaskCompletion;
    h.pool_do("p", remove(&id, option)).unwrap();
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.started(run);
    h.ended(run, 0);
    assert_eq!(h.node_states("p"), []);
    h.nothing_left();
}

#[test]
fn a_node_that_is_off_can_be_removed_or_survive_a_restart() {
    let (mut h, node, _) = busy(json!({}));
    assert_eq!(h.power_code(&node, Power::Deallocate), None);
    let start = PoolRequest::OnNode(node.clone(), NodeRequest::Start);
    assert_eq!(
        h.code("p", start.clone()),
        Some(Code::OperationNotValidOnNode)
    );
    h.tick();
    assert_eq!(h.node_states("p"), [NodeState::Deallocated]);
    let mut stored = BTreeMap::new();
    h.restart(&mut stored);
    assert_eq!(h.node_states("p"), [NodeState::Deallocated]);
    h.nothing_left();
    h.pool_do("p", start).unwrap();
    let prepared = h.take_prepared(1).remove(0);
    let option = NodeDeallocationOption::Requeue;
    h.pool_do("p", remove(&node, option)).unwrap();
    h.prepare(prepared);
    assert_eq!(h.node_states("p"), []);
}

#[test]
fn a_node_is_closed_while_it_reboots() {
    let (mut h, node, _) = busy(json!({}));
    assert_eq!(h.power_code(&node, Power::Reboot), None);
    h.take_stops();
    let close = NodeRequest::DisableScheduling(NodeDisableSchedulingOption::Requeue);
    h.pool_do("p", PoolRequest::OnNode(node.clone(), close))
        .unwrap();
    let prepared = h.take_prepared(1).remove(0);
    h.prepare(prepared);
    assert_eq!(h.node_states("p"), [NodeState::Offline]);
    h.nothing_left();
    let open = NodeRequest::EnableScheduling;
    h.pool_do("p", PoolRequest::OnNode(node, open)).unwrap();
    assert_eq!(h.take_tasks()[0].0, "a");
}

#[test]
fn a_job_is_disabled_while_it_is_being_disabled() {
    for (second, stopped, state) in [
        (
            DisableTasks::Requeue,
            Some(StopReason::Abandoned),
            TaskState::Active,
        ),
        (
            DisableTasks::Terminate,
            Some(StopReason::Terminated),
            TaskState::Completed,
        ),
        (DisableTasks::Wait, None, TaskState::Completed),
    ] {
        let (mut h, _, run) = busy(json!({}));
        h.job_do("j", JobRequest::Disable(DisableTasks::Wait))
            .unwrap();
        h.tick();
        assert_eq!(h.job_state(), JobState::Disabling);
        h.job_do("j", JobRequest::Disable(second)).unwrap();
        assert_eq!(h.take_stops().first().map(|s| s.1), stopped);
        h.ended(run, 0);
        h.tick();
        assert_eq!(h.job_state(), JobState::Disabled);
        assert_eq!(h.task("j", "a").state, state);
        // Nothing to do any more.
        h.job_do("j", JobRequest::Disable(second)).unwrap();
        assert_eq!(h.job_state(), JobState::Disabled);
        h.nothing_left();
    }
}

#[test]
fn a_job_is_enabled_before_it_was_disabled() {
    let (mut h, _, run) = busy(json!({"constraints": {"maxTaskRetryCount": 1}}));
    h.job_do("j", JobRequest::Disable(DisableTasks::Wait))
        .unwrap();
    // A retry does not begin while the job is being disabled.
    h.ended(run, 1);
    h.nothing_left();
    h.job_do("j", JobRequest::Enable).unwrap();
    assert_eq!(h.job_state(), JobState::Enabling);
    h.job_do("j", JobRequest::Disable(DisableTasks::Wait))
        .unwrap();
    h.tick();
    assert_eq!(h.job_state(), JobState::Disabled);
    h.job_do("j", JobRequest::Enable).unwrap();
    h.tick();
    assert_eq!(h.take_tasks()[0].0, "a");
    assert_eq!(h.job_state(), JobState::Active);
}

#[test]
fn ends_of_a_job_that_meet() {
    let (mut h, _, run) = busy(json!({}));
    h.job_do("j", JobRequest::Disable(DisableTasks::Wait))
        .unwrap();
    h.job_do("j", JobRequest::Terminate(Some("first".to_owned())))
        .unwrap();
    assert_eq!(h.take_stops(), [(run, StopReason::Terminated)]);
    let ended = Some(Code::JobBeingTerminated);
    for request in [
        JobRequest::Terminate(Some("second".to_owned())),
        JobRequest::Disable(DisableTasks::Requeue),
        JobRequest::Enable,
    ] {
        assert_eq!(h.job_code(request), ended);
    }
    assert_eq!(Some(h.refused(task("j", "c", json!({})))), ended);
    let retry = h.task_do("j", "a", TaskRequest::Reactivate).unwrap_err();
    assert_eq!(retry.code, Code::TaskNotCompleted);
    h.job_do("j", JobRequest::Delete).unwrap();
    assert_eq!(h.take_stops(), [(run, StopReason::Abandoned)]);
    assert_eq!(h.job_code(JobRequest::Delete), Some(Code::JobBeingDeleted));
    assert_eq!(h.refused(job("j", "p", json!({}))), Code::JobBeingDeleted);
    h.tick();
    h.ended(run, 137);
    assert_eq!(h.job_code(JobRequest::Get), Some(Code::JobNotFound));
    assert_eq!(h.node_states("p"), [NodeState::Idle]);
}

#[test]
fn a_job_is_disabled_or_deleted_while_a_node_is_prepared() {
    for delete in [false, true] {
        let mut h = Harness::new();
        h.ready_pool("p", 1, json!({}));
        h.must(job(
            "j",
            "p",
            json!({"jobPreparationTask": {"commandLine": "x"}}),
        ));
        h.must(task("j", "a", json!({})));
        let run = h.take_tasks().remove(0).1;
        if delete {
            h.job_do("j", JobRequest::Delete).unwrap();
            h.take_stops();
            h.tick();
            assert_eq!(h.job_state(), JobState::Deleting);
            h.ended(run, 137);
            h.tick();
            assert_eq!(h.job_code(JobRequest::Get), Some(Code::JobNotFound));
            continue;
        }
        h.job_do("j", JobRequest::Disable(DisableTasks::Requeue))
            .unwrap();
        h.take_stops();
        h.tick();
        assert_eq!(h.job_state(), JobState::Disabled);
        h.ended(run, 0);
        h.nothing_left();
        h.job_do("j", JobRequest::Enable).unwrap();
        h.tick();
        // The node is ready by now.
        assert_eq!(h.take_tasks()[0].0, "a");
    }
}

#[test]
fn a_task_that_is_ended_twice() {
    let (mut h, _, run) = busy(json!({}));
    h.task_do("j", "a", TaskRequest::Terminate).unwrap();
    h.take_stops();
    // It ended by itself just before: it is over, but it was asked to end.
    h.ended(run, 0);
    h.ended(run, 1);
    h.started(run);
    let info = h.task("j", "a").execution_info.unwrap();
    assert_eq!(info.exit_code, Some(0));
    let next = h.take_tasks();
    assert_eq!(next[0].0, "b");
    // Deleted between its stop and its end.
    h.task_do("j", "b", TaskRequest::Terminate).unwrap();
    h.task_do("j", "b", TaskRequest::Delete).unwrap();
    h.ended(next[0].1, 137);
    let gone = h.task_do("j", "b", TaskRequest::Get).unwrap_err();
    assert_eq!(gone.code, Code::TaskNotFound);
    assert_eq!(h.node_states("p"), [NodeState::Idle]);
}

#[test]
fn a_task_is_tried_again_while_its_job_is_disabled() {
    let (mut h, _, run) = busy(json!({}));
    h.ended(run, 1);
    h.take_tasks();
    h.job_do("j", JobRequest::Disable(DisableTasks::Requeue))
        .unwrap();
    h.take_stops();
    h.tick();
    h.task_do("j", "a", TaskRequest::Reactivate).unwrap();
    assert_eq!(h.task("j", "a").state, TaskState::Active);
    h.nothing_left();
    h.job_do("j", JobRequest::Enable).unwrap();
    h.tick();
    assert_eq!(h.take_tasks()[0].0, "a");
}

fn schedule_of(h: &mut Harness) -> JobScheduleState {
    match h.must(Request::JobSchedule(
        "s".to_owned(),
        JobScheduleRequest::Get,
    )) {
        Reply::JobSchedule(schedule) => schedule.state,
        other => panic!("no schedule: {other:?}"),
    }
}

#[test]
fn a_schedule_meets_its_jobs() {
    let body = json!({"id": "s", "schedule": {"recurrenceInterval": "PT10M"},
        "jobSpecification": {"poolInfo": {"poolId": "p"}}});
    let body = || Request::CreateJobSchedule(serde_json::from_value(body.clone()).unwrap());
    let on = |request| Request::JobSchedule("s".to_owned(), request);

    // The job is being deleted at the very moment the next one is due.
    let mut h = Harness::new();
    h.must(body());
    h.wait(Duration::from_secs(600));
    h.job_do("s:job-1", JobRequest::Delete).unwrap();
    h.tick();
    assert_eq!(h.job("s:job-2").state, JobState::Active);
    let gone = h.job_do("s:job-1", JobRequest::Get).unwrap_err();
    assert_eq!(gone.code, Code::JobNotFound);

    // It waits for the end of a job that is still ending.
    h.ready_pool("p", 1, json!({}));
    h.must(task("s:job-2", "t", json!({})));
    let run = h.take_tasks().remove(0).1;
    h.job_do("s:job-2", JobRequest::Terminate(None)).unwrap();
    h.pass(Duration::from_secs(700));
    assert!(h.job_do("s:job-3", JobRequest::Get).is_err());
    h.must(on(JobScheduleRequest::Disable));
    h.ended(run, 137);
    h.pass(Duration::from_secs(700));
    assert!(h.job_do("s:job-3", JobRequest::Get).is_err());
    h.must(on(JobScheduleRequest::Enable));
    h.tick();
    assert_eq!(h.job("s:job-3").state, JobState::Active);

    // Terminated while its job is being deleted, then deleted itself.
    h.job_do("s:job-3", JobRequest::Delete).unwrap();
    h.must(on(JobScheduleRequest::Terminate));
    assert_eq!(schedule_of(&mut h), JobScheduleState::Terminating);
    assert_eq!(
        h.refused(on(JobScheduleRequest::Enable)),
        Code::JobScheduleBeingTerminated
    );
    h.must(on(JobScheduleRequest::Delete));
    assert_eq!(
        h.refused(on(JobScheduleRequest::Delete)),
        Code::JobScheduleBeingDeleted
    );
    assert_eq!(h.refused(body()), Code::JobScheduleBeingDeleted);
    h.tick();
    assert_eq!(
        h.refused(on(JobScheduleRequest::Get)),
        Code::JobScheduleNotFound
    );
    h.must(body());
    assert_eq!(h.job("s:job-1").state, JobState::Active);
}
