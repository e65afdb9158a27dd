//! Nodes: restarted, made anew, switched off and on, closed and opened, removed; their users.

use serde_json::json;

use super::harness::{Harness, job, task};
use crate::service::core::command::{NodeRequest, PoolRequest, Power, Reply};
use crate::service::core::effect::{Effect, NodeRef, Report, RunId, StopReason};
use crate::wire::batch::error::Code;
use crate::wire::batch::node::{
    NodeDisableSchedulingOption, NodeRemove, NodeState, NodeUserReplace, SchedulingState,
};
use crate::wire::batch::pool::{AllocationState, NodeDeallocationOption as Option_};
use crate::wire::batch::task::TaskState;
use crate::wire::time::Duration;

impl Harness {
    fn on_node(&mut self, node: &str, request: NodeRequest) -> Result<Reply, Code> {
        let request = PoolRequest::OnNode(node.to_owned(), request);
        self.pool_do("p", request).map_err(|r| r.code)
    }

    fn power(&mut self, node: &str, power: Power, option: Option_) -> Result<Reply, Code> {
        self.on_node(node, NodeRequest::Power(power, option))
    }

    fn state(&mut self) -> NodeState {
        self.node_states("p")[0]
    }

    fn prepared(&mut self, node: NodeRef) {
        self.report(Report::NodePrepared { node, error: None });
    }

    /// A pool of one node with a start task that is done, and a task that runs on it.
    fn busy(&mut self) -> (String, RunId) {
        self.must(super::harness::pool(
            "p",
            json!({"targetDedicatedNodes": 1, "startTask": {"commandLine": "s"}}),
        ));
        let node = self.take_prepared(1).remove(0);
        self.prepared(node.clone());
        let (_, start) = self.take_tasks().remove(0);
        self.started(start);
        self.ended(start, 0);
        self.must(job("j", "p", json!({})));
        self.must(task("j", "t", json!({})));
        let (_, run) = self.take_tasks().remove(0);
        self.started(run);
        self.nothing_left();
        (node.node, run)
    }

    /// The node starts again as after any boot: start task first.
    fn comes_back(&mut self) {
        let node = self.take_prepared(1).remove(0);
        self.prepared(node);
        assert_eq!(self.state(), NodeState::Starting);
        let launched = self.take_tasks();
        assert_eq!(launched[0].0, "start task");
        self.started(launched[0].1);
        assert_eq!(self.state(), NodeState::WaitingForStartTask);
        self.ended(launched[0].1, 0);
    }
}

#[test]
fn a_reboot_queues_the_tasks_again_and_runs_the_start_task() {
    let mut h = Harness::new();
    let (node, run) = h.busy();
    h.power(&node, Power::Reboot, Option_::Requeue)
        .expect("fine");
    assert_eq!(h.state(), NodeState::Rebooting);
    assert_eq!(
        h.power(&node, Power::Reimage, Option_::Requeue),
        Err(Code::NodeBeingRebooted)
    );
    assert_eq!(h.take_stops(), [(run, StopReason::Abandoned)]);
    h.comes_back();
    assert_eq!(h.state(), NodeState::Running);
    let (name, again) = h.take_tasks().remove(0);
    assert_eq!(name, "t");
    h.started(again);
    h.ended(again, 0);
    let info = h.task("j", "t").execution_info.expect("it ran");
    assert_eq!((info.requeue_count, info.retry_count), (1, 0));
    h.nothing_left();
}

#[test]
fn a_reboot_can_end_the_tasks_or_wait_for_them() {
    for option in [Option_::Terminate, Option_::TaskCompletion] {
        let mut h = Harness::new();
        let (node, run) = h.busy();
        h.must(task("j", "u", json!({})));
        h.power(&node, Power::Reboot, option).expect("fine");
        assert_eq!(h.state(), NodeState::Rebooting);
        let stops = h.take_stops();
        if option == Option_::Terminate {
            assert_eq!(stops, [(run, StopReason::Terminated)]);
        } else {
            assert_eq!(stops, []);
        }
        h.nothing_left();
        h.ended(run, 0);
        assert_eq!(h.task("j", "t").state, TaskState::Completed);
        h.comes_back();
        assert_eq!(h.take_tasks()[0].0, "u");
        h.nothing_left();
    }
}

#[test]
fn a_reimage_deletes_what_is_there() {
    let mut h = Harness::new();
    let (node, run) = h.busy();
    h.ended(run, 0);
    h.power(&node, Power::Reimage, Option_::Requeue)
        .expect("fine");
    assert_eq!(h.state(), NodeState::Reimaging);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(n) if n.node == node));
    h.comes_back();
    assert_eq!(h.state(), NodeState::Idle);
    h.nothing_left();
}

