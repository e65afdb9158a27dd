//! The nodes as random tests have them: what they were asked to do, what they could say of it, and what must hold
//! from outside.

use std::collections::{BTreeMap, BTreeSet};

use super::harness::{Harness, everything};
use crate::service::core::command::{JobRequest, NodeRequest, PoolRequest, Power, Reply, Request};
use crate::service::core::effect::{Effect, Launch, NodeRef, Report, Role, RunId, StopReason};
use crate::wire::batch::command::ExecutionResult;
use crate::wire::batch::job::{Job, JobState};
use crate::wire::batch::node::{Node, NodeState};
use crate::wire::batch::pool::{NodeDeallocationOption, Pool, PoolResize, PoolState};
use crate::wire::batch::task::{Task, TaskState};

/// A run that goes on as far as its node knows.
struct Live {
    launch: Launch,
    is_stopped: bool,
    proceeds: bool,
}

#[derive(Default)]
pub(super) struct Outside {
    pub(super) preparing: Vec<NodeRef>,
    /// All that were ever launched, some of them long given up.
    pub(super) runs: Vec<RunId>,
    live: BTreeMap<RunId, Live>,
}

impl Outside {
    /// Performs the effects.
    pub(super) fn take(&mut self, h: &mut Harness) {
        for effect in h.drop_effects() {
            match effect {
                Effect::PrepareNode(node) => self.preparing.push(node),
                Effect::Launch(launch) => self.launch(*launch),
                Effect::Proceed(run) => {
                    if let Some(live) = self.live.get_mut(&run) {
                        live.proceeds = true;
                    }
                }
                Effect::Stop {
                    run,
                    reason: StopReason::Abandoned,
                } => self.has_ended(run),
                Effect::Stop { run, .. } => {
                    if let Some(live) = self.live.get_mut(&run) {
                        live.is_stopped = true;
                    }
                }
                Effect::RemoveNode(node) => self.live.retain(|_, live| live.launch.node != node),
                Effect::DeleteTaskDirectory { node, job, task } => {
                    let role = Role::Task { job, task };
                    self.live
                        .retain(|_, l| l.launch.node != node || l.launch.role != role);
                }
                Effect::UploadLogs(_) | Effect::DeleteExtent(_) => {}
            }
        }
    }

    /// Nothing runs twice: neither a task anywhere, nor a start task on its node.
    fn launch(&mut self, launch: Launch) {
        let id = |l: &Launch| l.instance.as_ref().map(|i| i.id);
        for live in self.live.values() {
            let other = &live.launch;
            let is_chore =
                matches!(&launch.role, Role::Task { task, .. } if task.starts_with("job"));
            let anywhere = !is_chore && launch.role != Role::StartTask;
            assert!(
                other.role != launch.role
                    || id(other) != id(&launch)
                    || !(anywhere || other.node == launch.node),
                "{launch:#?}\nis launched while this runs:\n{other:#?}"
            );
        }
        self.runs.push(launch.run);
        let live = Live {
            is_stopped: false,
            proceeds: launch.instance.is_none(),
            launch,
        };
        self.live.insert(live.launch.run, live);
    }

    pub(super) fn has_ended(&mut self, run: RunId) {
        self.live.remove(&run);
    }

    /// After a restart nothing runs.
    pub(super) fn forget_runs(&mut self) {
        self.live.clear();
        self.preparing.clear();
    }

    /// Everything that is under way succeeds; says whether there was anything.
    fn succeed(&mut self, h: &mut Harness) -> bool {
        let prepared = std::mem::take(&mut self.preparing);
        let runs: Vec<RunId> = self.live.keys().copied().collect();
        let is_busy = !prepared.is_empty() || !runs.is_empty();
        for node in prepared {
            h.report(Report::NodePrepared { node, error: None });
        }
        self.take(h);
        for run in runs {
            let Some(live) = self.live.get(&run) else {
                continue;
            };
            if live.proceeds || live.is_stopped {
                self.has_ended(run);
                h.ended(run, 0);
            } else {
                let at = h.now;
                h.started(run);
                h.report(Report::RunCoordinated { run, at });
            }
            self.take(h);
        }
        is_busy
    }
}

fn pools(h: &mut Harness) -> Vec<Pool> {
    match h.must(Request::Pools(everything())) {
        Reply::Pools(page) => page.value,
        other => panic!("no pools: {other:?}"),
    }
}

fn jobs(h: &mut Harness) -> Vec<Job> {
    match h.must(Request::Jobs(everything())) {
        Reply::Jobs(page) => page.value,
        other => panic!("no jobs: {other:?}"),
    }
}

fn tasks(h: &mut Harness, job: &str) -> Vec<Task> {
    match h.job_do(job, JobRequest::Tasks(everything())) {
        Ok(Reply::Tasks(page)) => page.value,
        other => panic!("no tasks: {other:?}"),
    }
}

