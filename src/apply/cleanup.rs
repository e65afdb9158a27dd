//! Steps 8 and 9: what the cleanup policy deletes. The plan named it; deleting what is gone already is fine.

use futures::{TryStreamExt, stream};

use super::context::{PARALLEL, Run};
use super::error::ApplyError;
use super::{job, job_tasks, pool, wait};
use crate::plan::StepKind;

pub(super) async fn containers(run: &Run<'_>, success: bool) -> Result<(), ApplyError> {
    let doomed = run
        .plan
        .cleanup
        .containers
        .iter()
        .filter(|(_, f)| f.is_deleted(success));
    stream::iter(doomed.map(Ok))
        .try_for_each_concurrent(PARALLEL, |(index, _)| async move {
            let container = &run.desired.containers[*index].name;
            let deleted = run.client.blob.delete_container(container.as_str()).await;
            deleted.map_err(ApplyError::at(StepKind::DeleteContainers))?;
            run.changed(StepKind::DeleteContainers, "deleted", container.as_str());
            Ok(())
        })
        .await
}

/// The job goes first, so that nothing of it is requeued when the nodes go.
pub(super) async fn job_and_pool(run: &Run<'_>, success: bool) -> Result<(), ApplyError> {
    let at = || ApplyError::at(StepKind::DeleteJobAndPool);
    let batch = &run.client.batch;
    if run.plan.cleanup.job.is_deleted(success) {
        let id = &run.desired.job.id;
        // A job that does not end by itself is ended first: what its release tasks did is gone with it.
        if !run.desired.job.ends_with_tasks && run.desired.job.template.job_release_task.is_some() {
            batch.terminate_job(id.as_str(), None).await.map_err(at())?;
            job_tasks::released(run, StepKind::DeleteJobAndPool).await?;
        }
        batch.delete_job(id.as_str()).await.map_err(at())?;
        let what = format!("the job `{id}` is deleted");
        wait::until(&what, job::DELETION, &run.cancel, || async {
            Ok(batch
                .get_job(id.as_str())
                .await
                .map_err(at())?
                .is_none()
                .then_some(()))
        })
        .await?;
        run.changed(StepKind::DeleteJobAndPool, "deleted", format!("job {id}"));
    }
    if run.plan.cleanup.pool.is_deleted(success) {
        let id = &run.desired.pool.id;
        batch.delete_pool(id.as_str()).await.map_err(at())?;
        let what = format!("the pool `{id}` is deleted");
        wait::until(&what, pool::DELETION, &run.cancel, || async {
            Ok(batch
                .get_pool(id.as_str())
                .await
                .map_err(at())?
                .is_none()
                .then_some(()))
        })
        .await?;
        run.changed(StepKind::DeleteJobAndPool, "deleted", format!("pool {id}"));
    }
    Ok(())
}
