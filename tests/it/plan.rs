//! (manifest, observed) → plan, seen as the text a person gets; and what is in the plan when things are odd.

use std::fs;
use std::path::Path;
use std::time::Duration;

use batchflow::clock;
use batchflow::desired::{Desired, Size, compile, sources};
use batchflow::observed::{
    LiveBlob, LiveContainer, LocalOutput, Observed, OutputReceipt, Receipt, TaskReceipt,
};
use batchflow::plan::{Action, Options, Plan, Reason, Refused, TaskPart, TaskWork, destroy};
use batchflow::report::json::{PlanDocument, line};
use batchflow::report::plan::PlanView;
use batchflow::report::width::{columns, fold};
use serde_json::json;

const MANIFEST: &str = r#"
name = "words"
[containers.input]
[containers.output]
[[uploads]]
container = "input"
files = "texts/*.txt"
[pool]
id = "words"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
keep_idle_nodes = true
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "words"
[[tasks]]
for_each = { container = "input" }
id = "count-{{file.stem}}"
commands = ['wc -w {{file.name}} > {{file.stem}}.count']
output_files = [{ pattern = "*.count", container = "output" }]
[download]
container = "output"
to = "out"
"#;

fn desired(manifest: &str, texts: &[(&str, &str)]) -> Desired {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("texts")).unwrap();
    for (name, text) in texts {
        fs::write(folder.path().join("texts").join(name), text).unwrap();
    }
    let (manifest, problems) = batchflow::manifest::load(manifest, &[]);
    assert_eq!(problems, []);
    let manifest = manifest.unwrap();
    let now = batchflow::clock::now();
    let (snapshot, problems) =
        batchflow::inputs::scan(&sources(&manifest), folder.path(), None, now);
    assert_eq!(problems, []);
    let mut desired = compile(&manifest, &snapshot, Path::new("")).unwrap();
    desired.download.as_mut().unwrap().to = "out".into();
    desired
}

fn build(desired: &Desired, observed: &Observed) -> Result<Plan, Vec<Refused>> {
    batchflow::plan::build(desired, observed, &Options::default())
}

pub(crate) fn three() -> Desired {
    desired(
        MANIFEST,
        &[("a.txt", "one"), ("b.txt", "two two"), ("c.txt", "three")],
    )
}

pub(crate) fn nothing() -> Observed {
    let mut observed = Observed::nothing(Receipt::empty("words"));
    observed.node_agent_sku = Some("batch.node.ubuntu 24.04".into());
    observed
}

/// Every task's receipt is there and its output intact.
fn home(desired: &Desired) -> Observed {
    let mut observed = nothing();
    for task in &desired.tasks {
        let path = format!("{}.count", task.id.as_str().trim_start_matches("count-"));
        observed.outputs.insert(path.clone(), LocalOutput::Intact);
        let output = OutputReceipt {
            path,
            length: 8,
            sha256: "00".into(),
        };
        observed.receipt.tasks.insert(
            task.id.to_string(),
            TaskReceipt {
                digest: task.digest.clone(),
                parts: Some(task.parts),
                outputs: vec![output],
            },
        );
    }
    observed
}

pub(crate) fn pool(owner: &str, change: serde_json::Value) -> batchflow::wire::batch::pool::Pool {
    let mut pool = json!({
        "id": "words", "url": "u", "eTag": "0x0", "lastModified": "2026-01-01T00:00:00Z",
        "creationTime": "2026-01-01T00:00:00Z", "state": "active", "stateTransitionTime": "2026-01-01T00:00:00Z",
        "allocationState": "steady", "vmSize": "STANDARD_D2S_V5", "currentDedicatedNodes": 2,
        "currentLowPriorityNodes": 0, "targetDedicatedNodes": 2, "targetLowPriorityNodes": 0,
        "taskSlotsPerNode": 1, "enableInterNodeCommunication": false,
        "virtualMachineConfiguration": {
            "nodeAgentSKUId": "batch.node.ubuntu 24.04",
            "imageReference": { "publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest" },
        },
        "metadata": [{ "name": "batchflow_manifest", "value": owner }],
    });
    pool.as_object_mut()
        .unwrap()
        .extend(change.as_object().unwrap().clone());
    serde_json::from_value(pool).unwrap()
}

