//! Tasks of a job as a table and for machines.

use std::time::Duration;

use anstyle::Style;
use serde_json::{Value, json};

use super::envelope::document;
use super::quantity::duration;
use super::style::{BOLD, GREEN, RED, YELLOW, paint};
use super::table::Table;
use crate::observed::LiveTask;
use crate::wire::batch::task::TaskState;
use crate::wire::time::Time;

const PLAIN: Style = Style::new();

/// A line for each task, with a heading; styled.
pub fn table(tasks: &[LiveTask], now: Time) -> String {
    let mut table = Table::new(["TASK", "STATE", "EXIT", "NODE", "TIME", "RETRIES"]);
    for task in tasks {
        let info = task.execution_info.as_ref();
        let node = task.node_info.as_ref().and_then(|n| n.node_id.as_deref());
        let exit = task.exit_code().map(|c| c.to_string());
        let retries = info.map(|i| i.retry_count).filter(|n| *n > 0);
        table.row([
            (BOLD, task.id.clone()),
            state(task),
            (PLAIN, exit.unwrap_or_default()),
            (PLAIN, node.unwrap_or_default().to_owned()),
            (PLAIN, taken(task, now).map(duration).unwrap_or_default()),
            (PLAIN, retries.map(|n| n.to_string()).unwrap_or_default()),
        ]);
    }
    table.render()
}

/// The same for machines.
pub fn json(job: &str, tasks: &[LiveTask]) -> String {
    let tasks: Vec<Value> = tasks.iter().map(one).collect();
    document("tasks", json!({ "job": job, "tasks": tasks }))
}

fn one(task: &LiveTask) -> Value {
    let info = task.execution_info.as_ref();
    let failure = info.and_then(|i| i.failure_info.as_ref());
    json!({
        "id": task.id,
        "state": task.state,
        "since": task.state_transition_time,
        "succeeded": task.is_completed().then(|| task.succeeded()),
        "exit_code": task.exit_code(),
        "node": task.node_info.as_ref().and_then(|n| n.node_id.clone()),
        "start_time": info.and_then(|i| i.start_time),
        "end_time": info.and_then(|i| i.end_time),
        "retries": info.map(|i| i.retry_count),
        "requeues": info.map(|i| i.requeue_count),
        "failure": failure.map(|f| json!({
            "category": f.category,
            "code": f.code,
            "message": f.message,
        })),
    })
}

fn state(task: &LiveTask) -> (Style, String) {
    match task.state {
        TaskState::Completed if task.succeeded() => (GREEN, "succeeded".to_owned()),
        TaskState::Completed => (RED, "failed".to_owned()),
        TaskState::Running | TaskState::Preparing => (YELLOW, task.state.to_string()),
        TaskState::Active => (PLAIN, "waiting".to_owned()),
        state => (PLAIN, state.to_string()),
    }
}

fn taken(task: &LiveTask, now: Time) -> Option<Duration> {
    let info = task.execution_info.as_ref()?;
    let start = info.start_time?;
    let end = match task.state {
        TaskState::Running => now,
        _ => info.end_time?,
    };
    Some(end.since(start).to_std())
}

/// What is said when no task matches.
pub fn none(job: &str) -> String {
    format!("No tasks of job `{}` match.\n", paint(BOLD, job))
}
