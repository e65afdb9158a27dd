//! Every request of an apply fails in turn, in each way; then apply again: same end, no completed task has run
//! again, nothing is left over.
//!
//! Here each request fails once, with kinds and spans of failure in rotation. Every request with every kind and
//! span, some minutes: `BATCHFLOW_ALL_FAULTS=1 cargo test --test it reconcile::faults`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use batchflow::client::Client;
use batchflow::client::batch::ListOptions;
use batchflow::desired::Desired;
use batchflow::observed::LiveTask;
use batchflow::plan::Options;
use batchflow::service::Service;
use futures::{StreamExt, TryStreamExt, stream};

use super::faulty::{Fault, Faulty, Kind, Place, Span};
use super::rig::{Rig, left_over};
use crate::support::{client, files, local_service};

/// Cases at once.
const PARALLEL: usize = 6;
/// Requests that are repeated until something happens: only the first of them fail.
const POLLS: usize = 3;

/// Every kind of resource. `@` stands for the name of the case.
const MANIFEST: &str = r#"
name = "@"
[vars]
mark = "one"
[containers.@-app]
[containers.@-in]
[containers.@-out]
[[uploads]]
container = "@-app"
files = "tool.sh"
[[uploads]]
container = "@-in"
files = "in/*.txt"
[pool]
id = "@-pool"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
task_slots_per_node = 4
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[pool.start_task]
commands = ['cp tool.sh "$AZ_BATCH_NODE_SHARED_DIR"']
resource_files = [{ container = "@-app" }]
[job]
id = "@-job"
priority = 7
constraints = { max_wall_clock_time = "1h" }
common_environment_settings = { WHERE = "@trace" }
[[tasks]]
for_each = { container = "@-in" }
id = "t{{file.stem}}"
commands = ['echo {{file.stem}} {{vars.mark}} >> "$WHERE"', 'sh "$AZ_BATCH_NODE_SHARED_DIR/tool.sh" {{file.name}} > {{file.stem}}.out']
output_files = [{ pattern = "*.out", container = "@-out" }]
[download]
container = "@-out"
to = "out"
"#;

/// What is done before the requests fail, and what is done while they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// From nothing to nothing left.
    Fresh,
    /// Resources are there; a pool is resized, a job changed, one task runs again.
    Change,
    /// The pool and the job have got other ids since.
    Renamed,
    Destroy,
}

fn rig(case: &str, scenario: Scenario) -> Rig {
    let mut rig = Rig::new(MANIFEST);
    let trace = rig.shop.write("trace", "");
    rig.shop.write("tool.sh", "tr a-z A-Z < \"$1\"\n");
    rig.shop.write("in/1.txt", "one\n");
    rig.shop.write("in/2.txt", "two\n");
    rig.edit("@trace", trace.to_str().unwrap());
    rig.edit("@", case);
    if scenario != Scenario::Fresh {
        rig.edit(
            "[download]",
            "[cleanup]\ncontainers = \"never\"\njob = \"never\"\npool = \"never\"\n[download]",
        );
    }
    rig
}

/// What is there before.
async fn prepare(rig: &mut Rig, scenario: Scenario, client: &Client) {
    if scenario == Scenario::Fresh {
        return;
    }
    let done = rig.apply(client).await;
    assert!(done.is_ok(), "{:?}", done.err().map(|e| e.0));
    match scenario {
        Scenario::Fresh | Scenario::Destroy => {}
        Scenario::Change => {
            rig.edit("target_dedicated_nodes = 1", "target_dedicated_nodes = 2");
            rig.edit("priority = 7", "priority = 8");
            rig.shop.write("in/2.txt", "two changed\n");
        }
        Scenario::Renamed => {
            rig.edit("-pool\"", "-pool-new\"");
            rig.edit("-job\"", "-job-new\"");
            rig.edit("\"one\"", "\"two\"");
            rig.edit("pool = \"never\"", "pool = \"always\"");
            rig.edit("= \"never\"", "= \"on_success\"");
        }
    }
}

fn outputs(rig: &Rig) -> BTreeMap<String, String> {
    files(&rig.shop.path("out"))
        .into_iter()
        .map(|(name, content)| (name, String::from_utf8(content).unwrap()))
        .collect()
}

fn expected(rig: &Rig) -> BTreeMap<String, String> {
    ["1", "2"]
        .into_iter()
        .map(|n| {
            let text = rig.shop.read(&format!("in/{n}.txt")).to_uppercase();
            (format!("{n}.out"), text)
        })
        .collect()
}

/// How often each task began, in each of its forms.
fn starts(rig: &Rig) -> BTreeMap<String, usize> {
    let mut starts = BTreeMap::new();
    for line in rig.shop.read("trace").lines() {
        *starts.entry(line.to_owned()).or_default() += 1;
    }
    starts
}

/// The tasks that the service holds as completed, in the form they are wanted in.
async fn completed(client: &Client, desired: &Desired) -> BTreeSet<String> {
    let job = desired.job.id.as_str();
    if client.batch.get_job(job).await.unwrap().is_none() {
        return BTreeSet::new();
    }
    let options = ListOptions::default().select(LiveTask::SELECT);
    let tasks = client.batch.list_tasks::<LiveTask>(job, &options);
    let tasks: Vec<LiveTask> = tasks.try_collect().await.unwrap();
    tasks
        .into_iter()
        .filter(LiveTask::succeeded)
        .filter(|live| {
            let mut wanted = desired.tasks.iter();
            wanted.any(|t| t.id.as_str() == live.id && Some(&*t.digest) == live.digest())
        })
        .map(|t| t.id)
        .collect()
}

