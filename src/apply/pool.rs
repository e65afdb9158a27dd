//! Step 3: the pool exists as described.

use std::time::Duration;

use super::context::Run;
use super::error::ApplyError;
use super::wait;
use crate::client::Create;
use crate::clock;
use crate::desired::{Access, Pool as DesiredPool};
use crate::observed::owner;
use crate::plan::{Action, PoolPlan, Reason, StepKind};
use crate::wire::batch::pool::{
    AllocationState, Pool, PoolEnableAutoScale, PoolResize, PoolState, PoolUpdate,
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
    let urls = |access: Access<'_>| super::access::lasting_url(run, access);
    let mut body = pool.body(&plan.node_agent_sku, &urls);
    let at = ApplyError::at(StepKind::Pool);
    loop {
        gone(run, pool).await?;
        if let Some(size) = pool.while_needed {
            size.put_into(&mut body, clock::now().into());
        }
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
    let urls = |access: Access<'_>| super::access::lasting_url(run, access);
    let body = pool.body(&plan.node_agent_sku, &urls);
    let mut update = PoolUpdate {
        metadata: Some(body.metadata),
        ..PoolUpdate::default()
    };
    // Those that `plan::pool` says are patched. What the plan does not name is as it should be, and may not be named to a pool that has nodes.
    for change in plan.reason.fields() {
        match change.field.split('.').next().unwrap_or_default() {
            "vm_size" => update.vm_size = Some(body.vm_size.clone()),
            "image" | "node_agent_sku_id" => {
                update.virtual_machine_configuration = body.virtual_machine_configuration.clone();
            }
            "task_slots_per_node" => update.task_slots_per_node = body.task_slots_per_node,
            "task_scheduling_policy" => {
                update.task_scheduling_policy = body.task_scheduling_policy.clone();
            }
            "enable_inter_node_communication" => {
                update.enable_inter_node_communication = body.enable_inter_node_communication;
            }
            "start_task" => update.start_task = body.start_task.clone(),
            _ => {}
        }
    }
    if plan.reason == Reason::NodesGone {
        // What the old one may read has perhaps ended since.
        update.start_task = body.start_task.clone();
    }
    run.client
        .batch
        .patch_pool(pool.id.as_str(), &update, None)
        .await
        .map_err(&at)?;
    run.changed(StepKind::Pool, "changed", pool.id.as_str());
    // Last: new nodes are made in the new way.
    if plan.autoscale {
        autoscale(run, pool).await?;
    }
    if plan.resize {
        resize(run, pool).await?;
    }
    Ok(())
}

/// Waits for a resize that is under way, then lets a formula size the pool, or no formula any more.
async fn autoscale(run: &Run<'_>, pool: &DesiredPool) -> Result<(), ApplyError> {
    let at = ApplyError::at(StepKind::Pool);
    let what = format!("the pool `{}` is steady", pool.id);
    wait::until(&what, RESIZE, &run.cancel, || async {
        let live = run.client.batch.get_pool(pool.id.as_str()).await;
        let live = live.map_err(ApplyError::at(StepKind::Pool))?;
        let steady = live.is_none_or(|l| l.allocation_state == Some(AllocationState::Steady));
        Ok(steady.then_some(()))
    })
    .await?;
    let settings = match pool.while_needed {
        Some(size) => size.call(clock::now().into()),
        None => PoolEnableAutoScale {
            auto_scale_evaluation_interval: pool.template.auto_scale_evaluation_interval,
            auto_scale_formula: pool.template.auto_scale_formula.clone(),
        },
    };
    let formula = settings.auto_scale_formula.clone();
    let batch = &run.client.batch;
    let what = format!("the pool `{}` takes another formula", pool.id);
    let result = wait::until(&what, RESIZE, &run.cancel, || async {
        let result = match &formula {
            Some(_) => batch.enable_auto_scale(pool.id.as_str(), &settings).await,
            None => batch.disable_auto_scale(pool.id.as_str()).await,
        };
        match result {
            // Not more often than twice a minute.
            Err(error) if error.is("TooManyEnableAutoScaleRequests") => Ok(None),
            result => Ok(Some(result)),
        }
    })
    .await?;
    if let Err(error) = result {
        // Refused may be our own request that arrived twice.
        let live = batch.get_pool(pool.id.as_str()).await.map_err(&at)?;
        let so_already = live.is_some_and(|l| {
            l.enable_auto_scale.unwrap_or(false) == formula.is_some()
                && (formula.is_none() || l.auto_scale_formula == formula)
        });
        if !so_already {
            return Err(at(error));
        }
    }
    run.changed(StepKind::Pool, "changed", pool.id.as_str());
    Ok(())
}

/// Waits for a resize that is under way, then starts ours.
async fn resize(run: &Run<'_>, pool: &DesiredPool) -> Result<(), ApplyError> {
    let at = ApplyError::at(StepKind::Pool);
    let wanted = PoolResize {
        target_dedicated_nodes: pool.template.target_dedicated_nodes,
        target_low_priority_nodes: pool.template.target_low_priority_nodes,
        resize_timeout: pool.template.resize_timeout,
        node_deallocation_option: None,
    };
    let targets = |live: &Pool| {
        let same = |want: Option<i32>, live: Option<i32>| want.is_none_or(|w| live == Some(w));
        same(wanted.target_dedicated_nodes, live.target_dedicated_nodes)
            && same(
                wanted.target_low_priority_nodes,
                live.target_low_priority_nodes,
            )
    };
    let what = format!("the pool `{}` is steady", pool.id);
    loop {
        let heads_there = wait::until(&what, RESIZE, &run.cancel, || async {
            let live = run.client.batch.get_pool(pool.id.as_str()).await;
            let live = live.map_err(ApplyError::at(StepKind::Pool))?;
            Ok(match live {
                // An answer to our own request that was lost, or somebody who wanted the same.
                Some(live) if targets(&live) => Some(true),
                Some(live) if live.allocation_state != Some(AllocationState::Steady) => None,
                _ => Some(false),
            })
        })
        .await?;
        if heads_there {
            return Ok(());
        }
        match run
            .client
            .batch
            .resize_pool(pool.id.as_str(), &wanted)
            .await
        {
            Ok(()) => {
                run.changed(StepKind::Pool, "resized", pool.id.as_str());
                return Ok(());
            }
            Err(error) if error.is("PoolBeingResized") => run.interrupted()?,
            Err(error) => return Err(at(error)),
        }
    }
}
