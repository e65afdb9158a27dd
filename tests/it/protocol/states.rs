//! Refusals that depend on a state: those that pass are held by something that takes its time.

use serde_json::{Value, json};

use super::caller::{Call, Caller};
use super::refusals::{Case, case, job, pool, set, task, until, with};
use batchflow::wire::batch::error::Code;

const LONG: &str = "/bin/sleep 600";

fn post(path: &str, body: &Value) -> Call<'static> {
    Call::batch("POST", path).json(body)
}

/// Job schedules, dependencies, autoscale and others whose states stay.
pub(super) async fn that_stay(caller: &Caller) -> Vec<Case> {
    let formula = |text: &str| json!({"autoScaleFormula": text});
    let mut auto = set(pool("auto"), "enableAutoScale", json!(true));
    auto["autoScaleFormula"] = json!("$TargetDedicatedNodes = 0;");
    auto.as_object_mut().unwrap().remove("targetDedicatedNodes");
    let later = json!({"doNotRunUntil": "2099-01-01T00:00:00Z"});
    let schedule = |id: &str| {
        let specification = json!({"poolInfo": {"poolId": "p"}});
        json!({"id": id, "schedule": later, "jobSpecification": specification})
    };
    let chores = set(
        job("chores", "p"),
        "jobPreparationTask",
        json!({"id": "prep", "commandLine": "/bin/true"}),
    );
    let chores = set(
        chores,
        "jobReleaseTask",
        json!({"id": "release", "commandLine": "/bin/true"}),
    );
    let depending = set(job("ranges", "p"), "usesTaskDependencies", json!(true));
    for (path, body, status) in [
        ("/pools", auto, 201),
        (
            "/pools/auto/enableautoscale",
            formula("$TargetDedicatedNodes = 0;"),
            200,
        ),
        ("/jobschedules", schedule("waits-for-2099"), 201),
        ("/jobschedules", schedule("is-over"), 201),
        ("/jobschedules/is-over/terminate", json!({}), 202),
        ("/jobs", chores, 201),
        ("/jobs", depending, 201),
    ] {
        caller.send(post(path, &body)).await.expect(status);
    }
    until(caller, "/jobschedules/is-over", |s| {
        s["state"] == "completed"
    })
    .await;
    let ranges: Vec<Value> = (0..1001).map(|n| json!({"start": n, "end": n})).collect();
    let packages = json!([{"applicationId": "none"}]);
    let autoscale =
        |pool: &str, body: &Value| post(&format!("/pools/{pool}/enableautoscale"), body);
    vec![
        Case {
            code: Code::AutoScalingFormulaSyntaxError,
            call: autoscale("p", &formula("nonsense(")),
        },
        Case {
            code: Code::AutoScaleFormulaTooLong,
            call: autoscale("p", &formula(&"a = 1;".repeat(2000))),
        },
        Case {
            code: Code::TooManyEnableAutoScaleRequests,
            call: autoscale("auto", &formula("$TargetDedicatedNodes = 0;")),
        },
        with(
            Code::OperationNotValidOnPool,
            "POST",
            "/pools/auto/resize",
            &json!({"targetDedicatedNodes": 1}),
        ),
        with(
            Code::TaskDependencyRangesTooLong,
            "POST",
            "/jobs/ranges/tasks",
            &set(task("x"), "dependsOn", json!({"taskIdRanges": ranges})),
        ),
        case(Code::JobScheduleNotFound, "GET", "/jobschedules/none"),
        with(
            Code::JobScheduleExists,
            "POST",
            "/jobschedules",
            &schedule("Waits-For-2099"),
        ),
        with(
            Code::JobWithSameIdExists,
            "POST",
            "/jobschedules",
            &schedule("chores"),
        ),
        with(
            Code::JobScheduleWithSameIdExists,
            "POST",
            "/jobs",
            &job("waits-for-2099", "p"),
        ),
        case(
            Code::JobScheduleCompleted,
            "POST",
            "/jobschedules/is-over/disable",
        ),
        case(
            Code::JobPreparationTaskNotSpecified,
            "GET",
            "/jobs/j/jobpreparationandreleasetaskstatus",
        ),
        with(
            Code::TaskIdSameAsJobPreparationTask,
            "POST",
            "/jobs/chores/tasks",
            &task("prep"),
        ),
        with(
            Code::TaskIdSameAsJobReleaseTask,
            "POST",
            "/jobs/chores/tasks",
            &task("release"),
        ),
        with(
            Code::InvalidApplicationPackageReferences,
            "POST",
            "/pools",
            &set(pool("x"), "applicationPackageReferences", packages),
        ),
        case(Code::ApplicationNotFound, "GET", "/applications/none"),
    ]
}

/// The only node of a new pool, once it is in that state.
async fn node(caller: &Caller, body: &Value, state: &str) -> String {
    caller.send(post("/pools", body)).await.expect(201);
    let nodes = format!("/pools/{}/nodes", body["id"].as_str().unwrap());
    let found = until(caller, &nodes, |n| n["value"][0]["state"] == state).await;
    format!("{nodes}/{}", found["value"][0]["id"].as_str().unwrap())
}

