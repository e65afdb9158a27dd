//! The examples of pools and jobs in `manifests/`, applied as they stand; what they make is looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use batchflow::client::batch::ListOptions;
use batchflow::service::{Nodes, Options, Service, start};
use batchflow::wire::batch::job::{JobState, OnAllTasksComplete};
use batchflow::wire::batch::node::{Node, NodeState};
use batchflow::wire::batch::pool::{NodeDeallocationOption, Pool, PoolCreate, PoolResize};
use batchflow::wire::batch::task::Task;
use futures::TryStreamExt;
use serde_json::json;

use crate::support::{Ran, Workshop, client, files, local_service};

/// A copy of one example, so that nothing is written into the source tree.
fn example(name: &str) -> (Workshop, String) {
    let shop = Workshop::new();
    let manifest = format!("manifests/{name}.toml");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(&manifest);
    shop.write(&manifest, &fs::read_to_string(source).unwrap());
    (shop, manifest)
}

/// The outputs of an example as text.
fn outputs(shop: &Workshop, name: &str) -> Vec<(String, String)> {
    files(&shop.path(&format!("out/{name}")))
        .into_iter()
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}

#[test]
fn an_autoscale_pool_grows_with_its_work() {
    let (shop, manifest) = example("autoscale");
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["autoscale × Standard_D2s_v5"]);
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    let outputs = outputs(&shop, "autoscale");
    let names: Vec<_> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<_> = (0..6).map(|n| format!("node-{n}.txt")).collect();
    assert_eq!(names, expected);
    // There is no node but those the formula asked for.
    let nodes: BTreeSet<_> = outputs.iter().map(|(_, node)| node).collect();
    assert!((1..=3).contains(&nodes.len()), "{nodes:?}");
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);
}

/// The samples an example reads.
fn texts(shop: &Workshop) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/top-n-words/texts");
    for (name, text) in files(&folder) {
        let path = shop.write(&format!("samples/top-n-words/texts/{name}"), "");
        fs::write(path, text).unwrap();
    }
}

