//! The job against what the manifest asks.

use serde::Serialize;

use super::action::{Action, FieldChange, Reason};
use super::options::Options;
use super::pool::digest;
use super::refused::Refused;
use super::schedule;
use super::task::{TaskPlan, TaskWork};
use crate::desired::Desired;
use crate::observed::{Observed, owner};
use crate::wire::batch::job::{Job, JobCreate, JobState, OnAllTasksComplete};
use crate::wire::batch::pool::PoolInfo;

/// The job step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobPlan {
    pub action: Action,
    pub reason: Reason,
    /// With `Update`: it is disabled and goes on.
    pub enable: bool,
}

pub(super) fn job(
    desired: &Desired,
    observed: &Observed,
    tasks: &[TaskPlan],
    options: &Options,
) -> Result<JobPlan, Refused> {
    if desired.job.schedule.is_some() {
        return schedule::schedule(desired, observed);
    }
    let plan = |action, reason| {
        Ok(JobPlan {
            action,
            reason,
            enable: false,
        })
    };
    let Some(live) = &observed.job else {
        return plan(Action::Create, Reason::Absent);
    };
    if live.state == JobState::Deleting {
        return plan(Action::Create, Reason::BeingDeleted);
    }
    let mark = owner(&live.metadata);
    let adopted = mark.is_none() && options.adopt;
    if mark != Some(&desired.name) && !adopted {
        return Err(Refused::NotOurs {
            kind: "job",
            id: desired.job.id.to_string(),
            owner: mark.map(str::to_owned),
            differs: None,
        });
    }
    let waits = tasks.iter().any(|t| t.work.is_awaited());
    let changes = differences(&desired.job.template, live);
    let same_digest = digest(&live.metadata) == Some(desired.job.digest.as_str());
    let differs = |changes| match (adopted, same_digest) {
        (true, _) => Reason::Adopted(changes),
        (_, true) => Reason::ChangedOutside(changes),
        _ => Reason::Differs(changes),
    };
    if changes.iter().any(|c| c.forces_replacement) {
        return plan(Action::Replace, differs(changes));
    }
    match live.state {
        // Also when none is added: what a job's end left waiting in it never runs.
        JobState::Completed | JobState::Terminating if waits => {
            plan(Action::Replace, Reason::JobCompleted)
        }
        _ if ends_on_the_way(live, observed, desired, tasks) => {
            plan(Action::Replace, Reason::JobWouldEnd)
        }
        JobState::Disabled | JobState::Disabling if waits => Ok(JobPlan {
            action: Action::Update,
            reason: if changes.is_empty() && !adopted {
                Reason::JobDisabled
            } else {
                differs(changes)
            },
            enable: true,
        }),
        _ if adopted || (!changes.is_empty() && waits) => plan(Action::Update, differs(changes)),
        _ => plan(Action::Keep, Reason::Matches),
    }
}

/// A task is made anew by deleting it first; with the last one that is not completed, the job would end.
fn ends_on_the_way(live: &Job, observed: &Observed, desired: &Desired, tasks: &[TaskPlan]) -> bool {
    let waiting = |t: &&TaskPlan| {
        let id = desired.tasks[t.task].id.as_str().to_ascii_lowercase();
        t.work == TaskWork::Rerun && observed.tasks.get(&id).is_some_and(|l| !l.is_completed())
    };
    live.on_all_tasks_complete == Some(OnAllTasksComplete::TerminateJob)
        && tasks.iter().any(|t| waiting(&t))
        && !tasks.iter().any(|t| t.work == TaskWork::Await)
}

fn differences(want: &JobCreate, live: &Job) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let mut push = |field: &str, before: String, after: String, forces_replacement| {
        changes.push(FieldChange {
            field: field.to_owned(),
            before,
            after,
            forces_replacement,
        });
    };
    let show = |v: Option<i32>| v.map_or_else(String::new, |v| v.to_string());
    if want.priority.is_some() && want.priority != live.priority {
        push("priority", show(live.priority), show(want.priority), false);
    }
    if want.max_parallel_tasks.is_some() && want.max_parallel_tasks != live.max_parallel_tasks {
        push(
            "max_parallel_tasks",
            show(live.max_parallel_tasks),
            show(want.max_parallel_tasks),
            false,
        );
    }
    let wanted = want.constraints.as_ref();
    let existing = live.constraints.as_ref();
    let wall =
        |c: Option<&crate::wire::batch::job::JobConstraints>| c.and_then(|c| c.max_wall_clock_time);
    if let Some(after) = wall(wanted)
        && wall(existing) != Some(after)
    {
        let before = wall(existing).map_or_else(String::new, |d| d.to_string());
        push(
            "constraints.max_wall_clock_time",
            before,
            after.to_string(),
            false,
        );
    }
    let retries = |c: Option<&crate::wire::batch::job::JobConstraints>| {
        c.and_then(|c| c.max_task_retry_count)
    };
    if retries(wanted).is_some() && retries(wanted) != retries(existing) {
        push(
            "constraints.max_task_retry_count",
            show(retries(existing)),
            show(retries(wanted)),
            false,
        );
    }
    let name = |info: &PoolInfo| {
        info.pool_id
            .clone()
            .unwrap_or_else(|| "an auto pool".to_owned())
    };
    let (pool, wanted_pool) = (name(&live.pool_info), name(&want.pool_info));
    if !pool.eq_ignore_ascii_case(&wanted_pool) {
        push("pool_id", pool, wanted_pool, true);
    }
    // What remains (environment, flags) cannot be patched; the digest says whether any of it changed.
    if changes.is_empty() && digest(&want.metadata) != digest(&live.metadata) {
        changes.push(FieldChange {
            field: "settings".to_owned(),
            before: "other".to_owned(),
            after: "as in the manifest".to_owned(),
            forces_replacement: true,
        });
    }
    changes
}
