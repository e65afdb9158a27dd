//! The plan as a document.

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::desired::Desired;
use crate::plan::{Action, Change, CostBound, Fate, Plan, Reason, StrayKind, TaskWork, Unbounded};

/// What an apply would do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanDocument {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["plan"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// The name of the manifest.
    pub manifest: String,
    /// Where it would be applied, for people.
    pub target: String,
    /// Whether there is anything to do.
    pub changes: bool,
    pub summary: Summary,
    /// The containers that work needs.
    pub containers: Vec<Resource>,
    /// The files that work needs.
    pub uploads: Vec<Upload>,
    /// Null: no work needs a pool.
    pub pool: Option<Resource>,
    /// Null: no work needs a job.
    pub job: Option<Resource>,
    /// Every task of the manifest.
    pub tasks: Vec<Task>,
    /// Null: there is nothing to download.
    pub download: Option<Download>,
    pub cleanup: Cleanup,
    /// Other jobs whose tasks use the pool: replacing or deleting it ends them.
    pub pool_users: Vec<String>,
    /// What the nodes cost at most; null: no work needs them.
    pub cost: Option<Cost>,
}

/// What the nodes cost at most.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cost {
    /// Why nothing bounds it; null: the other fields do.
    #[schemars(extend("enum" = ["nodes_stay", "own_formula", "job_without_end", "schedule", "foreign_pool", null]))]
    pub unbounded: Option<&'static str>,
    pub nodes: Option<i32>,
    /// From the first to the last moment that there are nodes.
    pub seconds: Option<u64>,
    pub node_hours: Option<f64>,
    /// Null: the manifest has no `[prices]`.
    pub price: Option<Money>,
}

/// What that costs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Money {
    pub amount: f64,
    /// As the manifest has it, such as `EUR`.
    pub currency: String,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct Summary {
    pub tasks: Tasks,
    /// Files to send.
    pub files_to_upload: usize,
    /// Their size.
    pub bytes_to_upload: u64,
    /// Containers, pool and job to create.
    pub resources_to_create: usize,
    /// Pool and job to change in place.
    pub resources_to_update: usize,
    /// Pool and job to delete and create again.
    pub resources_to_replace: usize,
    /// What is deleted at the end when every task succeeds.
    pub resources_to_delete: usize,
}

/// Tasks by what happens to them.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct Tasks {
    /// Added to the job.
    pub run: usize,
    /// In the job already and waited for.
    pub r#await: usize,
    /// Done; only their outputs are downloaded.
    pub fetch: usize,
    /// Their outputs are here.
    pub up_to_date: usize,
    /// Left out by choice.
    pub left: usize,
}

/// A container, the pool or the job.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Resource {
    pub id: String,
    #[schemars(extend("enum" = ACTIONS))]
    pub action: &'static str,
    /// Why, for people.
    pub reason: String,
    /// The fields that change.
    pub fields: Vec<Field>,
}

/// A field that is not as the manifest asks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Field {
    /// The REST name in snake_case, dotted.
    pub field: String,
    pub before: String,
    pub after: String,
    /// The service cannot change it in place.
    pub forces_replacement: bool,
}

/// A file that becomes a blob.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Upload {
    pub container: String,
    pub blob: String,
    /// The file on this machine. What is not Unicode in its name is shown as U+FFFD.
    pub path: String,
    pub bytes: u64,
    #[schemars(extend("enum" = ACTIONS))]
    pub action: &'static str,
    /// Why, for people.
    pub reason: String,
}

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Task {
    pub id: String,
    #[schemars(extend("enum" = ["up_to_date", "left", "fetch", "await", "run", "rerun"]))]
    pub work: &'static str,
    /// Why, for people.
    pub reason: String,
}

/// What comes home.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Download {
    pub container: String,
    /// The folder on this machine.
    pub to: String,
    /// The outputs of so many tasks.
    pub tasks: usize,
}

/// What is deleted at the end.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cleanup {
    pub containers: Vec<Doomed>,
    #[schemars(extend("enum" = FATES))]
    pub job: &'static str,
    #[schemars(extend("enum" = FATES))]
    pub pool: &'static str,
    /// What an earlier state of the manifest made and it does not name any more.
    pub strays: Vec<Stray>,
}

/// A container and what becomes of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Doomed {
    pub id: String,
    #[schemars(extend("enum" = FATES))]
    pub fate: &'static str,
}

/// Something of ours that nothing refers to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stray {
    #[schemars(extend("enum" = ["container", "job", "pool"]))]
    pub kind: &'static str,
    pub id: String,
    #[schemars(extend("enum" = FATES))]
    pub fate: &'static str,
}

const ACTIONS: [&str; 6] = ["keep", "create", "update", "replace", "delete", "read"];

const FATES: [&str; 7] = [
    "absent",
    "kept",
    "not_ours",
    "deleted_on_success",
    "kept_for_the_rest",
    "deleted_always",
    "goes_with_job",
];