/// What is counted is what is listed, and no node does more than it can.
pub(super) fn assert_counts(h: &mut Harness) {
    for job in jobs(h) {
        let counts = h.counts(&job.id);
        let tasks = tasks(h, &job.id);
        let count = |is: &dyn Fn(&Task) -> bool| {
            i32::try_from(tasks.iter().filter(|t| is(t)).count()).expect("few")
        };
        let ended = |t: &Task| t.execution_info.as_ref().and_then(|i| i.result);
        let running = |t: &Task| matches!(t.state, TaskState::Preparing | TaskState::Running);
        assert_eq!(counts.active, count(&|t| t.state == TaskState::Active));
        assert_eq!(counts.running, count(&running));
        assert_eq!(
            counts.completed,
            count(&|t| t.state == TaskState::Completed)
        );
        assert_eq!(
            counts.succeeded,
            count(&|t| ended(t) == Some(ExecutionResult::Success))
        );
        assert_eq!(
            counts.failed,
            count(&|t| ended(t) == Some(ExecutionResult::Failure))
        );
    }
    let Reply::NodeCounts(page) = h.must(Request::NodeCounts(everything())) else {
        panic!("no counts");
    };
    for (pool, counts) in pools(h).into_iter().zip(page.value) {
        let nodes = h.nodes(&pool.id);
        let both = [counts.dedicated, counts.low_priority].map(|c| c.expect("there").total);
        assert_eq!(usize::try_from(both.iter().sum::<i32>()), Ok(nodes.len()));
        let slots = pool.task_slots_per_node.expect("there");
        assert!(
            nodes
                .iter()
                .all(|n| n.running_task_slots_count.expect("there") <= slots)
        );
    }
}

/// Opens what was closed, starts what was stopped, and lets everything succeed; then no task is left that could run.
pub(super) fn bring_to_an_end(h: &mut Harness, out: &mut Outside) {
    for round in 0..3 {
        for pool in pools(h) {
            open_up(h, &pool, round == 0);
        }
        for job in jobs(h) {
            let _ = h.job_do(&job.id, JobRequest::Enable);
        }
        for _ in 0..300 {
            h.tick();
            out.take(h);
            if !out.succeed(h) {
                break;
            }
        }
        assert!(out.live.is_empty(), "it does not come to rest");
    }
    for job in jobs(h) {
        assert_at_rest(h, &job);
    }
}

fn open_up(h: &mut Harness, pool: &Pool, reboot: bool) {
    let _ = h.pool_do(&pool.id, PoolRequest::DisableAutoScale);
    let resize = PoolResize {
        target_dedicated_nodes: Some(3),
        target_low_priority_nodes: None,
        resize_timeout: None,
        node_deallocation_option: None,
    };
    let _ = h.pool_do(&pool.id, PoolRequest::Resize(resize));
    for node in h.nodes(&pool.id) {
        let mut on = |request| {
            let _ = h.pool_do(&pool.id, PoolRequest::OnNode(node.id.clone(), request));
        };
        on(NodeRequest::EnableScheduling);
        on(NodeRequest::Start);
        // What failed there before has another chance.
        if reboot || !matches!(node.state, NodeState::Idle | NodeState::Running) {
            on(NodeRequest::Power(
                Power::Reboot,
                NodeDeallocationOption::Requeue,
            ));
        }
    }
}

/// No task of the job runs, and what is active has a reason to wait.
fn assert_at_rest(h: &mut Harness, job: &Job) {
    let tasks = tasks(h, &job.id);
    let done: BTreeSet<String> = tasks
        .iter()
        .filter(|t| {
            let info = t.execution_info.as_ref();
            info.and_then(|i| i.result) == Some(ExecutionResult::Success)
        })
        .map(|t| t.id.to_ascii_lowercase())
        .collect();
    let pool = job.execution_info.as_ref().and_then(|i| i.pool_id.clone());
    let pool = pools(h).into_iter().find(|p| Some(&p.id) == pool.as_ref());
    let nodes = match &pool {
        Some(pool) if pool.state == PoolState::Active => h.nodes(&pool.id),
        _ => Vec::new(),
    };
    for task in &tasks {
        match task.state {
            TaskState::Completed => {}
            TaskState::Active => {
                let must_wait = job.state != JobState::Active
                    || pool
                        .as_ref()
                        .is_none_or(|pool| is_too_large(task, pool, &nodes))
                    || !depends_on(task).all(|id| done.contains(&id));
                assert!(
                    must_wait,
                    "it waits for nothing: {task:#?}\non {pool:#?}\n{nodes:#?}"
                );
            }
            _ => panic!("still running: {task:#?}"),
        }
    }
}

fn depends_on(task: &Task) -> impl Iterator<Item = String> {
    let ids = task.depends_on.iter().flat_map(|d| &d.task_ids);
    ids.map(|id| id.to_ascii_lowercase())
}

fn is_too_large(task: &Task, pool: &Pool, nodes: &[Node]) -> bool {
    let open = nodes.iter().filter(|n| n.state == NodeState::Idle).count();
    let slots = pool.task_slots_per_node.unwrap_or(1);
    match &task.multi_instance_settings {
        Some(settings) => {
            let wanted = settings
                .number_of_instances
                .and_then(|n| usize::try_from(n).ok());
            slots > 1
                || task.required_slots > Some(1)
                || pool.enable_inter_node_communication != Some(true)
                || wanted > Some(open)
        }
        None => open == 0 || task.required_slots.unwrap_or(1) > slots,
    }
}
