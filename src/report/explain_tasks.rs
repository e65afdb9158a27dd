//! Why tasks do not run, as an answer to a person.

use std::fmt::Write;

use super::cause::{Stderr, causes};
use super::failure;
use super::quantity::{count, duration};
use super::reason;
use super::style::{BOLD, paint};
use crate::event::TaskFailure;
use crate::observed::{Reason, Standing, TaskStanding};
use crate::wire::time::Time;

/// The answer about one task.
pub struct TaskView<'a> {
    pub one: &'a TaskStanding,
    pub reasons: &'a [Reason],
    /// When it failed.
    pub failure: Option<&'a TaskFailure>,
    pub job: &'a str,
    pub now: Time,
}

impl TaskView<'_> {
    /// Lines for a person; styled.
    pub fn render(&self) -> String {
        let task = &self.one.task;
        let mut out = format!(
            "{} `{}` of job `{}`: {}, for {}\n",
            paint(BOLD, "Task"),
            task.id,
            self.job,
            task.state,
            duration(self.now.since(task.state_transition_time).to_std())
        );
        if let Some(failed) = self.failure {
            out.push_str(&failure::render(failed));
            for cause in causes(std::slice::from_ref(failed), Stderr::Above) {
                let _ = writeln!(out, "  {cause}");
            }
            return out;
        }
        for reason in self.reasons {
            out.push_str(&reason::render(reason, self.now));
        }
        out
    }
}

/// The answer about a whole job.
pub struct JobView<'a> {
    pub standing: &'a Standing,
    /// What keeps all tasks.
    pub reasons: &'a [Reason],
    /// What keeps single ones: a task that waits for it, how many do of those looked at, and why.
    pub single: &'a [(String, usize, Reason)],
    /// Whether nodes run only while another command does.
    pub is_paused: bool,
    pub now: Time,
}

impl JobView<'_> {
    /// Lines for a person; styled.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let counts = self.standing.counts.as_ref().map(|c| &c.task_counts);
        let waiting = counts.map_or(0, |c| c.active);
        if let (Some(job), Some(counts)) = (&self.standing.job, counts) {
            let _ = writeln!(
                out,
                "{} `{}`: {}, {} waiting, {} running, {} completed",
                paint(BOLD, "Job"),
                job.id,
                job.state,
                counts.active,
                counts.running,
                counts.completed
            );
        }
        if self.is_paused && waiting > 0 {
            out.push_str(
                "Nothing runs now: nodes of the local service work only while `batchflow apply` runs.\n",
            );
        }
        for reason in self.reasons {
            out.push_str(&reason::render(reason, self.now));
        }
        for (task, number, reason) in self.single {
            let others = match number {
                1 => String::new(),
                n => format!(" and {} like it", count(n - 1, "task")),
            };
            let _ = writeln!(out, "{} `{task}`{others}:", paint(BOLD, "Task"));
            out.push_str(&reason::render(reason, self.now));
        }
        if self.reasons.is_empty() && self.single.is_empty() {
            out.push_str(match waiting {
                0 => "No task waits.\n",
                _ => "Nothing is in the way: tasks wait for their turn.\n",
            });
        }
        out
    }
}
