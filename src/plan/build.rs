//! Puts the steps together.

use super::action::{Action, Reason};
use super::cleanup::{Around, CleanupPlan};
use super::cost::CostBound;
use super::download::DownloadPlan;
use super::options::Options;
use super::refused::Refused;
use super::task::{TaskPlan, TaskWork};
use super::{Plan, dependency, job, pool, task, transfer};
use crate::desired::{Desired, Task};
use crate::observed::Observed;

/// What makes the desired state true.
pub fn build(
    desired: &Desired,
    observed: &Observed,
    options: &Options,
) -> Result<Plan, Vec<Refused>> {
    let unknown: Vec<Refused> = options
        .unknown(desired)
        .map(|id| no_such_task(desired, id))
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut tasks = task::tasks(desired, observed, options);
    dependency::spread(&mut tasks, desired, observed);
    // What a schedule needs is looked after at every apply: its jobs may begin at any time.
    let works = desired.job.schedule.is_some() || tasks.iter().any(|t| t.work.is_awaited());
    let around = Around {
        works,
        leaves_tasks: tasks.iter().any(|t| t.work == TaskWork::Left),
        adopts: options.adopt,
    };
    let mut plan = Plan {
        containers: Vec::new(),
        uploads: Vec::new(),
        pool: None,
        job: None,
        tasks: Vec::new(),
        download: DownloadPlan::default(),
        pool_users: observed.pool_users.clone(),
        cleanup: CleanupPlan::new(desired, observed, around),
        cost: works.then(|| CostBound::new(desired, observed, options.adopt)),
    };
    if works {
        let mut refused = Vec::new();
        let awaits = tasks.iter().any(|t| t.work.is_awaited());
        plan.pool = pool::pool(desired, observed, awaits, options)
            .map_err(|r| refused.push(r))
            .ok();
        plan.job = job::job(desired, observed, &tasks, options)
            .map_err(|r| refused.push(r))
            .ok();
        refused.extend(foreign_file(desired, observed, &tasks));
        if !refused.is_empty() {
            return Err(refused);
        }
        if plan
            .job
            .as_ref()
            .is_some_and(|j| j.action == Action::Replace || j.reason == Reason::BeingDeleted)
        {
            restart_with_new_job(&mut tasks);
        }
        let running: Vec<&Task> = tasks
            .iter()
            .filter(|t| t.work.is_awaited())
            .map(|t| &desired.tasks[t.task])
            .collect();
        plan.containers = transfer::containers(desired, observed, options);
        plan.uploads = transfer::uploads(desired, observed, &running);
    }
    plan.download = DownloadPlan::new(desired, &tasks);
    plan.tasks = tasks;
    Ok(plan)
}

/// The first file in the download folder that is in the way of a task.
fn foreign_file(desired: &Desired, observed: &Observed, tasks: &[TaskPlan]) -> Option<Refused> {
    let download = desired.download.as_ref()?;
    let added = tasks.iter().filter(|t| t.work.is_added());
    added
        .map(|plan| &desired.tasks[plan.task])
        .find_map(|task| {
            let mut files = task.known_files(download);
            let file = files.find(|file| observed.foreign.contains(*file))?;
            Some(Refused::ForeignFile {
                path: download.to.join(file),
                task: task.id.to_string(),
            })
        })
}

/// Ids that begin like it are shown.
fn no_such_task(desired: &Desired, id: &str) -> Refused {
    const SHOWN: usize = 5;
    let start: String = id.chars().take(id.chars().count().div_ceil(2)).collect();
    let ids = desired.tasks.iter().map(|t| t.id.as_str());
    Refused::NoSuchTask {
        id: id.to_owned(),
        near: ids
            .filter(|known| known.starts_with(&start))
            .take(SHOWN)
            .map(str::to_owned)
            .collect(),
    }
}

/// A job that is replaced or being deleted takes its tasks with it: what was underway is added anew.
fn restart_with_new_job(tasks: &mut [TaskPlan]) {
    for task in tasks {
        match task.work {
            TaskWork::Await => {
                task.work = TaskWork::Run;
                task.reason = Reason::JobReplaced;
            }
            TaskWork::Rerun => task.work = TaskWork::Run,
            TaskWork::UpToDate | TaskWork::Left | TaskWork::Fetch | TaskWork::Run => {}
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
        pool_users: observed.pool_users.clone(),
        cleanup: CleanupPlan::everything(desired, observed),
        cost: None,
    }
}
