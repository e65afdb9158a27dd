//! Why tasks do not run, in words, each with what to do about it.

use std::fmt::Write;

use super::failure::tail;
use super::quantity::{count, duration};
use super::style::{BOLD, CYAN, DIM, RED, YELLOW, paint};
use crate::observed::{FailedPreparation, Reason};
use crate::wire::batch::job::JobState;
use crate::wire::batch::node::NodeState;
use crate::wire::batch::quota;
use crate::wire::time::Time;

/// How many names of nodes, tasks or jobs are shown of many.
const SHOWN: usize = 3;

/// A reason as a person reads it.
pub struct Words {
    /// The same for the same kind of reason; machines read it.
    pub code: &'static str,
    pub what: String,
    /// What to do; None: nothing but wait.
    pub help: Option<String>,
    /// The end of a stderr that says more.
    pub stderr_tail: Option<String>,
}

/// A reason in one or a few lines; styled.
pub fn render(reason: &Reason, now: Time) -> String {
    let words = words(reason, now);
    let mark = if reason.is_trouble() {
        paint(RED, "✗")
    } else {
        paint(YELLOW, "•")
    };
    let mut out = format!("{mark} {}\n", words.what);
    if words.stderr_tail.is_some() {
        tail(&mut out, words.stderr_tail.as_deref());
    }
    if let Some(help) = words.help {
        let _ = writeln!(out, "  {} {help}", paint(CYAN, "help:"));
    }
    out
}

/// A reason in words.
pub fn words(reason: &Reason, now: Time) -> Words {
    let (code, what, help) = describe(reason, now);
    let stderr_tail = match reason {
        Reason::StartTaskFailed { stderr_tail, .. }
        | Reason::PreparationFailed(FailedPreparation { stderr_tail, .. }) => stderr_tail.clone(),
        _ => None,
    };
    Words {
        code,
        what,
        help: help.map(str::to_owned),
        stderr_tail,
    }
}

type Description = (&'static str, String, Option<&'static str>);

fn describe(reason: &Reason, now: Time) -> Description {
    match reason {
        Reason::NoTask { .. }
        | Reason::BlockedBy { .. }
        | Reason::WaitsFor { .. }
        | Reason::DependsOnNothing { .. }
        | Reason::NeedsMoreSlots { .. }
        | Reason::NeedsMoreNodes { .. }
        | Reason::Retries { .. }
        | Reason::Runs { .. }
        | Reason::Prepares { .. }
        | Reason::Succeeded
        | Reason::Failed
        | Reason::ItsTurn { .. } => of_task(reason, now),
        Reason::NoPool { .. }
        | Reason::PoolDeleting { .. }
        | Reason::ResizeError { .. }
        | Reason::FormulaError { .. }
        | Reason::NoNodesWanted { .. }
        | Reason::NodesAreComing { .. } => of_pool(reason),
        Reason::NodesGetReady { .. }
        | Reason::StartTaskFailed { .. }
        | Reason::NodesAreLost { .. }
        | Reason::SchedulingDisabled { .. }
        | Reason::SlotsFull { .. } => of_nodes(reason),
        _ => of_job(reason, now),
    }
}

