//! Preparation and release of jobs, as they stand on the wire.

use serde_json::{Value, json};

use super::caller::Caller;
use super::refusals::{pool, until};
use crate::support::local_service;

const STATUS: &str = "/jobs/j/jobpreparationandreleasetaskstatus";

fn job(id: &str, preparation: &str) -> Value {
    json!({"id": id, "poolInfo": {"poolId": "p"},
        "commonEnvironmentSettings": [{"name": "OF", "value": "the job"}],
        "jobPreparationTask": {"commandLine": preparation},
        "jobReleaseTask": {"commandLine": "/bin/sh -c 'echo $OF > $AZ_BATCH_NODE_SHARED_DIR/released; exit 2'"}})
}

/// One task on each of two nodes.
async fn run(caller: &Caller) {
    let mut both = pool("p");
    both["targetDedicatedNodes"] = json!(2);
    caller.post("/pools", both).await.expect(201);
    caller
        .post("/jobs", job("j", "/bin/sh -c 'echo ready for $OF'"))
        .await
        .expect(201);
    assert_eq!(
        caller.get(STATUS).await.expect(200).json()["value"],
        json!([])
    );
    // Neither ends before both run, so each has a node of its own.
    let meeting = tempfile::tempdir().unwrap();
    for (mine, other) in [("a", "b"), ("b", "a")] {
        let here = meeting.path().display();
        let command = format!(
            "/bin/sh -c 'touch {here}/{mine}; while ! test -e {here}/{other}; do sleep 0.01; done'"
        );
        let task = json!({"id": mine, "commandLine": command});
        caller.post("/jobs/j/tasks", task).await.expect(201);
    }
    for task in ["a", "b"] {
        until(caller, &format!("/jobs/j/tasks/{task}"), |t| {
            t["state"] == "completed"
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_is_prepared_once_and_released_at_the_end() {
    let service = local_service(None, true).await;
    let caller = Caller::of(&service);
    run(&caller).await;

    let found = caller.get("/jobs/j").await.expect(200).json();
    let defaults = json!({"id": "jobpreparation", "commandLine": "/bin/sh -c 'echo ready for $OF'",
        "waitForSuccess": true, "rerunOnNodeRebootAfterSuccess": true});
    assert_eq!(found["jobPreparationTask"], defaults);
    assert_eq!(found["jobReleaseTask"]["id"], "jobrelease");
    assert_eq!(found["jobReleaseTask"]["maxWallClockTime"], "PT15M");
    assert_eq!(found["jobReleaseTask"]["retentionTime"], "P7D");

    let list = caller.get(STATUS).await.expect(200).json();
    let metadata = format!(
        "{}/$metadata#jobpreparationandreleasetaskstatuslist",
        service.batch_endpoint()
    );
    assert_eq!(list["odata.metadata"], metadata);
    let each = list["value"].as_array().unwrap();
    assert_eq!(each.len(), 2);
    assert!(
        each[0]["nodeId"].as_str() < each[1]["nodeId"].as_str(),
        "in the order of nodes"
    );
    for one in each {
        let node = one["nodeId"].as_str().unwrap();
        let node_url = format!("{}/pools/p/nodes/{node}", service.batch_endpoint());
        assert_eq!(
            (&one["poolId"], &one["nodeUrl"]),
            (&json!("p"), &json!(node_url))
        );
        let info = &one["jobPreparationTaskExecutionInfo"];
        assert_eq!(
            (&info["state"], &info["result"]),
            (&json!("completed"), &json!("success"))
        );
        assert_eq!(
            (&info["exitCode"], &info["retryCount"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(
            info["taskRootDirectory"],
            "workitems/j/job-1/jobpreparation"
        );
        assert!(info["startTime"].as_str() <= info["endTime"].as_str());
        assert!(one.get("jobReleaseTaskExecutionInfo").is_none(), "{one}");
        let url = info["taskRootDirectoryUrl"].as_str().unwrap();
        let path = url.strip_prefix(service.batch_endpoint()).unwrap();
        let said = caller
            .get(&format!("{path}%2Fstdout.txt"))
            .await
            .expect(200);
        assert_eq!(said.text, "ready for the job\n");
    }

    // Page by page, and only what is asked for.
    let mut nodes = Vec::new();
    let mut path = format!("{STATUS}?maxresults=1&$select=nodeId");
    loop {
        let page = caller.get(&path).await.expect(200).json();
        nodes.extend(page["value"].as_array().unwrap().clone());
        match page["odata.nextLink"].as_str() {
            Some(link) => {
                path = link
                    .strip_prefix(service.batch_endpoint())
                    .unwrap()
                    .to_owned()
            }
            None => break,
        }
    }
    let expected: Vec<Value> = each
        .iter()
        .map(|one| json!({"nodeId": one["nodeId"]}))
        .collect();
    assert_eq!(nodes, expected);

    caller
        .post("/jobs/j/terminate", json!({}))
        .await
        .expect(202);
    until(&caller, "/jobs/j", |j| j["state"] == "completed").await;
    let failed = format!(
        "{STATUS}?$filter=jobReleaseTaskExecutionInfo/result%20eq%20'failure'%20and%20jobPreparationTaskExecutionInfo/result%20eq%20'success'"
    );
    let list = caller.get(&failed).await.expect(200).json();
    assert_eq!(
        list["value"].as_array().unwrap().len(),
        2,
        "a job completes also when its release fails"
    );
    for one in list["value"].as_array().unwrap() {
        let info = &one["jobReleaseTaskExecutionInfo"];
        assert_eq!(
            (&info["state"], &info["exitCode"]),
            (&json!("completed"), &json!(2))
        );
        assert_eq!(info["failureInfo"]["code"], "FailureExitCode");
        assert_eq!(info["taskRootDirectory"], "workitems/j/job-1/jobrelease");
        let node = one["nodeId"].as_str().unwrap();
        let released = caller
            .get(&format!("/pools/p/nodes/{node}/files/shared%2Freleased"))
            .await;
        assert_eq!(released.expect(200).text, "the job\n");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_preparation_fails_on_takes_no_task_of_the_job() {
    let service = local_service(None, true).await;
    let caller = Caller::of(&service);
    caller.post("/pools", pool("p")).await.expect(201);
    caller
        .post("/jobs", job("j", "/bin/sh -c 'exit 3'"))
        .await
        .expect(201);
    caller
        .post(
            "/jobs/j/tasks",
            json!({"id": "t", "commandLine": "/bin/true"}),
        )
        .await
        .expect(201);
    let list = until(&caller, STATUS, |list| {
        list["value"][0]["jobPreparationTaskExecutionInfo"]["state"] == "completed"
    })
    .await;
    let info = &list["value"][0]["jobPreparationTaskExecutionInfo"];
    assert_eq!(
        (&info["exitCode"], &info["result"]),
        (&json!(3), &json!("failure"))
    );
    assert_eq!(info["failureInfo"]["category"], "UserError");
    let task = caller.get("/jobs/j/tasks/t").await.expect(200).json();
    assert_eq!(task["state"], "active");

    // Another job's tasks still run there.
    let other = json!({"id": "other", "poolInfo": {"poolId": "p"}});
    caller.post("/jobs", other).await.expect(201);
    caller
        .post(
            "/jobs/other/tasks",
            json!({"id": "t", "commandLine": "/bin/true"}),
        )
        .await
        .expect(201);
    until(&caller, "/jobs/other/tasks/t", |t| {
        t["state"] == "completed"
    })
    .await;
    service.stop().await;
}
