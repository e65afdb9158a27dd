//! `[job]`: what holds the tasks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Environment, RawEnvironment};
use super::job_tasks::{
    ManagerTask, PreparationTask, RawManagerTask, RawPreparationTask, RawReleaseTask, ReleaseTask,
};
use crate::diagnostic::codes;
use crate::ids::JobId;
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::manifest::template::Scope;

/// What the service does when a task of the job fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "on_task_failure")]
pub enum OnTaskFailure {
    NoAction,
    PerformExitOptionsJobAction,
}

/// What the service does when all tasks of the job are completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "on_all_tasks_complete")]
pub enum OnAllTasksComplete {
    NoAction,
    TerminateJob,
}

/// What holds the tasks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "job")]
pub(in crate::manifest) struct RawJob {
    /// 1 to 64 letters, digits, `-` and `_`.
    id: At<String>,
    /// A name for people.
    display_name: Option<At<String>>,
    /// -1000 to 1000; default 0. Jobs of higher priority come first.
    #[schemars(range(min = -1000, max = 1000))]
    priority: Option<i32>,
    /// How many of its tasks run at once; -1: without limit.
    #[schemars(range(min = -1))]
    max_parallel_tasks: Option<At<i32>>,
    /// Limits of the job.
    #[serde(default)]
    constraints: RawJobConstraints,
    /// Environment variables of every task, by name.
    #[serde(default)]
    common_environment_settings: RawEnvironment,
    /// Names and values kept with the job.
    #[serde(default)]
    metadata: BTreeMap<At<String>, At<String>>,
    /// What happens when a task fails; default `no_action`.
    on_task_failure: Option<OnTaskFailure>,
    /// What happens when all tasks are completed; default `terminate_job`. Set once all tasks are added.
    on_all_tasks_complete: Option<OnAllTasksComplete>,
    /// What runs on each node before its first task of the job.
    job_preparation_task: Option<At<RawPreparationTask>>,
    /// What runs on each node that ran the preparation task, when the job ends.
    job_release_task: Option<At<RawReleaseTask>>,
    /// A task that the service itself starts with the job, before all others.
    job_manager_task: Option<At<RawManagerTask>>,
}

/// Limits of the job.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "job_constraints")]
pub(in crate::manifest) struct RawJobConstraints {
    /// How long the job may take, such as `2h`; the service ends it then. Default `24h`; `unlimited`: until its tasks are
    /// done, however long.
    max_wall_clock_time: Option<At<String>>,
    /// How often a failed task is tried again; -1: without limit. Default 0.
    #[schemars(range(min = -1))]
    max_task_retry_count: Option<i32>,
}

#[derive(Debug, Clone)]
pub struct Job {
    pub id: At<JobId>,
    pub display_name: Option<String>,
    pub priority: Option<i32>,
    pub max_parallel_tasks: Option<i32>,
    /// None: without limit.
    pub max_wall_clock_time: Option<At<Duration>>,
    pub max_task_retry_count: Option<i32>,
    pub common_environment_settings: Environment,
    pub metadata: BTreeMap<String, String>,
    pub on_task_failure: Option<OnTaskFailure>,
    pub on_all_tasks_complete: Option<OnAllTasksComplete>,
    pub preparation: Option<PreparationTask>,
    pub release: Option<ReleaseTask>,
    pub manager: Option<ManagerTask>,
    pub span: Range<usize>,
}

/// A task that hangs must not keep nodes for ever.
const DEFAULT_WALL_CLOCK_TIME: Duration = Duration::from_secs(24 * 3600);
const UNLIMITED: &str = "unlimited";

impl RawJob {
    pub(in crate::manifest) fn has_manager(&self) -> bool {
        self.job_manager_task.is_some()
    }

    pub(in crate::manifest) fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> Option<Job> {
        let job = &raw.value;
        let id = checker.name(&job.id, codes::INVALID_ID, JobId::new);
        if let Some(zero) = job.max_parallel_tasks.as_ref().filter(|n| n.value == 0) {
            checker.error(
                codes::OUT_OF_RANGE,
                "`job.max_parallel_tasks` is out of range",
                &zero.span,
                "allowed: -1, or 1 or more",
            );
        }
        let display_name = checker.opt_text(job.display_name.as_ref()).map(|n| n.value);
        let max_wall_clock_time = match &job.constraints.max_wall_clock_time {
            None => Some(At::new(DEFAULT_WALL_CLOCK_TIME, raw.span.clone())),
            Some(text) if text.value == UNLIMITED => None,
            some => checker.duration(some.as_ref()),
        };
        let common_environment_settings =
            checker.environment(&job.common_environment_settings, Scope::Manifest);
        let metadata = checker.metadata(&job.metadata, false);
        let preparation = job
            .job_preparation_task
            .as_ref()
            .map(|task| RawPreparationTask::check(task, checker));
        let is_prepared = preparation.is_some();
        let release = job
            .job_release_task
            .as_ref()
            .map(|task| RawReleaseTask::check(task, is_prepared, checker));
        let manager = job
            .job_manager_task
            .as_ref()
            .map(|task| RawManagerTask::check(task, checker));
        Some(Job {
            id: id?,
            display_name,
            priority: job.priority,
            max_parallel_tasks: job.max_parallel_tasks.as_ref().map(|n| n.value),
            max_wall_clock_time,
            max_task_retry_count: job.constraints.max_task_retry_count,
            common_environment_settings,
            metadata,
            on_task_failure: job.on_task_failure,
            on_all_tasks_complete: job.on_all_tasks_complete,
            preparation: whole(preparation)?,
            release: whole(release)?,
            manager: whole(manager)?,
            span: raw.span.clone(),
        })
    }
}

/// None when what is there was wrong.
fn whole<T>(checked: Option<Option<T>>) -> Option<Option<T>> {
    match checked {
        Some(None) => None,
        Some(sound) => Some(sound),
        None => Some(None),
    }
}