fn of_job(reason: &Reason, now: Time) -> Description {
    match reason {
        Reason::Foreign { what, id, owner } => (
            "foreign",
            format!("the {what} `{id}` was made by the manifest `{owner}`, not by this one"),
            Some("give one of the manifests another id"),
        ),
        Reason::NoSchedule => (
            "no_schedule",
            "there is no schedule".to_owned(),
            Some("apply the manifest"),
        ),
        Reason::WaitsForSchedule { next: Some(next) } if *next > now => (
            "waits_for_schedule",
            format!(
                "the schedule makes its next job at {next}, in {}",
                duration(next.since(now).to_std())
            ),
            None,
        ),
        Reason::WaitsForSchedule { .. } => (
            "waits_for_schedule",
            "the schedule has not made a job yet".to_owned(),
            None,
        ),
        Reason::ScheduleIs(state) => (
            "schedule_ended",
            format!("the schedule is {state}: it makes no more jobs"),
            Some("enable it, or apply the manifest again after `batchflow destroy`"),
        ),
        Reason::JobIs(JobState::Disabled | JobState::Disabling) => (
            "job_disabled",
            "the job is disabled: it starts no tasks".to_owned(),
            Some("apply again to enable it and run what is left"),
        ),
        Reason::JobIs(state) => (
            "job_state",
            format!("the job is {state}: it starts no tasks"),
            match state {
                JobState::Enabling => None,
                _ => Some("wait until that is done, then apply again to run what is left"),
            },
        ),
        Reason::JobCompleted { reason } => {
            let why = match reason.as_deref() {
                Some("AllTasksComplete") => " with all its tasks".to_owned(),
                Some(other) => format!(": {other}"),
                None => String::new(),
            };
            ("job_completed", format!("the job is completed{why}"), None)
        }
        Reason::JobRefused { code, message } => (
            "job_not_started",
            format!(
                "the job could not be started{}",
                said(code.as_deref(), message.as_deref())
            ),
            Some("correct what the message names, destroy the job and apply again"),
        ),
        Reason::PreparationFailed(failed) => (
            "preparation_failed",
            format!(
                "the preparation task of the job failed{} on {}",
                ended(failed.exit_code),
                failed.node
            ),
            Some("correct [job.job_preparation_task] and apply again; the job is made anew then"),
        ),
        Reason::MaxParallelTasks { limit } => (
            "max_parallel_tasks",
            format!(
                "`job.max_parallel_tasks` lets {} run at a time, and so many do",
                count(usize::try_from(*limit).unwrap_or(0), "task")
            ),
            Some("raise it to use more of the pool"),
        ),
        Reason::LowPriority { ahead } => (
            "low_priority",
            format!(
                "work with a higher priority goes first on this pool: {}",
                some(ahead, "job")
            ),
            Some("raise `job.priority`, or give the job a pool of its own"),
        ),
        _ => (
            "no_job",
            "there is no job: nothing runs".to_owned(),
            Some("`batchflow plan` shows what is left to do"),
        ),
    }
}

fn of_pool(reason: &Reason) -> Description {
    match reason {
        Reason::NoPool { pool } => (
            "no_pool",
            format!("the pool `{pool}` does not exist, so there are no nodes to run on"),
            Some("apply again; the pool is made anew"),
        ),
        Reason::PoolDeleting { pool } => (
            "pool_deleting",
            format!("the pool `{pool}` is being deleted"),
            Some("apply again when it is gone; the pool is made anew"),
        ),
        Reason::ResizeError { code, message } => {
            let code = code.as_deref();
            let is_quota = code.is_some_and(|c| c.contains("Quota"));
            (
                if is_quota { "quota" } else { "resize_error" },
                format!(
                    "the pool did not get its nodes{}",
                    said(code, message.as_deref())
                ),
                Some(
                    code.and_then(quota::advice).unwrap_or(
                        "ask for fewer nodes or another `pool.vm_size`, then apply again",
                    ),
                ),
            )
        }
        Reason::FormulaError { message } => (
            "formula_error",
            format!("the autoscale formula failed: {message}"),
            Some("try it with `batchflow autoscale check`, correct it and apply again"),
        ),
        Reason::NodesAreComing { current, target } => (
            "nodes_are_coming",
            format!("the pool is being resized: {current} of {target} nodes are there"),
            None,
        ),
        Reason::NoNodesWanted { by_formula: true } => (
            "no_nodes",
            "the pool has no nodes: its autoscale formula asks for none".to_owned(),
            Some("if that does not change, try the formula with `batchflow autoscale check`"),
        ),
        _ => (
            "no_nodes",
            "the pool has no nodes, and none were asked for".to_owned(),
            Some(
                "set `pool.target_dedicated_nodes` or `pool.target_low_priority_nodes` and apply again",
            ),
        ),
    }
}

fn of_nodes(reason: &Reason) -> Description {
    match reason {
        Reason::NodesGetReady { state, nodes } => {
            let doing = match state {
                NodeState::WaitingForStartTask => "the end of the start task".to_owned(),
                NodeState::Creating | NodeState::Starting => "the start".to_owned(),
                state => format!("the end of {state}"),
            };
            let nodes = count(*nodes, "node");
            (
                "nodes_get_ready",
                format!("waits for {doing} of {nodes}"),
                None,
            )
        }
        Reason::StartTaskFailed {
            nodes,
            exit_code,
            message,
            ..
        } => (
            "start_task_failed",
            format!(
                "the start task failed{} on {}{}",
                ended(*exit_code),
                some(nodes, "node"),
                said(None, message.as_deref())
            ),
            Some("correct [pool.start_task] and apply again; the pool is made anew then"),
        ),
        Reason::NodesAreLost {
            state,
            nodes,
            message,
        } => (
            "nodes_are_lost",
            format!(
                "{} {} {state}{}",
                some(nodes, "node"),
                if nodes.len() == 1 { "is" } else { "are" },
                said(None, message.as_deref())
            ),
            Some(match state {
                NodeState::Preempted => {
                    "Azure took these spot nodes back and brings others when it can; dedicated nodes stay"
                }
                NodeState::Deallocated | NodeState::Deallocating => {
                    "somebody stopped them: start them, or remove them from the pool"
                }
                _ => "reboot or reimage them, or remove them from the pool",
            }),
        ),
        Reason::SchedulingDisabled { nodes } => (
            "scheduling_disabled",
            format!(
                "no tasks are put on {}: scheduling is disabled there",
                some(nodes, "node")
            ),
            Some("somebody did that to look at them; enable scheduling again"),
        ),
        Reason::SlotsFull { used, slots, nodes } => (
            "slots_full",
            format!(
                "{used} of {slots} task slots are in use on {}",
                count(*nodes, "node")
            ),
            Some("more nodes, or a higher `pool.task_slots_per_node`, run more tasks at a time"),
        ),
        other => ("unknown", format!("{other:?}"), None),
    }
}

