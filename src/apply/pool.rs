//! Step 3: the pool exists as described.

use std::time::Duration;

use super::context::Run;
use super::error::ApplyError;
use super::wait;
use crate::client::Create;
use crate::desired::{Access, Pool as DesiredPool};
use crate::observed::owner;
use crate::plan::{Action, PoolPlan, StepKind};
use crate::wire::batch::pool::{
    AllocationState, PoolEnableAutoScale, PoolResize, PoolState, PoolUpdate,
};

/// Azure takes some minutes to take a pool's nodes away.
pub(super) const DELETION: Duration = Duration::from_secs(30 * 60);
/// A resize in progress ends by itself within its own timeout, 15 minutes by default.
const RESIZE: Duration = Duration::from_secs(30 * 60);

pub(super) async fn ensure(run: &Run<'_>, plan: &PoolPlan) -> Result<(), ApplyError> {
    match plan.action {
        Action::Keep | Action::Delete | Action::Read => Ok(()),
        Action::Create => create(run, plan).await,
        Action::Replace => {
            run.client
                .batch
                .delete_pool(run.desired.pool.id.as_str())
                .await
                .map_err(ApplyError::at(StepKind::Pool))?;
            run.changed(StepKind::Pool, "deleted", run.desired.pool.id.as_str());
            create(run, plan).await
        }
        Action::Update => update(run, plan).await,
    }
}

/// Waits for a pool of that id that is being deleted, then makes ours.
async fn create(run: &Run<'_>, plan: &PoolPlan) -> Result<(), ApplyError> {
    let pool = &run.desired.pool;
    let urls = |access: Access<'_>| super::tasks::url(run, access);
    let body = pool.body(&plan.node_agent_sku, &urls);
    let at = ApplyError::at(StepKind::Pool);
    loop {
        gone(run, pool).await?;
        match run.client.batch.create_pool(&body).await.map_err(&at)? {
            Create::Created => {
                run.changed(StepKind::Pool, "created", pool.id.as_str());
                return Ok(());
            }
            Create::AlreadyExists => match run
                .client
                .batch
                .get_pool(pool.id.as_str())
                .await
                .map_err(&at)?
            {
                Some(live) if live.state == PoolState::Deleting => {}
                None => {}
                // A lost answer to our own request.
                Some(live) if owner(&live.metadata) == Some(&run.desired.name) => return Ok(()),
                Some(_) => {
                    return Err(ApplyError::AppearedForeign {
                        kind: "pool",
                        id: pool.id.to_string(),
                    });
                }
            },
        }
        run.interrupted()?;
    }
}

/// Waits until the pool is not being deleted.
async fn gone(run: &Run<'_>, pool: &DesiredPool) -> Result<(), ApplyError> {
    let what = format!("the old pool `{}` is deleted", pool.id);
    wait::until(&what, DELETION, &run.cancel, || async {
        let live = run.client.batch.get_pool(pool.id.as_str()).await;
        let live = live.map_err(ApplyError::at(StepKind::Pool))?;
        Ok(live
            .is_none_or(|l| l.state != PoolState::Deleting)
            .then_some(()))
    })
    .await
}

async fn update(run: &Run<'_>, plan: &PoolPlan) -> Result<(), ApplyError> {
    let pool = &run.desired.pool;
    let at = ApplyError::at(StepKind::Pool);
    if plan.resize || plan.autoscale {
        let what = format!("the pool `{}` is steady", pool.id);
        wait::until(&what, RESIZE, &run.cancel, || async {
            let live = run.client.batch.get_pool(pool.id.as_str()).await;
            let live = live.map_err(ApplyError::at(StepKind::Pool))?;
            let steady = live.is_none_or(|l| l.allocation_state == Some(AllocationState::Steady));
            Ok(steady.then_some(()))
        })
        .await?;
    }
    if plan.autoscale {
        let formula = pool.template.auto_scale_formula.clone();
        let settings = PoolEnableAutoScale {
            auto_scale_evaluation_interval: pool.template.auto_scale_evaluation_interval,
            auto_scale_formula: formula.clone(),
        };
        let batch = &run.client.batch;
        match formula {
            Some(_) => batch.enable_auto_scale(pool.id.as_str(), &settings).await,
            None => batch.disable_auto_scale(pool.id.as_str()).await,
        }
        .map_err(&at)?;
        run.changed(StepKind::Pool, "changed", pool.id.as_str());
    }
    if plan.resize {
        let resize = PoolResize {
            target_dedicated_nodes: pool.template.target_dedicated_nodes,
            target_low_priority_nodes: pool.template.target_low_priority_nodes,
            resize_timeout: pool.template.resize_timeout,
            node_deallocation_option: None,
        };
        run.client
            .batch
            .resize_pool(pool.id.as_str(), &resize)
            .await
            .map_err(&at)?;
        run.changed(StepKind::Pool, "resized", pool.id.as_str());
    }
    let update = PoolUpdate {
        metadata: Some(pool.template.metadata.clone()),
        ..PoolUpdate::default()
    };
    run.client
        .batch
        .patch_pool(pool.id.as_str(), &update, None)
        .await
        .map_err(&at)
}