pub(crate) fn job(desired: &Desired, state: &str) -> batchflow::wire::batch::job::Job {
    let mut job = json!({
        "url": "u", "eTag": "0x0", "lastModified": "2026-01-01T00:00:00Z", "creationTime": "2026-01-01T00:00:00Z",
        "state": state, "stateTransitionTime": "2026-01-01T00:00:00Z",
    });
    let body = serde_json::to_value(&desired.job.template).unwrap();
    job.as_object_mut()
        .unwrap()
        .extend(body.as_object().unwrap().clone());
    serde_json::from_value(job).unwrap()
}

pub(crate) fn live_task(
    desired: &Desired,
    task: usize,
    state: &str,
    exit_code: i32,
) -> (String, batchflow::observed::LiveTask) {
    let task = &desired.tasks[task];
    let result = if exit_code == 0 { "success" } else { "failure" };
    let live = json!({
        "id": task.id, "state": state,
        "executionInfo": { "exitCode": exit_code, "result": result, "retryCount": 0, "requeueCount": 0 },
        "environmentSettings": [{ "name": "BATCHFLOW_DIGEST", "value": task.digest }],
    });
    (
        task.id.as_str().to_lowercase(),
        serde_json::from_value(live).unwrap(),
    )
}

fn text(desired: &Desired, plan: &Plan) -> String {
    let view = PlanView {
        target: "local service, state in STATE",
        desired,
        plan,
        verbose: false,
    };
    anstream::adapter::strip_str(&view.render()).to_string()
}

fn work(plan: &Plan) -> Vec<(TaskWork, Reason)> {
    plan.tasks
        .iter()
        .map(|t| (t.work, t.reason.clone()))
        .collect()
}

#[test]
fn everything_is_to_be_made() {
    let desired = three();
    insta::assert_snapshot!(text(&desired, &build(&desired, &nothing()).unwrap()));
}

#[test]
fn nothing_is_to_be_done_when_all_is_home() {
    let desired = three();
    let plan = build(&desired, &home(&desired)).unwrap();
    assert!(plan.is_empty());
    insta::assert_snapshot!(text(&desired, &plan));
}

#[test]
fn a_changed_file_runs_its_task_alone() {
    let before = three();
    let after = desired(
        MANIFEST,
        &[("a.txt", "one"), ("b.txt", "changed"), ("c.txt", "three")],
    );
    let plan = build(&after, &home(&before)).unwrap();
    insta::assert_snapshot!(text(&after, &plan));
}

#[test]
fn a_damaged_output_comes_back_from_storage_or_from_a_run() {
    let desired = three();
    let mut observed = home(&desired);
    observed
        .outputs
        .insert("a.count".into(), LocalOutput::Edited);
    observed
        .outputs
        .insert("c.count".into(), LocalOutput::Missing);
    let runs = build(&desired, &observed).unwrap();
    assert_eq!(
        work(&runs),
        [
            (TaskWork::Run, Reason::OutputEdited("a.count".into())),
            (TaskWork::UpToDate, Reason::Matches),
            (TaskWork::Run, Reason::OutputMissing("c.count".into())),
        ]
    );
    let blob = LiveBlob {
        length: 8,
        md5: None,
        digest: Some(desired.tasks[0].digest.clone()),
    };
    let container = LiveContainer {
        owner: Some("words".into()),
        blobs: [("a.count".to_owned(), blob)].into(),
    };
    observed.containers.insert("output".into(), container);
    let plan = build(&desired, &observed).unwrap();
    assert_eq!(plan.tasks[0].work, TaskWork::Fetch);
    assert_eq!(plan.tasks[2].work, TaskWork::Run);
}