#[test]
fn nodes_are_prepared_before_tasks_and_released_after() {
    let (shop, manifest) = example("prep-release");
    texts(&shop);
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["with preparation and release task"]);
    let ran = shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    assert!(!ran.stderr().contains("warning"), "{}", ran.stderr());

    let all: BTreeSet<String> = files(&shop.path("samples/top-n-words/texts"))
        .into_values()
        .flat_map(|text| {
            let text = String::from_utf8(text).unwrap().to_lowercase();
            let words = text.split(|c: char| !c.is_ascii_alphabetic());
            words.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let outputs = outputs(&shop, "prep-release");
    assert_eq!(outputs.len(), 6);
    for (name, words) in outputs {
        let length: usize = name.trim_end_matches(".txt").parse().unwrap();
        let found: BTreeSet<String> = words.lines().map(str::to_lowercase).collect();
        let expected = all.iter().filter(|w| w.len() == length).cloned().collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn failing_preparation_and_release_tasks_are_told() {
    let (shop, manifest) = example("prep-release");
    texts(&shop);
    let text = shop.read(&manifest);
    let tidy = r#"commands = ['rm "$AZ_BATCH_NODE_SHARED_DIR/words"']"#;
    assert!(text.contains(tidy));
    shop.write(
        "manifests/untidy.toml",
        &text.replace(tidy, "commands = ['echo cannot tidy >&2', 'exit 3']"),
    );
    // The outputs are whole all the same.
    shop.run(["apply", "manifests/untidy.toml", "--yes"])
        .ends_with(0)
        .says(&[
            "the release task of the job failed with exit code 3",
            "cannot tidy",
        ]);
    assert_eq!(outputs(&shop, "prep-release").len(), 6);

    let begin = text.find("commands = [\"cat").unwrap();
    let end = begin + text[begin..].find('\n').unwrap();
    let mut unprepared = text.replace("out/prep-release", "out/unprepared");
    unprepared.replace_range(begin..end, "commands = ['echo no words >&2', 'exit 4']");
    shop.write("manifests/unprepared.toml", &unprepared);
    shop.run(["apply", "manifests/unprepared.toml", "--yes"])
        .ends_with(7)
        .says(&[
            "the preparation task of job `prep-release` failed on every node, with exit code 4",
            "no words",
            "correct [job.job_preparation_task]",
        ]);
}

#[test]
fn a_job_manager_goes_before_the_tasks() {
    let (shop, manifest) = example("job-manager");
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["with a manager task"]);
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    let expected: Vec<(String, String)> = (1..5)
        .map(|n| (format!("{n}.txt"), format!("{}\n", n * 12)))
        .chain([("decision.txt".to_owned(), "multiply by 12\n".to_owned())])
        .collect();
    assert_eq!(outputs(&shop, "job-manager"), expected);
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);

    // A manager that fails fails the run.
    let text = shop.read(&manifest);
    shop.write(
        "manifests/failing.toml",
        &text
            .replace("'echo 12 >", "'exit 5; echo 12 >")
            .replace("out/job-manager", "out/failing")
            .replace("$(cat", "$(echo 3 || cat"),
    );
    shop.run(["apply", "manifests/failing.toml", "--yes"])
        .ends_with(3)
        .says(&["manager", "exit code 5"]);
}

/// A pool without nodes whose formula fails would be waited for without a word.
#[test]
fn a_formula_that_cannot_be_evaluated_is_told() {
    let (shop, manifest) = example("autoscale");
    let formula = "max(0, $PendingTasks.GetSample(1))";
    let text = shop.read(&manifest);
    assert!(text.contains(formula));
    // The local service has these samples after some seconds.
    let later = "max(0, $PendingTasks.GetSample(TimeInterval_Minute * 5, 35))";
    shop.write(&manifest, &text.replace(formula, later));
    shop.run(["apply", &manifest, "--yes"]).ends_with(0).says(&[
        "the autoscale formula of `autoscale` has no result yet",
        "35 % are asked for",
    ]);
    assert_eq!(outputs(&shop, "autoscale").len(), 6);
}

#[test]
fn formulas_are_tried_offline() {
    let (shop, manifest) = example("autoscale");
    let check = |args: &[&str]| shop.run(["autoscale", "check"].iter().chain(args));
    let ran = check(&[&manifest]).ends_with(0);
    assert_eq!(
        ran.stdout(),
        "$TargetDedicatedNodes=0\n$TargetLowPriorityNodes=0\n$NodeDeallocationOption=taskcompletion\npending=0\n"
    );
    shop.write(
        "samples.json",
        r#"{"target_low_priority_nodes": 2, "samples": [
            {"time": "2026-01-31T12:00:00Z", "values": {"$PendingTasks": 90}},
            {"values": {"PendingTasks": 8}}]}"#,
    );
    let samples = ["--samples", "samples.json", "--var", "most=5"];
    check(&[&[manifest.as_str()], samples.as_slice()].concat())
        .ends_with(0)
        .says(&[
            "$TargetDedicatedNodes=5\n",
            "$TargetLowPriorityNodes=2\n",
            "pending=8\n",
        ]);

    shop.write(
        "nodes.formula",
        "few = 2;\n$TargetDedicatedNodes = few + many;\n",
    );
    check(&["nodes.formula"])
        .ends_with(4)
        .says(&["`many` has no value here", "nodes.formula:2:31"]);
    // Read without a problem, evaluated with one.
    shop.write(
        "nodes.formula",
        "$TargetDedicatedNodes = avg($CPUPercent.GetSample(TimeInterval_Minute * 5, 80));",
    );
    check(&["nodes.formula"])
        .ends_with(4)
        .says(&["80 % are asked for"]);
    for (samples, says) in [
        ("[", "not JSON of samples"),
        (
            r#"{"samples": [{"values": {"Tasks": 1}}]}"#,
            "`Tasks` is not a variable",
        ),
        (
            r#"{"samples": [{"time": "noon", "values": {}}]}"#,
            "`noon` is not a time",
        ),
    ] {
        shop.write("samples.json", samples);
        check(&[&manifest, "--samples", "samples.json"])
            .ends_with(1)
            .says(&[says]);
    }
    shop.write(
        "other.toml",
        &shop.read(&manifest).replace("auto_scale", "#"),
    );
    let ran = check(&["other.toml"]);
    assert_eq!(ran.code(), 4);
}

/// A manifest for an account: that of a service of ours.
fn on_account(text: &str, service: &Service) -> String {
    format!(
        "{text}\n[account]\nbatch_endpoint = \"{}\"\nstorage_endpoint = \"{}\"\n[cleanup]\njob = \"never\"\n",
        service.batch_endpoint(),
        service.blob_endpoint()
    )
}

fn credentials(command: &mut Command, service: &Service) {
    for kind in ["BATCH", "STORAGE"] {
        command.env(format!("AZURE_{kind}_ACCOUNT"), service.account());
    }
    command
        .env("AZURE_BATCH_ACCESS_KEY", service.key().expose())
        .env("AZURE_STORAGE_KEY", service.key().expose());
}

