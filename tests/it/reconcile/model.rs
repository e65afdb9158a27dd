//! Random worlds: carrying the plan out in a model gives what the manifest asks for, a second plan is empty, and no
//! plan takes what is not ours.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use batchflow::desired::Desired;
use batchflow::observed::{
    LiveBlob, LiveContainer, LocalOutput, Observed, OutputReceipt, Strays, TaskReceipt, owner,
};
use batchflow::plan::{Action, Fate, Options, Plan, StrayKind, TaskWork, build, destroy};
use batchflow::wire::batch::job::JobState;
use batchflow::wire::batch::pool::PoolState;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::plan::{job, live_task, nothing, pool, three};

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Theirs,
    Nobodys,
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![
        3 => Just(Whose::Ours),
        1 => Just(Whose::Theirs),
        1 => Just(Whose::Nobodys)
    ]
}

impl Whose {
    fn mark(self) -> Option<&'static str> {
        match self {
            Self::Ours => Some("words"),
            Self::Theirs => Some("others"),
            Self::Nobodys => None,
        }
    }

    fn metadata(self) -> Value {
        match self.mark() {
            Some(mark) => json!([{ "name": "batchflow_manifest", "value": mark }]),
            None => json!([]),
        }
    }
}

/// What is known of one task.
#[derive(Debug, Clone)]
struct TaskWorld {
    /// State and exit code of the live task, and whether it is the task of now.
    live: Option<(&'static str, i32, bool)>,
    /// Whether the receipt's digest is that of now, and the state of the file.
    receipt: Option<(bool, LocalOutput)>,
    blob: Option<bool>,
}

fn task_world() -> impl Strategy<Value = TaskWorld> {
    let state = prop_oneof![Just("active"), Just("running"), Just("completed")];
    let file = prop_oneof![
        Just(LocalOutput::Intact),
        Just(LocalOutput::Edited),
        Just(LocalOutput::Missing)
    ];
    (
        prop::option::of((state, prop_oneof![Just(0), Just(7)], any::<bool>())),
        prop::option::of((any::<bool>(), file)),
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(live, receipt, blob)| TaskWorld {
            live,
            receipt,
            blob,
        })
}

#[derive(Debug, Clone)]
struct World {
    pool: Option<(Whose, Value)>,
    job: Option<(Whose, &'static str)>,
    containers: [Option<Whose>; 2],
    tasks: Vec<TaskWorld>,
    strays: bool,
    options: Options,
}

fn world() -> impl Strategy<Value = World> {
    let change = prop_oneof![
        Just(json!({})),
        Just(json!({ "targetDedicatedNodes": 9 })),
        Just(json!({ "vmSize": "standard_f2" })),
        Just(json!({ "taskSlotsPerNode": 4, "currentDedicatedNodes": 0 })),
        Just(json!({ "state": "deleting" })),
    ];
    let state = prop_oneof![
        Just("active"),
        Just("disabled"),
        Just("completed"),
        Just("deleting")
    ];
    let options = (any::<[bool; 3]>(), prop::option::of(0..3_usize)).prop_map(
        |([adopt, force, rerun_failed], task)| Options {
            adopt,
            force: force && !rerun_failed,
            rerun_failed,
            tasks: task
                .map(|t| format!("count-{}", ["a", "b", "c"][t]))
                .into_iter()
                .collect(),
        },
    );
    (
        prop::option::of((whose(), change)),
        prop::option::of((whose(), state)),
        [prop::option::of(whose()), prop::option::of(whose())],
        prop::collection::vec(task_world(), 3),
        any::<bool>(),
        prop_oneof![Just(Options::default()), options],
    )
        .prop_map(|(pool, job, containers, tasks, strays, options)| World {
            pool,
            job,
            containers,
            tasks,
            strays,
            options,
        })
}

fn output(desired: &Desired, task: usize) -> String {
    let id = desired.tasks[task].id.as_str();
    format!("{}.count", id.trim_start_matches("count-"))
}

fn receipt(desired: &Desired, task: usize, current: bool) -> TaskReceipt {
    let digest = &desired.tasks[task].digest;
    TaskReceipt {
        digest: if current {
            digest.clone()
        } else {
            "old".into()
        },
        parts: None,
        outputs: vec![OutputReceipt {
            path: output(desired, task),
            length: 8,
            sha256: "00".into(),
        }],
    }
}

fn blob(desired: &Desired, task: usize, current: bool) -> LiveBlob {
    let digest = desired.tasks[task].digest.clone();
    LiveBlob {
        length: 8,
        md5: None,
        digest: Some(if current { digest } else { "old".into() }),
    }
}

fn observed(desired: &Desired, world: &World) -> Observed {
    let mut observed = nothing();
    for (container, whose) in desired.containers.iter().zip(&world.containers) {
        if let Some(whose) = whose {
            let live = LiveContainer {
                owner: whose.mark().map(str::to_owned),
                blobs: BTreeMap::new(),
            };
            observed.containers.insert(container.name.to_string(), live);
        }
    }
    if let Some((whose, change)) = &world.pool {
        let mut change = change.clone();
        change["metadata"] = whose.metadata();
        observed.pool = Some(pool("", change));
    }
    if let Some((whose, state)) = world.job {
        let mut live = job(desired, state);
        live.metadata
            .retain(|m| whose == Whose::Ours || m.name != "batchflow_manifest");
        if whose == Whose::Theirs {
            let theirs = whose.metadata()[0].clone();
            live.metadata.push(serde_json::from_value(theirs).unwrap());
        }
        observed.job = Some(live);
    }
    for (i, task) in world.tasks.iter().enumerate() {
        if let (Some((state, code, current)), Some((Whose::Ours | Whose::Nobodys, _))) =
            (task.live, world.job)
        {
            let (id, mut live) = live_task(desired, i, state, code);
            if !current {
                live.environment_settings.clear();
            }
            observed.tasks.insert(id, live);
        }
        if let Some((current, file)) = task.receipt {
            let id = desired.tasks[i].id.to_string();
            observed
                .receipt
                .tasks
                .insert(id, receipt(desired, i, current));
            observed.outputs.insert(output(desired, i), file);
        }
        if let (Some(current), Some(container)) = (task.blob, observed.containers.get_mut("output"))
        {
            container
                .blobs
                .insert(output(desired, i), blob(desired, i, current));
        }
    }
    if world.strays {
        observed.strays = Strays {
            containers: vec!["words-old".into()],
            jobs: vec!["words-old".into()],
            pools: vec!["words-old".into()],
        };
    }
    observed
}

/// What an apply of the plan leaves, when every task succeeds.
fn carried_out(desired: &Desired, before: &Observed, plan: &Plan) -> Observed {
    let mut after = before.clone();
    let mark = Some("words".to_owned());
    for change in &plan.containers {
        let name = desired.containers[change.item].name.to_string();
        let live = after.containers.entry(name).or_default();
        if change.action != Action::Keep {
            live.owner = mark.clone();
        }
    }
    for change in &plan.uploads {
        let upload = &desired.uploads[change.item];
        let container = after.containers.get_mut(upload.container.as_str());
        let blob = LiveBlob {
            length: upload.length,
            md5: Some(upload.md5),
            digest: None,
        };
        // Nothing is uploaded to what was not made.
        container
            .unwrap()
            .blobs
            .insert(upload.blob.to_string(), blob);
    }
    if plan.pool.as_ref().is_some_and(|p| p.action != Action::Keep) {
        after.pool = Some(pool("words", json!({})));
    }
    if let Some(planned) = &plan.job {
        if matches!(planned.action, Action::Create | Action::Replace) {
            after.tasks.clear();
        }
        if planned.action != Action::Keep {
            after.job = Some(job(desired, "active"));
        }
    }
    for task in plan.tasks.iter().filter(|t| t.work.is_something()) {
        let i = task.task;
        if task.work.is_awaited() {
            assert!(
                task.work.is_added() || after.tasks.contains_key(&live_task(desired, i, "", 0).0),
                "only what is in the job is waited for"
            );
            let (id, live) = live_task(desired, i, "completed", 0);
            after.tasks.insert(id, live);
        }
        let id = desired.tasks[i].id.to_string();
        after.receipt.tasks.insert(id, receipt(desired, i, true));
        after
            .outputs
            .insert(output(desired, i), LocalOutput::Intact);
    }
    let cleanup = &plan.cleanup;
    for (index, fate) in &cleanup.containers {
        if fate.is_deleted(true) {
            let name = desired.containers[*index].name.as_str();
            after.containers.remove(name);
        }
    }
    if cleanup.job.is_deleted(true) {
        after.job = None;
        after.tasks.clear();
    }
    if cleanup.pool.is_deleted(true) {
        after.pool = None;
    }
    for stray in cleanup.strays.iter().filter(|s| s.fate.is_deleted(true)) {
        let names = match stray.kind {
            StrayKind::Container => &mut after.strays.containers,
            StrayKind::Job => &mut after.strays.jobs,
            StrayKind::Pool => &mut after.strays.pools,
        };
        names.retain(|n| *n != stray.name);
    }
    after
}

/// Whether the plan may take a resource: it is ours, or nobody's and we were told so, or it is not there yet.
fn ours(mark: Option<Option<&str>>, adopt: bool) -> bool {
    match mark {
        None => true,
        Some(Some(mark)) => mark == "words",
        Some(None) => adopt,
    }
}

fn takes_only_what_is_ours(
    desired: &Desired,
    before: &Observed,
    plan: &Plan,
    adopt: bool,
) -> Result<(), TestCaseError> {
    // One that is being deleted is waited for, and what comes after it is ours.
    let pool = before.pool.as_ref();
    let pool = pool.filter(|p| p.state != PoolState::Deleting);
    let pool = pool.map(|p| owner(&p.metadata));
    let job = before.job.as_ref();
    let job = job.filter(|j| j.state != JobState::Deleting);
    let job = job.map(|j| owner(&j.metadata));
    let changed = |action: Option<Action>| {
        matches!(
            action,
            Some(Action::Update | Action::Replace | Action::Delete)
        )
    };
    if plan.cleanup.pool.is_deleted(true) || changed(plan.pool.as_ref().map(|p| p.action)) {
        prop_assert!(ours(pool, adopt), "pool {pool:?}");
    }
    if plan.cleanup.job.is_deleted(true) || changed(plan.job.as_ref().map(|j| j.action)) {
        prop_assert!(ours(job, adopt), "job {job:?}");
    }
    let into_job = plan.tasks.iter().any(|t| t.work.is_awaited());
    prop_assert!(!into_job || ours(job, adopt), "tasks in {job:?}");
    for (index, fate) in &plan.cleanup.containers {
        let name = desired.containers[*index].name.as_str();
        let mark = before.containers.get(name).map(|c| c.owner.as_deref());
        if fate.is_deleted(true) {
            prop_assert!(ours(mark, adopt), "container {name} {mark:?}");
        }
    }
    Ok(())
}

static DESIRED: LazyLock<Desired> = LazyLock::new(three);

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_makes_itself_superfluous_and_takes_only_what_is_ours(world in world()) {
        let desired: &Desired = &DESIRED;
        let before = observed(desired, &world);
        let options = &world.options;
        // A pool or a job that is not ours is refused, and then nothing happens at all.
        let Ok(plan) = build(desired, &before, options) else { return Ok(()) };
        takes_only_what_is_ours(desired, &before, &plan, options.adopt)?;
        let after = carried_out(desired, &before, &plan);
        for task in plan.tasks.iter().filter(|t| t.work != TaskWork::Left) {
            let path = output(desired, task.task);
            prop_assert_eq!(after.outputs.get(&path), Some(&LocalOutput::Intact));
        }
        // Asking for force or for failed ones again would ask for work again.
        let again = Options { tasks: options.tasks.clone(), adopt: options.adopt, ..Options::default() };
        let left_failed = options.rerun_failed && plan.tasks_left_out() > 0;
        if !left_failed {
            let second = build(desired, &after, &again).unwrap();
            prop_assert!(second.is_empty(), "{second:?}");
        }
        let destroyed = destroy(desired, &before);
        takes_only_what_is_ours(desired, &before, &destroyed, false)?;
        let fates: Vec<Fate> = destroyed.cleanup.fates().collect();
        prop_assert!(!fates.contains(&Fate::Kept));
    }
}