#[test]
fn what_the_job_holds_is_taken_into_account() {
    let desired = three();
    let mut observed = nothing();
    observed.pool = Some(pool("words", json!({})));
    observed.job = Some(job(&desired, "active"));
    observed.tasks = [
        live_task(&desired, 0, "completed", 0),
        live_task(&desired, 1, "running", 0),
        live_task(&desired, 2, "completed", 7),
    ]
    .into();
    let plan = build(&desired, &observed).unwrap();
    assert_eq!(
        work(&plan),
        [
            (TaskWork::Fetch, Reason::OutputsNotHere),
            (TaskWork::Await, Reason::Underway),
            (TaskWork::Rerun, Reason::FailedBefore(Some(7))),
        ]
    );
    assert_eq!(plan.pool.unwrap().action, Action::Keep);
    assert_eq!(plan.job.unwrap().action, Action::Keep);

    observed.job = Some(job(&desired, "completed"));
    let plan = build(&desired, &observed).unwrap();
    assert_eq!(plan.job.unwrap().reason, Reason::JobCompleted);
    let works: Vec<TaskWork> = plan.tasks.iter().map(|t| t.work).collect();
    assert_eq!(
        works,
        [TaskWork::Fetch, TaskWork::Run, TaskWork::Run],
        "the new job has none of them"
    );

    // A time limit may end a job before some of its tasks ran, and without any that failed.
    observed.tasks = [
        live_task(&desired, 0, "completed", 0),
        live_task(&desired, 1, "active", 0),
        live_task(&desired, 2, "completed", 0),
    ]
    .into();
    let plan = build(&desired, &observed).unwrap();
    assert_eq!(plan.job.unwrap().reason, Reason::JobCompleted);
    assert_eq!(
        (plan.tasks[1].work, &plan.tasks[1].reason),
        (TaskWork::Run, &Reason::JobReplaced)
    );
}

#[test]
fn pools_are_changed_in_place_or_replaced_with_the_reason() {
    let desired = three();
    let mut observed = nothing();
    observed.pool = Some(pool("words", json!({ "targetDedicatedNodes": 5 })));
    let plan = build(&desired, &observed).unwrap().pool.unwrap();
    assert_eq!((plan.action, plan.resize), (Action::Update, true));

    observed.pool = Some(pool(
        "words",
        json!({ "vmSize": "standard_f2", "taskSlotsPerNode": 4 }),
    ));
    insta::assert_snapshot!(text(&desired, &build(&desired, &observed).unwrap()));

    observed.pool = Some(pool("words", json!({ "state": "deleting" })));
    let plan = build(&desired, &observed).unwrap().pool.unwrap();
    assert_eq!(
        (plan.action, plan.reason),
        (Action::Create, Reason::BeingDeleted)
    );
}

#[test]
fn what_is_not_ours_is_neither_replaced_nor_deleted() {
    let desired = three();
    let mut observed = nothing();
    observed.pool = Some(pool("other", json!({ "vmSize": "standard_f2" })));
    let refused = build(&desired, &observed).unwrap_err();
    assert!(
        matches!(&refused[..], [Refused::NotOurs { kind: "pool", .. }]),
        "{refused:?}"
    );

    let foreign = LiveContainer {
        owner: None,
        ..LiveContainer::default()
    };
    observed.containers.insert("input".into(), foreign);
    let ours = LiveContainer {
        owner: Some("words".into()),
        ..LiveContainer::default()
    };
    observed.containers.insert("output".into(), ours);
    insta::assert_snapshot!(text(&desired, &destroy(&desired, &observed)));
}

