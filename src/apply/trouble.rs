//! What went wrong on nodes, in words: the tail of stderr, start tasks that failed, pools that got no nodes.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use super::context::Run;
use super::error::ApplyError;
use super::job_tasks::Preparations;
use crate::client::batch::ListOptions;
use crate::event::{Cause, Event, TaskFailure};
use crate::observed::LiveTask;
use crate::plan::StepKind;
use crate::wire::batch::command::TaskFailureInfo;
use crate::wire::batch::node::{Node, NodeState};
use crate::wire::batch::pool::{AllocationState, Pool};

/// Bytes of stderr that are shown.
const TAIL: u64 = 2048;

/// The end of what a task wrote to stderr; None when it cannot be read any more.
pub(super) async fn task_stderr(run: &Run<'_>, task: &str) -> Option<String> {
    let job = run.desired.job.id.as_str();
    let tail = run.client.batch.tail(job, task, "stderr.txt", TAIL).await;
    tail.ok().flatten().and_then(|tail| text(&tail.bytes))
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The code of a mere non-zero exit, which the exit code says better.
const EXIT_CODE: &str = "FailureExitCode";

/// The service's code and words for a failure, with its details; none for a mere non-zero exit.
fn failure_text(info: &TaskFailureInfo) -> (Option<String>, Option<String>) {
    if info.code.as_deref() == Some(EXIT_CODE) {
        return (None, None);
    }
    let details = info.details.iter().filter_map(|d| d.value.clone());
    let mut all: Vec<String> = info.message.clone().into_iter().chain(details).collect();
    all.dedup();
    (info.code.clone(), (!all.is_empty()).then(|| all.join(": ")))
}

/// Where a task failed.
fn cause(info: Option<&TaskFailureInfo>, exit_code: Option<i32>) -> Cause {
    let code = info.and_then(|i| i.code.as_deref()).unwrap_or_default();
    let details = info.into_iter().flat_map(|i| &i.details);
    let mut said = details
        .filter_map(|d| d.value.as_deref())
        .chain(info.and_then(|i| i.message.as_deref()));
    match code {
        "TaskEnded" if said.any(|text| text.contains("maximum execution time")) => {
            Cause::Constraint
        }
        "TaskEnded" => Cause::Ended,
        code if code.starts_with("FileUpload") => Cause::Upload,
        _ if exit_code.is_none() => Cause::Scheduling,
        _ => Cause::Application,
    }
}

/// What a person needs to know about a task that failed.
pub fn failure(task: LiveTask, stderr_tail: Option<String>) -> TaskFailure {
    let info = task
        .execution_info
        .as_ref()
        .and_then(|e| e.failure_info.as_ref());
    let (code, message) = info.map(failure_text).unwrap_or_default();
    TaskFailure {
        stderr_tail,
        exit_code: task.exit_code(),
        node: task.node_info.as_ref().and_then(|n| n.node_id.clone()),
        cause: cause(info, task.exit_code()),
        category: info.map(|i| i.category.as_str().to_owned()),
        code,
        message,
        task: task.id,
    }
}

/// What was seen of the pool's nodes.
#[derive(Default)]
pub(super) struct Nodes {
    /// The id of the pool, once it is known.
    pool: Option<String>,
    states: Vec<(String, u64)>,
    warned: bool,
    formula_told: bool,
    preparations: Preparations,
}

impl Nodes {
    /// Looks at the pool. An error when no node can ever run a task.
    pub(super) async fn check(
        &mut self,
        run: &Run<'_>,
        anything_ran: bool,
    ) -> Result<(), ApplyError> {
        let at = ApplyError::at(StepKind::Monitor);
        if self.pool.is_none() {
            self.pool = run.pool_id(StepKind::Monitor).await?;
        }
        let Some(id) = self.pool.clone() else {
            return Ok(());
        };
        let id = id.as_str();
        let options = ListOptions::default();
        let nodes: Result<Vec<Node>, _> = run
            .client
            .batch
            .list_nodes(id, &options)
            .try_collect()
            .await;
        let nodes = match nodes {
            // It went with its job, which the next look at the tasks tells.
            Err(error) if run.desired.pool.auto.is_some() && error.is("PoolNotFound") => {
                return Ok(());
            }
            nodes => nodes.map_err(&at)?,
        };
        self.tell(run, &nodes);
        let failed = |n: &&Node| n.state == NodeState::StartTaskFailed;
        let broken = |n: &Node| matches!(n.state, NodeState::StartTaskFailed | NodeState::Unusable);
        if let Some(node) = nodes.iter().find(failed) {
            if nodes.iter().all(broken) {
                return Err(start_task_error(run, id, node).await);
            }
            if !self.warned {
                self.warned = true;
                run.events.emit(Event::Warning {
                    message: format!(
                        "the start task failed on {}; the other nodes go on",
                        node.id
                    ),
                });
            }
        }
        self.preparations.check(run, &nodes).await?;
        if nodes.is_empty() && !anything_ran {
            let pool = run.client.batch.get_pool(id).await.map_err(&at)?;
            if let Some(error) = pool.as_ref().and_then(formula_error)
                && !self.formula_told
            {
                self.formula_told = true;
                run.events.emit(Event::Warning {
                    message: format!("the autoscale formula of `{id}` has no result yet: {error}"),
                });
            }
            if let Some(pool) = pool
                && pool.allocation_state == Some(AllocationState::Steady)
                && let Some(error) = pool.resize_errors.first()
            {
                return Err(ApplyError::Allocation {
                    pool: id.to_string(),
                    code: error.code.clone().unwrap_or_default(),
                    message: error.message.clone().unwrap_or_default(),
                });
            }
        }
        Ok(())
    }

    fn tell(&mut self, run: &Run<'_>, nodes: &[Node]) {
        let mut states: BTreeMap<&str, u64> = BTreeMap::new();
        for node in nodes {
            *states.entry(node.state.as_str()).or_default() += 1;
        }
        let states: Vec<(String, u64)> =
            states.into_iter().map(|(s, n)| (s.to_owned(), n)).collect();
        if states != self.states {
            self.states.clone_from(&states);
            run.events.emit(Event::NodeCounts { states });
        }
    }
}

/// The end of what was written to a file of a node; None when it cannot be read.
pub(super) async fn node_stderr(
    run: &Run<'_>,
    pool: &str,
    node: &str,
    path: &str,
) -> Option<String> {
    let tail = run.client.batch.node_tail(pool, node, path, TAIL).await;
    tail.ok().flatten().and_then(|tail| text(&tail.bytes))
}

/// How a run ended, to follow the word failed.
pub(super) fn run_end(exit_code: Option<i32>) -> String {
    match exit_code {
        Some(code) => format!(" with exit code {code}"),
        None => " before it could run".to_owned(),
    }
}

/// Why the last evaluation of the pool's formula failed.
fn formula_error(pool: &Pool) -> Option<String> {
    let error = pool.auto_scale_run.as_ref()?.error.as_ref()?;
    let values = error.values.iter().filter_map(|v| v.value.clone());
    let all: Vec<String> = error.message.clone().into_iter().chain(values).collect();
    Some(all.join(": "))
}

async fn start_task_error(run: &Run<'_>, pool: &str, node: &Node) -> ApplyError {
    let stderr_tail = node_stderr(run, pool, &node.id, "startup/stderr.txt").await;
    ApplyError::StartTask {
        pool: pool.to_string(),
        node: Some(node.id.clone()),
        exit_code: node.start_task_info.as_ref().and_then(|i| i.exit_code),
        stderr_tail,
    }
}
