//! Pools: allocation, resizing, nodes coming and going.

use std::collections::BTreeMap;

use serde_json::json;

use super::harness::{Harness, job, pool, task};
use crate::service::core::command::{PoolRequest, Reply, Request};
use crate::service::core::effect::{Effect, Report, StopReason};
use crate::wire::batch::error::Code;
use crate::wire::batch::node::NodeState;
use crate::wire::batch::pool::{AllocationState, NodeDeallocationOption, PoolResize, PoolState};
use crate::wire::batch::task::TaskState;
use crate::wire::time::Duration;

fn resize(dedicated: i32, option: NodeDeallocationOption) -> PoolRequest {
    PoolRequest::Resize(PoolResize {
        target_dedicated_nodes: Some(dedicated),
        node_deallocation_option: Some(option),
        ..PoolResize::default()
    })
}

#[test]
fn a_pool_comes_up() {
    let mut h = Harness::new();
    h.must(pool(
        "P",
        json!({"targetDedicatedNodes": 1, "targetLowPriorityNodes": 1}),
    ));
    assert_eq!(
        h.pool("p").allocation_state,
        Some(AllocationState::Resizing)
    );
    let nodes = h.take_prepared(2);
    assert!(nodes[0].node.starts_with("tvmps_") && nodes[0].node.ends_with("_d"));
    assert!(nodes[1].node.ends_with("_p"));
    assert_eq!(nodes[0].pool, "P");
    for node in nodes {
        h.report(Report::NodePrepared { node, error: None });
    }
    let shown = h.pool("P");
    assert_eq!(shown.allocation_state, Some(AllocationState::Steady));
    assert_eq!(
        (
            shown.current_dedicated_nodes,
            shown.current_low_priority_nodes
        ),
        (1, 1)
    );
    assert_eq!(shown.task_slots_per_node, Some(1));
    assert_eq!(h.node_states("p"), [NodeState::Idle; 2]);
    h.nothing_left();
    assert_eq!(h.refused(pool("p", json!({}))), Code::PoolExists);
}

fn nat(more: serde_json::Value) -> serde_json::Value {
    let mut port = json!({"name": "web", "protocol": "tcp", "backendPort": 80,
        "frontendPortRangeStart": 1000, "frontendPortRangeEnd": 1100});
    port.as_object_mut()
        .expect("an object")
        .extend(more.as_object().cloned().unwrap_or_default());
    json!({"networkConfiguration": {"endpointConfiguration": {"inboundNATPools": [port]}}})
}

#[test]
fn opened_ports_are_those_of_the_machine() {
    let mut h = Harness::new();
    h.ready_pool("p", 1, nat(json!({})));
    let ports = h.nodes("p").remove(0).endpoint_configuration;
    let port = ports.expect("it has ports").inbound_endpoints.remove(0);
    assert_eq!((port.name.as_str(), port.frontend_port), ("web", 80));
}

#[test]
fn secrets_of_users_stay_inside() {
    let mut h = Harness::new();
    let users = json!([{"name": "ann", "password": "hidden", "elevationLevel": "admin"}]);
    h.must(pool("p", json!({"userAccounts": users})));
    h.drop_effects();
    let shown = serde_json::to_string(&h.pool("p")).expect("it can be shown");
    assert!(
        shown.contains("ann") && !shown.contains("hidden"),
        "{shown}"
    );
}

