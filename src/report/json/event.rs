//! An apply as lines, one for each thing that happens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::failure::Failure;
use super::plan::Summary;
use crate::event::Event;
use crate::plan::StepKind;

/// One line of `batchflow apply --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line {
    /// The version of this format.
    pub version: u32,
    /// When it happened, UTC.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    #[serde(flatten)]
    pub body: Body,
}

/// What happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// The first line of every run: what will be done.
    Planned {
        /// The name of the manifest.
        manifest: String,
        /// Where it is applied, for people.
        target: String,
        /// Whether there is anything to do.
        changes: bool,
        summary: Summary,
    },
    /// A step begins.
    StepStarted {
        #[schemars(extend("enum" = STEPS))]
        step: &'static str,
        /// How many items it deals with.
        total: u64,
    },
    /// How far a step is. Some are left out.
    StepProgress {
        #[schemars(extend("enum" = STEPS))]
        step: &'static str,
        /// Items done.
        done: u64,
        /// Bytes moved; 0 in steps that move none.
        bytes: u64,
    },
    /// A step is over.
    StepFinished {
        #[schemars(extend("enum" = STEPS))]
        step: &'static str,
    },
    /// Something was made, changed or deleted.
    Changed {
        #[schemars(extend("enum" = STEPS))]
        step: &'static str,
        /// A word such as `created` or `deleted`.
        change: &'static str,
        /// What: its kind and name.
        address: String,
    },
    /// A task ended.
    TaskCompleted {
        task: String,
        success: bool,
        /// Null when no process was started.
        exit_code: Option<i32>,
        /// The node it ran on.
        node: Option<String>,
        /// When its last try began, UTC; null when it never ran.
        started: Option<String>,
        ended: Option<String>,
        /// How often it was run again because it had failed.
        retries: u32,
        /// How often it was run again because its node was lost.
        requeues: u32,
    },
    /// A task failed: what a person needs to know. Follows its `task_completed`.
    TaskFailed(Failure),
    /// Awaited tasks by state. Some are left out.
    TaskCounts {
        active: u64,
        running: u64,
        succeeded: u64,
        failed: u64,
    },
    /// Nodes by state. Some are left out.
    NodeCounts { states: BTreeMap<String, u64> },
    /// An output arrived.
    Downloaded {
        /// Below the download folder.
        path: String,
        bytes: u64,
    },
    /// Something is odd, and the run goes on.
    Warning { message: String },
    /// The last line of a run that came to its end.
    Finished(Outcome),
    /// The last line of a run that did not: the command failed or was interrupted.
    Failed {
        message: String,
        /// What lies below it, from the outside to the inside.
        causes: Vec<String>,
        /// What can be done.
        help: Vec<String>,
        /// What the command exits with.
        exit_code: u8,
    },
}

/// How a run ended.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Outcome {
    /// What the command exits with.
    pub exit_code: u8,
    /// Tasks that completed with success in this run or were completed already.
    pub succeeded: usize,
    pub up_to_date: usize,
    pub failed: usize,
    /// Tasks that never ran because one they depend on failed.
    pub blocked: usize,
    pub files_up: usize,
    pub bytes_up: u64,
    pub files_down: usize,
    pub bytes_down: u64,
    /// How long it took.
    pub seconds: f64,
    /// Why the run ended before its tasks did, for people.
    pub cut_short: Option<String>,
}

const STEPS: [&str; 9] = [
    "containers",
    "uploads",
    "pool",
    "job",
    "tasks",
    "monitor",
    "download",
    "delete_containers",
    "delete_job_and_pool",
];

impl Line {
    pub fn new(time: Timestamp, body: Body) -> Self {
        Self {
            version: VERSION,
            time: time.to_string(),
            body,
        }
    }
}

impl From<&Event> for Body {
    fn from(event: &Event) -> Self {
        match event.clone() {
            Event::StepStarted { step, total } => Self::StepStarted {
                step: name(step),
                total,
            },
            Event::StepProgress { step, done, bytes } => Self::StepProgress {
                step: name(step),
                done,
                bytes,
            },
            Event::StepFinished { step } => Self::StepFinished { step: name(step) },
            Event::Changed {
                step,
                change,
                address,
            } => Self::Changed {
                step: name(step),
                change,
                address,
            },
            Event::TaskCompleted {
                task,
                success,
                exit_code,
                run,
            } => Self::TaskCompleted {
                task,
                success,
                exit_code,
                node: run.node,
                started: run.started.map(|time| time.to_string()),
                ended: run.ended.map(|time| time.to_string()),
                retries: run.retries,
                requeues: run.requeues,
            },
            Event::TaskFailed(failure) => Self::TaskFailed(failure.into()),
            Event::TaskCounts(counts) => Self::TaskCounts {
                active: counts.active,
                running: counts.running,
                succeeded: counts.succeeded,
                failed: counts.failed,
            },
            Event::NodeCounts { states } => Self::NodeCounts {
                states: states.into_iter().collect(),
            },
            Event::Downloaded { path, bytes } => Self::Downloaded { path, bytes },
            Event::Warning { message } => Self::Warning { message },
        }
    }
}

fn name(step: StepKind) -> &'static str {
    STEPS[step.number() - 1]
}
