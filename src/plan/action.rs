//! What is to be done about one thing, and why. Reasons are data, so that a hundred thousand of them stay small
//! and can be grouped.

use std::fmt;

use serde::Serialize;

/// What is to be done, in terraform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is as it should be.
    Keep,
    Create,
    /// Changed in place.
    Update,
    /// Deleted and made again.
    Replace,
    Delete,
    /// Read from the service.
    Read,
}

impl Action {
    /// The symbol in front of a line of the plan.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Keep => "=",
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "-/+",
            Self::Delete => "-",
            Self::Read => "<=",
        }
    }
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It does not exist.
    Absent,
    /// It exists as described.
    Matches,
    /// The blob has another length or MD5 than the file.
    ContentDiffers,
    /// The live resource differs in these fields.
    Differs(Vec<FieldChange>),
    /// The service is deleting it; wait, then make it again.
    BeingDeleted,
    /// A completed job takes no more tasks.
    JobCompleted,
    /// All that waits in the job is made anew, and a job in which nothing waits ends.
    JobWouldEnd,
    /// The job is disabled.
    JobDisabled,
    /// The pool let its nodes go when there was no work.
    NodesGone,
    /// The task has never run.
    NeverRan,
    /// What goes into the task differs from its last run, in these parts; none when they are not known.
    Changed(Vec<TaskPart>),
    /// It was asked for.
    Forced,
    /// This run was told to leave it out.
    NotSelected,
    /// As the manifest asks for it since the last apply, but changed by somebody else in these fields.
    ChangedOutside(Vec<FieldChange>),
    /// It carries nobody's mark and was said to be ours.
    Adopted(Vec<FieldChange>),
    /// It ran and failed with this exit code, or without one.
    FailedBefore(Option<i32>),
    /// An output is not here.
    OutputMissing(String),
    /// An output is not what the task produced.
    OutputEdited(String),
    /// The task is in the job already and not completed yet.
    Underway,
    /// A task it depends on runs.
    UpstreamRuns,
    /// A task that runs reads its outputs, which are no longer in storage.
    OutputsNeeded,
    /// The task was not completed in the job that is replaced.
    JobReplaced,
    /// The task is completed, its outputs are not here yet.
    OutputsNotHere,
    /// The cleanup policy asks for it.
    Cleanup,
    /// A destroy was asked for.
    Destroy,
    /// The service makes it with the job, and deletes it when that is over.
    GoesWithJob,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("does not exist"),
            Self::Matches => f.write_str("unchanged"),
            Self::ContentDiffers => f.write_str("content differs"),
            Self::Differs(fields) => {
                write!(f, "{} changed", names(fields))
            }
            Self::BeingDeleted => f.write_str("is being deleted, made again after that"),
            Self::JobCompleted => f.write_str("is completed and takes no more tasks"),
            Self::JobWouldEnd => f.write_str("would end when its waiting tasks are made anew"),
            Self::JobDisabled => f.write_str("is disabled"),
            Self::NodesGone => f.write_str("its idle nodes went, and are called back"),
            Self::NeverRan => f.write_str("never ran"),
            Self::Changed(parts) if parts.is_empty() => {
                f.write_str("command, environment or inputs changed")
            }
            Self::Changed(parts) => {
                let names: Vec<&str> = parts.iter().map(|p| p.name()).collect();
                write!(f, "{} changed", names.join(" and "))
            }
            Self::Forced => f.write_str("asked for"),
            Self::NotSelected => f.write_str("not selected"),
            Self::ChangedOutside(fields) => {
                write!(f, "changed outside since the last apply: {}", names(fields))
            }
            Self::Adopted(fields) if fields.is_empty() => f.write_str("adopted"),
            Self::Adopted(fields) => write!(f, "adopted; {} changed", names(fields)),
            Self::FailedBefore(Some(code)) => write!(f, "failed with exit code {code}"),
            Self::FailedBefore(None) => f.write_str("failed before it could start"),
            Self::OutputMissing(path) => write!(f, "output {path} is missing"),
            Self::OutputEdited(path) => write!(f, "output {path} was edited"),
            Self::Underway => f.write_str("already in the job"),
            Self::UpstreamRuns => f.write_str("a task it depends on runs"),
            Self::OutputsNeeded => f.write_str("its outputs are read again and not in storage"),
            Self::JobReplaced => f.write_str("was not completed in the old job"),
            Self::OutputsNotHere => f.write_str("completed, outputs not downloaded yet"),
            Self::Cleanup => f.write_str("cleanup policy"),
            Self::Destroy => f.write_str("destroy"),
            Self::GoesWithJob => f.write_str("made and deleted with the job"),
        }
    }
}

fn names(fields: &[FieldChange]) -> String {
    let names: Vec<&str> = fields.iter().map(|c| c.field.as_str()).collect();
    names.join(", ")
}

/// A kind of thing that decides what a task writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPart {
    Command,
    Environment,
    Inputs,
    Node,
    Outputs,
}

impl TaskPart {
    fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Environment => "environment",
            Self::Inputs => "input",
            Self::Node => "image or start task",
            Self::Outputs => "output_files",
        }
    }
}

impl Reason {
    /// The fields in which a live resource is not as it should be.
    pub fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Differs(fields) | Self::ChangedOutside(fields) | Self::Adopted(fields) => fields,
            _ => &[],
        }
    }

    /// A word for grouping: the same for all outputs missing, whatever their names.
    pub fn group(&self) -> String {
        match self {
            Self::OutputMissing(_) => "output is missing".to_owned(),
            Self::OutputEdited(_) => "output was edited".to_owned(),
            other => other.to_string(),
        }
    }
}

/// One field of a live resource against what the manifest asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FieldChange {
    /// The REST name in snake_case, dotted.
    pub field: String,
    pub before: String,
    pub after: String,
    /// The service cannot change it in place.
    pub forces_replacement: bool,
}