/// A machine with more to it.
fn equipped(more: serde_json::Value) -> serde_json::Value {
    let mut machine = json!({"nodeAgentSKUId": "batch.node.ubuntu 24.04", "imageReference":
        {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"}});
    let fields = machine.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    json!({ "virtualMachineConfiguration": machine })
}

#[test]
fn what_means_nothing_here_is_kept() {
    let body = equipped(json!({
        "dataDisks": [{"lun": 0, "diskSizeGB": 64, "caching": "readonly"}],
        "osDisk": {"diskSizeGB": 100},
        "licenseType": "RHEL_BYOS",
        "nodePlacementConfiguration": {"policy": "zonal"},
    }));
    let mut h = Harness::new();
    h.must(pool("p", body.clone()));
    let mut stored = BTreeMap::new();
    h.restart(&mut stored);
    let shown = serde_json::to_value(h.pool("p").virtual_machine_configuration).unwrap();
    assert_eq!(shown, body["virtualMachineConfiguration"]);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let machine = |image: serde_json::Value| {
        json!({"virtualMachineConfiguration":
            {"imageReference": image, "nodeAgentSKUId": "batch.node.ubuntu 24.04"}})
    };
    for (body, code, property) in [
        (
            json!({"mountConfiguration": [{"nfsMountConfiguration": {"source": "a", "relativeMountPath": "b"}}]}),
            Code::UnsupportedProperty,
            "mountConfiguration",
        ),
        (
            json!({"applicationPackageReferences": [{"applicationId": "a"}]}),
            Code::InvalidApplicationPackageReferences,
            "a",
        ),
        (
            json!({"taskSlotsPerNode": 0}),
            Code::InvalidPropertyValue,
            "taskSlotsPerNode",
        ),
        (
            json!({"targetDedicatedNodes": -1}),
            Code::InvalidPropertyValue,
            "targetDedicatedNodes",
        ),
        (
            json!({"resizeTimeout": "PT1M"}),
            Code::InvalidPropertyValue,
            "resizeTimeout",
        ),
        (json!({"id": "a b"}), Code::InvalidPropertyValue, "id"),
        (
            json!({"startTask": {"commandLine": " "}}),
            Code::InvalidPropertyValue,
            "startTask.commandLine",
        ),
        (
            json!({"startTask": {"commandLine": "x", "resourceFiles": [{"filePath": "a"}]}}),
            Code::InvalidPropertyValue,
            "startTask.resourceFiles",
        ),
        (
            json!({"userAccounts": [{"name": "a"}]}),
            Code::MissingRequiredProperty,
            "userAccounts.password",
        ),
        (
            json!({"userAccounts": [{"name": "a", "password": "x"}, {"name": "a", "password": "y"}]}),
            Code::InvalidPropertyValue,
            "userAccounts.name",
        ),
        (
            json!({"userAccounts": [{"name": "a", "password": "x", "linuxUserConfiguration": {"uid": 3}}]}),
            Code::InvalidPropertyValue,
            "userAccounts.linuxUserConfiguration",
        ),
        (
            nat(json!({"backendPort": 29876})),
            Code::InvalidPropertyValue,
            "networkConfiguration.endpointConfiguration.inboundNATPools.backendPort",
        ),
        (
            nat(json!({"frontendPortRangeStart": 49990, "frontendPortRangeEnd": 50050})),
            Code::InvalidPropertyValue,
            "networkConfiguration.endpointConfiguration.inboundNATPools.frontendPortRangeStart",
        ),
        (
            nat(json!({"frontendPortRangeEnd": 1010})),
            Code::InvalidPropertyValue,
            "networkConfiguration.endpointConfiguration.inboundNATPools.frontendPortRangeEnd",
        ),
        (
            equipped(json!({"containerConfiguration": {"type": "dockerCompatible"}})),
            Code::UnsupportedProperty,
            "virtualMachineConfiguration.containerConfiguration",
        ),
        (
            equipped(json!({"extensions": [{"name": "e", "publisher": "p", "type": "t"}]})),
            Code::UnsupportedProperty,
            "virtualMachineConfiguration.extensions",
        ),
        (
            machine(json!({"virtualMachineImageId": "x"})),
            Code::UnsupportedProperty,
            "virtualMachineConfiguration.imageReference.virtualMachineImageId",
        ),
    ] {
        let mut h = Harness::new();
        let refusal = h.ask(pool("p", body)).expect_err(property);
        assert_eq!(
            (refusal.code, refusal.values[0].1.as_str()),
            (code, property)
        );
        h.nothing_left();
    }
}

#[test]
fn start_tasks_run_first_and_again() {
    let mut h = Harness::new();
    let start = json!({"startTask": {"commandLine": "prepare", "maxTaskRetryCount": 1}, "targetDedicatedNodes": 1});
    h.must(pool("p", start));
    let node = h.take_prepared(1).remove(0);
    h.report(Report::NodePrepared { node, error: None });
    assert_eq!(h.node_states("p"), [NodeState::Starting]);
    let (name, run) = h.take_tasks().remove(0);
    assert_eq!(name, "start task");
    h.started(run);
    assert_eq!(h.node_states("p"), [NodeState::WaitingForStartTask]);
    h.ended(run, 3);
    let (_, again) = h.take_tasks().remove(0);
    assert_ne!(run, again);
    h.started(again);
    h.ended(again, 4);
    let node = h.nodes("p").remove(0);
    let info = node.start_task_info.expect("it ran");
    assert_eq!(node.state, NodeState::StartTaskFailed);
    assert_eq!((info.exit_code, info.retry_count), (Some(4), 1));
    assert_eq!(
        info.failure_info.and_then(|f| f.code).as_deref(),
        Some("FailureExitCode")
    );
    h.nothing_left();
}

#[test]
fn tasks_need_not_wait_for_a_start_task_that_says_so() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({})));
    h.must(task("j", "t", json!({})));
    let start = json!({"startTask": {"commandLine": "x", "waitForSuccess": false}, "targetDedicatedNodes": 1});
    h.must(pool("p", start));
    let node = h.take_prepared(1).remove(0);
    h.report(Report::NodePrepared { node, error: None });
    let launched: Vec<String> = h.take_tasks().into_iter().map(|(name, _)| name).collect();
    assert_eq!(launched, ["start task", "t"]);
}

