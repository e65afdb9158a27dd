//! Tasks that have waited for longer than their access to storage was signed for.

use std::time::Duration;

use batchflow::client::Client;
use batchflow::clock;
use batchflow::desired::{ACCESS_SETTING, Access, Desired};
use batchflow::wire::batch::command::EnvironmentSetting;
use batchflow::wire::batch::pool::PoolEnableAutoScale;
use batchflow::wire::batch::task::TaskCreate;
use batchflow::wire::sas::Permissions;
use batchflow::wire::time::{Duration as Span, Time};
use futures::TryStreamExt;

use super::rig::Rig;
use crate::support::{client, files, local_service};

/// Without nodes, so that its tasks wait until the pool gets one.
const MANIFEST: &str = r#"
name = "late"
[containers.late-out]
[pool]
id = "late"
vm_size = "Standard_D2s_v5"
auto_scale_formula = "$TargetDedicatedNodes = 0;"
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "late"
constraints = { max_wall_clock_time = "unlimited" }
[[tasks]]
for_each = { range = [0, 3] }
id = "t{{item}}"
commands = ["echo {{item}} > {{item}}.out"]
output_files = [{ pattern = "*.out", container = "late-out" }]
[download]
container = "late-out"
to = "out"
"#;

const JOB: &str = "late";

fn setting(settings: &[EnvironmentSetting]) -> Option<Time> {
    let found = settings.iter().find(|s| s.name == ACCESS_SETTING)?;
    found.value.as_deref()?.parse().ok()
}

async fn ends(client: &Client, desired: &Desired) -> Vec<Time> {
    let mut ends = Vec::new();
    for task in &desired.tasks {
        let live = client.batch.get_task(JOB, task.id.as_str()).await.unwrap();
        ends.extend(live.and_then(|live| setting(&live.environment_settings)));
    }
    ends
}

/// Waits until every task is there with access that ends after `time`.
async fn all_end_after(client: &Client, desired: &Desired, time: Time) {
    loop {
        let ends = ends(client, desired).await;
        if ends.len() == desired.tasks.len() && ends.iter().all(|end| *end > time) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The tasks as an apply of long ago would have added them.
async fn make_old(client: &Client, desired: &Desired) {
    let past = Time::from_ticks(Time::from(clock::now()).ticks() - Span::from_days(3).ticks());
    let urls = |access: Access<'_>| match access {
        Access::WriteContainer(container) => {
            let rights = Permissions::ADD_CREATE_WRITE;
            let url = client.sas.container_url(container.as_str(), rights, past);
            url.expose().to_owned()
        }
        _ => unreachable!(),
    };
    let old = |task: &batchflow::desired::Task| -> TaskCreate {
        let mut body = task.body(&urls);
        body.environment_settings.push(EnvironmentSetting {
            name: ACCESS_SETTING.to_owned(),
            value: Some(past.to_string()),
        });
        body
    };
    // One by one: the job ends when it has no task.
    for task in &desired.tasks {
        let deleted = client.batch.delete_task(JOB, task.id.as_str());
        deleted.await.unwrap();
        let added = client.batch.add_tasks(JOB, [old(task)], 1);
        added.try_collect::<Vec<_>>().await.unwrap();
    }
}

#[tokio::test]
async fn tasks_that_have_not_begun_get_new_signatures() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let rig = Rig::new(MANIFEST);
    let desired = rig.desired();
    let now = Time::from(clock::now());
    tokio::select! {
        _ = rig.apply(&client) => panic!("there are no nodes"),
        () = all_end_after(&client, &desired, now) => {}
    }
    make_old(&client, &desired).await;
    let give_node = async {
        all_end_after(&client, &desired, now).await;
        let one = PoolEnableAutoScale {
            auto_scale_formula: Some("$TargetDedicatedNodes = 1;".to_owned()),
            auto_scale_evaluation_interval: None,
        };
        let enabled = client.batch.enable_auto_scale("late", &one).await;
        enabled.unwrap();
    };
    let (outcome, ()) = tokio::join!(rig.apply(&client), give_node);
    let outcome = outcome.ok().unwrap();
    assert!(outcome.success(), "{outcome:?}");
    assert_eq!(files(&rig.shop.path("out")).len(), 3);
    service.stop().await;
}
