//! How the pool and the job of a manifest stand now, with what only the nodes can tell about their troubles.

use futures::{StreamExt, TryStreamExt, future, stream};

use super::collect::schedule;
use super::reason::{TaskStanding, Upstream};
use super::state::LiveTask;
use crate::client::batch::ListOptions;
use crate::client::{Client, ClientError};
use crate::desired::Desired;
use crate::wire::batch::command::ExecutionResult;
use crate::wire::batch::job::{Job, JobPreparationAndReleaseTaskStatus, JobState};
use crate::wire::batch::job_schedule::JobSchedule;
use crate::wire::batch::node::{Node, NodeState};
use crate::wire::batch::pool::Pool;
use crate::wire::batch::task::{TaskCountsResult, TaskState};

/// Bytes of the stderr of a start or preparation task.
const TAIL: u64 = 2048;

/// Tasks that are looked at of those a task depends on.
const UPSTREAM: usize = 1000;

/// Requests in flight at once.
const PARALLEL: usize = 16;

/// The fields of a task that matter for how it stands.
const SELECT: &str = "id,state,stateTransitionTime,executionInfo,nodeInfo";

/// The pool and the job of a manifest.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub pool: Option<Pool>,
    pub nodes: Vec<Node>,
    /// What the manifest's `[schedule]` made.
    pub schedule: Option<JobSchedule>,
    /// With a schedule: its latest job.
    pub job: Option<Job>,
    pub counts: Option<TaskCountsResult>,
    /// The end of what the first start task that failed wrote to stderr.
    pub start_task_stderr: Option<String>,
    /// A node on which the job's preparation task failed.
    pub preparation: Option<FailedPreparation>,
    /// Active jobs of the same pool that go first.
    pub ahead: Vec<String>,
}

/// A preparation task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedPreparation {
    pub node: String,
    pub exit_code: Option<i32>,
    pub stderr_tail: Option<String>,
}

/// Asks for all of it.
pub async fn standing(desired: &Desired, client: &Client) -> Result<Standing, ClientError> {
    let batch = &client.batch;
    let schedule = schedule(desired, client).await?;
    let job = job_of(desired, schedule.as_ref(), client).await?;
    let pool = match pool_id(desired, job.as_ref()) {
        Some(id) => batch.get_pool(id).await?,
        None => None,
    };
    let mut standing = Standing {
        pool,
        schedule,
        job,
        ..Standing::default()
    };
    if let Some(pool) = &standing.pool {
        standing.nodes = nodes(&pool.id, client).await?;
        standing.start_task_stderr = start_task_stderr(&pool.id, client, &standing.nodes).await;
    }
    if let Some(job) = &standing.job {
        standing.counts = Some(batch.task_counts(&job.id).await?);
        standing.preparation = preparation(job, client).await?;
        standing.ahead = ahead(job, desired, client).await?;
    }
    Ok(standing)
}

/// The id of the pool that the job runs on; None: an auto pool that is not there.
pub fn pool_id<'a>(desired: &'a Desired, job: Option<&'a Job>) -> Option<&'a str> {
    match desired.pool.auto {
        None => Some(desired.pool.id.as_str()),
        Some(_) => job?.execution_info.as_ref()?.pool_id.as_deref(),
    }
}

/// The job of the manifest; with a schedule its latest.
pub async fn live_job(desired: &Desired, client: &Client) -> Result<Option<Job>, ClientError> {
    let schedule = schedule(desired, client).await?;
    job_of(desired, schedule.as_ref(), client).await
}

async fn job_of(
    desired: &Desired,
    schedule: Option<&JobSchedule>,
    client: &Client,
) -> Result<Option<Job>, ClientError> {
    let id = match &desired.job.schedule {
        None => Some(desired.job.id.as_str()),
        Some(_) => schedule
            .and_then(|s| s.execution_info.recent_job.as_ref())
            .and_then(|recent| recent.id.as_deref()),
    };
    match id {
        Some(id) => client.batch.get_job(id).await,
        None => Ok(None),
    }
}

/// The nodes of a pool; none when it goes away meanwhile.
async fn nodes(pool: &str, client: &Client) -> Result<Vec<Node>, ClientError> {
    let nodes = client.batch.list_nodes(pool, &ListOptions::default());
    match nodes.try_collect().await {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        result => result,
    }
}

