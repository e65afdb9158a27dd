//! What is ours, what is not, and what was.

use std::collections::BTreeMap;

use batchflow::client::Client;
use batchflow::plan::{Action, Options, StrayKind};

use super::rig::{Rig, left_over};
use crate::support::{client, local_service};

const MANIFEST: &str = r#"
name = "mine"
[containers.mine-out]
[pool]
id = "mine-pool"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "mine-job"
[[tasks]]
id = "one"
commands = ["echo 1 > 1.out"]
output_files = [{ pattern = "1.out", container = "mine-out" }]
[cleanup]
containers = "never"
job = "never"
pool = "never"
[download]
container = "mine-out"
to = "out"
"#;

#[tokio::test]
async fn what_is_not_in_the_manifest_any_more_is_deleted() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let mut rig = Rig::new(MANIFEST);
    rig.apply(&client).await.ok().unwrap();
    let mut others = Rig::new(MANIFEST.replace("mine", "other"));
    others.apply(&client).await.ok().unwrap();
    others.edit("echo 1", "echo 2");
    rig.edit("mine-pool", "mine-pool2");
    rig.edit("mine-job", "mine-job2");

    // Also when nothing is to be run.
    let desired = rig.desired();
    let (plan, _) = rig
        .plan(&desired, &client, &Options::default())
        .await
        .ok()
        .unwrap();
    let strays: Vec<(StrayKind, &str)> = plan
        .cleanup
        .strays
        .iter()
        .map(|s| (s.kind, s.name.as_str()))
        .collect();
    assert_eq!(
        strays,
        [(StrayKind::Job, "mine-job"), (StrayKind::Pool, "mine-pool")]
    );
    assert!(!plan.is_empty());
    rig.apply(&client).await.ok().unwrap();
    assert_eq!(left_over(&client, "mine").await, ["mine-logs", "mine-out"]);
    assert_eq!(left_over(&client, "other").await.len(), 4);

    rig.edit("mine-out", "mine-out2");
    rig.destroy(&client).await.ok().unwrap();
    assert_eq!(left_over(&client, "mine").await, [""; 0]);
    assert_eq!(left_over(&client, "other").await.len(), 4);
    service.stop().await;
}

/// A pool, a job and a container of the manifest's names that nobody has marked.
async fn unmarked(rig: &Rig, client: &Client) {
    let desired = rig.desired();
    let mut pool = desired
        .pool
        .body("batch.node.ubuntu 24.04", &|_| String::new());
    pool.metadata.clear();
    pool.target_dedicated_nodes = Some(0);
    client.batch.create_pool(&pool).await.unwrap();
    let mut job = desired.job.template.clone();
    job.metadata.clear();
    client.batch.create_job(&job).await.unwrap();
    let theirs = BTreeMap::from([("theirs".to_owned(), "yes".to_owned())]);
    client
        .blob
        .create_container("mine-out", &theirs)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_nobody_marked_is_taken_only_when_told_so() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let rig = Rig::new(MANIFEST);
    unmarked(&rig, &client).await;
    let refused = rig.apply(&client).await.err().unwrap().0;
    for words in [
        "the pool `mine-pool` exists and was not made by this manifest; it differs: target_dedicated_nodes",
        "the job `mine-job` exists",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
    rig.destroy(&client).await.ok().unwrap();
    assert_eq!(left_over(&client, "mine").await.len(), 3, "nothing is ours");

    let adopt = Options {
        adopt: true,
        ..Options::default()
    };
    let desired = rig.desired();
    let (plan, _) = rig.plan(&desired, &client, &adopt).await.ok().unwrap();
    assert_eq!(plan.pool.unwrap().action, Action::Update);
    assert_eq!(plan.containers[0].action, Action::Update);
    rig.apply_with(&client, &adopt).await.ok().unwrap();
    assert_eq!(rig.shop.read("out/1.out"), "1\n");
    let container = client
        .blob
        .get_container("mine-out")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(container.metadata["theirs"], "yes");
    rig.destroy(&client).await.ok().unwrap();
    assert_eq!(left_over(&client, "mine").await, [""; 0], "now it is");
    service.stop().await;
}

#[tokio::test]
async fn what_another_manifest_made_is_never_taken() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let theirs = Rig::new(MANIFEST.replace("name = \"mine\"", "name = \"theirs\""));
    theirs.apply(&client).await.ok().unwrap();
    let ours = Rig::new(
        MANIFEST
            .replace("_nodes = 1", "_nodes = 2")
            .replace("echo 1", "echo 2"),
    );
    let adopt = Options {
        adopt: true,
        ..Options::default()
    };
    for options in [Options::default(), adopt] {
        let refused = ours.apply_with(&client, &options).await.err().unwrap().0;
        assert!(refused.contains("but by `theirs`"), "{refused}");
    }
    ours.destroy(&client).await.ok().unwrap();
    assert_eq!(left_over(&client, "mine").await.len(), 3);
    service.stop().await;
}
