//! How a manifest stands, as a document.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::failure::{Failure, Reason};
use crate::report::status::{StatusView, by_state};
use crate::wire::batch;
use crate::wire::batch::node::Node;

/// The answer of `batchflow status --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["status"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Where it is applied, for people.
    pub target: String,
    /// The name of the manifest.
    pub manifest: String,
    /// Null: there is none.
    pub job: Option<Job>,
    /// Tasks by state; null without a job.
    pub tasks: Option<Counts>,
    /// What makes the job; null: nothing does.
    pub schedule: Option<Schedule>,
    /// Null: there is none.
    pub pool: Option<Pool>,
    /// At most 1000, in order of id.
    pub failures: Vec<Failure>,
    /// What keeps tasks from running.
    pub reasons: Vec<Reason>,
}

/// The job.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Job {
    pub id: String,
    /// As the REST API has it, such as `active`.
    pub state: &'static str,
    /// When it came into this state, UTC.
    pub since: String,
    /// Why it ended, such as `AllTasksComplete`.
    pub terminate_reason: Option<String>,
}

/// Tasks by state.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Counts {
    /// They wait.
    pub active: i64,
    pub running: i64,
    pub succeeded: i64,
    pub failed: i64,
}

/// What makes a job again and again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Schedule {
    pub id: String,
    /// As the REST API has it, such as `active`.
    pub state: &'static str,
    /// When it makes the next job, UTC.
    pub next_run_time: Option<String>,
}

/// The pool.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pool {
    pub id: String,
    /// As the REST API has it, such as `active`.
    pub state: &'static str,
    /// As the REST API has it, such as `steady`.
    pub allocation_state: Option<&'static str>,
    pub vm_size: String,
    pub current_dedicated_nodes: i32,
    pub target_dedicated_nodes: Option<i32>,
    pub current_low_priority_nodes: i32,
    pub target_low_priority_nodes: Option<i32>,
    /// How many nodes are in each state.
    pub nodes: BTreeMap<&'static str, usize>,
}

impl Status {
    pub fn new(view: &StatusView<'_>) -> Self {
        let standing = view.standing;
        Self {
            kind: "status",
            version: VERSION,
            target: view.target.to_owned(),
            manifest: view.name.to_owned(),
            job: standing.job.as_ref().map(|job| Job {
                id: job.id.clone(),
                state: job.state.as_str(),
                since: job.state_transition_time.to_string(),
                terminate_reason: job
                    .execution_info
                    .as_ref()
                    .and_then(|i| i.terminate_reason.clone()),
            }),
            tasks: standing.counts.as_ref().map(|counts| Counts {
                active: counts.task_counts.active.into(),
                running: counts.task_counts.running.into(),
                succeeded: counts.task_counts.succeeded.into(),
                failed: counts.task_counts.failed.into(),
            }),
            schedule: standing.schedule.as_ref().map(|schedule| Schedule {
                id: schedule.id.clone(),
                state: schedule.state.as_str(),
                next_run_time: schedule
                    .execution_info
                    .next_run_time
                    .map(|time| time.to_string()),
            }),
            pool: standing
                .pool
                .as_ref()
                .map(|pool| Pool::new(pool, &standing.nodes)),
            failures: view.failures.iter().cloned().map(Failure::from).collect(),
            reasons: view
                .reasons
                .iter()
                .map(|reason| Reason::new(reason, view.now))
                .collect(),
        }
    }
}

impl Pool {
    fn new(pool: &batch::pool::Pool, nodes: &[Node]) -> Self {
        Self {
            id: pool.id.clone(),
            state: pool.state.as_str(),
            allocation_state: pool.allocation_state.map(|state| state.as_str()),
            vm_size: pool.vm_size.clone(),
            current_dedicated_nodes: pool.current_dedicated_nodes,
            target_dedicated_nodes: pool.target_dedicated_nodes,
            current_low_priority_nodes: pool.current_low_priority_nodes,
            target_low_priority_nodes: pool.target_low_priority_nodes,
            nodes: by_state(nodes),
        }
    }
}
