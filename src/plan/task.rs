//! Which tasks run, and why.

use serde::Serialize;

use super::action::{Reason, TaskPart};
use super::options::Options;
use crate::desired::{Desired, Output, Task};
use crate::observed::{LiveTask, LocalOutput, Observed, TaskReceipt};
use crate::wire::batch::command::OutputFileUploadCondition;

/// A task and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskPlan {
    /// Index of `desired.tasks`.
    pub task: usize,
    pub work: TaskWork,
    pub reason: Reason,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskWork {
    /// Its outputs are here and unchanged.
    UpToDate,
    /// It has something to do, but this run was told to leave it out.
    Left,
    /// It is done; only its outputs are brought home.
    Fetch,
    /// It is in the job already: waited for.
    Await,
    /// It is added to the job.
    Run,
    /// What the job holds of it is deleted, then it is added.
    Rerun,
}

impl TaskWork {
    /// Whether anything happens to it.
    pub fn is_something(self) -> bool {
        !matches!(self, Self::UpToDate | Self::Left)
    }

    /// Whether the monitor step waits for it.
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Await | Self::Run | Self::Rerun)
    }

    /// Whether it is added to the job.
    pub fn is_added(self) -> bool {
        matches!(self, Self::Run | Self::Rerun)
    }
}

/// Judges every task.
pub(super) fn tasks(desired: &Desired, observed: &Observed, options: &Options) -> Vec<TaskPlan> {
    (0..desired.tasks.len())
        .map(|task| selected(judge(task, desired, observed), desired, observed, options))
        .collect()
}

/// What becomes of a verdict when a person asked for certain tasks.
fn selected(plan: TaskPlan, desired: &Desired, observed: &Observed, options: &Options) -> TaskPlan {
    let id = desired.tasks[plan.task].id.as_str();
    let live = observed.tasks.get(&id.to_ascii_lowercase());
    let failed = live.is_some_and(|l| l.is_completed() && !l.succeeded());
    if !options.names(id) || (options.rerun_failed && !failed) {
        return match plan.work {
            TaskWork::UpToDate => plan,
            _ => TaskPlan {
                work: TaskWork::Left,
                reason: Reason::NotSelected,
                ..plan
            },
        };
    }
    match plan.work {
        TaskWork::UpToDate | TaskWork::Fetch if options.force => TaskPlan {
            work: added(live),
            reason: Reason::Forced,
            ..plan
        },
        _ => plan,
    }
}

fn judge(index: usize, desired: &Desired, observed: &Observed) -> TaskPlan {
    let task = &desired.tasks[index];
    let plan = |work, reason| TaskPlan {
        task: index,
        work,
        reason,
    };
    let receipt = observed.receipt.tasks.get(task.id.as_str());
    let current = receipt.filter(|r| r.digest == task.digest);
    let damage = current.map(|r| damage(r, observed));
    if let Some(None) = damage {
        return plan(TaskWork::UpToDate, Reason::Matches);
    }
    let live = observed.tasks.get(&task.id.as_str().to_ascii_lowercase());
    match live {
        Some(live) if live.digest() == Some(&task.digest) => {
            if !live.is_completed() {
                return plan(TaskWork::Await, Reason::Underway);
            }
            if live.succeeded() {
                return plan(
                    TaskWork::Fetch,
                    damage.flatten().unwrap_or(Reason::OutputsNotHere),
                );
            }
            return plan(TaskWork::Rerun, Reason::FailedBefore(live.exit_code()));
        }
        _ => {}
    }
    if receipt.is_none() && live.is_none() && outputs_are_stored(task, observed) {
        return plan(TaskWork::Fetch, Reason::OutputsNotHere);
    }
    let reason = match (damage.flatten(), receipt, live) {
        (Some(damage), Some(receipt), _) => {
            if blobs_are_there(task, receipt, desired, observed) {
                return plan(TaskWork::Fetch, damage);
            }
            damage
        }
        (_, Some(receipt), _) => Reason::Changed(changed_parts(receipt, task)),
        (_, None, Some(_)) => Reason::Changed(Vec::new()),
        (_, None, None) => Reason::NeverRan,
    };
    plan(added(live), reason)
}

/// Which parts of a task are not those of its receipt.
fn changed_parts(receipt: &TaskReceipt, task: &Task) -> Vec<TaskPart> {
    let Some(old) = &receipt.parts else {
        return Vec::new();
    };
    let new = &task.parts;
    [
        (TaskPart::Command, old.command != new.command),
        (TaskPart::Environment, old.environment != new.environment),
        (TaskPart::Inputs, old.inputs != new.inputs),
        (TaskPart::Node, old.node != new.node),
        (TaskPart::Outputs, old.outputs != new.outputs),
    ]
    .into_iter()
    .filter_map(|(part, changed)| changed.then_some(part))
    .collect()
}

/// Whether storage alone proves that this very task succeeded: every output is a single file that is stored on
/// success only, and carries the task's digest. How many files a wildcard stands for is not known.
fn outputs_are_stored(task: &Task, observed: &Observed) -> bool {
    let stored = |output: &Output| {
        let single = !output.pattern.contains(['*', '?', '[']);
        let blob = output.path.as_deref().filter(|_| single).and_then(|path| {
            let container = observed.containers.get(output.container.as_str())?;
            container.blobs.get(path)
        });
        output.condition == OutputFileUploadCondition::TaskSuccess
            && blob.is_some_and(|b| b.digest.as_deref() == Some(&task.digest))
    };
    !task.outputs.is_empty() && task.outputs.iter().all(stored)
}

pub(super) fn added(live: Option<&LiveTask>) -> TaskWork {
    match live {
        Some(_) => TaskWork::Rerun,
        None => TaskWork::Run,
    }
}

/// What is wrong with the outputs of a receipt, if anything.
fn damage(receipt: &TaskReceipt, observed: &Observed) -> Option<Reason> {
    receipt
        .outputs
        .iter()
        .find_map(|o| match observed.outputs.get(&o.path) {
            Some(LocalOutput::Intact) => None,
            Some(LocalOutput::Edited) => Some(Reason::OutputEdited(o.path.clone())),
            Some(LocalOutput::Missing) | None => Some(Reason::OutputMissing(o.path.clone())),
        })
}

/// Whether every output of the receipt is still in storage, written by this very task.
fn blobs_are_there(
    task: &Task,
    receipt: &TaskReceipt,
    desired: &Desired,
    observed: &Observed,
) -> bool {
    let Some(container) = desired
        .download
        .as_ref()
        .and_then(|d| observed.containers.get(d.container.as_str()))
    else {
        return false;
    };
    receipt.outputs.iter().all(|o| {
        container
            .blobs
            .get(&o.path)
            .is_some_and(|b| b.length == o.length && b.digest.as_deref() == Some(&task.digest))
    })
}
