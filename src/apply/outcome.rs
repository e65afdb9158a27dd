//! How a run ended, for the summary and the exit code.

use crate::event::TaskFailure;

/// What an apply did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Tasks that completed with success in this run or were completed already.
    pub succeeded: usize,
    pub up_to_date: usize,
    pub failures: Vec<TaskFailure>,
    /// Tasks that never ran because one they depend on failed.
    pub blocked: usize,
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub files_up: usize,
    pub files_down: usize,
    pub end: End,
}

/// How the waiting ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum End {
    /// Every task succeeded.
    #[default]
    Succeeded,
    /// All are completed, some failed.
    TasksFailed,
    /// The service ended the job at its time limit.
    JobDeadline,
    /// The exit conditions of a task that failed ended the job.
    EndedByTask,
    /// The exit conditions of a task that failed disabled the job.
    DisabledByTask,
    /// The job was ended by something else; its reason.
    JobEnded(String),
}

impl Outcome {
    pub fn success(&self) -> bool {
        self.end == End::Succeeded && self.failures.is_empty()
    }
}
