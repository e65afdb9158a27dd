//! What follows from how a task ended: for its job, and for the tasks that wait for it.

use super::effect::{FailureStage, RunEnd};
use crate::wire::batch::error::Refusal;
use crate::wire::batch::exit::Ending;
use crate::wire::batch::job::{JobCreate, OnTaskFailure};
use crate::wire::batch::task::{ExitConditions, ExitOptions, JobAction};

/// What a task's end asks for, nothing left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) job: JobAction,
    /// Whether tasks that depend on it may run.
    pub(super) satisfies: bool,
}

fn ending(end: &RunEnd) -> Ending {
    match end.failure.as_ref().map(|f| f.stage) {
        Some(FailureStage::PreProcessing) => Ending::PreProcessingError,
        Some(FailureStage::FileUpload) => Ending::FileUploadError(end.exit_code),
        None => Ending::Exited(end.exit_code),
    }
}

pub(super) fn outcome(conditions: Option<&ExitConditions>, end: &RunEnd) -> Outcome {
    let ending = ending(end);
    let job = conditions
        .and_then(|c| c.options(ending))
        .and_then(|o| o.job_action);
    Outcome {
        job: job.unwrap_or(if ending.is_success() {
            JobAction::None
        } else {
            JobAction::Terminate
        }),
        satisfies: ending.satisfies(conditions),
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
