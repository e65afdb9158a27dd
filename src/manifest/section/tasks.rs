//! `[[tasks]]`: each entry makes one task, or one for each item of its `for_each`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::{
    CommandLine, Environment, OutputFile, RawEnvironment, RawOutputFile, RawResourceFile,
    ResourceFile, command_line,
};
use super::container_settings::{
    ApplicationPackage, ContainerSettings, RawApplicationPackage, RawContainerSettings,
};
use super::depends_on::{self, DependsOn, RawDependsOn};
use super::exit_conditions::RawExitConditions;
use super::for_each::{ForEach, RawForEach};
use super::multi_instance::{MultiInstance, RawMultiInstance};
use super::start_task::UserIdentity;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::{At, OneOrMany};
use crate::manifest::check::Checker;
use crate::manifest::template::{Names, Quoting, Scope, Template};
use crate::wire::batch::task::ExitConditions;

/// One task, or one for each item of `for_each`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "task")]
pub(in crate::manifest) struct RawTask {
    /// A name for the tasks of this entry, by which others depend on them or gather their outputs.
    name: Option<At<String>>,
    /// What to make one task each for.
    for_each: Option<At<RawForEach>>,
    /// 1 to 64 letters, digits, `-` and `_`; `{{id file.name}}` makes an id of any text.
    id: At<String>,
    /// A name for people.
    display_name: Option<At<String>>,
    /// Lines of POSIX sh; a line that fails ends the task. What is inserted is quoted, except by `{{{ }}}`.
    commands: Option<At<OneOrMany>>,
    /// A command line as it is, instead of `commands`.
    command_line: Option<At<String>>,
    /// Files the task needs besides its item's.
    #[serde(default)]
    resource_files: Vec<At<RawResourceFile>>,
    /// Whether the item's file is put into the task's directory under its blob name; default true.
    stage_input: Option<bool>,
    /// Files uploaded when the task ends.
    #[serde(default)]
    output_files: Vec<At<RawOutputFile>>,
    /// The tasks that must be done before it runs.
    depends_on: Option<At<RawDependsOn>>,
    /// Names of `[[tasks]]` entries: runs when all their tasks are done, with all their outputs in its directory under their blob names.
    gather: Option<At<OneOrMany>>,
    /// What follows from how it ends.
    exit_conditions: Option<RawExitConditions>,
    /// Environment variables by name.
    #[serde(default)]
    environment_settings: RawEnvironment,
    /// Limits of each task.
    #[serde(default)]
    constraints: RawTaskConstraints,
    /// How many slots of a node the task takes; default 1.
    #[schemars(range(min = 1, max = 256))]
    required_slots: Option<At<i32>>,
    /// The user it runs as.
    user_identity: Option<UserIdentity>,
    /// The node it would like to run on.
    affinity_info: Option<RawAffinityInfo>,
    /// Several nodes that it runs on at once.
    multi_instance_settings: Option<At<RawMultiInstance>>,
    /// The container it runs in. The pool must have an image with a container runtime.
    container_settings: Option<At<RawContainerSettings>>,
    /// Application packages that are put on the node before it runs.
    #[serde(default)]
    application_package_references: Vec<RawApplicationPackage>,
}

/// The node a task would like to run on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "affinity_info")]
pub(in crate::manifest) struct RawAffinityInfo {
    /// The node's affinity id, or that of a task that ran on it; another node is taken when it is busy or gone.
    affinity_id: At<String>,
}

/// Limits of each task.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "task_constraints")]
pub(in crate::manifest) struct RawTaskConstraints {
    /// How long one try may take, such as `10m`; then it is ended and counts as failed.
    max_wall_clock_time: Option<At<String>>,
    /// How long the node keeps the task's directory; default 7 days.
    retention_time: Option<At<String>>,
    /// How often the task is tried again when it fails; -1: without limit. Default: the job's.
    #[schemars(range(min = -1))]
    max_task_retry_count: Option<i32>,
}

/// One entry of `[[tasks]]`.
#[derive(Debug, Clone)]
pub struct Factory {
    /// By which other entries depend on its tasks.
    pub name: Option<At<String>>,
    pub for_each: Option<ForEach>,
    pub id: Template,
    pub display_name: Option<Template>,
    pub command_line: CommandLine,
    pub resource_files: Vec<ResourceFile>,
    /// Whether the item's file is staged, under its blob name.
    pub stage_input: bool,
    pub output_files: Vec<OutputFile>,
    pub depends_on: DependsOn,
    /// Names of entries whose tasks' outputs it takes.
    pub gather: Vec<At<String>>,
    pub exit_conditions: Option<ExitConditions>,
    pub environment_settings: Environment,
    pub max_wall_clock_time: Option<At<Duration>>,
    pub retention_time: Option<At<Duration>>,
    pub max_task_retry_count: Option<i32>,
    pub required_slots: Option<i32>,
    pub user_identity: Option<UserIdentity>,
    pub affinity_id: Option<Template>,
    pub multi_instance: Option<MultiInstance>,
    pub container_settings: Option<ContainerSettings>,
    pub application_packages: Vec<ApplicationPackage>,
    pub span: Range<usize>,
}

/// What the check of a task must know of the rest of the manifest.
pub(in crate::manifest) struct Surroundings {
    /// Task slots of a node.
    pub(in crate::manifest) slots_per_node: i32,
    /// Whether they can run containers.
    pub(in crate::manifest) has_containers: bool,
    /// Whether its nodes can reach each other.
    pub(in crate::manifest) nodes_communicate: bool,
    /// How many nodes it has; None: it depends.
    pub(in crate::manifest) nodes: Option<i32>,
    /// Whether the job does what exit options ask of it.
    pub(in crate::manifest) job_acts: bool,
    /// The names of all entries of `[[tasks]]`.
    pub(in crate::manifest) groups: BTreeSet<String>,
}

