//! What a job runs besides its tasks: `[job.job_preparation_task]` and `[job.job_release_task]` on each of its
//! nodes, `[job.job_manager_task]` once, before all others.

use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::{
    CommandLine, Environment, OutputFile, RawEnvironment, RawOutputFile, RawResourceFile,
    ResourceFile, command_line,
};
use super::start_task::UserIdentity;
use crate::diagnostic::codes;
use crate::ids::TaskId;
use crate::manifest::at::{At, OneOrMany};
use crate::manifest::check::Checker;
use crate::manifest::template::Scope;

/// Limits of a preparation or manager task.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "job_task_constraints")]
pub(in crate::manifest) struct RawConstraints {
    /// How long one try may take, such as `10m`; then it is ended and counts as failed.
    max_wall_clock_time: Option<At<String>>,
    /// How long the node keeps the task's directory; default `7d`.
    retention_time: Option<At<String>>,
    /// How often the task is tried again when it fails; -1: without limit. Default 0.
    #[schemars(range(min = -1))]
    max_task_retry_count: Option<i32>,
}

/// Limits of a preparation or manager task.
#[derive(Debug, Clone)]
pub struct Constraints {
    pub max_wall_clock_time: Option<At<Duration>>,
    pub retention_time: Option<At<Duration>>,
    pub max_task_retry_count: Option<i32>,
}

impl RawConstraints {
    fn check(&self, checker: &mut Checker<'_>) -> Constraints {
        Constraints {
            max_wall_clock_time: checker.duration(self.max_wall_clock_time.as_ref()),
            retention_time: checker.duration(self.retention_time.as_ref()),
            max_task_retry_count: self.max_task_retry_count,
        }
    }
}

/// What runs on each node before its first task of the job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "job_preparation_task")]
pub(in crate::manifest) struct RawPreparationTask {
    /// Its id among the job's tasks; default `jobpreparation`.
    #[schemars(extend("x-limit" = "1 to 64 letters, digits, `-` and `_`"))]
    id: Option<At<String>>,
    /// Lines of POSIX sh; a line that fails ends the task.
    commands: Option<At<OneOrMany>>,
    /// A command line as it is, instead of `commands`.
    command_line: Option<At<String>>,
    /// Files it needs.
    #[serde(default)]
    resource_files: Vec<At<RawResourceFile>>,
    /// Environment variables by name.
    #[serde(default)]
    environment_settings: RawEnvironment,
    /// Limits of the task.
    #[serde(default)]
    constraints: RawConstraints,
    /// The user it runs as.
    user_identity: Option<UserIdentity>,
    /// Whether a node runs no task of the job until it succeeded; default true.
    wait_for_success: Option<bool>,
    /// Whether it runs again after the node booted anew; default true.
    rerun_on_node_reboot_after_success: Option<bool>,
}

/// What runs on each node that ran the preparation task, when the job ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "job_release_task")]
pub(in crate::manifest) struct RawReleaseTask {
    /// Its id among the job's tasks; default `jobrelease`.
    #[schemars(extend("x-limit" = "1 to 64 letters, digits, `-` and `_`"))]
    id: Option<At<String>>,
    /// Lines of POSIX sh; a line that fails ends the task.
    commands: Option<At<OneOrMany>>,
    /// A command line as it is, instead of `commands`.
    command_line: Option<At<String>>,
    /// Files it needs.
    #[serde(default)]
    resource_files: Vec<At<RawResourceFile>>,
    /// Environment variables by name.
    #[serde(default)]
    environment_settings: RawEnvironment,
    /// How long it may take; default `15m`.
    #[schemars(extend("x-limit" = "at most 15 minutes"))]
    max_wall_clock_time: Option<At<String>>,
    /// How long the node keeps the task's directory; default `7d`.
    retention_time: Option<At<String>>,
    /// The user it runs as.
    user_identity: Option<UserIdentity>,
}

/// A task that the service itself starts with the job, before all others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "job_manager_task")]
pub(in crate::manifest) struct RawManagerTask {
    /// 1 to 64 letters, digits, `-` and `_`.
    id: At<String>,
    /// A name for people.
    display_name: Option<At<String>>,
    /// Lines of POSIX sh; a line that fails ends the task.
    commands: Option<At<OneOrMany>>,
    /// A command line as it is, instead of `commands`.
    command_line: Option<At<String>>,
    /// Files it needs.
    #[serde(default)]
    resource_files: Vec<At<RawResourceFile>>,
    /// Files uploaded when it ends.
    #[serde(default)]
    output_files: Vec<At<RawOutputFile>>,
    /// Environment variables by name.
    #[serde(default)]
    environment_settings: RawEnvironment,
    /// Limits of the task.
    #[serde(default)]
    constraints: RawConstraints,
    /// How many slots of a node it takes when it is not alone there; default 1.
    #[schemars(range(min = 1, max = 256))]
    required_slots: Option<At<i32>>,
    /// Whether the job ends with it, running tasks and all; default false where there are `[[tasks]]`.
    kill_job_on_completion: Option<bool>,
    /// The user it runs as.
    user_identity: Option<UserIdentity>,
    /// Whether nothing else runs on its node meanwhile; default true.
    run_exclusive: Option<bool>,
    /// Whether it may run on a spot node; default true.
    allow_low_priority_node: Option<bool>,
}

/// A command with what it needs.
#[derive(Debug, Clone)]
pub struct Chore {
    pub command_line: CommandLine,
    pub resource_files: Vec<ResourceFile>,
    pub environment_settings: Environment,
    pub user_identity: Option<UserIdentity>,
}