/// Spot nodes are taken away while they run tasks, as Azure does it: the tasks start again on the dedicated node.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_lost_spot_nodes_run_again() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let (shop, manifest) = example("spot");
    let gate = shop.path("go");
    let text = shop.read(&manifest);
    assert!(text.contains("'sleep 0.3'"));
    let wait = format!("'until [ -e {} ]; do sleep 0.02; done'", gate.display());
    let text = text.replace("'sleep 0.3'", &wait);
    // A formula would refuse the resize that stands for an eviction.
    let text = text.replace("\nimage =", "\nkeep_idle_nodes = true\nimage =");
    shop.write(&manifest, &on_account(&text, &service));
    let mut command = shop.command(["apply", &manifest, "--yes"]);
    credentials(&mut command, &service);
    let mut apply = command.spawn().unwrap();

    let nodes = async || -> Vec<Node> {
        let all = client.batch.list_nodes("spot", &ListOptions::default());
        // The pool may not be there yet.
        all.try_collect().await.unwrap_or_default()
    };
    let is_busy = |n: &Node| n.state == NodeState::Running;
    until(async || nodes().await.iter().filter(|n| is_busy(n)).count() == 4).await;
    let resize = PoolResize {
        target_low_priority_nodes: Some(0),
        node_deallocation_option: Some(NodeDeallocationOption::Requeue),
        ..PoolResize::default()
    };
    client.batch.resize_pool("spot", &resize).await.unwrap();
    until(async || nodes().await.len() == 1).await;
    fs::write(gate, "").unwrap();
    let status = tokio::task::spawn_blocking(move || apply.wait()).await;
    assert!(status.unwrap().unwrap().success());

    let outputs = outputs(&shop, "spot");
    let squares = (1..9).map(|n| (format!("{n}.txt"), format!("{n} {} C", n * n)));
    for ((name, text), (expected_name, square)) in outputs.iter().zip(squares) {
        assert_eq!(name, &expected_name);
        assert_eq!(*text, format!("{square} true\n"));
    }
    assert_eq!(outputs.len(), 8);
    let tasks = client
        .batch
        .list_tasks::<Task>("spot", &ListOptions::default());
    let tasks: Vec<Task> = tasks.try_collect().await.unwrap();
    let requeues = |t: &Task| t.execution_info.as_ref().map_or(0, |e| e.requeue_count);
    assert_eq!(tasks.iter().map(requeues).sum::<i32>(), 3);
    service.stop().await;
}

