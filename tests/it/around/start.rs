//! `init` and `import`: manifests to begin with, which are valid as they are.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::furnished::Site;
use crate::support::{Workshop, files};

#[test]
fn a_first_manifest_is_valid_and_runs() {
    let shop = Workshop::new();
    for name in ["a.txt", "b c.txt"] {
        shop.write(&format!("texts/{name}"), "one two three");
    }
    shop.run([
        "init",
        "--name",
        "mine",
        "--input",
        "texts/*.txt",
        "--nodes",
        "1",
    ])
    .ends_with(0)
    .says(&[
        "batchflow.toml is made",
        "batchflow validate batchflow.toml",
    ]);
    shop.run(["validate", "batchflow.toml"])
        .ends_with(0)
        .says(&["2 tasks"]);
    shop.run(["apply", "batchflow.toml", "--yes"]).ends_with(0);
    assert!(shop.read("output/b c.txt.count").trim().starts_with('3'));
    let fixed = [
        "init",
        "fixed.toml",
        "--name",
        "fixed",
        "--input",
        "texts/*.txt",
        "--to",
        "fixed",
    ];
    let writes = [
        "--command",
        "wc -w {{file.name}} > words",
        "--output",
        "words",
    ];
    shop.run([&fixed[..], &writes].concat()).ends_with(0);
    shop.run(["apply", "fixed.toml", "--yes"]).ends_with(0);
    assert!(shop.read("fixed/b c.txt/words").trim().starts_with('3'));
    let typo = [
        "init",
        "typo.toml",
        "--name",
        "typo",
        "--input",
        "texts/*.txt",
        "--command",
        "wd {{file.name}}",
    ];
    shop.run(typo).ends_with(0);
    assert!(shop.read("typo.toml").contains("\nto = \"typo-output\"\n"));
    shop.run(["apply", "typo.toml", "--yes"])
        .ends_with(3)
        .says(&[
            "wd: not found",
            "a program in the command was not found: install it",
        ]);
    let before = shop.read("batchflow.toml");
    shop.run(["init"])
        .ends_with(1)
        .says(&["cannot write batchflow.toml"]);
    assert_eq!(shop.read("batchflow.toml"), before);
    shop.run([
        "init",
        "azure.toml",
        "--account",
        "--command",
        "echo \"it's\" {{file.name}}",
    ])
    .ends_with(0);
    assert!(shop.read("azure.toml").contains("\n[account]\n"));
}

/// With the program alone, without the repository.
#[test]
fn examples_are_those_of_the_repository_and_bring_their_files() {
    let shop = Workshop::new();
    let listed = shop.run(["init", "--list"]).ends_with(0).stdout();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    assert_eq!(listed.lines().count(), files(&folder).len());
    for line in listed.lines() {
        let name = line.split(' ').next().unwrap();
        let file = format!("{name}/mine.toml");
        shop.run(["init", &file, "--from", name]).ends_with(0);
        let theirs = fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let text = shop.read(&file);
        assert!(
            !text.contains("\"../samples") && !text.contains("\"../out"),
            "{text}"
        );
        assert_eq!(text.lines().count(), theirs.lines().count());
        shop.run(["validate", &file]).ends_with(0);
    }
    shop.write("samples/top-n-words/texts/bread.txt", "mine");
    shop.run(["init", "demo.toml", "--from", "top-n-words"])
        .ends_with(0)
        .says(&["The files that it names are in samples"]);
    assert_eq!(shop.read("samples/top-n-words/texts/bread.txt"), "mine");
    shop.run(["apply", "demo.toml", "--yes"]).ends_with(0);
    assert_eq!(files(&shop.path("out/top-n-words")).len(), 6);
    shop.run(["init", "x.toml", "--from", "swep"])
        .ends_with(1)
        .says(&["there is no example `swep`", "did you mean `sweep`?"]);
    shop.run(["init", "x.toml", "--from", "sweep", "--input", "*"])
        .ends_with(64)
        .says(&["--input"]);
}

/// Imports, holds the manifest as a snapshot, and validates it.
fn imported(shop: &Workshop, name: &str, args: &[&str]) {
    let ran = shop.run([&["import"], args].concat()).ends_with(0);
    insta::assert_snapshot!(name, ran.stdout());
    shop.write("imported.toml", &ran.stdout());
    shop.run(["validate", "imported.toml"]).ends_with(0);
}

#[tokio::test]
async fn a_live_pool_and_job() {
    let site = Site::new(false).await;
    site.pool(json!({
        "taskSlotsPerNode": 2,
        "metadata": [{"name": "team", "value": "blue"}],
        "startTask": {"commandLine": "/bin/sh -c 'echo {{x}}'", "waitForSuccess": true,
            "resourceFiles": [{"httpUrl": "https://a.example/c/tool?sig=abc&sv=1", "filePath": "tool"}]},
    }))
    .await;
    site.job(json!({"priority": 7, "usesTaskDependencies": true,
        "constraints": {"maxWallClockTime": "PT2H"},
        "commonEnvironmentSettings": [{"name": "MODE", "value": "fast"}]}))
        .await;
    site.task("a", "/bin/echo a", json!({
        "resourceFiles": [{"storageContainerUrl": "https://a.example/inputs?sig=abc&sv=1", "blobPrefix": "x/"}],
        "outputFiles": [{"filePattern": "*.txt",
            "destination": {"container": {"containerUrl": "https://a.example/results?sig=abc&sv=1", "path": "a"}},
            "uploadOptions": {"uploadCondition": "taskcompletion"}}]}))
        .await;
    site.task(
        "b",
        "/bin/echo b",
        json!({"dependsOn": {"taskIds": ["a"]}, "requiredSlots": 2}),
    )
    .await;
    let ran = site
        .run(&["import", "live", "--job", "j"])
        .await
        .ends_with(0);
    let text = ran
        .stdout()
        .replace(site.service.batch_endpoint(), "ENDPOINT");
    assert!(!(ran.stdout() + &ran.stderr()).contains("sig="), "{text}");
    insta::assert_snapshot!("live", text);
    site.shop.write("imported.toml", &text);
    site.run(&["validate", "imported.toml"]).await.ends_with(0);
    site.run(&["import", "live", "--job", "none"])
        .await
        .ends_with(1)
        .says(&["there is no job `none`"]);
}

