//! What happens during an apply, as data. Lifecycle events are never lost; progress events only say how far
//! something is and may be dropped. Neither knows about screens.
//!
//! To show something new, add an event here, emit it in `apply`, fold it in [`run_state`] and let `report` read
//! the fold.

mod run_state;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use run_state::{RunState, StepState};

use crate::plan::StepKind;

/// Where events go. Cheap to clone, callable from any task.
#[derive(Clone)]
pub struct Sink(Arc<dyn Fn(Event) + Send + Sync>);

impl Sink {
    pub fn new(f: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }

    /// For callers that do not watch.
    pub fn ignore() -> Self {
        Self::new(|_| ())
    }

    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A step begins; `total` is how many items it has to deal with.
    StepStarted {
        step: StepKind,
        total: u64,
    },
    /// How far a step is. May be dropped.
    StepProgress {
        step: StepKind,
        done: u64,
        bytes: u64,
    },
    StepFinished {
        step: StepKind,
    },
    /// Something was made, changed or deleted.
    Changed {
        step: StepKind,
        change: &'static str,
        address: String,
    },
    /// A task ended; `exit_code` is None when no process was started.
    TaskCompleted {
        task: String,
        success: bool,
        exit_code: Option<i32>,
        run: TaskRun,
    },
    /// A task failed: what a person needs to know.
    TaskFailed(TaskFailure),
    /// How many tasks are in which state. May be dropped.
    TaskCounts(TaskCounts),
    /// How many nodes are in which state. May be dropped.
    NodeCounts {
        states: Vec<(String, u64)>,
    },
    /// A file arrived under its final name.
    Downloaded {
        path: String,
        bytes: u64,
    },
    /// Something is odd but the run goes on.
    Warning {
        message: String,
    },
}

/// Where and when a task ran, by the clock of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    /// When it was added to the job.
    pub created: Option<Timestamp>,
    /// When its last try began; None when it never ran.
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub node: Option<String>,
    /// How often it was run again because it had failed.
    pub retries: u32,
    /// How often it was run again because its node was lost.
    pub requeues: u32,
}

/// Tasks by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    pub active: u64,
    pub running: u64,
    pub succeeded: u64,
    pub failed: u64,
}

/// Where a task failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Before it could start.
    Scheduling,
    /// Its program said so.
    Application,
    /// It reached one of its limits.
    Constraint,
    /// After it ended, when its outputs were uploaded.
    Upload,
    /// It was ended from outside: with its job, or by a request.
    Ended,
}

/// A failed task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFailure {
    pub task: String,
    pub exit_code: Option<i32>,
    pub cause: Cause,
    /// Whose fault the service says it is: `UserError` or `ServerError`.
    pub category: Option<String>,
    /// The node it ran on.
    pub node: Option<String>,
    /// The service's failure code, such as `TaskEnded` or `BlobNotFound`.
    pub code: Option<String>,
    /// The service's words for it.
    pub message: Option<String>,
    /// The end of what the task wrote to stderr.
    pub stderr_tail: Option<String>,
}