#[test]
fn a_hundred_thousand_tasks_are_a_screenful() {
    let manifest = MANIFEST
        .replace(
            r#"for_each = { container = "input" }"#,
            "for_each = { range = [0, 100000] }",
        )
        .replace("count-{{file.stem}}", "count-{{item}}")
        .replace(
            "wc -w {{file.name}} > {{file.stem}}.count",
            "echo {{item}} > {{item}}.count",
        );
    let desired = desired(&manifest, &[("a.txt", "one")]);
    let plan = build(&desired, &nothing()).unwrap();
    let text = text(&desired, &plan);
    assert_eq!(plan.tasks.len(), 100_000);
    assert!(text.lines().count() < 40, "{text}");
    let summary = text.lines().nth(1).unwrap();
    assert!(summary.starts_with("Plan: 100000 to run, "), "{text}");
    assert!(
        text.contains("100000 of 100000 to run: never ran"),
        "{text}"
    );
    let all = PlanView {
        target: "somewhere",
        desired: &desired,
        plan: &plan,
        verbose: true,
    };
    let all = all.render();
    assert!(all.contains(" count-99999"), "the last task is not listed");
    assert_eq!(all.matches(" count-").count(), 100_000);
    for width in [20, 80] {
        for line in fold(&text, width).lines() {
            let is_word = !line.trim().contains(' ');
            assert!(columns(line) <= width || is_word, "{width}: {line}");
        }
    }
}

