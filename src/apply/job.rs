//! Step 4: the job exists, bound to the pool, and takes tasks.

use std::time::Duration;

use super::context::Run;
use super::error::ApplyError;
use super::{schedule, wait};
use crate::client::Create;
use crate::clock;
use crate::desired::Access;
use crate::observed::owner;
use crate::plan::{Action, JobPlan, Reason, StepKind};
use crate::wire::batch::job::{JobState, JobUpdate};

/// Azure deletes the tasks' files first.
pub(super) const DELETION: Duration = Duration::from_secs(15 * 60);

pub(super) async fn ensure(run: &Run<'_>, plan: &JobPlan) -> Result<(), ApplyError> {
    let job = &run.desired.job;
    if job.schedule.is_some() {
        return schedule::ensure(run, plan).await;
    }
    let at = ApplyError::at(StepKind::Job);
    match plan.action {
        Action::Keep | Action::Delete | Action::Read => Ok(()),
        Action::Create => create(run).await,
        Action::Replace => {
            run.client
                .batch
                .delete_job(job.id.as_str())
                .await
                .map_err(at)?;
            run.changed(StepKind::Job, "deleted", job.id.as_str());
            create(run).await
        }
        Action::Update => {
            if plan.reason != Reason::JobDisabled {
                change(run).await?;
            }
            if plan.enable {
                let enabled = run.client.batch.enable_job(job.id.as_str()).await;
                enabled.map_err(at)?;
                run.changed(StepKind::Job, "enabled", job.id.as_str());
            }
            Ok(())
        }
    }
}

async fn change(run: &Run<'_>) -> Result<(), ApplyError> {
    let job = &run.desired.job;
    let update = JobUpdate {
        priority: job.template.priority,
        max_parallel_tasks: job.template.max_parallel_tasks,
        constraints: job.template.constraints.clone(),
        metadata: Some(job.template.metadata.clone()),
        ..JobUpdate::default()
    };
    let patched = run.client.batch.patch_job(job.id.as_str(), &update, None);
    patched.await.map_err(ApplyError::at(StepKind::Job))?;
    run.changed(StepKind::Job, "changed", job.id.as_str());
    Ok(())
}

/// Waits for a job of that id that is being deleted, then makes ours.
async fn create(run: &Run<'_>) -> Result<(), ApplyError> {
    let job = &run.desired.job;
    let urls = |access: Access<'_>| super::access::lasting_url(run, access);
    let sku = run.plan.pool.as_ref().map(|p| p.node_agent_sku.as_str());
    let body = run
        .desired
        .job_body(sku.unwrap_or_default(), clock::now().into(), &urls);
    let at = ApplyError::at(StepKind::Job);
    loop {
        gone(run).await?;
        match run.client.batch.create_job(&body).await.map_err(&at)? {
            Create::Created => {
                run.changed(StepKind::Job, "created", job.id.as_str());
                return has_pool(run).await;
            }
            Create::AlreadyExists => match run
                .client
                .batch
                .get_job(job.id.as_str())
                .await
                .map_err(&at)?
            {
                Some(live) if live.state == JobState::Deleting => {}
                None => {}
                // A lost answer to our own request.
                Some(live) if owner(&live.metadata) == Some(&run.desired.name) => return Ok(()),
                Some(_) => {
                    return Err(ApplyError::AppearedForeign {
                        kind: "job",
                        id: job.id.to_string(),
                    });
                }
            },
        }
        run.interrupted()?;
    }
}

/// A job whose auto pool could not be made is over before it began.
async fn has_pool(run: &Run<'_>) -> Result<(), ApplyError> {
    if run.desired.pool.auto.is_none() {
        return Ok(());
    }
    let job = run.client.batch.get_job(run.desired.job.id.as_str()).await;
    let job = job.map_err(ApplyError::at(StepKind::Job))?;
    match job.and_then(|j| j.execution_info?.scheduling_error) {
        None => Ok(()),
        Some(error) => Err(ApplyError::Allocation {
            pool: run.desired.pool.id.to_string(),
            code: error.code.unwrap_or_default(),
            message: error.message.unwrap_or_default(),
        }),
    }
}

async fn gone(run: &Run<'_>) -> Result<(), ApplyError> {
    let id = &run.desired.job.id;
    let what = format!("the old job `{id}` is deleted");
    wait::until(&what, DELETION, &run.cancel, || async {
        let live = run.client.batch.get_job(id.as_str()).await;
        let live = live.map_err(ApplyError::at(StepKind::Job))?;
        Ok(live
            .is_none_or(|l| l.state != JobState::Deleting)
            .then_some(()))
    })
    .await
}
