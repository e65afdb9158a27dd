//! Jobs over HTTP beyond plain tasks.

use serde_json::json;

use super::service;

#[tokio::test]
async fn dependencies_and_exit_conditions() {
    let s = service().await;
    s.with_job().await;
    let body = json!({"id": "D", "poolInfo": {"poolId": "P"}, "usesTaskDependencies": true,
        "onTaskFailure": "performexitoptionsjobaction"});
    assert_eq!(s.post("/jobs", body).await.status, 201);
    let range = json!({"dependsOn": {"taskIdRanges": [{"start": "1", "end": 2}]}});
    for (id, command, more) in [
        ("last", "5", range.clone()),
        ("1", "0", json!({})),
        (
            "02",
            "4",
            json!({"exitConditions": {"exitCodes": [{"code": 4,
            "exitOptions": {"jobAction": "none", "dependencyAction": "satisfy"}}]}}),
        ),
    ] {
        let mut body = json!({"id": id, "commandLine": command});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let added = s.post("/jobs/D/tasks", body).await;
        assert_eq!(added.status, 201, "{}", added.text);
    }
    let job = s.until("/jobs/D", |j| j["state"] == "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "TaskFailed");
    let last = s.get("/jobs/D/tasks/last").await.json();
    assert_eq!(last["executionInfo"]["exitCode"], 5);
    assert_eq!(last["dependsOn"]["taskIdRanges"][0]["end"], 2);
    let body = json!({"id": "x", "commandLine": "0", "dependsOn": range["dependsOn"]});
    let refused = s.post("/jobs/J/tasks", body).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "TaskDependenciesNotSpecifiedOnJob")
    );
}

#[tokio::test]
async fn a_multi_instance_task_and_its_subtasks() {
    let s = service().await;
    let pool = json!({"id": "M", "vmSize": "x", "targetDedicatedNodes": 3,
        "enableInterNodeCommunication": true, "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"}});
    assert_eq!(s.post("/pools", pool).await.status, 201);
    let job = json!({"id": "J", "poolInfo": {"poolId": "M"}});
    assert_eq!(s.post("/jobs", job).await.status, 201);
    let settings = json!({"numberOfInstances": "3", "coordinationCommandLine": "x"});
    let body = json!({"id": "T", "commandLine": "5", "multiInstanceSettings": settings});
    let added = s.post("/jobs/J/tasks", body).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let task = s
        .until("/jobs/J/tasks/T", |t| t["state"] == "completed")
        .await;
    assert_eq!(task["executionInfo"]["exitCode"], 5);
    assert_eq!(task["multiInstanceSettings"]["numberOfInstances"], 3);
    let listed = s.get("/jobs/J/tasks/T/subtasksinfo").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    let listed = listed.json();
    let ids: Vec<_> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["id"])
        .collect();
    assert_eq!(ids, [1, 2]);
    let second = &listed["value"][1];
    assert_eq!(
        (&second["state"], &second["exitCode"]),
        (&json!("completed"), &json!(0))
    );
    assert_eq!(
        second["nodeInfo"]["taskRootDirectory"],
        "workitems/J/job-1/T/2"
    );
    let chosen = s
        .get("/jobs/J/tasks/T/subtasksinfo?$select=id")
        .await
        .json();
    assert_eq!(chosen["value"][0], json!({"id": 1}));
}

#[tokio::test]
async fn an_auto_pool_lives_as_long_as_its_job() {
    let s = service().await;
    let pool = json!({"vmSize": "x", "targetDedicatedNodes": 1, "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04"}});
    let auto = json!({"autoPoolIdPrefix": "pre", "poolLifetimeOption": "job", "keepAlive": false, "pool": pool});
    let info = json!({"autoPoolSpecification": auto});
    let body =
        json!({"id": "J", "poolInfo": info, "jobManagerTask": {"id": "m", "commandLine": "0"}});
    let created = s.post("/jobs", body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let job = s.get("/jobs/J").await.json();
    assert_eq!(job["poolInfo"], info);
    let id = job["executionInfo"]["poolId"].as_str().unwrap();
    assert!(id.starts_with("pre_"), "{id}");
    let path = format!("/pools/{id}");
    s.until("/jobs/J", |j| j["state"] == "completed").await;
    s.until(&path, |p| p["code"] == "PoolNotFound").await;
    let bad = json!({"id": "K", "poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "weekend", "pool": pool}}});
    let refused = s.post("/jobs", bad).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "InvalidPropertyValue")
    );
}

#[tokio::test]
async fn a_job_schedule_from_the_wire_and_back() {
    let s = service().await;
    s.with_job().await;
    let body = json!({"id": "S", "schedule": {"recurrenceInterval": "PT1H"}, "jobSpecification": {
        "poolInfo": {"poolId": "P"},
        "jobManagerTask": {"id": "m", "commandLine": "0"}}});
    let created = s.post("/jobschedules", body.clone()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(
        created.header("location"),
        format!("{}/jobschedules/S", s.endpoint)
    );
    let again = s.post("/jobschedules", body).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "JobScheduleExists")
    );
    let done = |v: &serde_json::Value| v["value"][0]["state"] == "completed";
    let jobs = s.until("/jobschedules/s/jobs", done).await;
    let job = &jobs["value"][0];
    assert_eq!(job["id"], "S:job-1");
    assert_eq!(job["executionInfo"]["terminateReason"], "JMComplete");
    let task = s.get("/jobs/S%3Ajob-1/tasks/m").await.json();
    assert_eq!(task["nodeInfo"]["taskRootDirectory"], "workitems/S/job-1/m");
    let shown = s.get("/jobschedules/S").await;
    assert!(shown.header("etag").starts_with("0x8"));
    assert_eq!(shown.json()["executionInfo"]["recentJob"]["id"], "S:job-1");
    assert_eq!(
        s.send("HEAD", "/jobschedules/none", None, &[]).await.status,
        404
    );
    let listed = s.get("/jobschedules?$filter=state eq 'active'").await;
    assert_eq!(listed.json()["value"].as_array().unwrap().len(), 1);
    let patch = json!({"schedule": {"recurrenceInterval": "PT2H"}});
    let patched = s.send("PATCH", "/jobschedules/S", Some(patch), &[]).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    let put = json!({"schedule": {"recurrenceInterval": "PT3H"}, "jobSpecification": {"poolInfo": {"poolId": "P"}}});
    let put = s.send("PUT", "/jobschedules/S", Some(put), &[]).await;
    assert_eq!(put.status, 200, "{}", put.text);
    for (verb, path, status) in [
        ("POST", "/jobschedules/S/disable", 204),
        ("POST", "/jobschedules/S/enable", 204),
    ] {
        assert_eq!(s.send(verb, path, None, &[]).await.status, status, "{path}");
    }
    let deleted = s.send("DELETE", "/jobschedules/S", None, &[]).await;
    assert_eq!(deleted.status, 202);
    s.until("/jobschedules/S", |v| v["code"] == "JobScheduleNotFound")
        .await;
}
