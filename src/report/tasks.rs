//! Tasks of a job as a table.

use std::time::Duration;

use anstyle::Style;

use super::quantity::duration;
use super::style::{BOLD, GREEN, RED, YELLOW, paint};
use super::table::Table;
use crate::observed::LiveTask;
use crate::wire::batch::task::TaskState;
use crate::wire::time::Time;

const PLAIN: Style = Style::new();

/// A line for each task, with a heading, no wider than `width`; styled.
pub fn table(tasks: &[LiveTask], now: Time, width: Option<usize>) -> String {
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
    table.render(width)
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