#[derive(Debug, Clone)]
pub struct PreparationTask {
    pub id: Option<At<TaskId>>,
    pub chore: Chore,
    pub constraints: Constraints,
    pub wait_for_success: Option<bool>,
    pub rerun_on_node_reboot_after_success: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct ReleaseTask {
    pub id: Option<At<TaskId>>,
    pub chore: Chore,
    pub max_wall_clock_time: Option<At<Duration>>,
    pub retention_time: Option<At<Duration>>,
}

#[derive(Debug, Clone)]
pub struct ManagerTask {
    pub id: At<TaskId>,
    pub display_name: Option<String>,
    pub chore: Chore,
    pub output_files: Vec<OutputFile>,
    pub constraints: Constraints,
    pub required_slots: Option<At<i32>>,
    pub kill_job_on_completion: Option<bool>,
    pub run_exclusive: Option<bool>,
    pub allow_low_priority_node: Option<bool>,
}

/// The parts of a raw task that make its [`Chore`].
struct RawChore<'a> {
    commands: Option<&'a At<OneOrMany>>,
    command_line: Option<&'a At<String>>,
    resource_files: &'a [At<RawResourceFile>],
    environment_settings: &'a RawEnvironment,
    user_identity: Option<UserIdentity>,
}

impl RawChore<'_> {
    fn check(&self, span: &Range<usize>, checker: &mut Checker<'_>) -> Option<Chore> {
        let scope = Scope::Manifest;
        let command = command_line(self.commands, self.command_line, span, scope, checker);
        let resource_files = self
            .resource_files
            .iter()
            .filter_map(|file| RawResourceFile::check(file, scope, checker))
            .collect();
        let environment_settings = checker.environment(self.environment_settings, scope);
        Some(Chore {
            command_line: command?,
            resource_files,
            environment_settings,
            user_identity: self.user_identity,
        })
    }
}

fn id(raw: Option<&At<String>>, checker: &mut Checker<'_>) -> Option<At<TaskId>> {
    raw.and_then(|id| checker.name(id, codes::INVALID_ID, TaskId::new))
}

impl RawPreparationTask {
    pub(super) fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> Option<PreparationTask> {
        let task = &raw.value;
        let chore = RawChore {
            commands: task.commands.as_ref(),
            command_line: task.command_line.as_ref(),
            resource_files: &task.resource_files,
            environment_settings: &task.environment_settings,
            user_identity: task.user_identity,
        }
        .check(&raw.span, checker);
        Some(PreparationTask {
            id: id(task.id.as_ref(), checker),
            constraints: task.constraints.check(checker),
            chore: chore?,
            wait_for_success: task.wait_for_success,
            rerun_on_node_reboot_after_success: task.rerun_on_node_reboot_after_success,
        })
    }
}

/// The job's end waits no longer for it.
const LONGEST_RELEASE: Duration = Duration::from_secs(15 * 60);

impl RawReleaseTask {
    pub(super) fn check(
        raw: &At<Self>,
        is_prepared: bool,
        checker: &mut Checker<'_>,
    ) -> Option<ReleaseTask> {
        let task = &raw.value;
        if !is_prepared && checker.whole {
            checker.error(
                codes::MISSING_KEY,
                "a release task needs a preparation task",
                &raw.span,
                "it runs on the nodes that ran `job_preparation_task`, and there is none",
            );
        }
        let max_wall_clock_time = checker.duration(task.max_wall_clock_time.as_ref());
        if let Some(time) = max_wall_clock_time
            .as_ref()
            .filter(|t| t.value > LONGEST_RELEASE || t.value.is_zero())
        {
            checker.error(
                codes::OUT_OF_RANGE,
                "`job.job_release_task.max_wall_clock_time` is out of range",
                &time.span,
                "more than 0 and at most 15 minutes",
            );
        }
        let chore = RawChore {
            commands: task.commands.as_ref(),
            command_line: task.command_line.as_ref(),
            resource_files: &task.resource_files,
            environment_settings: &task.environment_settings,
            user_identity: task.user_identity,
        }
        .check(&raw.span, checker);
        Some(ReleaseTask {
            id: id(task.id.as_ref(), checker),
            retention_time: checker.duration(task.retention_time.as_ref()),
            chore: chore?,
            max_wall_clock_time,
        })
    }
}

impl RawManagerTask {
    pub(super) fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> Option<ManagerTask> {
        let task = &raw.value;
        let id = id(Some(&task.id), checker);
        let display_name = checker.opt_text(task.display_name.as_ref());
        let chore = RawChore {
            commands: task.commands.as_ref(),
            command_line: task.command_line.as_ref(),
            resource_files: &task.resource_files,
            environment_settings: &task.environment_settings,
            user_identity: task.user_identity,
        }
        .check(&raw.span, checker);
        let output_files = task
            .output_files
            .iter()
            .filter_map(|f| RawOutputFile::check(f, Scope::Manifest, checker))
            .collect();
        Some(ManagerTask {
            id: id?,
            display_name: display_name.map(|n| n.value),
            chore: chore?,
            output_files,
            constraints: task.constraints.check(checker),
            required_slots: task.required_slots.clone(),
            kill_job_on_completion: task.kill_job_on_completion,
            run_exclusive: task.run_exclusive,
            allow_low_priority_node: task.allow_low_priority_node,
        })
    }
}