#[test]
fn a_start_task_under_way_is_given_up_by_a_reboot() {
    let mut h = Harness::new();
    let start = json!({"commandLine": "s", "waitForSuccess": false});
    h.must(super::harness::pool(
        "p",
        json!({"targetDedicatedNodes": 1, "startTask": start}),
    ));
    let node = h.take_prepared(1).remove(0);
    h.prepared(node.clone());
    let (_, run) = h.take_tasks().remove(0);
    assert_eq!(h.state(), NodeState::Idle);
    h.power(&node.node, Power::Reboot, Option_::Requeue)
        .expect("fine");
    assert_eq!(h.take_stops(), [(run, StopReason::Abandoned)]);
    let node = h.take_prepared(1).remove(0);
    // What the old run still says is not heard.
    h.ended(run, 1);
    h.prepared(node.clone());
    h.prepared(node);
    assert_eq!(h.take_tasks().len(), 1);
    h.nothing_left();
}

#[test]
fn off_and_on() {
    let mut h = Harness::new();
    let (node, run) = h.busy();
    assert_eq!(
        h.on_node(&node, NodeRequest::Start),
        Err(Code::OperationNotValidOnNode)
    );
    h.power(&node, Power::Deallocate, Option_::Requeue)
        .expect("fine");
    assert_eq!(h.take_stops(), [(run, StopReason::Abandoned)]);
    assert_eq!(h.state(), NodeState::Deallocating);
    h.tick();
    assert_eq!(h.state(), NodeState::Deallocated);
    assert_eq!(
        h.power(&node, Power::Reboot, Option_::Requeue),
        Err(Code::OperationNotValidOnNode)
    );
    let mut stored = std::collections::BTreeMap::new();
    h.nothing_left();
    h.restart(&mut stored);
    assert_eq!(h.state(), NodeState::Deallocated);
    h.nothing_left();
    h.on_node(&node, NodeRequest::Start).expect("fine");
    assert_eq!(h.state(), NodeState::Starting);
    h.comes_back();
    assert_eq!(h.take_tasks()[0].0, "t");
    h.nothing_left();
}

#[test]
fn closed_nodes_take_nothing() {
    use NodeDisableSchedulingOption as Option_;
    for option in [
        Option_::Requeue,
        Option_::Terminate,
        Option_::TaskCompletion,
    ] {
        let mut h = Harness::new();
        let (node, run) = h.busy();
        h.on_node(&node, NodeRequest::DisableScheduling(option))
            .expect("fine");
        assert_eq!(
            h.on_node(&node, NodeRequest::DisableScheduling(option)),
            Err(Code::NodeAlreadyInTargetSchedulingState)
        );
        assert_eq!(
            h.nodes("p")[0].scheduling_state,
            Some(SchedulingState::Disabled)
        );
        let stopped = h.take_stops().first().map(|(_, reason)| *reason);
        let (reason, left) = match option {
            Option_::Requeue => (Some(StopReason::Abandoned), NodeState::Offline),
            Option_::Terminate => (Some(StopReason::Terminated), NodeState::Running),
            Option_::TaskCompletion => (None, NodeState::Running),
        };
        assert_eq!((stopped, h.state()), (reason, left), "{option:?}");
        h.ended(run, 0);
        assert_eq!(h.state(), NodeState::Offline);
        h.must(task("j", "u", json!({})));
        h.nothing_left();
        // A reboot does not open it.
        h.power(&node, Power::Reboot, super::nodes::Option_::Requeue)
            .expect("fine");
        h.comes_back();
        assert_eq!(h.state(), NodeState::Offline);
        h.on_node(&node, NodeRequest::EnableScheduling)
            .expect("fine");
        assert_eq!(
            h.on_node(&node, NodeRequest::EnableScheduling),
            Err(Code::NodeAlreadyInTargetSchedulingState)
        );
        assert_eq!(h.state(), NodeState::Running);
        assert_eq!(h.take_tasks().len(), 1);
        h.nothing_left();
    }
}

fn remove(nodes: &[&str], option: Option_) -> PoolRequest {
    PoolRequest::RemoveNodes(NodeRemove {
        node_list: nodes.iter().map(|n| (*n).to_owned()).collect(),
        resize_timeout: None,
        node_deallocation_option: Some(option),
    })
}

