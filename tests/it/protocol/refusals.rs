//! Every error code of the Batch service: provoked here, not to be provoked, or not ours, and why.

use std::collections::BTreeSet;

use batchflow::clock;
use batchflow::wire::batch::error::Code;
use reqwest::Client;
use serde_json::{Value, json};

use super::caller::{Call, Caller};
use super::{shape, states};
use crate::support::local_service;

/// Codes of faults that a caller cannot cause. `InternalError` is what a service answers that has stopped; the tests
/// inside it hold that.
const NOT_TO_BE_CAUSED: &[Code] = &[Code::IoError, Code::InternalError, Code::OperationTimedOut];

/// Codes that the service has no occasion for.
const NOT_CLAIMED: &[(Code, &str)] = &[
    (
        Code::UnsupportedHeader,
        "headers that are not known are ignored, as HTTP has it",
    ),
    (
        Code::OutOfRangeInput,
        "what is out of range is named as a property or a parameter",
    ),
    (
        Code::InvalidInput,
        "what is invalid is named as a property or a parameter",
    ),
    (Code::InvalidMetadata, "metadata may hold any text"),
    (
        Code::MetadataTooLarge,
        "the limit of a body is the only one",
    ),
    (
        Code::InvalidConstraintValue,
        "a constraint is a property: InvalidPropertyValue",
    ),
    (
        Code::InsufficientAccountPermissions,
        "there is one account, which may do everything",
    ),
    (
        Code::AccountIsDisabled,
        "there is one account, which is not disabled",
    ),
    (Code::CertificateNotFound, "certificates are not supported"),
    (
        Code::NodeAgentSKUNotFound,
        "an unknown node agent is an invalid property",
    ),
    (
        Code::InvalidAutoScalingSettings,
        "a wrong setting is an invalid property",
    ),
    (
        Code::JobPreparationTaskNotRunOnNode,
        "the status of nodes is a list",
    ),
    (
        Code::JobReleaseTaskNotRunOnNode,
        "the status of nodes is a list",
    ),
    (
        Code::JobReleaseTaskNotSpecified,
        "a job without a preparation task says so first",
    ),
    (
        Code::JobScheduleDisabled,
        "a disabled schedule takes requests",
    ),
    (Code::PoolBeingCreated, "a pool is there at once"),
    (Code::JobDisabled, "a disabled job takes requests"),
    (
        Code::JobNotActive,
        "said as JobCompleted or JobBeingTerminated",
    ),
    (Code::TooManyRequests, "there is no throttling"),
    (Code::ServerBusy, "there is no throttling"),
    (
        Code::PoolQuotaReached,
        "500 pools: the tests of the core reach it",
    ),
    (
        Code::ActiveJobAndScheduleQuotaReached,
        "1000 jobs: the tests of the core reach it",
    ),
];

pub(super) struct Case {
    pub(super) code: Code,
    pub(super) call: Call<'static>,
}

pub(super) fn case(code: Code, verb: &'static str, path: &str) -> Case {
    let call = Call::batch(verb, path);
    Case { code, call }
}

pub(super) fn with(code: Code, verb: &'static str, path: &str, body: &Value) -> Case {
    let call = Call::batch(verb, path).json(body);
    Case { code, call }
}

fn text(code: Code, verb: &'static str, path: &str, body: &str) -> Case {
    let call = Call::batch(verb, path).text(body);
    Case { code, call }
}

impl Case {
    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self
    }
}

