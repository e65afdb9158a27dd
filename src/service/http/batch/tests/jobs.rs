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