/// A pool's formula is changed in place; from a fixed size to a formula and back as well.
#[test]
fn autoscale_is_switched_in_place() {
    let formula = "$TargetDedicatedNodes = 1;";
    let scaled = MANIFEST.replace(
        "target_dedicated_nodes = 2\nkeep_idle_nodes = true",
        &format!("auto_scale_formula = '{formula}'"),
    );
    let fields = |manifest: &str, live: serde_json::Value| {
        let desired = desired(manifest, &[("a.txt", "one")]);
        let mut observed = nothing();
        observed.pool = Some(pool("words", live));
        let plan = build(&desired, &observed).unwrap().pool.unwrap();
        let fields = match plan.reason {
            Reason::Differs(changes) => changes.into_iter().map(|c| c.field).collect(),
            _ => Vec::new(),
        };
        (plan.action, plan.autoscale, plan.resize, fields)
    };
    let auto = |formula: &str| {
        json!({ "enableAutoScale": true, "autoScaleFormula": formula,
                "autoScaleEvaluationInterval": "PT15M", "targetDedicatedNodes": 0 })
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(
        fields(&scaled, auto(formula)),
        (Action::Keep, false, false, none)
    );
    assert_eq!(
        fields(&scaled, auto("$TargetDedicatedNodes = 2;")),
        (
            Action::Update,
            true,
            false,
            vec!["auto_scale_formula".into()]
        )
    );
    assert_eq!(
        fields(&scaled, json!({})),
        (
            Action::Update,
            true,
            false,
            vec!["enable_auto_scale".into()]
        )
    );
    let changed = vec!["enable_auto_scale".into(), "target_dedicated_nodes".into()];
    assert_eq!(
        fields(MANIFEST, auto(formula)),
        (Action::Update, true, true, changed)
    );
}

/// Nodes that come and go with the work are compared by what the formula says of them, whenever it was made.
#[test]
fn nodes_while_needed_are_compared_by_their_numbers() {
    let needed = MANIFEST.replace("keep_idle_nodes = true\n", "");
    let needed = desired(&needed, &[("a.txt", "one")]);
    let called = "2026-01-01T00:00:00Z".parse().unwrap();
    let live = |dedicated, now| {
        let size = Size {
            dedicated,
            low_priority: 0,
        };
        json!({ "enableAutoScale": true, "autoScaleFormula": size.formula(called),
                "autoScaleEvaluationInterval": "PT5M", "targetDedicatedNodes": now })
    };
    let plan = |desired: &Desired, owner: &str, live| {
        let mut observed = nothing();
        observed.pool = Some(pool(owner, live));
        build(desired, &observed).map(|p| p.pool.unwrap())
    };
    let same = plan(&needed, "words", live(2, 2)).unwrap();
    assert_eq!(same.action, Action::Keep);
    let gone = plan(&needed, "words", live(2, 0)).unwrap();
    assert_eq!(
        (gone.action, gone.reason),
        (Action::Update, Reason::NodesGone)
    );
    assert!(gone.autoscale && !gone.resize);
    for (desired, live, fields) in [
        (&needed, live(5, 5), "target_dedicated_nodes"),
        (&needed, json!({}), "keep_idle_nodes"),
        (&three(), live(2, 2), "keep_idle_nodes"),
        (
            &needed,
            json!({ "enableAutoScale": true, "autoScaleFormula": "$TargetDedicatedNodes = 2;" }),
            "auto_scale_formula",
        ),
    ] {
        let plan = plan(desired, "words", live).unwrap();
        assert_eq!(plan.action, Action::Update);
        assert_eq!(plan.reason.to_string(), format!("{fields} changed"));
        assert!(plan.autoscale && !plan.resize);
    }
    // A pool of somebody else's is used as it is.
    let foreign = plan(&needed, "", json!({ "metadata": [] })).unwrap();
    assert_eq!(foreign.action, Action::Keep);
}

/// What the plan says of cost, and what it says when there is no bound.
#[test]
fn the_bound_of_the_cost_is_named() {
    let manifest = MANIFEST.replace(
        "keep_idle_nodes = true\n",
        "target_low_priority_nodes = 4\n",
    );
    let prices = "\n[prices]\ncurrency = \"EUR\"\ndedicated_node_hour = 0.5\nlow_priority_node_hour = 0.125\n";
    let says = |manifest: &str| {
        let desired = desired(manifest, &[("a.txt", "one")]);
        let plan = build(&desired, &nothing()).unwrap();
        let text = text(&desired, &plan);
        text.lines()
            .last()
            .unwrap()
            .trim_start_matches("Cost: ")
            .to_owned()
    };
    let limited = |limit: &str| {
        manifest.replace(
            "[[tasks]]",
            &format!("constraints = {{ max_wall_clock_time = \"{limit}\" }}\n[[tasks]]"),
        )
    };
    for (manifest, text) in [
        (
            manifest.clone(),
            "at most 145.5 node-hours: 6 nodes for 24h 15m if nothing else ends them",
        ),
        (
            limited("45m") + prices,
            "at most 6.0 node-hours, 1.50 EUR: 6 nodes for 1h 00m if nothing else ends them",
        ),
        (
            limited("1m"),
            "at most 2.5 node-hours: 6 nodes for 25m 00s if nothing else ends them",
        ),
        (
            limited("unlimited"),
            "no bound: job.constraints.max_wall_clock_time is unlimited",
        ),
        (
            MANIFEST.to_owned(),
            "no bound: pool.keep_idle_nodes keeps the nodes until the pool is deleted",
        ),
        (
            MANIFEST.replace(
                "target_dedicated_nodes = 2\nkeep_idle_nodes = true",
                "auto_scale_formula = \"$TargetDedicatedNodes = 1;\"",
            ),
            "no bound: pool.auto_scale_formula says how many nodes stay",
        ),
    ] {
        assert_eq!(says(&manifest), text);
    }
}

/// What a pool is made of is compared with what was asked for; what the service adds or hides is not.
#[test]
fn a_pool_of_other_parts_is_replaced() {
    let parts = r#"
user_accounts = [{ name = "u", password = "secret-word" }]
data_disks = [{ lun = 0, disk_size_gb = 10 }]
network_configuration = { subnet_id = "/Subnets/One" }
[job]"#;
    let manifest = MANIFEST.replace("[job]", parts);
    let desired = desired(&manifest, &[("a.txt", "one")]);
    assert!(!format!("{desired:?}").contains("secret-word"));
    let plan = |subnet: &str| {
        let mut observed = nothing();
        let mut live = json!({
            "userAccounts": [{ "name": "u", "elevationLevel": "nonadmin" }],
            "networkConfiguration": { "subnetId": subnet, "enableAcceleratedNetworking": false },
        });
        live["virtualMachineConfiguration"] =
            serde_json::to_value(pool("words", json!({})).virtual_machine_configuration).unwrap();
        live["virtualMachineConfiguration"]["dataDisks"] =
            json!([{ "lun": 0, "diskSizeGB": 10, "caching": "none" }]);
        observed.pool = Some(pool("words", live));
        build(&desired, &observed).unwrap().pool.unwrap()
    };
    assert_eq!(plan("/subnets/one").action, Action::Keep);
    let replaced = plan("/subnets/two");
    assert_eq!(replaced.action, Action::Replace);
    assert_eq!(replaced.reason.to_string(), "network_configuration changed");

    // The plan says nothing of the password, nor does the digest.
    let mut observed = nothing();
    let live = json!({ "userAccounts": [{ "name": "other", "elevationLevel": "nonadmin" }] });
    observed.pool = Some(pool("words", live));
    let plan = build(&desired, &observed).unwrap();
    let said = text(&desired, &plan) + &line(&PlanDocument::new("somewhere", &desired, &plan));
    assert!(said.contains("user_accounts: other → as in the manifest"));
    assert!(!said.contains("secret-word"), "{said}");

    let other = manifest.replace("secret-word", "another word");
    let other = self::desired(&other, &[("a.txt", "one")]);
    assert_eq!(desired.pool.digest, other.pool.digest);
    assert_ne!(desired.pool.digest, three().pool.digest);
}

#[test]
fn the_end_of_an_images_support_is_a_warning() {
    let desired = three();
    let text = |ends: &str| {
        let mut observed = nothing();
        observed.image_support_ends = Some(ends.parse().unwrap());
        let plan = build(&desired, &observed).unwrap();
        PlanView {
            target: "somewhere",
            desired: &desired,
            plan: &plan,
            verbose: false,
        }
        .render()
    };
    assert!(text("2025-01-31T00:00:00Z").contains("supported this image until 2025-01-31"));
    let soon = clock::now() + Duration::from_secs(48 * 3600);
    assert!(text(&soon.to_string()).contains("supports this image until"));
    let later = text("2999-01-31T00:00:00Z");
    assert!(!later.contains("this image until"));
    assert!(!later.contains("verified"));
    let mut observed = nothing();
    observed.image_is_unverified = true;
    let plan = build(&desired, &observed).unwrap();
    let unverified = PlanView {
        target: "somewhere",
        desired: &desired,
        plan: &plan,
        verbose: false,
    };
    let text = unverified.render();
    assert!(text.contains("has not verified this image"), "{text}");
}

#[test]
fn the_cause_of_a_run_is_named() {
    let before = three();
    let texts = [("a.txt", "one"), ("b.txt", "two two"), ("c.txt", "three")];
    let part = |manifest: String| {
        let after = desired(&manifest, &texts);
        let plan = build(&after, &home(&before)).unwrap();
        plan.tasks[0].reason.clone()
    };
    for (from, to, parts) in [
        ("wc -w", "wc -l", vec![TaskPart::Command]),
        (
            "[[tasks]]",
            "common_environment_settings = { A = \"b\" }\n[[tasks]]",
            vec![TaskPart::Environment],
        ),
        ("24_04", "22_04", vec![TaskPart::Node]),
        ("\"*.count\"", "\"*.coun?\"", vec![TaskPart::Outputs]),
    ] {
        let reason = part(MANIFEST.replace(from, to));
        assert_eq!(reason, Reason::Changed(parts), "{from} → {to}");
    }
}

#[test]
fn a_selection_runs_nothing_else() {
    let before = three();
    let after = desired(
        MANIFEST,
        &[("a.txt", "new"), ("b.txt", "new"), ("c.txt", "three")],
    );
    let mut observed = home(&before);
    observed.job = Some(job(&after, "active"));
    observed.pool = Some(pool("words", json!({})));
    let (id, failed) = live_task(&after, 1, "completed", 7);
    observed.tasks.insert(id, failed);
    let work_with = |options: Options| {
        let plan = batchflow::plan::build(&after, &observed, &options).unwrap();
        plan.tasks.iter().map(|t| t.work).collect::<Vec<_>>()
    };
    use TaskWork::{Left, Rerun, Run, UpToDate};
    assert_eq!(work_with(Options::default()), [Run, Rerun, UpToDate]);
    let rerun_failed = Options {
        rerun_failed: true,
        ..Options::default()
    };
    assert_eq!(work_with(rerun_failed), [Left, Rerun, UpToDate]);
    let one = |force| Options {
        tasks: vec!["count-C".into()],
        force,
        ..Options::default()
    };
    assert_eq!(work_with(one(false)), [Left, Left, UpToDate]);
    assert_eq!(work_with(one(true)), [Left, Left, Run]);
    let force = Options {
        force: true,
        ..Options::default()
    };
    assert_eq!(work_with(force), [Run, Rerun, Run]);

    let plan = batchflow::plan::build(&after, &observed, &one(true)).unwrap();
    assert!(!plan.cleanup.job.is_deleted(true), "others need the job");
    assert!(plan.cleanup.pool.is_deleted(true));
    let unknown = Options {
        tasks: vec!["count-x".into()],
        ..Options::default()
    };
    let refused = batchflow::plan::build(&after, &observed, &unknown).unwrap_err();
    assert!(
        matches!(&refused[..], [Refused::NoSuchTask { near, .. }] if near.len() == 3),
        "{refused:?}"
    );
}

#[test]
fn what_was_changed_outside_is_told_apart_from_what_the_manifest_changed() {
    let desired = three();
    let digest = json!([
        { "name": "batchflow_manifest", "value": "words" },
        { "name": "batchflow_digest", "value": desired.pool.digest },
    ]);
    let mut observed = nothing();
    let changed = json!({ "targetDedicatedNodes": 9, "metadata": digest });
    observed.pool = Some(pool("words", changed));
    let plan = build(&desired, &observed).unwrap().pool.unwrap();
    assert_eq!(
        plan.reason.to_string(),
        "changed outside since the last apply: target_dedicated_nodes"
    );
    observed.pool = Some(pool("words", json!({ "targetDedicatedNodes": 9 })));
    let plan = build(&desired, &observed).unwrap().pool.unwrap();
    assert_eq!(plan.reason.to_string(), "target_dedicated_nodes changed");
}

#[test]
fn a_disabled_job_that_differs_is_changed_and_enabled() {
    let manifest = MANIFEST.replace("[[tasks]]", "priority = 5\n[[tasks]]");
    let desired = desired(&manifest, &[("a.txt", "one")]);
    let mut observed = nothing();
    let mut live = job(&desired, "disabled");
    observed.job = Some(live.clone());
    let plan = build(&desired, &observed).unwrap().job.unwrap();
    assert_eq!((plan.reason, plan.enable), (Reason::JobDisabled, true));
    live.priority = Some(0);
    observed.job = Some(live);
    let plan = build(&desired, &observed).unwrap().job.unwrap();
    assert_eq!((plan.action, plan.enable), (Action::Update, true));
    assert_eq!(plan.reason.fields()[0].field, "priority");
}

#[test]
fn a_signature_of_ones_own_that_ends_too_soon_is_a_warning() {
    let text = |ends: &str| {
        let url = format!("https://example.org/a?se={ends}&sig=secret");
        let file = format!("resource_files = [{{ http_url = \"{url}\", file_path = \"a\" }}]");
        let manifest = MANIFEST.replace("output_files", &format!("{file}\noutput_files"));
        let desired = desired(&manifest, &[("a.txt", "one")]);
        let plan = build(&desired, &nothing()).unwrap();
        PlanView {
            target: "somewhere",
            desired: &desired,
            plan: &plan,
            verbose: false,
        }
        .render()
    };
    let soon = text("2025-01-31T00%3A00%3A00Z");
    let warning = "the signature of https://example.org/a ends at 2025-01-31T00:00:00Z, but the job may need it until ";
    assert!(soon.contains(warning), "{soon}");
    assert!(!soon.contains("secret"));
    assert!(!text("2999-01-31").contains("the signature of"));
}