impl PlanDocument {
    pub fn new(target: &str, desired: &Desired, plan: &Plan) -> Self {
        let tasks = plan.tasks.iter().map(|t| Task {
            id: desired.tasks[t.task].id.to_string(),
            work: work(t.work),
            reason: t.reason.to_string(),
        });
        let coming = plan.download.fetched + plan.download.after_run;
        Self {
            kind: "plan",
            version: VERSION,
            manifest: desired.name.clone(),
            target: target.to_owned(),
            changes: !plan.is_empty(),
            summary: Summary::new(desired, plan),
            containers: plan
                .containers
                .iter()
                .map(|c| {
                    let name = desired.containers[c.item].name.to_string();
                    resource(name, c.action, &c.reason)
                })
                .collect(),
            uploads: plan.uploads.iter().map(|c| upload(desired, c)).collect(),
            pool: plan
                .pool
                .as_ref()
                .map(|p| resource(desired.pool.id.to_string(), p.action, &p.reason)),
            job: plan
                .job
                .as_ref()
                .map(|j| resource(desired.job.id.to_string(), j.action, &j.reason)),
            tasks: tasks.collect(),
            download: desired
                .download
                .as_ref()
                .filter(|_| coming > 0)
                .map(|d| Download {
                    container: d.container.to_string(),
                    to: d.to.to_string_lossy().into_owned(),
                    tasks: coming,
                }),
            cleanup: cleanup(desired, plan),
            pool_users: plan.pool_users.clone(),
            cost: plan.cost.as_ref().map(cost),
        }
    }
}

impl Summary {
    pub fn new(desired: &Desired, plan: &Plan) -> Self {
        let tasks = |wanted: fn(TaskWork) -> bool| {
            let tasks = plan.tasks.iter();
            tasks.filter(|t| wanted(t.work)).count()
        };
        let actions = || {
            let containers = plan.containers.iter().map(|c| c.action);
            containers
                .chain(plan.pool.iter().map(|p| p.action))
                .chain(plan.job.iter().map(|j| j.action))
        };
        let count = |action| actions().filter(|a| *a == action).count();
        let sent = || plan.uploads.iter().filter(|c| c.action != Action::Keep);
        Self {
            tasks: Tasks {
                run: tasks(TaskWork::is_added),
                r#await: tasks(|w| w == TaskWork::Await),
                fetch: tasks(|w| w == TaskWork::Fetch),
                up_to_date: tasks(|w| w == TaskWork::UpToDate),
                left: tasks(|w| w == TaskWork::Left),
            },
            files_to_upload: sent().count(),
            bytes_to_upload: sent().map(|c| desired.uploads[c.item].length).sum(),
            resources_to_create: count(Action::Create),
            resources_to_update: count(Action::Update),
            resources_to_replace: count(Action::Replace),
            resources_to_delete: plan.cleanup.fates().filter(|f| f.is_deleted(true)).count(),
        }
    }
}

fn resource(id: String, what: Action, reason: &Reason) -> Resource {
    let fields = reason.fields().iter().map(|change| Field {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        forces_replacement: change.forces_replacement,
    });
    Resource {
        id,
        action: action(what),
        reason: reason.to_string(),
        fields: fields.collect(),
    }
}

fn upload(desired: &Desired, change: &Change<usize>) -> Upload {
    let upload = &desired.uploads[change.item];
    Upload {
        container: upload.container.to_string(),
        blob: upload.blob.to_string(),
        path: upload.path.to_string_lossy().into_owned(),
        bytes: upload.length,
        action: action(change.action),
        reason: change.reason.to_string(),
    }
}

fn cleanup(desired: &Desired, plan: &Plan) -> Cleanup {
    let cleanup = &plan.cleanup;
    let containers = cleanup.containers.iter().map(|(index, what)| Doomed {
        id: desired.containers[*index].name.to_string(),
        fate: fate(*what),
    });
    let strays = cleanup.strays.iter().map(|stray| Stray {
        kind: match stray.kind {
            StrayKind::Container => "container",
            StrayKind::Job => "job",
            StrayKind::Pool => "pool",
        },
        id: stray.name.clone(),
        fate: fate(stray.fate),
    });
    Cleanup {
        containers: containers.collect(),
        job: fate(cleanup.job),
        pool: fate(cleanup.pool),
        strays: strays.collect(),
    }
}

fn cost(bound: &CostBound) -> Cost {
    match bound {
        CostBound::AtMost {
            nodes,
            time,
            node_hours,
            price,
        } => Cost {
            unbounded: None,
            nodes: Some(*nodes),
            seconds: Some(time.as_secs()),
            node_hours: Some(*node_hours),
            price: price.as_ref().map(|price| Money {
                amount: price.amount,
                currency: price.currency.clone(),
            }),
        },
        CostBound::Unbounded(why) => Cost {
            unbounded: Some(match why {
                Unbounded::NodesStay => "nodes_stay",
                Unbounded::OwnFormula => "own_formula",
                Unbounded::JobWithoutEnd => "job_without_end",
                Unbounded::Schedule => "schedule",
                Unbounded::ForeignPool => "foreign_pool",
            }),
            nodes: None,
            seconds: None,
            node_hours: None,
            price: None,
        },
    }
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Keep => "keep",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Read => "read",
    }
}

fn work(work: TaskWork) -> &'static str {
    match work {
        TaskWork::UpToDate => "up_to_date",
        TaskWork::Left => "left",
        TaskWork::Fetch => "fetch",
        TaskWork::Await => "await",
        TaskWork::Run => "run",
        TaskWork::Rerun => "rerun",
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Absent => "absent",
        Fate::Kept => "kept",
        Fate::NotOurs => "not_ours",
        Fate::DeletedOnSuccess => "deleted_on_success",
        Fate::KeptForTheRest => "kept_for_the_rest",
        Fate::DeletedAlways => "deleted_always",
        Fate::GoesWithJob => "goes_with_job",
    }
}
