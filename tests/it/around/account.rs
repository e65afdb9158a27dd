//! `nodes`, `images`, `files`, `cancel`, `download` and `gc`.

use serde_json::json;

use super::furnished::Site;
use super::redacted;
use crate::json::obeying;
use crate::support::Workshop;

#[tokio::test]
async fn nodes_and_files() {
    let site = Site::new(true).await;
    site.run(&["nodes", "m.toml"])
        .await
        .ends_with(1)
        .says(&["there is no pool `p`"]);
    site.pool(json!({})).await;
    site.job(json!({})).await;
    site.task("t", "/bin/sh -c 'printf hello > out.txt'", json!({}))
        .await;
    site.until("/jobs/j/tasks/t", |t| t["state"] == "completed")
        .await;
    site.until("/pools/p/nodes", |n| n["value"][0]["state"] == "idle")
        .await;
    let table = site.run(&["nodes", "m.toml"]).await.ends_with(0);
    insta::assert_snapshot!("nodes", redacted(&site, &table.stdout()));
    let document = site.run(&["nodes", "m.toml", "--json"]).await.ends_with(0);
    let document = obeying("nodes", &document.stdout());
    assert_eq!(document["nodes"][0]["tasks_run"], 1);

    site.run(&["files", "m.toml", "t"])
        .await
        .ends_with(0)
        .says(&["stdout.txt", "wd/out.txt", "5 B"]);
    let listed = site.run(&["files", "m.toml", "t", "--json"]).await;
    let listed = obeying("files", &listed.ends_with(0).stdout());
    assert_eq!(listed["task"], "t");
    let file = site
        .run(&["files", "m.toml", "t", "wd/out.txt"])
        .await
        .ends_with(0);
    assert_eq!(file.stdout(), "hello");
    let to = ["files", "m.toml", "t", "wd/out.txt", "--to", "home.txt"];
    site.run(&to).await.ends_with(0);
    assert_eq!(site.shop.read("home.txt"), "hello");
    site.run(&to)
        .await
        .ends_with(1)
        .says(&["cannot write home.txt"]);
    site.run(&["files", "m.toml", "t", "wd/none"])
        .await
        .ends_with(1)
        .says(&["the task `t` has no file `wd/none` on a node"]);
}

#[test]
fn images() {
    let shop = Workshop::new();
    shop.run(["images", "--local", "ubuntu", "24_04"])
        .ends_with(0)
        .says(&[
            "batch.node.ubuntu 24.04",
            r#"image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }"#,
        ]);
    shop.run(["images", "--local", "plan9"])
        .ends_with(0)
        .says(&["The account supports no such image."]);
    shop.run(["images"])
        .ends_with(5)
        .says(&["AZURE_BATCH_ACCOUNT"]);
}

#[tokio::test]
async fn cancel() {
    let site = Site::new(false).await;
    site.pool(json!({})).await;
    site.job(json!({})).await;
    for id in ["a", "b"] {
        site.task(id, "/bin/true", json!({})).await;
    }
    site.run(&["cancel", "m.toml"])
        .await
        .ends_with(1)
        .says(&["there is no terminal to ask on"]);
    site.run(&["cancel", "m.toml", "a", "--yes"])
        .await
        .ends_with(0)
        .says(&[
            "Task `a` is ended.",
            "which cost money until",
            "batchflow destroy m.toml",
        ]);
    let again = ["cancel", "m.toml", "a", "--yes", "--json"];
    let nothing = obeying("cancel", &site.run(&again).await.ends_with(0).stdout());
    assert_eq!(nothing["tasks_ended"], json!([]));
    let task = site.caller.get("/jobs/j/tasks/a").await.json();
    assert_eq!(task["state"], "completed");
    let task = site.caller.get("/jobs/j/tasks/b").await.json();
    assert_eq!(task["state"], "active");
    let whole = ["cancel", "m.toml", "--yes", "--json"];
    let ended = obeying("cancel", &site.run(&whole).await.ends_with(0).stdout());
    assert_eq!(ended["job_ended"], true);
    site.until("/jobs/j", |j| j["state"] == "completed").await;
    site.run(&["cancel", "m.toml", "--yes"])
        .await
        .ends_with(0)
        .says(&["Job `j` is completed already."]);
}