#[test]
fn nodes_are_removed_by_name() {
    let mut h = Harness::new();
    h.ready_pool("p", 3, json!({}));
    h.must(job("j", "p", json!({})));
    h.must(task("j", "t", json!({})));
    let (_, run) = h.take_tasks().remove(0);
    let nodes = h.nodes("p");
    let busy = nodes.iter().find(|n| n.state == NodeState::Running);
    let busy = busy.expect("one is busy").id.clone();
    let idle = nodes.iter().find(|n| n.state == NodeState::Idle);
    let idle = idle.expect("two are idle").id.clone();
    let refused = h.pool_do("p", remove(&["nobody"], Option_::Requeue));
    assert_eq!(refused.expect_err("no such node").code, Code::NodeNotFound);
    let refused = h.pool_do("p", remove(&[], Option_::Requeue));
    assert_eq!(
        refused.expect_err("no node").code,
        Code::InvalidPropertyValue
    );
    assert_eq!(h.pool("p").target_dedicated_nodes, Some(3));
    h.pool_do("p", remove(&[&busy, &idle, &idle], Option_::TaskCompletion))
        .expect("fine");
    assert!(matches!(h.take_effect(), Effect::RemoveNode(n) if n.node == idle));
    h.nothing_left();
    let shown = h.pool("p");
    assert_eq!(shown.allocation_state, Some(AllocationState::Resizing));
    assert_eq!(shown.target_dedicated_nodes, Some(1));
    let refused = h.pool_do("p", remove(&[&busy], Option_::Requeue));
    assert_eq!(refused.expect_err("resizing").code, Code::PoolBeingResized);
    h.started(run);
    h.ended(run, 0);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(n) if n.node == busy));
    assert_eq!(h.pool("p").allocation_state, Some(AllocationState::Steady));
    h.nothing_left();
}

fn user(name: &str, more: serde_json::Value) -> NodeRequest {
    let mut body = json!({"name": name, "password": "hidden"});
    body.as_object_mut()
        .expect("an object")
        .extend(more.as_object().cloned().unwrap_or_default());
    NodeRequest::CreateUser(serde_json::from_value(body).expect("a user"))
}

#[test]
fn users_come_and_expire() {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({}));
    let node = h.nodes("p")[0].id.clone();
    h.on_node(&node, user("ann", json!({}))).expect("fine");
    assert_eq!(
        h.on_node(&node, user("ann", json!({}))),
        Err(Code::NodeUserExists)
    );
    let mut stored = std::collections::BTreeMap::new();
    h.store(&mut stored);
    let text = format!(
        "{:?}",
        stored
            .values()
            .map(|v| String::from_utf8_lossy(v))
            .collect::<Vec<_>>()
    );
    assert!(text.contains("ann") && !text.contains("hidden"));
    for (request, code) in [
        (user("", json!({})), Code::InvalidPropertyValue),
        (
            user("a name that is too long", json!({})),
            Code::InvalidPropertyValue,
        ),
        (user("a/b", json!({})), Code::InvalidPropertyValue),
        (
            user("bob", json!({"password": null})),
            Code::MissingRequiredProperty,
        ),
        (
            user("bob", json!({"expiryTime": "2020-01-01T00:00:00Z"})),
            Code::InvalidPropertyValue,
        ),
        (
            NodeRequest::DeleteUser("bob".into()),
            Code::NodeUserNotFound,
        ),
        (
            NodeRequest::ReplaceUser("bob".into(), Box::default()),
            Code::NodeUserNotFound,
        ),
    ] {
        assert_eq!(h.on_node(&node, request), Err(code));
    }
    let later = NodeUserReplace {
        expiry_time: Some(h.now.plus(Duration::from_days(3))),
        ..NodeUserReplace::default()
    };
    h.on_node(
        &node,
        NodeRequest::ReplaceUser("ann".into(), Box::new(later)),
    )
    .expect("fine");
    h.pass(Duration::from_days(2));
    h.on_node(&node, NodeRequest::DeleteUser("ann".into()))
        .expect("fine");
    h.on_node(&node, user("ann", json!({}))).expect("fine");
    h.pass(Duration::from_days(2));
    assert_eq!(
        h.on_node(&node, NodeRequest::DeleteUser("ann".into())),
        Err(Code::NodeUserNotFound)
    );
    h.power(&node, Power::Deallocate, Option_::Requeue)
        .expect("fine");
    assert_eq!(
        h.on_node(&node, user("ann", json!({}))),
        Err(Code::OperationNotValidOnNode)
    );
    assert_eq!(
        h.on_node(&node, NodeRequest::RemoteLogin),
        Err(Code::OperationNotValidOnNode)
    );
    h.nothing_left();
}

#[test]
fn logs_go_where_they_are_asked_for() {
    let mut h = Harness::new();
    let (node, _) = h.busy();
    let body = json!({"containerUrl": "http://127.0.0.1:1/a/logs?sig=hidden", "startTime": "2026-01-01T00:00:00Z"});
    let body = serde_json::from_value(body).expect("a body");
    let reply = h.on_node(&node, NodeRequest::UploadLogs(Box::new(body)));
    let Ok(Reply::LogsUploading(result)) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(result.number_of_files_uploaded, 3);
    let effect = h.take_effect();
    assert!(!format!("{effect:?}").contains("hidden"));
    assert!(matches!(effect, Effect::UploadLogs(u)
        if u.folder == result.virtual_directory_name && u.report.contains("running")));
    h.nothing_left();
}
