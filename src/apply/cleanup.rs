//! Steps 8 and 9: what the cleanup policy deletes. The plan named it; deleting what is gone already is fine.

use super::context::Run;
use super::error::ApplyError;
use super::{job, job_tasks, pool, schedule, wait};
use crate::plan::{StepKind, StrayKind};

/// The containers to delete after a run that ended like this.
pub(super) fn doomed_containers<'a>(run: &'a Run<'_>, success: bool) -> Vec<&'a str> {
    let cleanup = &run.plan.cleanup;
    let named = cleanup
        .containers
        .iter()
        .filter(|(_, fate)| fate.is_deleted(success))
        .map(|(index, _)| run.desired.containers[*index].name.as_str());
    named
        .chain(doomed_strays(run, success, StrayKind::Container))
        .collect()
}

/// The jobs to delete.
pub(super) fn doomed_jobs<'a>(run: &'a Run<'_>, success: bool) -> Vec<&'a str> {
    let deleted = run.plan.cleanup.job.is_deleted(success);
    deleted
        .then_some(run.desired.job.id.as_str())
        .into_iter()
        .chain(doomed_strays(run, success, StrayKind::Job))
        .collect()
}

/// The pools to delete.
pub(super) fn doomed_pools<'a>(run: &'a Run<'_>, success: bool) -> Vec<&'a str> {
    let deleted = run.plan.cleanup.pool.is_deleted(success);
    deleted
        .then_some(run.desired.pool.id.as_str())
        .into_iter()
        .chain(doomed_strays(run, success, StrayKind::Pool))
        .collect()
}

fn doomed_strays<'a>(
    run: &'a Run<'_>,
    success: bool,
    kind: StrayKind,
) -> impl Iterator<Item = &'a str> {
    let strays = run.plan.cleanup.strays.iter();
    strays
        .filter(move |s| s.kind == kind && s.fate.is_deleted(success))
        .map(|s| s.name.as_str())
}

pub(super) async fn containers(run: &Run<'_>, doomed: Vec<&str>) -> Result<(), ApplyError> {
    run.each(doomed, |name| async move {
        let deleted = run.client.blob.delete_container(name).await;
        deleted.map_err(ApplyError::at(StepKind::DeleteContainers))?;
        run.changed(StepKind::DeleteContainers, "deleted", name);
        Ok(())
    })
    .await
    .map(drop)
}

/// Jobs go first, so that nothing of them is requeued when the nodes go. A job that cannot be deleted does not keep
/// a pool alive that costs money.
pub(super) async fn jobs_and_pools(
    run: &Run<'_>,
    jobs: Vec<&str>,
    pools: Vec<&str>,
) -> Result<(), ApplyError> {
    let jobs = run.each(jobs, |id| delete_job(run, id)).await;
    let pools = run.each(pools, |id| delete_pool(run, id)).await;
    jobs.and(pools).map(drop)
}

async fn delete_job(run: &Run<'_>, id: &str) -> Result<(), ApplyError> {
    let at = || ApplyError::at(StepKind::DeleteJobAndPool);
    let batch = &run.client.batch;
    let job = &run.desired.job;
    if id == job.id.as_str() && job.schedule.is_some() {
        schedule::delete(run, StepKind::DeleteJobAndPool).await?;
        let address = format!("schedule {id}");
        run.changed(StepKind::DeleteJobAndPool, "deleted", address);
        return Ok(());
    }
    // A job that does not end by itself is ended first: what its release tasks did is gone with it.
    if id == job.id.as_str() && !job.ends_with_tasks && job.template.job_release_task.is_some() {
        batch.terminate_job(id, None).await.map_err(at())?;
        job_tasks::released(run, StepKind::DeleteJobAndPool).await?;
    }
    batch.delete_job(id).await.map_err(at())?;
    let what = format!("the job `{id}` is deleted");
    wait::until(&what, job::DELETION, &run.cancel, || async {
        let live = batch.get_job(id).await.map_err(at())?;
        Ok(live.is_none().then_some(()))
    })
    .await?;
    run.changed(StepKind::DeleteJobAndPool, "deleted", format!("job {id}"));
    Ok(())
}

async fn delete_pool(run: &Run<'_>, id: &str) -> Result<(), ApplyError> {
    let at = || ApplyError::at(StepKind::DeleteJobAndPool);
    let batch = &run.client.batch;
    batch.delete_pool(id).await.map_err(at())?;
    let what = format!("the pool `{id}` is deleted");
    wait::until(&what, pool::DELETION, &run.cancel, || async {
        let live = batch.get_pool(id).await.map_err(at())?;
        Ok(live.is_none().then_some(()))
    })
    .await?;
    run.changed(StepKind::DeleteJobAndPool, "deleted", format!("pool {id}"));
    Ok(())
}