#[tokio::test]
async fn what_belongs_to_another_manifest_is_not_cancelled() {
    let site = Site::new(false).await;
    let mark = json!([{"name": "batchflow_manifest", "value": "other"}]);
    site.job(json!({"metadata": mark})).await;
    site.run(&["cancel", "m.toml", "--yes"])
        .await
        .ends_with(1)
        .says(&["the job `j` was made by the manifest `other`"]);
}

#[tokio::test]
async fn gc_deletes_what_nothing_uses() {
    let site = Site::new(false).await;
    let marked =
        |manifest: &str| json!({"metadata": [{"name": "batchflow_manifest", "value": manifest}]});
    site.pool(marked("old")).await;
    let busy =
        json!({"id": "busy", "poolInfo": {"poolId": "p"}, "metadata": marked("busy")["metadata"]});
    site.post("/jobs", busy).await;
    site.post(
        "/jobs/busy/tasks",
        json!({"id": "t", "commandLine": "/bin/true"}),
    )
    .await;
    site.job(json!({})).await;
    site.run(&["gc", "--yes"]).await.ends_with(0).says(&[
        "Nothing is left over.",
        "in use: pool `p` is new",
        "in use: job `busy` is new",
    ]);
    let all = ["gc", "--older-than", "0s"];
    site.run(&all).await.ends_with(1).says(&[
        "Plan: 1 resource to delete.",
        "in use: job `busy` has open tasks (1)",
        "there is no terminal to ask on",
    ]);
    let document = site.run(&[&all[..], &["--json"]].concat()).await;
    let document = obeying("gc", &document.ends_with(0).stdout());
    assert_eq!(document["manifests"][1]["resources"][0]["kind"], "pool");
    site.run(&[&all[..], &["--yes"]].concat())
        .await
        .ends_with(0)
        .says(&["1 resource deleted."]);
    site.until("/pools", |p| p["value"] == json!([])).await;
    let jobs = site.caller.get("/jobs").await.json();
    assert_eq!(jobs["value"].as_array().unwrap().len(), 2, "{jobs}");
}

#[test]
fn download_brings_home_what_is_there() {
    let shop = Workshop::new();
    let manifest = r#"
name = "two"
[containers.out]
[pool]
id = "p"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "j"
[[tasks]]
id = "good"
commands = "echo fine > good.txt"
output_files = [{ pattern = "good.txt", container = "out" }]
[[tasks]]
id = "bad"
commands = "exit 3"
[download]
container = "out"
to = "home"
"#;
    shop.write("m.toml", manifest);
    shop.run(["download", "m.toml"])
        .ends_with(0)
        .says(&["Nothing new to download."]);
    shop.run(["apply", "m.toml", "--yes"]).ends_with(3);
    std::fs::remove_file(shop.path("home/good.txt")).unwrap();
    shop.run(["download", "m.toml"])
        .ends_with(0)
        .says(&["1 file (5 B) to "]);
    assert_eq!(shop.read("home/good.txt"), "fine\n");
    shop.run(["download", "m.toml"])
        .ends_with(0)
        .says(&["Nothing new to download."]);
}

#[test]
fn a_shell_and_a_pager_know_the_verbs() {
    let shop = Workshop::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        shop.run(["completions", shell])
            .ends_with(0)
            .says(&["rerun-failed", "batchflow"]);
    }
    shop.run(["man"]).ends_with(0).says(&[
        ".TH",
        "BATCHFLOW STATUS",
        "BATCHFLOW SERVE",
        "Exit codes",
    ]);
}