/// The tasks of a job for which an OData filter holds, at most so many.
pub async fn tasks(
    client: &Client,
    job: &str,
    filter: Option<String>,
    most: usize,
) -> Result<Vec<LiveTask>, ClientError> {
    let options = ListOptions {
        filter,
        select: Some(SELECT.to_owned()),
        ..ListOptions::default()
    };
    let tasks = client.batch.list_tasks::<LiveTask>(job, &options);
    tasks.take(most).try_collect().await
}

/// How a task stands; None when the job has no such task.
pub async fn task_standing(
    client: &Client,
    job: &str,
    task: &str,
) -> Result<Option<TaskStanding>, ClientError> {
    let Some(task) = client.batch.get_task(job, task).await? else {
        return Ok(None);
    };
    let mut upstream = Vec::new();
    if let Some(depends_on) = task.depends_on.as_deref()
        && task.state == TaskState::Active
    {
        let ranges = depends_on.task_id_ranges.iter();
        let ranges = ranges
            .flat_map(|r| r.start..=r.end)
            .map(|id| id.to_string());
        let ids = depends_on.task_ids.iter().cloned().chain(ranges);
        let before = stream::iter(ids.take(UPSTREAM)).map(|id| async move {
            let before = client.batch.get_task(job, &id).await?;
            Ok::<_, ClientError>(match before {
                Some(before) => Upstream::of(&before),
                None => Some(Upstream::Missing(id)),
            })
        });
        let found: Vec<_> = before.buffered(PARALLEL).try_collect().await?;
        upstream = found.into_iter().flatten().collect();
    }
    Ok(Some(TaskStanding { task, upstream }))
}

async fn start_task_stderr(pool: &str, client: &Client, nodes: &[Node]) -> Option<String> {
    let failed = |n: &&Node| n.state == NodeState::StartTaskFailed;
    let node = nodes.iter().find(failed)?;
    node_tail(client, pool, &node.id, "startup/stderr.txt").await
}

async fn preparation(job: &Job, client: &Client) -> Result<Option<FailedPreparation>, ClientError> {
    if job.job_preparation_task.is_none() {
        return Ok(None);
    }
    let options = ListOptions::default();
    let failed = |status: &JobPreparationAndReleaseTaskStatus| {
        let info = status.job_preparation_task_execution_info.as_ref();
        info.is_some_and(|i| i.result == Some(ExecutionResult::Failure))
    };
    let mut statuses = client
        .batch
        .preparation_and_release(&job.id, &options)
        .try_filter(|status| future::ready(failed(status)));
    let Some(status) = statuses.try_next().await? else {
        return Ok(None);
    };
    let info = status.job_preparation_task_execution_info;
    let node = status.node_id.unwrap_or_default();
    let pool = status.pool_id.unwrap_or_default();
    let root = info.as_ref().and_then(|i| i.task_root_directory.as_deref());
    let stderr_tail = match root {
        Some(root) => node_tail(client, &pool, &node, &format!("{root}/stderr.txt")).await,
        None => None,
    };
    Ok(Some(FailedPreparation {
        node,
        exit_code: info.and_then(|i| i.exit_code),
        stderr_tail,
    }))
}

/// Other jobs on the pool with a higher priority and tasks that want to run.
async fn ahead(job: &Job, desired: &Desired, client: &Client) -> Result<Vec<String>, ClientError> {
    let is_ahead = |other: &Job| {
        let pool = other.pool_info.pool_id.as_deref().unwrap_or_default();
        pool.eq_ignore_ascii_case(desired.pool.id.as_str())
            && !other.id.eq_ignore_ascii_case(&job.id)
            && other.priority.unwrap_or(0) > job.priority.unwrap_or(0)
    };
    let active = format!("state eq '{}'", JobState::Active.as_str());
    let options = ListOptions::default().filter(active);
    let others: Vec<Job> = client
        .batch
        .list_jobs(&options)
        .try_filter(|other| future::ready(is_ahead(other)))
        .try_collect()
        .await?;
    let mut ahead = Vec::new();
    for other in others {
        match client.batch.task_counts(&other.id).await {
            Ok(counts) if counts.task_counts.active + counts.task_counts.running > 0 => {
                ahead.push(other.id);
            }
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(ahead)
}

/// The end of a file of a node; None when it is empty or cannot be read.
async fn node_tail(client: &Client, pool: &str, node: &str, path: &str) -> Option<String> {
    let tail = client.batch.node_tail(pool, node, path, TAIL).await;
    let tail = tail.ok().flatten()?;
    let text = String::from_utf8_lossy(&tail.bytes).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}