impl RawTask {
    /// The names of the entries; each may stand once.
    pub(in crate::manifest) fn groups(
        raw: &[At<Self>],
        checker: &mut Checker<'_>,
    ) -> BTreeSet<String> {
        let mut groups = BTreeSet::new();
        for name in raw.iter().filter_map(|t| t.value.name.as_ref()) {
            if !groups.insert(name.value.clone()) {
                checker.error(
                    codes::DUPLICATE_GROUP,
                    format!(
                        "two entries of `[[tasks]]` have the name \"{}\"",
                        name.value
                    ),
                    &name.span,
                    "it is taken before",
                );
            }
        }
        groups
    }

    pub(in crate::manifest) fn check(
        raw: &At<Self>,
        around: &Surroundings,
        checker: &mut Checker<'_>,
    ) -> Option<Factory> {
        let task = &raw.value;
        let items = task
            .for_each
            .as_ref()
            .map(|each| each.value.items())
            .unwrap_or_default();
        let for_each = match &task.for_each {
            Some(each) => each.value.check(&each.span, checker).map(Some),
            None => Some(None),
        };
        let nameless = Scope::Task {
            items: &items,
            id: false,
        };
        let scope = Scope::Task {
            items: &items,
            id: true,
        };
        let id = checker.template(&task.id, nameless, Quoting::None);
        if let (Some(id), Some(each)) = (&id, &task.for_each)
            && id.is_fixed()
        {
            checker.report(
                Diagnostic::error(
                    codes::DUPLICATE_TASK_ID,
                    "every task of this `for_each` would have the same id",
                )
                .label(
                    task.id.span.clone(),
                    "nothing in here differs from task to task",
                )
                .label(each.span.clone(), "many tasks")
                .help(match &items.names {
                    Names::None => "use {{file.stem}}, or {{id file.name}} for any name",
                    Names::Value => "use {{item}}, or {{id item}} for any text",
                    Names::Fields(_) | Names::Columns(_) => "use {{index}}, or {{item.NAME}}",
                }),
            );
        }
        if let Some(slots) = task
            .required_slots
            .as_ref()
            .filter(|n| n.value > around.slots_per_node && checker.whole)
        {
            checker.report(
                Diagnostic::error(codes::OUT_OF_RANGE, "no node could ever run this task")
                    .label(
                        slots.span.clone(),
                        format!("a node has {} slot(s)", around.slots_per_node),
                    )
                    .help("raise `pool.task_slots_per_node`"),
            );
        }
        let display_name = task
            .display_name
            .as_ref()
            .map(|t| checker.template(t, scope, Quoting::None));
        let command = command_line(
            task.commands.as_ref(),
            task.command_line.as_ref(),
            &raw.span,
            scope,
            checker,
        );
        let resource_files = task
            .resource_files
            .iter()
            .filter_map(|f| RawResourceFile::check(f, scope, checker))
            .collect();
        let output_files = task
            .output_files
            .iter()
            .filter_map(|f| RawOutputFile::check(f, scope, checker))
            .collect();
        let depends_on = match &task.depends_on {
            Some(raw) => RawDependsOn::check(raw, scope, &around.groups, checker),
            None => Some(DependsOn::default()),
        };
        let gather = depends_on::names(task.gather.as_ref(), &around.groups, checker);
        let exit_conditions = task
            .exit_conditions
            .as_ref()
            .map(|raw| raw.check(around.job_acts, checker));
        let environment_settings = checker.environment(&task.environment_settings, scope);
        let affinity_id = match &task.affinity_info {
            Some(raw) => checker
                .template(&raw.affinity_id, scope, Quoting::None)
                .map(Some),
            None => Some(None),
        };
        let multi_instance = match &task.multi_instance_settings {
            Some(raw) => RawMultiInstance::check(raw, scope, around, checker).map(Some),
            None => Some(None),
        };
        let container_settings = match &task.container_settings {
            Some(raw) => {
                if !around.has_containers && checker.whole {
                    checker.report(
                        Diagnostic::error(
                            codes::CONFLICTING_KEYS,
                            "the nodes of this pool run no containers",
                        )
                        .label(raw.span.clone(), "the service would refuse this")
                        .help("set `pool.container_configuration`"),
                    );
                }
                raw.value.check(scope, checker).map(Some)
            }
            None => Some(None),
        };
        let packages = task.application_package_references.iter();
        let application_packages = packages.filter_map(|p| p.check(checker)).collect();
        let max_wall_clock_time = checker.duration(task.constraints.max_wall_clock_time.as_ref());
        let retention_time = checker.duration(task.constraints.retention_time.as_ref());
        Some(Factory {
            name: task.name.clone(),
            for_each: for_each?,
            id: id?,
            display_name: display_name.flatten(),
            command_line: command?,
            resource_files,
            stage_input: task.stage_input.unwrap_or(true),
            output_files,
            depends_on: depends_on?,
            gather: gather?,
            exit_conditions,
            environment_settings,
            max_wall_clock_time,
            retention_time,
            max_task_retry_count: task.constraints.max_task_retry_count,
            required_slots: task.required_slots.as_ref().map(|n| n.value),
            user_identity: task.user_identity,
            affinity_id: affinity_id?,
            multi_instance: multi_instance?,
            container_settings: container_settings?,
            application_packages,
            span: raw.span.clone(),
        })
    }
}
