//! What follows from how a task ended: for its job, and for the tasks that wait for it.

use super::effect::{FailureStage, RunEnd};
use crate::wire::batch::error::Refusal;
use crate::wire::batch::job::{JobCreate, OnTaskFailure};
use crate::wire::batch::task::{DependencyAction, ExitConditions, ExitOptions, JobAction};

/// What a task's end asks for, nothing left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) job: JobAction,
    /// Whether tasks that depend on it may run.
    pub(super) satisfies: bool,
}

/// The entry for this end; a listed exit code counts before a failed upload.
fn entry<'a>(conditions: &'a ExitConditions, end: &RunEnd) -> Option<&'a ExitOptions> {
    let stage = end.failure.as_ref().map(|f| f.stage);
    let otherwise = conditions.default.as_ref();
    if stage == Some(FailureStage::PreProcessing) {
        return conditions.pre_processing_error.as_ref().or(otherwise);
    }
    let listed = end.exit_code.and_then(|code| {
        let exact = conditions.exit_codes.iter().find(|e| e.code == code);
        let around = |e: &&_| is_within(e, code);
        let range = conditions.exit_code_ranges.iter().find(around);
        // [inf] The exact code counts before a range around it.
        exact
            .map(|e| &e.exit_options)
            .or(range.map(|e| &e.exit_options))
    });
    match (listed, stage, end.exit_code) {
        (Some(options), _, _) => Some(options),
        (None, Some(_), _) => conditions.file_upload_error.as_ref().or(otherwise),
        (None, None, Some(0)) => None,
        (None, None, _) => otherwise,
    }
}

fn is_within(range: &crate::wire::batch::task::ExitCodeRangeMapping, code: i32) -> bool {
    (range.start..=range.end).contains(&code)
}

pub(super) fn outcome(conditions: Option<&ExitConditions>, end: &RunEnd) -> Outcome {
    let succeeded = end.failure.is_none() && end.exit_code == Some(0);
    let options = conditions.and_then(|c| entry(c, end));
    let job = options.and_then(|o| o.job_action);
    let dependency = options.and_then(|o| o.dependency_action);
    Outcome {
        job: job.unwrap_or(if succeeded {
            JobAction::None
        } else {
            JobAction::Terminate
        }),
        satisfies: dependency.map_or(succeeded, |d| d == DependencyAction::Satisfy),
    }
}

pub(super) fn check(conditions: &ExitConditions, job: &JobCreate) -> Result<(), Refusal> {
    let mut options: Vec<(&str, &ExitOptions)> = Vec::new();
    for mapping in &conditions.exit_codes {
        options.push(("exitCodes.exitOptions", &mapping.exit_options));
    }
    for range in &conditions.exit_code_ranges {
        if range.start > range.end {
            return Err(Refusal::property(
                "exitConditions.exitCodeRanges",
                format!("{}-{}", range.start, range.end),
                "The start of the range is after its end",
            ));
        }
        options.push(("exitCodeRanges.exitOptions", &range.exit_options));
    }
    for (name, given) in [
        ("preProcessingError", &conditions.pre_processing_error),
        ("fileUploadError", &conditions.file_upload_error),
        ("default", &conditions.default),
    ] {
        options.extend(given.as_ref().map(|o| (name, o)));
    }
    let acts = job.on_task_failure == Some(OnTaskFailure::PerformExitOptionsJobAction);
    let waits = job.uses_task_dependencies == Some(true);
    for (name, option) in options {
        if let Some(action) = option.job_action.filter(|_| !acts) {
            return Err(Refusal::property(
                &format!("exitConditions.{name}.jobAction"),
                action.as_str(),
                "A job action needs a job whose onTaskFailure is performexitoptionsjobaction",
            ));
        }
        if let Some(action) = option.dependency_action.filter(|_| !waits) {
            return Err(Refusal::property(
                &format!("exitConditions.{name}.dependencyAction"),
                action.as_str(),
                "A dependency action needs a job that uses task dependencies",
            ));
        }
    }
    Ok(())
}