async fn act(
    rig: &Rig,
    scenario: Scenario,
    client: &Client,
) -> Result<batchflow::apply::Outcome, super::rig::Failed> {
    match scenario {
        Scenario::Destroy => rig.destroy(client).await,
        _ => rig.apply(client).await,
    }
}

/// One case. Answers with what is wrong, if anything.
async fn case(
    service: &Service,
    healthy: &Client,
    scenario: Scenario,
    name: &str,
    fault: Fault,
) -> Result<(), String> {
    let mut rig = rig(name, scenario);
    prepare(&mut rig, scenario, healthy).await;
    let transport = Faulty::new(name, Some(fault.clone()));
    let faulty = transport.client(service);
    let first = act(&rig, scenario, &faulty).await;
    if !transport.struck() {
        // One of the polls that this time was not needed.
        return Ok(());
    }
    match (&first, fault.span) {
        (Err(error), Span::Once) => return Err(format!("not overcome: {}", error.0)),
        (Err(error), _) if !error.0.contains("tried 3 times") => {
            return Err(format!("does not say what was tried: {}", error.0));
        }
        _ => {}
    }
    let desired = rig.desired();
    let done = completed(healthy, &desired).await;
    let before = starts(&rig);
    if let Err(error) = act(&rig, scenario, healthy).await {
        return Err(format!("the second time failed: {}", error.0));
    }
    if scenario == Scenario::Destroy {
        let left = left_over(healthy, name).await;
        return match left.is_empty() {
            true => Ok(()),
            false => Err(format!("left over: {left:?}")),
        };
    }
    let (got, wanted) = (outputs(&rig), expected(&rig));
    if got != wanted {
        return Err(format!("outputs are {got:?}"));
    }
    let after = starts(&rig);
    for (start, count) in &after {
        let id = format!("t{}", start.split(' ').next().unwrap_or_default());
        if done.contains(&id) && before.get(start) != Some(count) {
            return Err(format!("{id} was completed and ran again"));
        }
    }
    let plan = rig.plan(&desired, healthy, &Options::default()).await;
    let (plan, _) = plan.map_err(|e| format!("no third plan: {}", e.0))?;
    if !plan.is_empty() {
        return Err(format!("the third plan is not empty: {plan:?}"));
    }
    if scenario == Scenario::Change {
        let destroyed = rig.destroy(healthy).await;
        destroyed.map_err(|e| format!("not destroyed: {}", e.0))?;
    }
    let left = left_over(healthy, name).await;
    match left.is_empty() {
        true => Ok(()),
        false => Err(format!("left over: {left:?}")),
    }
}

/// The requests of a run in which nothing fails.
async fn places(service: &Service, healthy: &Client, scenario: Scenario) -> Vec<Place> {
    let name = format!("ref-{scenario:?}").to_lowercase();
    let mut rig = rig(&name, scenario);
    prepare(&mut rig, scenario, healthy).await;
    let transport = Faulty::new(&name, None);
    let done = act(&rig, scenario, &transport.client(service)).await;
    assert!(done.is_ok(), "{:?}", done.err().map(|e| e.0));
    let mut places = transport.places();
    places.retain(|(_, n)| *n < POLLS);
    places
}

async fn every_request_fails(scenario: Scenario) {
    let service = local_service(None, true).await;
    let healthy = client(&service);
    let places = places(&service, &healthy, scenario).await;
    let everything = std::env::var_os("BATCHFLOW_ALL_FAULTS").is_some();
    let mut cases = Vec::new();
    for (k, at) in places.iter().enumerate() {
        for (s, span) in Span::ALL.into_iter().enumerate() {
            for (i, kind) in Kind::ALL.into_iter().enumerate() {
                let turn = s * Kind::ALL.len() + i;
                // 7 has no divisor in common with the number of pairs: neighbours differ in both.
                if everything || k * 7 % (Span::ALL.len() * Kind::ALL.len()) == turn {
                    let at = at.clone();
                    cases.push(Fault { at, kind, span });
                }
            }
        }
    }
    assert!(places.len() > 8, "{places:?}");
    let wrong: HashMap<String, String> = stream::iter(cases.into_iter().enumerate())
        .map(|(n, fault)| {
            let (service, healthy) = (&service, &healthy);
            async move {
                let name = format!("c{n}-{scenario:?}").to_lowercase();
                let told = format!("{fault:?}");
                let result = case(service, healthy, scenario, &name, fault).await;
                result.err().map(|wrong| (told, wrong))
            }
        })
        .buffer_unordered(PARALLEL)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    service.stop().await;
    assert!(wrong.is_empty(), "{} cases: {wrong:#?}", wrong.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_apply_from_nothing() {
    every_request_fails(Scenario::Fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_apply_that_changes_what_is_there() {
    every_request_fails(Scenario::Change).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_apply_after_ids_changed() {
    every_request_fails(Scenario::Renamed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_destroy() {
    every_request_fails(Scenario::Destroy).await;
}
