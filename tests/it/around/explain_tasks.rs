//! `explain`: each cause, brought about in a real service.

use serde_json::{Value, json};

use super::furnished::Site;
use super::redacted;
use crate::json::obeying;

/// What is said of a task, or of the job.
async fn said(site: &Site, task: Option<&str>) -> String {
    let args = [&["explain", "m.toml"][..], task.as_slice()].concat();
    let text = site.run(&args).await.ends_with(0).stdout();
    let codes = site.run(&[&args[..], &["--json"]].concat()).await;
    let codes = obeying("explain", &codes.ends_with(0).stdout());
    let reasons = codes["reasons"].as_array().unwrap().iter();
    let codes: Vec<&str> = reasons.map(|r| r["code"].as_str().unwrap()).collect();
    format!("[{}]\n{}\n", codes.join(", "), redacted(site, &text))
}

#[tokio::test]
async fn what_the_job_and_the_pool_lack() {
    let site = Site::new(false).await;
    let mut all = said(&site, None).await;
    site.job(json!({})).await;
    site.task("t", "/bin/true", json!({})).await;
    all += &said(&site, Some("t")).await;
    site.pool(json!({"targetDedicatedNodes": 0})).await;
    all += &said(&site, Some("t")).await;
    site.post("/jobs/j/disable", json!({"disableTasks": "requeue"}))
        .await;
    site.until("/jobs/j", |j| j["state"] == "disabled").await;
    all += &said(&site, Some("t")).await;
    site.post("/jobs/j/enable", json!({})).await;
    site.post("/pools/p/resize", json!({"targetDedicatedNodes": 1}))
        .await;
    site.until("/pools/p/nodes", |n| !n["value"][0].is_null())
        .await;
    all += &said(&site, Some("t")).await;
    insta::assert_snapshot!("lacking", all);
    site.run(&["explain", "m.toml", "u"])
        .await
        .ends_with(1)
        .says(&["the job has no task `u`"]);
}

#[tokio::test]
async fn a_quota() {
    let site = Site::new(false).await;
    site.pool(json!({"targetDedicatedNodes": 100_000})).await;
    site.job(json!({})).await;
    site.task("t", "/bin/true", json!({})).await;
    site.until("/pools/p", |p| !p["resizeErrors"].is_null())
        .await;
    insta::assert_snapshot!("quota", said(&site, Some("t")).await);
}

#[tokio::test]
async fn what_stands_between_tasks() {
    let site = Site::new(true).await;
    site.pool(json!({"targetDedicatedNodes": 1})).await;
    site.job(json!({"usesTaskDependencies": true})).await;
    site.task("bad", "/bin/sh -c 'echo oops >&2; exit 3'", json!({}))
        .await;
    site.task("long", "/bin/sleep 1000", json!({})).await;
    for (id, before) in [
        ("after-bad", "bad"),
        ("after-long", "long"),
        ("after-none", "none"),
    ] {
        site.task(id, "/bin/true", json!({"dependsOn": {"taskIds": [before]}}))
            .await;
    }
    site.task("wide", "/bin/true", json!({"requiredSlots": 1}))
        .await;
    site.until("/jobs/j/tasks/bad", |t| t["state"] == "completed")
        .await;
    site.until("/jobs/j/tasks/long", |t| t["state"] == "running")
        .await;
    site.until("/pools/p/nodes", |n| {
        n["value"][0]["runningTaskSlotsCount"] == 1
    })
    .await;
    let mut all = String::new();
    for task in [
        "bad",
        "long",
        "after-bad",
        "after-long",
        "after-none",
        "wide",
    ] {
        all += &said(&site, Some(task)).await;
    }
    all += &said(&site, None).await;
    insta::assert_snapshot!("between", all);
}

#[tokio::test]
async fn a_start_task_that_failed() {
    let site = Site::new(true).await;
    let start = json!({"commandLine": "/bin/sh -c 'echo no disk >&2; exit 4'", "waitForSuccess": true, "maxTaskRetryCount": 0});
    site.pool(json!({"startTask": start})).await;
    site.job(json!({})).await;
    site.task("t", "/bin/true", json!({})).await;
    site.until("/pools/p/nodes", |n| {
        n["value"][0]["state"] == "starttaskfailed"
    })
    .await;
    insta::assert_snapshot!("start_task", said(&site, Some("t")).await);
}

#[tokio::test]
async fn a_preparation_that_failed_and_work_that_goes_first() {
    let site = Site::new(true).await;
    site.pool(json!({})).await;
    site.job(
        json!({"jobPreparationTask": {"commandLine": "/bin/sh -c 'echo no licence >&2; exit 5'",
        "constraints": {"maxTaskRetryCount": 0}, "waitForSuccess": true}}),
    )
    .await;
    site.task("t", "/bin/true", json!({})).await;
    let path = "/jobs/j/jobpreparationandreleasetaskstatus";
    let failed =
        |s: &Value| s["value"][0]["jobPreparationTaskExecutionInfo"]["result"] == "failure";
    site.until(path, failed).await;
    let first = json!({"id": "first", "poolInfo": {"poolId": "p"}, "priority": 100});
    site.post("/jobs", first).await;
    site.post(
        "/jobs/first/tasks",
        json!({"id": "x", "commandLine": "/bin/sleep 1000"}),
    )
    .await;
    site.until("/jobs/first/tasks/x", |t| t["state"] == "running")
        .await;
    insta::assert_snapshot!("preparation", said(&site, Some("t")).await);
}