#[test]
fn templates() {
    let shop = Workshop::new();
    shop.write("pool.json", r#"{
  "parameters": {
    "poolId": { "type": "string", "metadata": { "description": "its id" } },
    "vmSize": { "type": "string", "defaultValue": "Standard_D2s_v5" },
    "nodes": { "type": "int", "defaultValue": 3 }
  },
  "variables": { "sku": "24_04-lts" },
  "pool": { "type": "Microsoft.Batch/batchAccounts/pools", "apiVersion": "2016-12-01", "properties": {
    "id": "[parameters('poolId')]", "vmSize": "[parameters('vmSize')]", "targetDedicatedNodes": "[parameters('nodes')]",
    "virtualMachineConfiguration": { "nodeAgentSKUId": "batch.node.ubuntu 24.04",
      "imageReference": { "publisher": "canonical", "offer": "[concat('ubuntu-', variables('sku'))]", "sku": "server", "version": "latest" } },
    "certificateReferences": [{ "thumbprint": "x" }]
  } }
}"#);
    shop.write("job.json", r#"{
  "parameters": { "group": { "type": "string", "defaultValue": "movies" } },
  "job": { "type": "Microsoft.Batch/batchAccounts/jobs", "properties": {
    "id": "convert", "poolInfo": { "poolId": "p" }, "onAllTasksComplete": "terminateJob",
    "taskFactory": { "type": "taskPerFile", "source": { "fileGroup": "movies" },
      "repeatTask": { "commandLine": "ffmpeg -i {fileName} {fileNameWithoutExtension}.mp3",
        "resourceFiles": [{ "blobSource": "{url}", "filePath": "{fileName}" }],
        "outputFiles": [{ "filePattern": "*.mp3",
          "destination": { "autoStorage": { "fileGroup": "music", "path": "{fileNameWithoutExtension}" } },
          "uploadOptions": { "uploadCondition": "TaskSuccess" } }] } }
  } }
}"#);
    shop.write("sweep.json", r#"{ "job": { "properties": { "id": "sweep", "poolInfo": { "poolId": "p" },
    "taskFactory": { "type": "parametricSweep", "parameterSets": [{ "start": 1, "end": 3 }, { "start": 0, "end": 10, "step": 5 }],
      "repeatTask": { "commandLine": "/bin/echo {0} {1}" }, "mergeTask": { "commandLine": "/bin/true" } } } } }"#);
    imported(&shop, "template", &["az-template", "pool.json", "job.json"]);
    imported(&shop, "sweep", &["az-template", "sweep.json"]);
    shop.write("other.json", "{}");
    shop.run(["import", "az-template", "other.json"])
        .ends_with(1)
        .says(&["other.json has neither a pool nor a job"]);
}

#[test]
fn batch_shipyard() {
    let shop = Workshop::new();
    shop.write("config/config.yaml", "batch_shipyard:\n  storage_account_settings: mystorage\nglobal_resources:\n  docker_images:\n  - busybox\n");
    shop.write("config/credentials.yaml", "credentials: [not read");
    shop.write(
        "config/pool.yaml",
        r#"
pool_specification:
  id: docker-pool
  vm_configuration:
    platform_image:
      offer: UbuntuServer
      publisher: Canonical
      sku: 18.04-LTS
  vm_count:
    dedicated: 2
    low_priority: 1
  vm_size: STANDARD_D2_V3
  max_tasks_per_node: 2
  additional_node_prep:
    commands:
      pre: ["apt-get update"]
  ssh:
    username: shipyard
"#,
    );
    shop.write(
        "config/jobs.yaml",
        r#"
job_specifications:
- id: dockerjob
  auto_complete: true
  max_wall_time: 1.02:30:00
  environment_variables: { MODE: fast, N: 3 }
  tasks:
  - docker_image: busybox
    command: echo hello
    max_task_retries: 1
    resource_files:
    - file_path: x
  - id: reps
    docker_image: busybox
    command: date
    task_factory:
      repeat: 3
- id: second
  tasks: []
"#,
    );
    imported(&shop, "shipyard", &["shipyard", "config"]);
    shop.run(["import", "shipyard", "config", "--job", "third"])
        .ends_with(1)
        .says(&["there is no job `third`, only dockerjob, second"]);
    shop.run(["import", "shipyard", "config", "--out", "m.toml"])
        .ends_with(0)
        .says(&["not carried over: pool_specification.ssh", "m.toml is made"]);
}
