//! How many tasks of a job are in each state, kept as they change.

use super::task::{Phase, Task};
use crate::wire::batch::task::{TaskCounts, TaskCountsResult, TaskSlotCounts};

/// Tasks and the slots they need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) tasks: u32,
    pub(super) slots: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) active: Tally,
    /// Preparing or running.
    pub(super) running: Tally,
    pub(super) succeeded: Tally,
    pub(super) failed: Tally,
}

impl Counts {
    fn tally(&mut self, task: &Task) -> &mut Tally {
        match task.phase {
            Phase::Active => &mut self.active,
            Phase::Preparing(_) | Phase::Running(_) => &mut self.running,
            Phase::Completed { succeeded: true } => &mut self.succeeded,
            Phase::Completed { succeeded: false } => &mut self.failed,
        }
    }

    pub(super) fn add(&mut self, task: &Task) {
        let tally = self.tally(task);
        tally.tasks += 1;
        tally.slots += u64::from(task.limits.slots);
    }

    pub(super) fn remove(&mut self, task: &Task) {
        let tally = self.tally(task);
        tally.tasks -= 1;
        tally.slots -= u64::from(task.limits.slots);
    }

    pub(super) fn view(&self) -> TaskCountsResult {
        let tasks = |t: Tally| i32::try_from(t.tasks).unwrap_or(i32::MAX);
        let slots = |t: Tally| i32::try_from(t.slots).unwrap_or(i32::MAX);
        let both = |f: &dyn Fn(Tally) -> i32| f(self.succeeded).saturating_add(f(self.failed));
        TaskCountsResult {
            task_counts: TaskCounts {
                active: tasks(self.active),
                running: tasks(self.running),
                completed: both(&tasks),
                succeeded: tasks(self.succeeded),
                failed: tasks(self.failed),
            },
            task_slot_counts: TaskSlotCounts {
                active: slots(self.active),
                running: slots(self.running),
                completed: both(&slots),
                succeeded: slots(self.succeeded),
                failed: slots(self.failed),
            },
        }
    }
}