/// Nobody has to come back: the service ends the job with its last task, and the pool with the job.
#[tokio::test(flavor = "multi_thread")]
async fn an_auto_pool_is_gone_although_apply_was_killed() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let (shop, manifest) = example("auto-pool");
    let original = on_account(&shop.read(&manifest), &service);
    let gate = shop.path("go");
    let wait = format!(
        "commands = ['until [ -e {} ]; do sleep 0.02; done', ",
        gate.display()
    );
    let gated = original.replace(
        "commands = ['echo \"$AZ_BATCH_POOL_ID",
        &(wait + "'echo \"$AZ_BATCH_POOL_ID"),
    );
    assert_ne!(gated, original);
    shop.write(&manifest, &gated);
    let run = |args: &[&str]| {
        let mut command = shop.command(args);
        credentials(&mut command, &service);
        Ran(command.output().unwrap())
    };
    run(&["plan", &manifest]).ends_with(0).says(&[
        "auto-pool_…  made and deleted with the job",
        "pool: deleted by the service with its job",
        "at most 2.5 node-hours",
    ]);
    let mut command = shop.command(["apply", &manifest, "--yes"]);
    credentials(&mut command, &service);
    let mut apply = command.spawn().unwrap();
    let job = async || client.batch.get_job("auto-pool").await.unwrap();
    until(async || {
        let job = job().await;
        job.is_some_and(|j| j.on_all_tasks_complete == Some(OnAllTasksComplete::TerminateJob))
    })
    .await;
    let pool = job()
        .await
        .unwrap()
        .execution_info
        .unwrap()
        .pool_id
        .unwrap();
    assert!(pool.starts_with("auto-pool_"), "{pool}");
    let made = client.batch.get_pool(&pool).await.unwrap().unwrap();
    let machine = made.virtual_machine_configuration;
    // Another apply of the manifest leaves the pool alone.
    run(&["plan", &manifest]).ends_with(0).says(&["4 underway"]);
    apply.kill().unwrap();
    apply.wait().unwrap();
    fs::write(gate, "").unwrap();
    until(async || client.batch.get_pool(&pool).await.unwrap().is_none()).await;
    assert_eq!(job().await.unwrap().state, JobState::Completed);

    run(&["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["4 tasks done"]);
    let outputs = outputs(&shop, "auto-pool");
    assert_eq!(outputs.len(), 4);
    for (_, text) in outputs {
        assert_eq!(text, format!("{pool} prepared\n"));
    }
    run(&["plan", &manifest])
        .ends_with(0)
        .says(&["No changes."]);

    // What goes wrong with its nodes is told like that of any pool.
    let broken = original.replace(
        "['echo prepared",
        "['echo no disk >&2; exit 4', 'echo prepared",
    );
    shop.write(&manifest, &broken);
    run(&["apply", &manifest, "--yes"])
        .ends_with(7)
        .says(&["exit code 4", "no disk"]);
    run(&["destroy", &manifest, "--yes"]).ends_with(0);
    until(async || {
        let pools = client.batch.list_pools::<Pool>(&ListOptions::default());
        pools.try_collect::<Vec<_>>().await.unwrap().is_empty()
    })
    .await;
    // The account's quota of pools is used up.
    let other = |n: usize| -> PoolCreate {
        let body = json!({ "id": format!("other-{n}"), "vmSize": "standard_d2s_v3",
            "virtualMachineConfiguration": machine });
        serde_json::from_value(body).unwrap()
    };
    let mut full = 0;
    while client.batch.create_pool(&other(full)).await.is_ok() {
        full += 1;
    }
    assert!(full > 10);
    shop.write(&manifest, &original);
    fs::remove_dir_all(shop.path("out")).unwrap();
    run(&["apply", &manifest, "--yes"])
        .ends_with(7)
        .says(&["a quota is reached"]);
    service.stop().await;
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let start = batchflow::clock::monotonic();
    while !holds().await {
        assert!(start.elapsed().as_secs() < 60, "waited a minute");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_pool_of_an_image_of_ones_own_is_planned_and_refused_locally_by_name() {
    let (shop, manifest) = example("custom-image");
    shop.run(["plan", &manifest]).ends_with(0).says(&[
        "2 dedicated × Standard_NC4as_T4_v3",
        "batch.node.ubuntu 24.04",
        "24 of 24 to run",
    ]);
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(1)
        .says(&["the local service does not support"]);
}

/// The first job of a schedule is made at once. It is set up once, changed as a whole, and destroyed with all.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_makes_jobs_that_its_manager_works_on() {
    let options = Options {
        nodes: Nodes::Running,
        autoscale_interval: Some(Duration::from_millis(100)),
        ..Options::new(env!("CARGO_BIN_EXE_batchflow").into())
    };
    let service = start(options).await.unwrap();
    let client = client(&service);
    let (shop, manifest) = example("schedule");
    let text = shop.read(&manifest);
    shop.write(&manifest, &on_account(&text, &service));
    let run = |args: &[&str]| {
        let mut command = shop.command(args);
        credentials(&mut command, &service);
        Ran(command.output().unwrap())
    };
    run(&["plan", &manifest]).ends_with(0).says(&[
        "made by a schedule every P1D, with manager task",
        "autoscale",
        "daily-report",
        "kept",
    ]);
    run(&["apply", &manifest, "--yes"]).ends_with(0);
    let job = "daily-report:job-1";
    let state = async || client.batch.get_job(job).await.unwrap().map(|j| j.state);
    until(async || state().await == Some(JobState::Completed)).await;
    let reports = client.blob.list_blobs("reports", None);
    let reports: Vec<_> = reports.try_collect().await.unwrap();
    let names: Vec<_> = reports.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["daily/report.txt"]);
    let live = client.batch.get_job_schedule("daily-report").await.unwrap();
    let live = live.unwrap();
    assert!(live.execution_info.next_run_time.is_some());
    let end = live.job_specification.on_all_tasks_complete;
    assert_eq!(end, Some(OnAllTasksComplete::TerminateJob));
    // The mark is on the schedule alone: nobody takes its jobs for strays.
    assert!(live.job_specification.metadata.is_empty());
    assert!(!live.metadata.is_empty());

    run(&["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);
    shop.write(
        &manifest,
        &shop.read(&manifest).replace("\"1d\"", "\"12h\""),
    );
    run(&["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["schedule or job changed", "forces replacement"]);
    let live = client.batch.get_job_schedule("daily-report").await.unwrap();
    let interval = live.unwrap().schedule.unwrap().recurrence_interval.unwrap();
    assert_eq!(interval.to_string(), "PT12H");

    run(&["destroy", &manifest, "--yes"]).ends_with(0);
    let live = client.batch.get_job_schedule("daily-report").await.unwrap();
    assert_eq!(live.map(|l| l.id), None);
    assert!(client.batch.get_pool("schedule").await.unwrap().is_none());
    service.stop().await;
}
