//! `multi_instance_settings`: a task that runs on several nodes at once.

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::{CommandLine, RawResourceFile, ResourceFile, command_line};
use super::tasks::Surroundings;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::{At, OneOrMany};
use crate::manifest::check::Checker;
use crate::manifest::template::Scope;

/// A task that runs on several nodes at once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "multi_instance_settings")]
pub(in crate::manifest) struct RawMultiInstance {
    /// How many nodes take part; default 1.
    #[schemars(range(min = 1))]
    number_of_instances: Option<At<i32>>,
    /// Lines of POSIX sh that run on every node before the task's own commands run on the first; they must end.
    coordination_commands: Option<At<OneOrMany>>,
    /// A command line as it is, instead of `coordination_commands`.
    coordination_command_line: Option<At<String>>,
    /// Files that every node needs; `resource_files` are for the first.
    #[serde(default)]
    common_resource_files: Vec<At<RawResourceFile>>,
}

/// A task that runs on several nodes at once.
#[derive(Debug, Clone)]
pub struct MultiInstance {
    pub number_of_instances: Option<i32>,
    pub coordination_command: CommandLine,
    pub common_resource_files: Vec<ResourceFile>,
}

impl RawMultiInstance {
    pub(super) fn check(
        raw: &At<Self>,
        scope: Scope<'_>,
        around: &Surroundings,
        checker: &mut Checker<'_>,
    ) -> Option<MultiInstance> {
        let settings = &raw.value;
        if settings.coordination_commands.is_none() && settings.coordination_command_line.is_none()
        {
            checker.report(
                Diagnostic::error(codes::MISSING_KEY, "there is no coordination command")
                    .label(
                        raw.span.clone(),
                        "`coordination_commands` or `coordination_command_line` must be set here",
                    )
                    .help("`coordination_commands = \"true\"` is enough when nothing has to be prepared"),
            );
            return None;
        }
        if checker.whole {
            settings.check_pool(raw, around, checker);
        }
        let command = command_line(
            settings.coordination_commands.as_ref(),
            settings.coordination_command_line.as_ref(),
            &raw.span,
            scope,
            checker,
        );
        let files: Vec<_> = settings
            .common_resource_files
            .iter()
            .map(|f| RawResourceFile::check(f, scope, checker))
            .collect();
        Some(MultiInstance {
            number_of_instances: settings.number_of_instances.as_ref().map(|n| n.value),
            coordination_command: command?,
            common_resource_files: files.into_iter().collect::<Option<_>>()?,
        })
    }

    /// The service would leave the task waiting for ever.
    fn check_pool(&self, raw: &At<Self>, around: &Surroundings, checker: &mut Checker<'_>) {
        let never = |label: String, help: &str| {
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "this pool could never run this task",
            )
            .label(raw.span.clone(), label)
            .help(help)
        };
        if !around.nodes_communicate {
            checker.report(never(
                "its nodes have to reach each other".to_owned(),
                "set `pool.enable_inter_node_communication = true`",
            ));
        }
        if around.slots_per_node > 1 {
            checker.report(never(
                format!(
                    "it needs whole nodes, and these have {} slots",
                    around.slots_per_node
                ),
                "leave `pool.task_slots_per_node` at 1",
            ));
        }
        let wanted = self.number_of_instances.as_ref().map_or(1, |n| n.value);
        if let Some(nodes) = around.nodes.filter(|nodes| *nodes < wanted) {
            checker.report(never(
                format!("it wants {wanted} nodes, the pool has {nodes}"),
                "raise `pool.target_dedicated_nodes`, or lower `number_of_instances`",
            ));
        }
    }
}
