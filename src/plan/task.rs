//! Which tasks run, and why.

use serde::Serialize;

use super::action::Reason;
use crate::desired::{Desired, Task};
use crate::observed::{LiveTask, LocalOutput, Observed, TaskReceipt};

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
pub(super) fn tasks(desired: &Desired, observed: &Observed) -> Vec<TaskPlan> {
    (0..desired.tasks.len())
        .map(|task| judge(task, desired, observed))
        .collect()
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
    let reason = match (damage.flatten(), receipt, live) {
        (Some(damage), Some(receipt), _) => {
            if blobs_are_there(task, receipt, desired, observed) {
                return plan(TaskWork::Fetch, damage);
            }
            damage
        }
        (_, Some(_), _) | (_, _, Some(_)) => Reason::InputsChanged,
        (_, None, None) => Reason::NeverRan,
    };
    plan(added(live), reason)
}

fn added(live: Option<&LiveTask>) -> TaskWork {
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
