//! What comes home.

use serde::Serialize;

use super::task::{TaskPlan, TaskWork};
use crate::desired::Desired;

/// The download step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DownloadPlan {
    /// Tasks whose outputs are fetched without running them.
    pub fetched: usize,
    /// Tasks that run first.
    pub after_run: usize,
    /// The manifest asks for no download: only the receipt is written.
    pub receipt_only: bool,
}

impl DownloadPlan {
    pub(super) fn new(desired: &Desired, tasks: &[TaskPlan]) -> Self {
        let count = |f: fn(TaskWork) -> bool| tasks.iter().filter(|t| f(t.work)).count();
        Self {
            fetched: count(|w| w == TaskWork::Fetch),
            after_run: count(TaskWork::is_awaited),
            receipt_only: desired.download.is_none(),
        }
    }

    /// Whether nothing is to be brought home.
    pub fn is_empty(&self) -> bool {
        self.fetched == 0 && self.after_run == 0
    }
}
