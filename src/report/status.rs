//! How a manifest stands: its job, its pool, what failed, and what is in the way.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::cause::{Stderr, causes, kind};
use super::quantity::{count, duration};
use super::reason;
use super::style::{BOLD, DIM, RED, paint};
use crate::event::TaskFailure;
use crate::observed::{Reason, Standing};
use crate::wire::batch::job::JobState;
use crate::wire::batch::node::Node;
use crate::wire::batch::pool::Pool;
use crate::wire::time::Time;

/// Failed tasks that are named.
const SHOWN: usize = 10;

/// What status shows.
pub struct StatusView<'a> {
    pub target: &'a str,
    /// The manifest's name.
    pub name: &'a str,
    pub standing: &'a Standing,
    pub reasons: &'a [Reason],
    /// As many as were asked for, in order of id.
    pub failures: &'a [TaskFailure],
    /// Whether nodes run only while another command does.
    pub is_paused: bool,
    /// How the manifest is given on the command line.
    pub manifest: &'a str,
    pub now: Time,
}

impl StatusView<'_> {
    /// A page for a person; styled.
    pub fn render(&self) -> String {
        let mut out = format!("Target: {}\n", self.target);
        self.job(&mut out);
        self.pool(&mut out);
        if self.is_paused && self.has_work() {
            out.push_str(
                "Nothing runs now: nodes of the local service work only while `batchflow apply` runs.\n",
            );
        }
        self.failed(&mut out);
        // That there is nothing is said above already.
        let news = |r: &&Reason| !matches!(r, Reason::NoJob | Reason::JobCompleted { .. });
        for reason in self.reasons.iter().filter(news) {
            let _ = write!(out, "\n{}", reason::render(reason, self.now));
        }
        out
    }

    fn has_work(&self) -> bool {
        let counts = self.standing.counts.as_ref().map(|c| &c.task_counts);
        counts.is_some_and(|c| c.active + c.running > 0)
    }

    fn age(&self, since: Time) -> String {
        duration(self.now.since(since).to_std())
    }

    fn job(&self, out: &mut String) {
        let title = paint(BOLD, "Job");
        if let Some(schedule) = &self.standing.schedule {
            let next = schedule.execution_info.next_run_time;
            let next = next
                .map(|t| format!(", next job at {t}"))
                .unwrap_or_default();
            let _ = writeln!(
                out,
                "{} `{}`: {}{next}",
                paint(BOLD, "Schedule"),
                schedule.id,
                schedule.state
            );
        }
        let Some(job) = &self.standing.job else {
            let _ = writeln!(out, "{title}: none");
            return;
        };
        let reason = match job.state {
            JobState::Completed => job
                .execution_info
                .as_ref()
                .and_then(|i| i.terminate_reason.as_deref())
                .map(|r| format!(" ({r})"))
                .unwrap_or_default(),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "{title} `{}`: {}{reason}, for {}",
            job.id,
            job.state,
            self.age(job.state_transition_time)
        );
        if let Some(counts) = &self.standing.counts {
            let c = &counts.task_counts;
            let total = c.active + c.running + c.completed;
            let failed = match c.failed {
                0 => "0 failed".to_owned(),
                n => paint(RED, format!("{n} failed")),
            };
            let _ = writeln!(
                out,
                "  {}: {} waiting, {} running, {} succeeded, {failed}",
                count(usize::try_from(total).unwrap_or(0), "task"),
                c.active,
                c.running,
                c.succeeded
            );
        }
    }

    fn pool(&self, out: &mut String) {
        let title = paint(BOLD, "Pool");
        let Some(pool) = &self.standing.pool else {
            let _ = writeln!(out, "{title}: none");
            return;
        };
        let allocation = pool
            .allocation_state
            .map(|s| format!(", {s}"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "{title} `{}`: {}{allocation}, {}",
            pool.id,
            pool.state,
            size(pool)
        );
        if !self.standing.nodes.is_empty() {
            let states = by_state(&self.standing.nodes);
            let states: Vec<String> = states.iter().map(|(s, n)| format!("{n} {s}")).collect();
            let _ = writeln!(
                out,
                "  {}: {}",
                count(self.standing.nodes.len(), "node"),
                states.join(", ")
            );
        }
    }

    fn failed(&self, out: &mut String) {
        if self.failures.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", paint(BOLD, "Failed"));
        let shown = &self.failures[..self.failures.len().min(SHOWN)];
        let widest = shown.iter().map(|f| f.task.chars().count()).max();
        for failure in shown {
            let _ = writeln!(out, "  {}", failure_line(failure, widest.unwrap_or(0)));
        }
        let more = self.failures.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(
                out,
                "  {}",
                paint(
                    DIM,
                    format!(
                        "and {more} more: batchflow tasks {} --failed",
                        self.manifest
                    )
                )
            );
        }
        for cause in causes(self.failures, Stderr::Elsewhere) {
            let _ = writeln!(out, "  {cause}");
        }
        if let Some(first) = self.failures.first() {
            let _ = writeln!(
                out,
                "  {}",
                paint(
                    DIM,
                    format!("batchflow logs {} {}", self.manifest, first.task)
                )
            );
        }
    }
}

/// A failed task in one line, its id as wide as the widest; styled.
fn failure_line(failure: &TaskFailure, width: usize) -> String {
    let how = match failure.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "did not start".to_owned(),
    };
    let words = [&failure.code, &failure.message];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    let words = match words.is_empty() {
        true => String::new(),
        false => format!("; {}, {}", kind(failure.cause), words.join(": ")),
    };
    let task = format!("{:<width$}", failure.task);
    format!("{}  {how}{words}", paint(RED, task))
}

fn size(pool: &Pool) -> String {
    let of = |current: i32, target: Option<i32>, kind: &str| match (current, target) {
        (0, None | Some(0)) => None,
        (current, Some(target)) if target != current => {
            Some(format!("{current} of {target} {kind}"))
        }
        (current, _) => Some(format!("{current} {kind}")),
    };
    let parts = [
        of(
            pool.current_dedicated_nodes,
            pool.target_dedicated_nodes,
            "dedicated",
        ),
        of(
            pool.current_low_priority_nodes,
            pool.target_low_priority_nodes,
            "low-priority",
        ),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let vm_size = &pool.vm_size;
    match parts.is_empty() {
        true => format!("no nodes of {vm_size}"),
        false => format!("{} {vm_size}", parts.join(" and ")),
    }
}

/// How many nodes are in each state.
pub(super) fn by_state(nodes: &[Node]) -> BTreeMap<&'static str, usize> {
    let mut states = BTreeMap::new();
    for node in nodes {
        *states.entry(node.state.as_str()).or_default() += 1;
    }
    states
}
