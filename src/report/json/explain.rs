//! Why tasks do not run, as a document.

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::failure::{Failure, Reason};
use crate::report::explain_tasks::{JobView, TaskView};

/// The answer of `batchflow explain MANIFEST [TASK] --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explanation {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["explain"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// The id of the job; null: there is none.
    pub job: Option<String>,
    /// The task that was asked for.
    pub task: Option<Asked>,
    /// How that task failed.
    pub failure: Option<Failure>,
    /// What keeps that task, or all tasks.
    pub reasons: Vec<Reason>,
    /// What keeps single tasks, when all were asked for.
    pub single: Vec<Single>,
}

/// The task that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Asked {
    pub id: String,
    /// As the REST API has it, such as `active`.
    pub state: &'static str,
    /// When it came into this state, UTC.
    pub since: String,
}

/// What keeps a task that waits.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Single {
    pub task: String,
    /// How many tasks it keeps, of those that were looked at.
    pub tasks: usize,
    pub reason: Reason,
}

impl Explanation {
    pub fn of_task(view: &TaskView<'_>) -> Self {
        let task = &view.one.task;
        let reasons = view.reasons.iter();
        Self {
            kind: "explain",
            version: VERSION,
            job: Some(view.job.to_owned()),
            task: Some(Asked {
                id: task.id.clone(),
                state: task.state.as_str(),
                since: task.state_transition_time.to_string(),
            }),
            failure: view.failure.cloned().map(Failure::from),
            reasons: reasons.map(|r| Reason::new(r, view.now)).collect(),
            single: Vec::new(),
        }
    }

    pub fn of_job(view: &JobView<'_>) -> Self {
        let reasons = view.reasons.iter();
        let single = view.single.iter().map(|(task, tasks, reason)| Single {
            task: task.clone(),
            tasks: *tasks,
            reason: Reason::new(reason, view.now),
        });
        Self {
            kind: "explain",
            version: VERSION,
            job: view.standing.job.as_ref().map(|job| job.id.clone()),
            task: None,
            failure: None,
            reasons: reasons.map(|r| Reason::new(r, view.now)).collect(),
            single: single.collect(),
        }
    }
}