pub(super) fn pool(id: &str) -> Value {
    json!({"id": id, "vmSize": "standard_d2s_v5", "targetDedicatedNodes": 1,
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"}})
}

pub(super) fn job(id: &str, pool: &str) -> Value {
    json!({"id": id, "poolInfo": {"poolId": pool}})
}

pub(super) fn set(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

pub(super) fn task(id: &str) -> Value {
    json!({"id": id, "commandLine": "/bin/echo done"})
}

/// What needs nothing but the service.
fn of_requests() -> Vec<Case> {
    let none =
        |query: &str| Call::raw(batchflow::wire::auth::Scheme::Batch, "GET", "/pools", query);
    vec![
        Case {
            code: Code::MissingRequiredHeader,
            call: {
                let mut call = Call::batch("POST", "/jobs").json(&job("x", "p"));
                call.headers.clear();
                call
            },
        },
        case(Code::InvalidHeaderValue, "GET", "/pools/p").header("if-modified-since", "soon"),
        case(Code::InvalidHeaderValue, "HEAD", "/pools/p").header("if-unmodified-since", "-1"),
        with(Code::MissingRequiredProperty, "POST", "/jobs", &json!({})),
        with(
            Code::MissingRequiredProperty,
            "POST",
            "/pools",
            &json!({"id": "p"}),
        ),
        with(
            Code::UnsupportedProperty,
            "POST",
            "/jobs",
            &set(job("x", "p"), "colour", json!("red")),
        ),
        with(
            Code::InvalidPropertyValue,
            "POST",
            "/pools",
            &set(pool("x"), "vmSize", json!(3)),
        ),
        with(
            Code::InvalidPropertyValue,
            "POST",
            "/pools",
            &set(pool("x"), "targetDedicatedNodes", json!({})),
        ),
        with(
            Code::InvalidPropertyValue,
            "POST",
            "/pools",
            &pool("../../etc"),
        ),
        with(Code::InvalidPropertyValue, "POST", "/pools", &pool("a\0b")),
        with(
            Code::InvalidPropertyValue,
            "POST",
            "/jobs",
            &job(&"x".repeat(65), "p"),
        ),
        with(
            Code::OutOfRangePriority,
            "POST",
            "/jobs",
            &set(job("x", "p"), "priority", json!(1001)),
        ),
        with(
            Code::EmptyMetadataKey,
            "POST",
            "/pools",
            &set(pool("x"), "metadata", json!([{"name": "", "value": "a"}])),
        ),
        text(Code::InvalidRequestBody, "POST", "/jobs", "{\"id\": "),
        text(Code::InvalidRequestBody, "POST", "/jobs", "[1]"),
        text(Code::InvalidRequestBody, "POST", "/jobs", "null"),
        text(
            Code::InvalidRequestBody,
            "POST",
            "/jobs",
            &"[".repeat(100_000),
        ),
        text(
            Code::InvalidRequestBody,
            "POST",
            "/jobs",
            "{\"id\": \"\\ud800\"}",
        ),
        text(
            Code::RequestBodyTooLarge,
            "POST",
            "/jobs",
            &" ".repeat(1024 * 1024 + 1),
        ),
        Case {
            code: Code::MissingRequiredQueryParameter,
            call: none(""),
        },
        Case {
            code: Code::UnsupportedRequestVersion,
            call: none("api-version=2031-01-01"),
        },
        case(Code::UnsupportedQueryParameter, "GET", "/pools?colour=red"),
        case(
            Code::UnsupportedQueryParameter,
            "GET",
            "/pools/p?maxresults=1",
        ),
        case(
            Code::UnsupportedQueryParameter,
            "DELETE",
            "/jobs/j?api-version=2024-02-01.19.0&force=true",
        ),
        case(
            Code::InvalidQueryParameterValue,
            "GET",
            "/pools?$filter=colour%20eq%20'red'",
        ),
        case(
            Code::InvalidQueryParameterValue,
            "GET",
            "/pools?$filter=(((((",
        ),
        case(
            Code::InvalidQueryParameterValue,
            "GET",
            "/pools?$skiptoken=mine",
        ),
        case(
            Code::InvalidQueryParameterValue,
            "GET",
            "/pools?maxresults=many",
        ),
        case(
            Code::InvalidQueryParameterValue,
            "GET",
            "/pools?timeout=soon",
        ),
        case(
            Code::OutOfRangeQueryParameterValue,
            "GET",
            "/pools?maxresults=0",
        ),
        case(
            Code::OutOfRangeQueryParameterValue,
            "GET",
            "/pools?maxresults=1001",
        ),
        case(
            Code::OutOfRangeQueryParameterValue,
            "GET",
            "/pools?timeOut=0",
        ),
        case(Code::RequestUrlFailedToParse, "GET", "/pools?$filter=%zz"),
        case(Code::RequestUrlFailedToParse, "GET", "/pools?$filter=%ff"),
        case(Code::RequestUrlFailedToParse, "GET", "/pools/%fe%ff"),
        case(Code::InvalidUri, "GET", "/nothing"),
        case(Code::InvalidUri, "GET", "/pools/p/nothing"),
        case(
            Code::InvalidUri,
            "POST",
            "/pools/p/nodes/n/start?api-version=2024-02-01.19.0",
        ),
        case(Code::InvalidHttpVerb, "BREW", "/pools"),
        case(Code::UnsupportedHttpVerb, "PUT", "/pools/p"),
        case(Code::UnsupportedHttpVerb, "TRACE", "/pools"),
        case(Code::UnsupportedHttpVerb, "OPTIONS", "/pools"),
        case(Code::UnsupportedHttpVerb, "HEAD", "/pools"),
        case(
            Code::NotImplemented,
            "GET",
            "/certificates?api-version=2024-02-01.19.0",
        ),
        case(Code::InvalidAuthenticationInfo, "GET", "/pools").header("authorization", "nonsense"),
        case(Code::AuthenticationFailed, "GET", "/pools").header("authorization", "SharedKey a:b"),
        case(
            Code::MultipleConditionHeadersNotSupported,
            "GET",
            "/pools/p",
        )
        .header("if-match", "0x1")
        .header("if-none-match", "0x1"),
        case(Code::PoolNotFound, "GET", "/pools/none"),
        case(Code::PoolNotFound, "GET", "/pools/..%2F..%2Fetc"),
        case(Code::JobNotFound, "DELETE", "/jobs/none"),
    ]
}

/// What needs the resources of [`furnish`].
fn of_resources(node: &str) -> Vec<Case> {
    let on_node = |rest: &str| format!("/pools/p/nodes/{node}{rest}");
    let file = "/jobs/j/tasks/done/files/stdout.txt";
    vec![
        with(Code::PoolExists, "POST", "/pools", &pool("P")),
        with(Code::JobExists, "POST", "/jobs", &job("j", "p")),
        with(Code::TaskExists, "POST", "/jobs/j/tasks", &task("Done")),
        with(
            Code::TaskDependenciesNotSpecifiedOnJob,
            "POST",
            "/jobs/j/tasks",
            &set(task("x"), "dependsOn", json!({"taskIds": ["done"]})),
        ),
        case(Code::NodeNotFound, "GET", "/pools/p/nodes/none"),
        case(Code::TaskNotFound, "GET", "/jobs/j/tasks/none"),
        case(
            Code::FileNotFound,
            "GET",
            "/jobs/j/tasks/done/files/none.txt",
        ),
        case(
            Code::FileNotFound,
            "GET",
            "/jobs/j/tasks/done/files/..%2F..%2Fdone%2Fstdout.txt",
        ),
        case(
            Code::FileNotFound,
            "GET",
            "/jobs/j/tasks/done/files/%2Fetc%2Fpasswd",
        ),
        case(Code::FileNotFound, "GET", "/jobs/j/tasks/done/files/a%00b"),
        case(Code::NodeUserNotFound, "DELETE", &on_node("/users/none")),
        case(Code::InvalidRange, "GET", file).header("ocp-range", "bytes=1000-"),
        case(Code::InvalidHeaderValue, "GET", file).header("ocp-range", "words=1-2"),
        case(Code::ConditionNotMet, "DELETE", "/pools/p").header("if-match", "0x1"),
        case(Code::ConditionNotMet, "GET", "/jobs/j")
            .header("if-unmodified-since", "Tue, 14 Mar 2000 20:33:30 GMT"),
        case(Code::ConditionNotMet, "GET", file)
            .header("if-unmodified-since", "Tue, 14 Mar 2000 20:33:30 GMT"),
        case(Code::TaskCompleted, "POST", "/jobs/j/tasks/done/terminate"),
        case(Code::TaskSucceeded, "POST", "/jobs/j/tasks/done/reactivate"),
        case(
            Code::TaskNotCompleted,
            "POST",
            "/jobs/waits/tasks/waits/reactivate",
        ),
        with(Code::JobCompleted, "POST", "/jobs/over/tasks", &task("x")),
        case(
            Code::NodeAlreadyInTargetSchedulingState,
            "POST",
            &on_node("/enablescheduling"),
        ),
        with(
            Code::OperationInvalidForCurrentState,
            "PATCH",
            "/jobs/j",
            &json!({"poolInfo": {"poolId": "other"}}),
        ),
    ]
}

/// What nodes that never start make possible.
fn of_paused_nodes(node: &str) -> Vec<Case> {
    let reboot = format!("/pools/p/nodes/{node}/reboot");
    let resize = json!({"targetDedicatedNodes": 2});
    vec![
        with(Code::PoolBeingResized, "POST", "/pools/p/resize", &resize),
        with(Code::NodeBeingCreated, "POST", &reboot, &json!({})),
    ]
}

/// A node whose directory has no place to be made.
async fn try_a_node_that_cannot_be(met: &mut BTreeSet<Code>) {
    let state = tempfile::tempdir().unwrap();
    let service = local_service(Some(state.path().to_owned()), true).await;
    let caller = Caller::of(&service);
    std::fs::create_dir_all(state.path().join("nodes")).unwrap();
    std::fs::write(state.path().join("nodes/p"), "in the way").unwrap();
    caller.post("/pools", pool("p")).await.expect(201);
    let nodes = until(&caller, "/pools/p/nodes", |n| {
        n["value"][0]["state"] == "unusable"
    })
    .await;
    let users = format!(
        "/pools/p/nodes/{}/users",
        nodes["value"][0]["id"].as_str().unwrap()
    );
    let user = json!({"name": "somebody", "password": "Kx7-unlikely"});
    let refused = with(Code::NodeStateUnusable, "POST", &users, &user);
    try_all(&caller, vec![refused], met).await;
    service.stop().await;
}

/// A pool is deleted as fast as its nodes are: of several requests at once the second comes in between.
async fn delete_a_pool_at_once(caller: &Caller) {
    let begin = clock::monotonic();
    loop {
        caller.post("/pools", pool("leaves")).await.expect(201);
        until(caller, "/pools/leaves/nodes", |n| {
            n["value"][0]["state"] == "idle"
        })
        .await;
        let deletes = (0..8).map(|_| caller.send(Call::batch("DELETE", "/pools/leaves")));
        let answers = futures::future::join_all(deletes).await;
        let between = answers.iter().find(|a| a.status == 409);
        until(caller, "/pools/leaves", |p| p["code"] == "PoolNotFound").await;
        if let Some(answer) = between {
            shape::is_refusal(Code::PoolBeingDeleted, "DELETE", false, answer);
            return;
        }
        assert!(begin.elapsed().as_secs() < 60, "never in between");
    }
}

async fn furnish(caller: &Caller) -> String {
    caller.post("/pools", pool("p")).await.expect(201);
    let nodes = until(caller, "/pools/p/nodes", |n| {
        n["value"][0]["state"] == "idle"
    })
    .await;
    caller.post("/jobs", job("j", "p")).await.expect(201);
    caller.post("/jobs/j/tasks", task("done")).await.expect(201);
    caller
        .post("/jobs", job("waits", "later"))
        .await
        .expect(201);
    caller
        .post("/jobs/waits/tasks", task("waits"))
        .await
        .expect(201);
    caller.post("/jobs", job("over", "p")).await.expect(201);
    caller
        .post("/jobs/over/terminate", json!({}))
        .await
        .expect(202);
    until(caller, "/jobs/over", |j| j["state"] == "completed").await;
    until(caller, "/jobs/j/tasks/done", |t| t["state"] == "completed").await;
    until(caller, "/pools/p", |p| p["allocationState"] == "steady").await;
    nodes["value"][0]["id"].as_str().unwrap().to_owned()
}

pub(super) async fn until(caller: &Caller, path: &str, so: impl Fn(&Value) -> bool) -> Value {
    let begin = clock::monotonic();
    loop {
        let found = caller.get(path).await.json();
        if so(&found) {
            return found;
        }
        assert!(begin.elapsed().as_secs() < 30, "still {found}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn try_all(caller: &Caller, cases: Vec<Case>, met: &mut BTreeSet<Code>) {
    for Case { code, mut call } in cases {
        let said = format!("{} {}?{}", call.verb, call.path, call.query);
        let is_head = call.verb == "HEAD";
        // Credentials of the case's own replace ours.
        call.sign = !call
            .headers
            .iter()
            .any(|(name, _)| *name == "authorization");
        let answer = caller.send(call).await;
        shape::is_refusal(code, &said, is_head, &answer);
        met.insert(code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_provoked_or_accounted_for() {
    let mut met = BTreeSet::new();
    let paused = local_service(None, false).await;
    // One connection: what was refused leaves it usable.
    let http = Client::builder().pool_max_idle_per_host(1).build().unwrap();
    let mut caller = Caller::of(&paused);
    caller.http = http;
    try_all(&caller, of_requests(), &mut met).await;
    caller.post("/pools", pool("p")).await.expect(201);
    let nodes = until(&caller, "/pools/p/nodes", |n| {
        n["value"][0]["id"].is_string()
    })
    .await;
    let node = nodes["value"][0]["id"].as_str().unwrap();
    try_all(&caller, of_paused_nodes(node), &mut met).await;
    paused.stop().await;

    let service = local_service(None, true).await;
    let caller = Caller::of(&service);
    let node = furnish(&caller).await;
    try_all(&caller, of_resources(&node), &mut met).await;
    try_all(&caller, states::that_stay(&caller).await, &mut met).await;
    try_all(&caller, states::that_pass(&caller).await, &mut met).await;
    delete_a_pool_at_once(&caller).await;
    met.insert(Code::PoolBeingDeleted);
    let user = || json!({"name": "somebody", "password": "Kx7-unlikely"});
    let users = format!("/pools/p/nodes/{node}/users");
    caller.post(&users, user()).await.expect(201);
    try_all(
        &caller,
        vec![with(Code::NodeUserExists, "POST", &users, &user())],
        &mut met,
    )
    .await;
    let long: Vec<String> = (0..20_000).map(|n| format!("t{n}")).collect();
    let depending = set(job("dep", "p"), "usesTaskDependencies", json!(true));
    caller.post("/jobs", depending).await.expect(201);
    let depends = set(task("x"), "dependsOn", json!({"taskIds": long}));
    let too_long = with(
        Code::TaskDependencyListTooLong,
        "POST",
        "/jobs/dep/tasks",
        &depends,
    );
    try_all(&caller, vec![too_long], &mut met).await;
    service.stop().await;
    try_a_node_that_cannot_be(&mut met).await;
    // Over a bare socket, in `raw`.
    met.insert(Code::MissingContentLengthHeader);

    let not_claimed: Vec<Code> = NOT_CLAIMED.iter().map(|(code, _)| *code).collect();
    for code in Code::ALL {
        let lists = [NOT_TO_BE_CAUSED, &not_claimed];
        let listed = lists.iter().filter(|list| list.contains(code)).count();
        let count = listed + usize::from(met.contains(code));
        assert_eq!(
            count,
            1,
            "{code}: {listed} lists, {} cases",
            usize::from(met.contains(code))
        );
    }
}