/// States between others.
pub(super) async fn that_pass(caller: &Caller) -> Vec<Case> {
    let starting = set(
        pool("starting"),
        "startTask",
        json!({"commandLine": LONG, "waitForSuccess": true}),
    );
    let starting = node(caller, &starting, "waitingforstarttask").await;

    // A node that waits for its task before it restarts, is made anew or leaves.
    let mut busy = Vec::new();
    for (id, action, option) in [
        ("reboots", "reboot", "nodeRebootOption"),
        ("reimages", "reimage", "nodeReimageOption"),
    ] {
        let node = node(caller, &pool(id), "idle").await;
        caller.send(post("/jobs", &job(id, id))).await.expect(201);
        let long = json!({"id": "long", "commandLine": LONG});
        caller
            .send(post(&format!("/jobs/{id}/tasks"), &long))
            .await
            .expect(201);
        until(caller, &format!("/jobs/{id}/tasks/long"), |t| {
            t["state"] == "running"
        })
        .await;
        let body = json!({option: "taskcompletion"});
        caller
            .send(post(&format!("{node}/{action}"), &body))
            .await
            .expect(202);
        busy.push(node);
    }
    let off = node(caller, &pool("off"), "idle").await;
    caller
        .send(post(&format!("{off}/deallocate"), &json!({})))
        .await
        .expect(202);
    until(caller, &off, |n| n["state"] == "deallocated").await;

    // Jobs that do not end before their release has.
    let wide = set(pool("wide"), "taskSlotsPerNode", json!(4));
    node(caller, &wide, "idle").await;
    let mut specification = json!({"poolInfo": {"poolId": "wide"},
        "jobPreparationTask": {"commandLine": "/bin/true"},
        "jobReleaseTask": {"commandLine": LONG}});
    for id in ["terminating", "deleting"] {
        let mut job = specification.clone();
        job["id"] = json!(id);
        caller.send(post("/jobs", &job)).await.expect(201);
        caller
            .send(post(&format!("/jobs/{id}/tasks"), &task("t")))
            .await
            .expect(201);
        until(caller, &format!("/jobs/{id}/tasks/t"), |t| {
            t["state"] == "completed"
        })
        .await;
    }
    specification["jobManagerTask"] =
        json!({"id": "m", "commandLine": LONG, "runExclusive": false});
    for id in ["s-terminating", "s-deleting"] {
        let schedule = json!({"id": id, "schedule": {"recurrenceInterval": "PT1H"}, "jobSpecification": specification});
        caller
            .send(post("/jobschedules", &schedule))
            .await
            .expect(201);
        let manager = format!("/jobs/{id}:job-1/tasks/m");
        until(caller, &manager, |t| t["state"] == "running").await;
    }
    for (verb, path) in [
        ("POST", "/jobs/terminating/terminate"),
        ("DELETE", "/jobs/deleting"),
        ("POST", "/jobschedules/s-terminating/terminate"),
        ("DELETE", "/jobschedules/s-deleting"),
    ] {
        caller.send(Call::batch(verb, path)).await.expect(202);
    }

    // Files that were there.
    let gone = node(caller, &pool("gone"), "idle").await;
    caller
        .send(post("/jobs", &job("gone", "gone")))
        .await
        .expect(201);
    caller
        .send(post("/jobs/gone/tasks", &task("t")))
        .await
        .expect(201);
    let brief = set(
        task("brief"),
        "constraints",
        json!({"retentionTime": "PT0.01S"}),
    );
    caller.send(post("/jobs/j/tasks", &brief)).await.expect(201);
    until(caller, "/jobs/gone/tasks/t", |t| t["state"] == "completed").await;
    caller
        .send(Call::batch("DELETE", "/pools/gone"))
        .await
        .expect(202);
    until(caller, &gone, |n| n["code"] == "PoolNotFound").await;
    until(caller, "/jobs/j/tasks/brief/files", |f| {
        f["code"] == "TaskFilesCleanedup"
    })
    .await;

    let reboot = |node: &str| format!("{node}/reboot");
    vec![
        with(
            Code::NodeBeingStarted,
            "POST",
            &reboot(&starting),
            &json!({}),
        ),
        with(
            Code::NodeBeingRebooted,
            "POST",
            &reboot(&busy[0]),
            &json!({}),
        ),
        with(
            Code::NodeBeingReimaged,
            "POST",
            &reboot(&busy[1]),
            &json!({}),
        ),
        with(
            Code::OperationNotValidOnNode,
            "POST",
            &reboot(&off),
            &json!({}),
        ),
        case(
            Code::ResourceNotFound,
            "GET",
            &format!("{off}/extensions/none"),
        ),
        with(
            Code::JobBeingTerminated,
            "POST",
            "/jobs/terminating/tasks",
            &task("x"),
        ),
        case(Code::JobBeingDeleted, "DELETE", "/jobs/deleting"),
        case(
            Code::JobScheduleBeingTerminated,
            "POST",
            "/jobschedules/s-terminating/disable",
        ),
        case(
            Code::JobScheduleBeingDeleted,
            "DELETE",
            "/jobschedules/s-deleting",
        ),
        case(
            Code::TaskFilesUnavailable,
            "GET",
            "/jobs/gone/tasks/t/files/stdout.txt",
        ),
        case(
            Code::TaskFilesCleanedup,
            "GET",
            "/jobs/j/tasks/brief/files/stdout.txt",
        ),
    ]
}
