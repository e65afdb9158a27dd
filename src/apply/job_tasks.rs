//! How a job's preparation and release tasks went on its nodes. A preparation that fails everywhere ends the wait;
//! a release that fails is only told, as the service completes the job all the same.

use std::collections::HashSet;
use std::time::Duration;

use futures::TryStreamExt;

use super::context::Run;
use super::error::ApplyError;
use super::trouble::{self, node_stderr};
use super::wait;
use crate::client::batch::ListOptions;
use crate::event::Event;
use crate::plan::StepKind;
use crate::wire::batch::command::ExecutionResult;
use crate::wire::batch::job::{
    JobPreparationAndReleaseTaskStatus as Status, JobPreparationTaskState, JobState,
};
use crate::wire::batch::node::{Node, NodeState};

/// A release task takes 15 minutes at most; the service starts it on all nodes at once.
const RELEASE: Duration = Duration::from_secs(20 * 60);

/// Preparations that failed, each told once.
#[derive(Default)]
pub(super) struct Preparations {
    told: HashSet<String>,
}

impl Preparations {
    /// An error when it failed on every node there is.
    pub(super) async fn check(&mut self, run: &Run<'_>, nodes: &[Node]) -> Result<(), ApplyError> {
        let job = &run.desired.job;
        let Some(task) = &job.template.job_preparation_task else {
            return Ok(());
        };
        let failed: Vec<Status> = statuses(run, StepKind::Monitor)
            .await?
            .into_iter()
            .filter(preparation_failed)
            .collect();
        let failed_on = |node: &Node| {
            failed
                .iter()
                .any(|s| s.node_id.as_deref() == Some(&node.id))
        };
        let lives = |node: &&Node| node.state != NodeState::LeavingPool;
        let everywhere =
            nodes.iter().any(|n| lives(&n)) && nodes.iter().filter(lives).all(failed_on);
        if everywhere
            && task.wait_for_success != Some(false)
            && let Some(first) = failed.first()
        {
            let (exit_code, root) = preparation(first);
            return Err(ApplyError::Preparation {
                job: job.id.to_string(),
                node: first.node_id.clone().unwrap_or_default(),
                exit_code,
                stderr_tail: stderr(run, first, root).await,
            });
        }
        for status in &failed {
            let node = status.node_id.clone().unwrap_or_default();
            if self.told.insert(node.clone()) {
                let (exit_code, root) = preparation(status);
                let tail = stderr(run, status, root).await;
                warn(run, "preparation", &node, exit_code, tail);
            }
        }
        Ok(())
    }
}

/// Waits until the job is completed, which its release tasks are part of, and tells which of them failed.
pub(super) async fn released(run: &Run<'_>, step: StepKind) -> Result<(), ApplyError> {
    let job = &run.desired.job;
    if job.template.job_release_task.is_none() {
        return Ok(());
    }
    let id = job.id.as_str();
    let what = format!("the release tasks of the job `{id}` are completed");
    let is_there = wait::until(&what, RELEASE, &run.cancel, || async {
        let live = run.client.batch.get_job(id).await;
        Ok(match live.map_err(ApplyError::at(step))? {
            Some(live) if live.state == JobState::Completed => Some(true),
            Some(live) if live.state != JobState::Deleting => None,
            _ => Some(false),
        })
    })
    .await?;
    if !is_there {
        return Ok(());
    }
    for status in statuses(run, step).await? {
        let Some(info) = &status.job_release_task_execution_info else {
            continue;
        };
        if info.result == Some(ExecutionResult::Failure) {
            let node = status.node_id.clone().unwrap_or_default();
            let tail = stderr(run, &status, info.task_root_directory.as_deref()).await;
            warn(run, "release", &node, info.exit_code, tail);
        }
    }
    Ok(())
}

async fn statuses(run: &Run<'_>, step: StepKind) -> Result<Vec<Status>, ApplyError> {
    let id = run.desired.job.id.as_str();
    let all = run
        .client
        .batch
        .preparation_and_release(id, &ListOptions::default());
    all.try_collect().await.map_err(ApplyError::at(step))
}

fn preparation_failed(status: &Status) -> bool {
    let info = status.job_preparation_task_execution_info.as_ref();
    info.is_some_and(|i| {
        i.state == JobPreparationTaskState::Completed && i.result == Some(ExecutionResult::Failure)
    })
}

fn preparation(status: &Status) -> (Option<i32>, Option<&str>) {
    let info = status.job_preparation_task_execution_info.as_ref();
    (
        info.and_then(|i| i.exit_code),
        info.and_then(|i| i.task_root_directory.as_deref()),
    )
}

async fn stderr(run: &Run<'_>, status: &Status, root: Option<&str>) -> Option<String> {
    let path = format!("{}/stderr.txt", root?.trim_end_matches('/'));
    let pool = status.pool_id.as_deref()?;
    node_stderr(run, pool, status.node_id.as_deref()?, &path).await
}

fn warn(run: &Run<'_>, kind: &str, node: &str, exit_code: Option<i32>, tail: Option<String>) {
    let end = trouble::run_end(exit_code);
    let tail = tail.map_or_else(String::new, |t| format!("\n{t}"));
    run.events.emit(Event::Warning {
        message: format!("the {kind} task of the job failed{end} on {node}{tail}"),
    });
}
