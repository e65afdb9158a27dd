//! A service with one of everything, which nothing runs on.

use batchflow::clock;
use batchflow::service::Service;
use batchflow::wire::batch::operation::Spec;
use serde_json::json;

use super::caller::Caller;
use crate::support::local_service;

/// The service, its caller and the id of its node.
pub(super) async fn furnished() -> (Service, Caller, String) {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    let pool = json!({"id": "p", "vmSize": "standard_d2s_v5", "targetDedicatedNodes": 1,
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"}});
    let pool_info = json!({"poolId": "p"});
    let schedule = json!({"id": "s", "schedule": {"doNotRunUntil": "2099-01-01T00:00:00Z"},
        "jobSpecification": {"poolInfo": pool_info}});
    for (path, body) in [
        ("/pools", pool),
        ("/jobs", json!({"id": "j", "poolInfo": pool_info})),
        (
            "/jobs/j/tasks",
            json!({"id": "t", "commandLine": "/bin/true"}),
        ),
        ("/jobschedules", schedule),
    ] {
        caller.post(path, body).await.expect(201);
    }
    let begin = clock::monotonic();
    loop {
        let nodes = caller.get("/pools/p/nodes").await.json();
        if let Some(node) = nodes["value"][0]["id"].as_str() {
            return (service, caller, node.to_owned());
        }
        assert!(begin.elapsed().as_secs() < 60, "no node: {nodes}");
        tokio::task::yield_now().await;
    }
}

/// The path of an operation on what there is, with `absurd` in place of the parameter at `at`.
pub(super) fn path(spec: &Spec, node: &str, replaced: Option<(usize, &str)>) -> String {
    let mut parameters = 0;
    let segments = spec.path.split('/').map(|segment| {
        if !segment.starts_with('{') {
            return segment;
        }
        parameters += 1;
        match (replaced, segment) {
            (Some((at, absurd)), _) if at + 1 == parameters => absurd,
            (_, "{poolId}") => "p",
            (_, "{nodeId}") => node,
            (_, "{jobId}") => "j",
            (_, "{taskId}") => "t",
            (_, "{jobScheduleId}") => "s",
            _ => "x",
        }
    });
    segments.collect::<Vec<_>>().join("/")
}
