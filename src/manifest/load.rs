//! The passes in their order, and the document they end in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use toml::de::DeValue;

use super::at::{At, Scalar};
use super::check::Checker;
use super::section::account::{Account, RawAccount};
use super::section::auto_pool;
use super::section::cleanup::{Cleanup, Policy, RawCleanup};
use super::section::containers::{self, Container, RawContainer};
use super::section::download::{Download, RawDownload};
use super::section::job::{Job, OnTaskFailure, RawJob};
use super::section::logs::{Logs, RawLogs};
use super::section::pool::{Pool, RawPool};
use super::section::prices::{Prices, RawPrices};
use super::section::schedule::{RawSchedule, Schedule};
use super::section::tasks::{Factory, RawTask, Surroundings};
use super::section::uploads::{RawUpload, Upload};
use super::template::Bindings;
use super::{document, shape, vars};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::check_batch_id;

/// A batchflow manifest: which containers and files, which pool, which job, which tasks, and where the outputs go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "batchflow manifest", rename = "manifest")]
struct RawManifest {
    // What is required is optional here all the same: a part that is wrong is cut out, and the rest still checked.
    /// What marks everything made for this manifest: 1 to 64 letters, digits, `-` and `_`.
    #[schemars(required)]
    name: Option<At<String>>,
    /// Variables for templates, `{{vars.NAME}}`; `--var NAME=VALUE` overrides them.
    #[serde(default)]
    vars: BTreeMap<At<String>, At<Scalar>>,
    /// The Azure accounts to use. Without this section the manifest runs on the local service.
    account: Option<RawAccount>,
    /// The blob containers, by name.
    #[serde(default)]
    containers: BTreeMap<At<String>, RawContainer>,
    /// Files that become blobs.
    #[serde(default)]
    uploads: Vec<At<RawUpload>>,
    /// The nodes that tasks run on.
    #[schemars(required)]
    pool: Option<At<RawPool>>,
    /// What holds the tasks.
    #[schemars(required)]
    job: Option<At<RawJob>>,
    /// The service makes the job again and again, by the clock; its work is that of `job.job_manager_task`.
    schedule: Option<At<RawSchedule>>,
    /// The tasks. Required unless there is a `[schedule]`, which excludes them.
    #[schemars(length(min = 1))]
    tasks: Option<Vec<At<RawTask>>>,
    /// Where outputs go on this machine.
    download: Option<RawDownload>,
    /// What tasks write to stdout and stderr, kept in blob storage.
    #[serde(default)]
    logs: RawLogs,
    /// What apply deletes when it is done.
    #[serde(default)]
    cleanup: RawCleanup,
    /// What a node costs for an hour, so that the plan can say what a run costs at most.
    prices: Option<RawPrices>,
}

/// A checked manifest. Strings outside of `[[tasks]]` and the start task are rendered; those inside are templates.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub name: At<String>,
    pub vars: BTreeMap<String, Scalar>,
    /// Some: the manifest is for Azure.
    pub account: Option<Account>,
    pub containers: Vec<Container>,
    pub uploads: Vec<Upload>,
    pub pool: Pool,
    pub job: Job,
    /// Some: there are no tasks but the job's manager.
    pub schedule: Option<Schedule>,
    pub tasks: Vec<Factory>,
    pub download: Option<Download>,
    pub logs: Logs,
    pub cleanup: Cleanup,
    pub prices: Option<Prices>,
}

impl Manifest {
    /// What `name` and `vars` stand for in templates.
    pub fn bindings(&self) -> Bindings {
        Bindings::new(
            &self.name.value,
            self.vars.iter().map(|(n, v)| (n.as_str(), v)),
        )
    }
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(RawManifest).to_value());

/// The JSON Schema of a manifest.
pub fn schema() -> &'static Value {
    &SCHEMA
}

/// The JSON Schema of a manifest as the text of a file.
pub fn schema_text() -> String {
    format!("{:#}\n", *SCHEMA)
}