fn of_task(reason: &Reason, now: Time) -> Description {
    match reason {
        Reason::NoTask { task } => (
            "no_task",
            format!("the job has no task `{task}`"),
            Some("`batchflow tasks` lists what it has, `batchflow plan` what is left to do"),
        ),
        Reason::BlockedBy { task, exit_code } => (
            "blocked",
            format!(
                "it depends on `{task}`, which failed{}: it never runs",
                ended(*exit_code)
            ),
            Some("correct what failed and apply again; `exit_conditions` can let others go on"),
        ),
        Reason::WaitsFor { tasks } => (
            "waits_for_tasks",
            format!("it waits for {}", some(tasks, "task")),
            None,
        ),
        Reason::DependsOnNothing { tasks } => (
            "depends_on_nothing",
            format!(
                "it depends on what is not in the job: {}",
                some(tasks, "task")
            ),
            Some("apply again; missing tasks are added"),
        ),
        Reason::NeedsMoreSlots { required, per_node } => (
            "needs_more_slots",
            format!("it needs {required} task slots, and a node has {per_node}: it never runs"),
            Some("lower `required_slots`, or raise `pool.task_slots_per_node`"),
        ),
        Reason::NeedsMoreNodes { required, nodes } => (
            "needs_more_nodes",
            format!(
                "it needs {required} nodes at once, and {} can take tasks",
                count(*nodes, "node")
            ),
            Some("give the pool more nodes, or the task fewer instances"),
        ),
        Reason::Retries { retries, exit_code } => (
            "retries",
            format!(
                "it failed{} and waits to be tried again, for the {} time",
                ended(*exit_code),
                ordinal(*retries)
            ),
            None,
        ),
        Reason::Runs { node, since } => {
            ("runs", format!("it runs{}", place(node, *since, now)), None)
        }
        Reason::Prepares { node, since } => (
            "prepares",
            format!("its files are fetched{}", place(node, *since, now)),
            None,
        ),
        Reason::Succeeded => ("succeeded", "it succeeded".to_owned(), None),
        Reason::Failed => ("failed", "it failed".to_owned(), None),
        Reason::ItsTurn { active } if *active > 1 => (
            "its_turn",
            format!("nothing is in its way: it waits for its turn among {active} tasks"),
            None,
        ),
        _ => (
            "its_turn",
            "nothing is in its way: it is about to start".to_owned(),
            None,
        ),
    }
}

fn place(node: &Option<String>, since: Time, now: Time) -> String {
    let node = node
        .as_ref()
        .map(|n| format!(" on {n}"))
        .unwrap_or_default();
    format!("{node}, since {}", duration(now.since(since).to_std()))
}

fn ordinal(n: i32) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

fn ended(exit_code: Option<i32>) -> String {
    exit_code
        .map(|code| format!(" with exit code {code}"))
        .unwrap_or_default()
}

fn said(code: Option<&str>, message: Option<&str>) -> String {
    let words: Vec<&str> = code.into_iter().chain(message).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(": {}", words.join(": ")),
    }
}

/// The first of some names, and how many there are.
fn some(names: &[String], noun: &str) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    let shown = shown.join(", ");
    match names.len() {
        1 => format!("{noun} {shown}"),
        n if n <= SHOWN => format!("{noun}s {shown}"),
        n => format!("{} ({shown}, …)", count(n, noun)),
    }
}

/// A line that names what is explained; styled.
pub fn heading(text: &str, aside: &str) -> String {
    format!("{} {}\n", paint(BOLD, text), paint(DIM, aside))
}