#[test]
fn a_node_that_cannot_be_prepared_is_unusable() {
    let mut h = Harness::new();
    h.must(pool("p", json!({"targetDedicatedNodes": 1})));
    let node = h.take_prepared(1).remove(0);
    let error = Some("disk full".to_owned());
    h.report(Report::NodePrepared { node, error });
    let node = h.nodes("p").remove(0);
    assert_eq!(node.state, NodeState::Unusable);
    assert_eq!(node.errors[0].message.as_deref(), Some("disk full"));
}

#[test]
fn more_nodes_than_the_quota() {
    let mut h = Harness::new();
    h.must(pool("p", json!({"targetDedicatedNodes": 101})));
    for node in h.take_prepared(100) {
        h.report(Report::NodePrepared { node, error: None });
    }
    let pool = h.pool("p");
    assert_eq!(pool.allocation_state, Some(AllocationState::Steady));
    assert_eq!(
        pool.resize_errors[0].code.as_deref(),
        Some("AccountCoreQuotaReached")
    );
}

/// A pool of two nodes, each with a running task.
fn busy() -> (Harness, Vec<crate::service::core::effect::RunId>) {
    let mut h = Harness::new();
    h.ready_pool("p", 2, json!({}));
    h.must(job("j", "p", json!({})));
    let mut runs = Vec::new();
    for id in ["a", "b"] {
        h.must(task("j", id, json!({})));
        let (_, run) = h.take_tasks().remove(0);
        h.started(run);
        runs.push(run);
    }
    (h, runs)
}

#[test]
fn shrinking_requeues() {
    let (mut h, _) = busy();
    h.pool_do("p", resize(1, NodeDeallocationOption::Requeue))
        .unwrap();
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.nothing_left();
    let b = h.task("j", "b");
    assert_eq!(b.state, TaskState::Active);
    assert_eq!(b.execution_info.unwrap().requeue_count, 1);
    assert_eq!(h.task("j", "a").state, TaskState::Running);
    assert_eq!(h.pool("p").allocation_state, Some(AllocationState::Steady));
}

#[test]
fn shrinking_terminates() {
    let (mut h, runs) = busy();
    h.pool_do("p", resize(1, NodeDeallocationOption::Terminate))
        .unwrap();
    assert_eq!(h.take_stops(), [(runs[1], StopReason::Terminated)]);
    assert_eq!(
        h.pool("p").allocation_state,
        Some(AllocationState::Resizing)
    );
    let busy = h.pool_do("p", resize(5, NodeDeallocationOption::Requeue));
    assert_eq!(busy.unwrap_err().code, Code::PoolBeingResized);
    h.ended(runs[1], 137);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.nothing_left();
    assert_eq!(h.task("j", "b").state, TaskState::Completed);
    assert_eq!(h.pool("p").allocation_state, Some(AllocationState::Steady));
}

