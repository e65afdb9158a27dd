//! Why tasks failed, in groups, and what to do about each.

use std::collections::BTreeMap;

use super::quantity::count;
use crate::event::{Cause, TaskFailure};

/// Where the reader finds what a task wrote to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    Above,
    Elsewhere,
}

/// A line for each kind of failure, the most frequent first.
pub fn causes(failures: &[TaskFailure], stderr: Stderr) -> Vec<String> {
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for failure in failures {
        *groups.entry(describe(failure, stderr)).or_default() += 1;
    }
    let mut groups: Vec<(String, usize)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    groups
        .into_iter()
        .map(|(text, number)| format!("{}: {text}", count(number, "task")))
        .collect()
}

/// What kind of failure it is, in a word or two.
pub fn kind(cause: Cause) -> &'static str {
    match cause {
        Cause::Application => "application",
        Cause::Scheduling => "scheduling",
        Cause::Constraint => "constraint",
        Cause::Upload => "upload",
        Cause::Ended => "ended",
    }
}

fn describe(failure: &TaskFailure, stderr: Stderr) -> String {
    let kind = kind(failure.cause);
    let how = match (&failure.code, failure.exit_code) {
        (Some(code), _) => format!("{kind} ({code})"),
        (None, Some(exit_code)) => format!("{kind} (exit code {exit_code})"),
        (None, None) => kind.to_owned(),
    };
    let advice = advice(failure, stderr);
    format!("{how}; {advice}")
}

/// What a shell exits with when it does not find a program.
const NOT_FOUND: i32 = 127;

fn advice(failure: &TaskFailure, stderr: Stderr) -> &'static str {
    match (failure.cause, failure.code.as_deref().unwrap_or_default()) {
        (_, "BlobNotFound") => {
            "a file in `resource_files` is not in its container: upload it, or correct its name"
        }
        (_, "BlobAccessDenied") => {
            "the node may not read a file in `resource_files`: check its URL and how long its signature lives"
        }
        (_, "CommandProgramNotFound") => {
            "the program is not on the node: install it in `pool.start_task`, or bring it along in `resource_files`"
        }
        (_, "DiskFull") => {
            "the node's disk is full: take a larger `pool.vm_size`, or fewer task slots"
        }
        (_, "ApplicationPackageError") => {
            "an application package could not be put on the node: check its id and version"
        }
        (Cause::Application, _) if failure.exit_code == Some(NOT_FOUND) => {
            "a program in the command was not found: install it in `pool.start_task`, or on this machine when it runs here, and apply again"
        }
        (Cause::Application, _) if stderr == Stderr::Elsewhere => {
            "see its stderr, correct the command or its input and apply again"
        }
        (Cause::Application, _) => {
            "the end of its stderr is above; correct the command or its input and apply again"
        }
        (Cause::Scheduling, _) => {
            "it could not be started; correct what the message names and apply again"
        }
        (Cause::Constraint, _) => {
            "it took longer than `constraints.max_wall_clock_time`: raise it, or split the work"
        }
        (Cause::Upload, _) => {
            "it ran, but its outputs did not arrive: check `output_files` and apply again"
        }
        (Cause::Ended, _) => "it was ended from outside; apply again to run it",
    }
}
