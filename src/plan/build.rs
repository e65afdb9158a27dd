//! Puts the steps together.

use super::action::{Action, Reason};
use super::cleanup::CleanupPlan;
use super::download::DownloadPlan;
use super::refused::Refused;
use super::task::{TaskPlan, TaskWork};
use super::{Plan, job, pool, task, transfer};
use crate::desired::{Desired, Task};
use crate::observed::Observed;

/// What makes the desired state true.
pub fn build(desired: &Desired, observed: &Observed) -> Result<Plan, Vec<Refused>> {
    let mut tasks = task::tasks(desired, observed);
    let works = tasks.iter().any(|t| t.work.is_awaited());
    let mut plan = Plan {
        containers: Vec::new(),
        uploads: Vec::new(),
        pool: None,
        job: None,
        tasks: Vec::new(),
        download: DownloadPlan::default(),
        cleanup: CleanupPlan::new(desired, observed, works),
    };
    if works {
        let mut refused = Vec::new();
        plan.pool = pool::pool(desired, observed)
            .map_err(|r| refused.push(r))
            .ok();
        plan.job = job::job(desired, observed, &tasks)
            .map_err(|r| refused.push(r))
            .ok();
        if !refused.is_empty() {
            return Err(refused);
        }
        if plan
            .job
            .as_ref()
            .is_some_and(|j| j.action == Action::Replace)
        {
            restart_with_new_job(&mut tasks);
        }
        let running: Vec<&Task> = tasks
            .iter()
            .filter(|t| t.work.is_awaited())
            .map(|t| &desired.tasks[t.task])
            .collect();
        plan.containers = transfer::containers(desired, observed);
        plan.uploads = transfer::uploads(desired, observed, &running);
    }
    plan.download = DownloadPlan::new(desired, &tasks);
    plan.tasks = tasks;
    Ok(plan)
}

/// A replaced job takes its tasks with it: what was underway is added anew.
fn restart_with_new_job(tasks: &mut [TaskPlan]) {
    for task in tasks {
        match task.work {
            TaskWork::Await => {
                task.work = TaskWork::Run;
                task.reason = Reason::JobReplaced;
            }
            TaskWork::Rerun => task.work = TaskWork::Run,
            TaskWork::UpToDate | TaskWork::Fetch | TaskWork::Run => {}
        }
    }
}

/// What leaves nothing of the manifest's behind.
pub fn destroy(desired: &Desired, observed: &Observed) -> Plan {
    let tasks = (0..desired.tasks.len()).map(|task| TaskPlan {
        task,
        work: TaskWork::UpToDate,
        reason: Reason::Destroy,
    });
    Plan {
        containers: Vec::new(),
        uploads: Vec::new(),
        pool: None,
        job: None,
        tasks: tasks.collect(),
        download: DownloadPlan::default(),
        cleanup: CleanupPlan::everything(desired, observed),
    }
}