#[test]
fn shrinking_waits_or_gives_up() {
    let (mut h, runs) = busy();
    h.pool_do("p", resize(0, NodeDeallocationOption::TaskCompletion))
        .unwrap();
    h.nothing_left();
    h.ended(runs[0], 0);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.pass(Duration::from_secs(15 * 60));
    let pool = h.pool("p");
    assert_eq!(
        pool.resize_errors[0].code.as_deref(),
        Some("AllocationTimedout")
    );
    assert_eq!(pool.allocation_state, Some(AllocationState::Steady));
    assert_eq!(h.node_states("p"), [NodeState::Running]);
    h.nothing_left();
}

#[test]
fn a_resize_is_stopped() {
    let mut h = Harness::new();
    h.must(pool("p", json!({"targetDedicatedNodes": 2})));
    h.take_prepared(2);
    h.pool_do("p", PoolRequest::StopResize).unwrap();
    assert_eq!(
        h.pool("p").allocation_state,
        Some(AllocationState::Stopping)
    );
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.tick();
    let pool = h.pool("p");
    assert_eq!(pool.allocation_state, Some(AllocationState::Steady));
    assert_eq!(pool.resize_errors[0].code.as_deref(), Some("ResizeStopped"));
}

#[test]
fn a_deleted_pool_gives_its_tasks_back() {
    let (mut h, _) = busy();
    assert_eq!(h.pool_do("p", PoolRequest::Delete), Ok(Reply::Done));
    assert_eq!(h.pool("p").state, PoolState::Deleting);
    let again = h.pool_do("P", PoolRequest::Delete);
    assert_eq!(again.unwrap_err().code, Code::PoolBeingDeleted);
    assert_eq!(h.refused(pool("p", json!({}))), Code::PoolBeingDeleted);
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    assert!(matches!(h.take_effect(), Effect::RemoveNode(_)));
    h.nothing_left();
    h.tick();
    let gone = h.pool_do("p", PoolRequest::Get);
    assert_eq!(gone.unwrap_err().code, Code::PoolNotFound);
    assert_eq!(h.counts("j").active, 2);
    h.must(pool("p", json!({"targetDedicatedNodes": 1})));
    let node = h.take_prepared(1).remove(0);
    h.report(Report::NodePrepared { node, error: None });
    assert_eq!(h.take_tasks()[0].0, "a");
}

#[test]
fn changes_move_the_etag_and_resizes_do_not() {
    let mut h = Harness::new();
    h.ready_pool("p", 1, json!({}));
    let etag = h.pool("p").etag;
    h.pool_do("p", resize(0, NodeDeallocationOption::Requeue))
        .unwrap();
    assert_eq!(h.pool("p").etag, etag);
    let update = |body: serde_json::Value| {
        Request::Pool(
            "p".to_owned(),
            PoolRequest::Update(serde_json::from_value(body).unwrap()),
        )
    };
    h.must(update(json!({"metadata": [{"name": "a", "value": "b"}]})));
    assert_ne!(h.pool("p").etag, etag);
    let only_when_unchanged = crate::wire::precondition::Preconditions {
        if_match: Some(etag),
        ..Default::default()
    };
    let late = h.ask_if(update(json!({"vmSize": "x"})), only_when_unchanged);
    assert_eq!(late.unwrap_err().code, Code::ConditionNotMet);
    h.must(update(json!({"vmSize": "x"})));
    h.drop_effects();
    h.pool_do("p", resize(1, NodeDeallocationOption::Requeue))
        .unwrap();
    let with_nodes = h.refused(update(json!({"taskSlotsPerNode": 2})));
    assert_eq!(with_nodes, Code::OperationInvalidForCurrentState);
}