/// Reads a manifest with the `--var` settings applied. There is a manifest only when no diagnostic is an error.
pub fn load(text: &str, settings: &[(String, String)]) -> (Option<Manifest>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let manifest = read(text, settings, &mut diagnostics);
    diagnostics.sort_by_key(|d| d.labels.first().map_or(0, |l| l.span.start));
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    (manifest.filter(|_| !failed), diagnostics)
}

fn read(
    text: &str,
    settings: &[(String, String)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Manifest> {
    let mut document = document::parse(text, diagnostics);
    if !document.usable {
        return None;
    }
    if document.table.get_ref().is_empty() {
        diagnostics.push(
            Diagnostic::error(codes::MISSING_KEY, "the manifest is empty")
                .help("it needs at least `name`, `[pool]`, `[job]` and `[[tasks]]`"),
        );
        return None;
    }
    let var_names = match document
        .table
        .get_ref()
        .get("vars")
        .map(toml::Spanned::get_ref)
    {
        Some(DeValue::Table(vars)) => vars.keys().map(|k| k.get_ref().to_string()).collect(),
        _ => BTreeSet::new(),
    };
    let has = |key: &str| document.table.get_ref().contains_key(key);
    let has_work = has("tasks") || has("schedule");
    shape::check(schema(), &mut document.table, diagnostics);
    if !has_work {
        diagnostics.push(
            Diagnostic::error(
                codes::MISSING_KEY,
                "the key `tasks` is missing in the manifest",
            )
            .label(0..0, "`tasks` must be set here"),
        );
    }
    let mut raw = match RawManifest::deserialize(toml::de::Deserializer::from(document.table)) {
        Ok(raw) => raw,
        Err(error) => {
            // The schema is made from the same structs, so this is a value that fits the schema and no Rust type.
            diagnostics.push(
                Diagnostic::error(codes::WRONG_TYPE, error.message().to_owned())
                    .label(error.span().unwrap_or(0..0), "here"),
            );
            return None;
        }
    };
    vars::override_with(&mut raw.vars, settings, diagnostics);
    check(raw, text, var_names, diagnostics)
}

fn check(
    raw: RawManifest,
    text: &str,
    var_names: BTreeSet<String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Manifest> {
    let name = raw.name.as_ref();
    let bindings = Bindings::new(
        name.map_or("", |n| &n.value),
        raw.vars.iter().map(|(n, v)| (n.as_str(), &v.value)),
    );
    let mut checker = Checker::new(text, bindings, var_names, std::mem::take(diagnostics));
    if let Some(name) = name
        && let Err(invalid) = check_batch_id(&name.value)
    {
        let message = invalid.message.replacen("the id", "the name", 1);
        checker.report(
            Diagnostic::error(codes::INVALID_ID, message)
                .label(name.span.clone(), "not allowed")
                .help(invalid.help.replacen("an id", "a name", 1)),
        );
    }
    let account = raw.account.as_ref().map(|a| a.check(&mut checker));
    let containers = containers::check(&raw.containers, &mut checker);
    let uploads = raw
        .uploads
        .iter()
        .filter_map(|u| u.value.check(&mut checker))
        .collect();
    let pool = raw
        .pool
        .as_ref()
        .and_then(|p| RawPool::check(p, &mut checker));
    let job = raw
        .job
        .as_ref()
        .and_then(|j| RawJob::check(j, &mut checker));
    let schedule = raw
        .schedule
        .as_ref()
        .map(|s| RawSchedule::check(s, &mut checker));
    check_schedule(&raw, &mut checker);
    if let Some(pool) = &raw.pool {
        auto_pool::check_lifetime(&pool.value, raw.schedule.is_some(), &mut checker);
    }
    let raw_tasks = raw.tasks.as_deref().unwrap_or_default();
    let around = Surroundings {
        slots_per_node: pool
            .as_ref()
            .map_or(i32::MAX, |p| p.task_slots_per_node.unwrap_or(1)),
        has_containers: pool
            .as_ref()
            .is_none_or(|p| p.machine.container_configuration.is_some()),
        nodes_communicate: pool
            .as_ref()
            .is_none_or(|p| p.enable_inter_node_communication == Some(true)),
        nodes: pool
            .as_ref()
            .filter(|p| p.auto_scale.is_none())
            .map(|p| p.target_dedicated_nodes + p.target_low_priority_nodes),
        job_acts: job
            .as_ref()
            .is_none_or(|j| j.on_task_failure == Some(OnTaskFailure::PerformExitOptionsJobAction)),
        groups: RawTask::groups(raw_tasks, &mut checker),
    };
    let tasks: Vec<Factory> = raw_tasks
        .iter()
        .filter_map(|t| RawTask::check(t, &around, &mut checker))
        .collect();
    let download = raw.download.as_ref().map(|d| d.check(&mut checker));
    let logs = raw.logs.check(&mut checker);
    let cleanup = raw.cleanup.check(download.is_some(), schedule.is_some());
    let download = download.flatten();
    let prices = raw.prices.as_ref().and_then(|p| p.check(&mut checker));
    warn_of_lost_outputs(&tasks, download.as_ref(), cleanup, &mut checker);
    *diagnostics = checker.diagnostics;
    Some(Manifest {
        name: raw.name?,
        vars: raw
            .vars
            .into_iter()
            .map(|(n, v)| (n.value, v.value))
            .collect(),
        account,
        containers,
        uploads,
        pool: pool?,
        job: job?,
        schedule,
        tasks,
        download,
        logs,
        cleanup,
        prices,
    })
}

/// A job of a schedule begins when nobody is there: only its manager can do its work, and nobody waits for outputs.
fn check_schedule(raw: &RawManifest, checker: &mut Checker<'_>) {
    if !checker.whole {
        return;
    }
    let Some(schedule) = &raw.schedule else {
        return;
    };
    if let Some(task) = raw.tasks.iter().flatten().next() {
        checker.report(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`[schedule]` and `[[tasks]]` exclude each other",
            )
            .label(
                task.span.clone(),
                "nobody is there to add tasks to its jobs",
            )
            .label(schedule.span.clone(), "the schedule")
            .help("let `[job.job_manager_task]` do the work"),
        );
    }
    if raw.job.as_ref().is_some_and(|j| !j.value.has_manager()) {
        checker.error(
            codes::MISSING_KEY,
            "a job of a schedule would have nothing to do",
            &schedule.span,
            "goes with `[job.job_manager_task]`",
        );
    }
    if let Some(download) = &raw.download {
        checker.report(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`[schedule]` and `[download]` exclude each other",
            )
            .label(
                download.place(),
                "apply does not wait for outputs of jobs to come",
            )
            .label(schedule.span.clone(), "the schedule"),
        );
    }
    if raw.cleanup.deletes() {
        checker.error(
            codes::CONFLICTING_KEYS,
            "what a schedule uses is not deleted when apply is done",
            &schedule.span,
            "with a schedule, `[cleanup]` can say only \"never\"; `batchflow destroy` deletes it all",
        );
    }
}

fn warn_of_lost_outputs(
    tasks: &[Factory],
    download: Option<&Download>,
    cleanup: Cleanup,
    checker: &mut Checker<'_>,
) {
    if cleanup.containers == Policy::Never {
        return;
    }
    for output in tasks.iter().flat_map(|t| &t.output_files) {
        if download.is_none_or(|d| d.container != output.container) {
            checker.report(
                Diagnostic::warning(
                    codes::OUTPUT_NOT_DOWNLOADED,
                    format!(
                        "the container \"{}\" is deleted with outputs that nobody downloaded",
                        output.container.value
                    ),
                )
                .label(output.container.span.clone(), "outputs go here")
                .help("download this container, or set `cleanup.containers = \"never\"`"),
            );
        }
    }
}
