//! `exit_conditions`: what follows from how a task ends.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::depends_on::check_range;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::batch::task as wire;

/// What follows from how a task ends, for its job and for the tasks that depend on it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "exit_conditions")]
pub(in crate::manifest) struct RawExitConditions {
    /// For single exit codes.
    #[serde(default)]
    exit_codes: Vec<At<RawExitCode>>,
    /// For ranges of exit codes.
    #[serde(default)]
    exit_code_ranges: Vec<At<RawExitCodeRange>>,
    /// When the task could not be started, because of a missing file for example.
    pre_processing_error: Option<RawExitOptions>,
    /// When its output files could not be uploaded.
    file_upload_error: Option<RawExitOptions>,
    /// For every other failure.
    default: Option<RawExitOptions>,
}

/// What follows from one exit code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "exit_code")]
pub(in crate::manifest) struct RawExitCode {
    /// The exit code.
    code: At<i32>,
    /// What follows.
    exit_options: RawExitOptions,
}

/// What follows from a range of exit codes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "exit_code_range")]
pub(in crate::manifest) struct RawExitCodeRange {
    /// The first exit code.
    start: i32,
    /// The last exit code.
    end: i32,
    /// What follows.
    exit_options: RawExitOptions,
}

/// What follows from one way of ending.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "exit_options")]
pub(in crate::manifest) struct RawExitOptions {
    /// What happens to the job; default `none` for success, else `terminate`. Needs `job.on_task_failure = "perform_exit_options_job_action"`.
    job_action: Option<At<JobAction>>,
    /// Whether tasks that depend on this one may run; default `satisfy` for success, else `block`.
    dependency_action: Option<DependencyAction>,
}

/// What happens to the job.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "job_action")]
enum JobAction {
    None,
    Disable,
    Terminate,
}

/// Whether tasks that depend on this one may run.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "dependency_action")]
enum DependencyAction {
    Satisfy,
    Block,
}

impl RawExitConditions {
    /// `job_acts`: whether the job does what exit options ask of it.
    pub(super) fn check(&self, job_acts: bool, checker: &mut Checker<'_>) -> wire::ExitConditions {
        let option = |raw: &RawExitOptions, checker: &mut Checker<'_>| {
            if let Some(action) = raw.job_action.as_ref().filter(|_| !job_acts) {
                checker.report(
                    Diagnostic::error(
                        codes::CONFLICTING_KEYS,
                        "this job takes no notice of how its tasks fail",
                    )
                    .label(action.span.clone(), "the service would refuse this")
                    .help("set `job.on_task_failure = \"perform_exit_options_job_action\"`"),
                );
            }
            raw.to_wire()
        };
        let mut seen = BTreeSet::new();
        let mut exit_codes = Vec::new();
        for raw in &self.exit_codes {
            let code = &raw.value.code;
            if !seen.insert(code.value) {
                checker.error(
                    codes::CONFLICTING_KEYS,
                    format!("the exit code {} stands twice", code.value),
                    &code.span,
                    "it is listed before",
                );
            }
            exit_codes.push(wire::ExitCodeMapping {
                code: code.value,
                exit_options: option(&raw.value.exit_options, checker),
            });
        }
        let mut exit_code_ranges = Vec::new();
        for raw in &self.exit_code_ranges {
            check_range(raw.value.start, raw.value.end, &raw.span, checker);
            exit_code_ranges.push(wire::ExitCodeRangeMapping {
                start: raw.value.start,
                end: raw.value.end,
                exit_options: option(&raw.value.exit_options, checker),
            });
        }
        let mut single =
            |raw: &Option<RawExitOptions>| raw.as_ref().map(|raw| option(raw, checker));
        wire::ExitConditions {
            exit_codes,
            exit_code_ranges,
            pre_processing_error: single(&self.pre_processing_error),
            file_upload_error: single(&self.file_upload_error),
            default: single(&self.default),
        }
    }
}

impl RawExitOptions {
    fn to_wire(&self) -> wire::ExitOptions {
        wire::ExitOptions {
            job_action: self.job_action.as_ref().map(|action| match action.value {
                JobAction::None => wire::JobAction::None,
                JobAction::Disable => wire::JobAction::Disable,
                JobAction::Terminate => wire::JobAction::Terminate,
            }),
            dependency_action: self.dependency_action.map(|action| match action {
                DependencyAction::Satisfy => wire::DependencyAction::Satisfy,
                DependencyAction::Block => wire::DependencyAction::Block,
            }),
        }
    }
}
