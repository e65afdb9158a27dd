//! The words of `failureInfo`, each text once.

use crate::wire::batch::command::{ErrorCategory, NameValuePair, TaskFailureInfo};

fn info(code: &str, message: &str, details: &[(&str, &str)]) -> TaskFailureInfo {
    TaskFailureInfo {
        category: ErrorCategory::UserError,
        code: Some(code.to_owned()),
        message: Some(message.to_owned()),
        details: details
            .iter()
            .map(|(name, value)| NameValuePair {
                name: Some((*name).to_owned()),
                value: Some((*value).to_owned()),
            })
            .collect(),
    }
}

/// A non-zero exit [rec].
pub(super) fn exit_code() -> TaskFailureInfo {
    info(
        "FailureExitCode",
        "The task exited with an exit code representing a failure",
        &[
            (
                "Message",
                "The task process exited with an unexpected exit code",
            ),
            ("AdditionalErrorCode", "FailureExitCode"),
        ],
    )
}

/// The code is [rec]; where its text goes is [inf].
fn ended(detail: &str) -> TaskFailureInfo {
    info("TaskEnded", detail, &[("Message", detail)])
}

/// `maxWallClockTime` of the task passed.
pub(super) fn wall_clock() -> TaskFailureInfo {
    ended("The maximum execution time configured on the task was exceeded")
}

/// Somebody terminated the task or its job.
pub(super) fn user_request() -> TaskFailureInfo {
    ended("Task Was Ended by User Request")
}

/// The job was terminated under the task [inf].
pub(super) fn job_ended() -> TaskFailureInfo {
    ended("The job the task belongs to was terminated")
}

/// The node left the pool with the option to terminate its tasks [inf].
pub(super) fn node_left() -> TaskFailureInfo {
    ended("The node the task ran on was removed from the pool")
}

/// The node reported neither an exit code nor a reason.
pub(super) fn not_launched() -> TaskFailureInfo {
    info(
        "CommandLaunchFailed",
        "Failed to launch the specified command line",
        &[],
    )
}
