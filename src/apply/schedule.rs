//! Step 4 of a manifest with a schedule: the schedule exists. Its jobs come and go by themselves.

use super::context::Run;
use super::error::ApplyError;
use super::{access, job, wait};
use crate::client::Create;
use crate::clock;
use crate::desired::Access;
use crate::observed::owner;
use crate::plan::{Action, JobPlan, StepKind};
use crate::wire::batch::job_schedule::JobScheduleState;

pub(super) async fn ensure(run: &Run<'_>, plan: &JobPlan) -> Result<(), ApplyError> {
    match plan.action {
        Action::Keep | Action::Delete | Action::Read => return Ok(()),
        Action::Create => {}
        Action::Replace | Action::Update => {
            delete(run, StepKind::Job).await?;
            run.changed(StepKind::Job, "deleted", address(run));
        }
    }
    let at = ApplyError::at(StepKind::Job);
    let urls = |access: Access<'_>| access::lasting_url(run, access);
    let sku = run.plan.pool.as_ref().map(|p| p.node_agent_sku.as_str());
    let body = run
        .desired
        .schedule_body(sku.unwrap_or_default(), clock::now().into(), &urls);
    let Some(body) = body else {
        return Ok(());
    };
    loop {
        gone(run, StepKind::Job).await?;
        let batch = &run.client.batch;
        if batch.create_job_schedule(&body).await.map_err(&at)? == Create::Created {
            run.changed(StepKind::Job, "created", address(run));
            return Ok(());
        }
        match batch.get_job_schedule(&body.id).await.map_err(&at)? {
            None => {}
            Some(live) if live.state == JobScheduleState::Deleting => {}
            // A lost answer to our own request.
            Some(live) if owner(&live.metadata) == Some(&run.desired.name) => return Ok(()),
            Some(_) => {
                return Err(ApplyError::AppearedForeign {
                    kind: "job schedule",
                    id: body.id,
                });
            }
        }
        run.interrupted()?;
    }
}

/// Deletes the schedule with its jobs and waits until it is gone.
pub(super) async fn delete(run: &Run<'_>, step: StepKind) -> Result<(), ApplyError> {
    let id = run.desired.job.id.as_str();
    let deleted = run.client.batch.delete_job_schedule(id).await;
    deleted.map_err(ApplyError::at(step))?;
    gone(run, step).await
}

async fn gone(run: &Run<'_>, step: StepKind) -> Result<(), ApplyError> {
    let id = run.desired.job.id.as_str();
    let what = format!("the old job schedule `{id}` is deleted");
    wait::until(&what, job::DELETION, &run.cancel, || async {
        let live = run.client.batch.get_job_schedule(id).await;
        let live = live.map_err(ApplyError::at(step))?;
        Ok(live
            .is_none_or(|l| l.state != JobScheduleState::Deleting)
            .then_some(()))
    })
    .await
}

fn address(run: &Run<'_>) -> String {
    format!("schedule {}", run.desired.job.id)
}
