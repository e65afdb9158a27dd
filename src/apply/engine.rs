//! The steps in their order.

use super::context::Run;
use super::error::ApplyError;
use super::outcome::{End, Outcome};
use super::{access, cleanup, containers, download, job, job_tasks, monitor, pool, tasks, uploads};
use crate::event::Event;
use crate::plan::{StepKind, TaskWork};

/// Carries out all nine steps. What the cleanup policy deletes whatever happens is deleted after a failure, too;
/// an interrupt leaves everything as it is.
pub async fn run(run: Run<'_>) -> Result<Outcome, ApplyError> {
    let outcome = match work(&run).await {
        Err(ApplyError::Interrupted) => return Err(ApplyError::Interrupted),
        other => other,
    };
    let success = outcome.as_ref().is_ok_and(Outcome::success);
    let cleaned = clean_up(&run, success).await;
    match (outcome, cleaned) {
        (Err(error), Err(second)) => {
            run.events.emit(Event::Warning {
                message: format!(
                    "cleaning up failed as well: {second}; what is left is deleted by the next apply or by destroy, and costs money until then"
                ),
            });
            Err(error)
        }
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Ok(outcome), Ok(())) => Ok(outcome),
    }
}

/// Steps 1 to 7.
async fn work(run: &Run<'_>) -> Result<Outcome, ApplyError> {
    let plan = run.plan;
    let mut outcome = Outcome {
        up_to_date: plan
            .tasks
            .iter()
            .filter(|t| t.work == TaskWork::UpToDate)
            .count(),
        ..Outcome::default()
    };
    if !plan.download.is_empty() {
        // Says the same as before. That the folder cannot be written is better known before tasks run than after.
        run.receipt
            .save(&run.receipt_folder)
            .map_err(ApplyError::Receipt)?;
    }
    if !plan.containers.is_empty() {
        run.step(
            StepKind::Containers,
            plan.containers.len(),
            containers::ensure(run),
        )
        .await?;
    }
    if !plan.uploads.is_empty() {
        let sent = run
            .step(StepKind::Uploads, plan.uploads.len(), uploads::ensure(run))
            .await?;
        (outcome.files_up, outcome.bytes_up) = sent;
    }
    if plan.pool.is_some() || plan.job.is_some() {
        access::prepare(run).await?;
    }
    if let Some(pool_plan) = &plan.pool {
        run.step(StepKind::Pool, 1, pool::ensure(run, pool_plan))
            .await?;
    }
    if let Some(job_plan) = &plan.job {
        run.step(StepKind::Job, 1, job::ensure(run, job_plan))
            .await?;
    }
    let added = plan.tasks.iter().filter(|t| t.work.is_added()).count();
    if plan.job.is_some() && run.desired.job.schedule.is_none() {
        run.step(StepKind::Tasks, added, tasks::ensure(run)).await?;
    }
    let mut succeeded: Vec<usize> = Vec::new();
    let awaited = plan.tasks_to_wait_for();
    if awaited > 0 {
        let watched = run
            .step(StepKind::Monitor, awaited, monitor::watch(run))
            .await?;
        succeeded = watched.succeeded;
        outcome.failures = watched.failures;
        outcome.blocked = watched.blocked;
        outcome.end = watched.end;
        if run.desired.job.ends_with_tasks {
            job_tasks::released(run, StepKind::Monitor).await?;
        }
    }
    let fetched = plan
        .tasks
        .iter()
        .filter(|t| t.work == TaskWork::Fetch)
        .map(|t| t.task);
    succeeded.extend(fetched);
    outcome.succeeded = succeeded.len();
    if !plan.download.is_empty() {
        let got = run
            .step(
                StepKind::Download,
                succeeded.len(),
                download::ensure(run, &succeeded),
            )
            .await?;
        (outcome.files_down, outcome.bytes_down) = got;
    }
    if outcome.end == End::Succeeded && !outcome.failures.is_empty() {
        outcome.end = End::TasksFailed;
    }
    Ok(outcome)
}

/// Steps 8 and 9.
async fn clean_up(run: &Run<'_>, success: bool) -> Result<(), ApplyError> {
    let doomed = cleanup::doomed_containers(run, success);
    let mut result = Ok(());
    if !doomed.is_empty() {
        result = run
            .step(
                StepKind::DeleteContainers,
                doomed.len(),
                cleanup::containers(run, doomed),
            )
            .await;
    }
    let jobs = cleanup::doomed_jobs(run, success);
    let pools = cleanup::doomed_pools(run, success);
    if !(jobs.is_empty() && pools.is_empty()) {
        let rest = run
            .step(
                StepKind::DeleteJobAndPool,
                jobs.len() + pools.len(),
                cleanup::jobs_and_pools(run, jobs, pools),
            )
            .await;
        result = result.and(rest);
    }
    result
}
