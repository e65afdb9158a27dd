//! `[pool.start_task]`: what runs on each node before it takes tasks.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{
    CommandLine, Environment, RawEnvironment, RawResourceFile, ResourceFile, command_line,
};
use crate::manifest::at::{At, OneOrMany};
use crate::manifest::check::Checker;
use crate::manifest::template::Scope;

/// Rights of a user on the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "elevation_level")]
pub enum ElevationLevel {
    #[serde(rename = "nonadmin")]
    NonAdmin,
    Admin,
}

/// Whether the user is made for the task or for the whole pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "auto_user_scope")]
pub enum AutoUserScope {
    Task,
    Pool,
}

/// The user a task runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "user_identity")]
pub struct UserIdentity {
    /// `admin` or `nonadmin` (default).
    pub elevation_level: Option<ElevationLevel>,
    /// `task` or `pool` (default).
    pub scope: Option<AutoUserScope>,
}

/// What runs on each node before it takes tasks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "start_task")]
pub(in crate::manifest) struct RawStartTask {
    /// Lines of POSIX sh; a line that fails ends the start task.
    commands: Option<At<OneOrMany>>,
    /// A command line as it is, instead of `commands`.
    command_line: Option<At<String>>,
    /// Files it needs.
    #[serde(default)]
    resource_files: Vec<At<RawResourceFile>>,
    /// Environment variables by name.
    #[serde(default)]
    environment_settings: RawEnvironment,
    /// The user it runs as.
    user_identity: Option<UserIdentity>,
    /// How often it is tried again when it fails; -1: without limit. Default 0.
    #[schemars(range(min = -1))]
    max_task_retry_count: Option<i32>,
    /// Whether a node takes no tasks until it succeeded; default true.
    wait_for_success: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct StartTask {
    pub command_line: CommandLine,
    pub resource_files: Vec<ResourceFile>,
    pub environment_settings: Environment,
    pub user_identity: Option<UserIdentity>,
    pub max_task_retry_count: Option<i32>,
    pub wait_for_success: Option<bool>,
    pub span: Range<usize>,
}

impl RawStartTask {
    pub(super) fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> Option<StartTask> {
        let scope = Scope::Manifest;
        let task = &raw.value;
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
            .filter_map(|file| RawResourceFile::check(file, scope, checker))
            .collect();
        let environment_settings = checker.environment(&task.environment_settings, scope);
        Some(StartTask {
            command_line: command?,
            resource_files,
            environment_settings,
            user_identity: task.user_identity,
            max_task_retry_count: task.max_task_retry_count,
            wait_for_success: task.wait_for_success,
            span: raw.span.clone(),
        })
    }
}
