//! `status` and `tasks`: a page and documents.

use batchflow::report::width;
use serde_json::json;

use super::furnished::Site;
use super::redacted;
use crate::json::obeying;

#[tokio::test]
async fn of_nothing_and_of_something() {
    let site = Site::new(false).await;
    let nothing = site.run(&["status", "m.toml"]).await.ends_with(0);
    insta::assert_snapshot!("nothing", redacted(&site, &nothing.stdout()));

    site.pool(json!({})).await;
    site.job(json!({})).await;
    for id in ["a", "b"] {
        site.task(id, "/bin/true", json!({})).await;
    }
    site.until("/pools/p/nodes", |n| !n["value"][0].is_null())
        .await;
    let waiting = site.run(&["status", "m.toml"]).await.ends_with(0);
    insta::assert_snapshot!("waiting", redacted(&site, &waiting.stdout()));
    let document = site.run(&["status", "m.toml", "--json"]).await.ends_with(0);
    let document = obeying("status", &document.stdout());
    assert_eq!(document["tasks"]["active"], 2);
    assert_eq!(document["pool"]["nodes"], json!({"creating": 1}));
    assert_eq!(document["reasons"][1]["code"], "nodes_get_ready");
}

#[tokio::test]
async fn of_a_job_with_failures() {
    let site = Site::new(true).await;
    site.pool(json!({})).await;
    site.job(json!({})).await;
    for (id, code) in [("good", 0), ("bad", 3), ("worse", 4)] {
        let line = format!("/bin/sh -c 'exit {code}'");
        site.task(id, &line, json!({})).await;
    }
    site.task("absent", "no-such-program", json!({})).await;
    site.until("/jobs/j/taskcounts", |c| c["taskCounts"]["completed"] == 4)
        .await;
    site.until("/pools/p/nodes", |n| n["value"][0]["state"] == "idle")
        .await;
    let page = site.run(&["status", "m.toml"]).await.ends_with(0);
    insta::assert_snapshot!("failures", redacted(&site, &page.stdout()));

    for (options, expected) in [
        (&[][..], &["absent", "bad", "good", "worse"][..]),
        (&["--failed"], &["absent", "bad", "worse"]),
        (&["--exit-code", "4"], &["worse"]),
        (&["--exit-code", "0", "--state", "completed"], &["good"]),
        (&["--state", "active"], &[]),
    ] {
        let args = [&["tasks", "m.toml", "--json"], options].concat();
        let listed = site.run(&args).await.ends_with(0);
        let listed = obeying("tasks", &listed.stdout());
        let ids: Vec<&str> = listed["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, expected, "{options:?}");
    }
    for columns in [20, 80] {
        let mut pages = String::new();
        for verb in ["status", "tasks", "nodes", "explain"] {
            let page = site.run_on(columns, &[verb, "m.toml"]).await.ends_with(0);
            let page = page.stdout();
            for line in page.lines() {
                let is_word = !line.trim().contains(' ');
                assert!(width::columns(line) <= columns || is_word, "{verb}: {line}");
            }
            if verb == "tasks" {
                pages += &redacted(&site, &page);
            }
        }
        insta::assert_snapshot!(format!("table_on_{columns}_columns"), pages);
    }
    let table = site
        .run(&["tasks", "m.toml", "--failed"])
        .await
        .ends_with(0);
    insta::assert_snapshot!("table", redacted(&site, &table.stdout()));
    site.run(&["tasks", "m.toml", "--state", "running"])
        .await
        .ends_with(0)
        .says(&["No tasks of job `j` match."]);
}

#[tokio::test]
async fn without_a_job_there_are_no_tasks() {
    let site = Site::new(false).await;
    site.run(&["tasks", "m.toml"])
        .await
        .ends_with(1)
        .says(&["there is no job `j`", "batchflow plan"]);
}
