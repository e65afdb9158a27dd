//! After a restart: what follows from the records, and what the nodes have lost.

use super::effect::{Effect, RunId};
use super::key::Key;
use super::pool::Pool;
use super::world::{Owner, World};
use crate::wire::batch::node::NodeState;
use crate::wire::batch::pool::PoolState;
use crate::wire::time::Time;

impl World {
    /// Everything that is not in the records because it follows from them.
    pub(super) fn rebuild(&mut self) {
        let mut placed = Vec::new();
        for (job_key, job) in &self.jobs {
            for (task_key, task) in &job.tasks {
                if let (Some(run), Some(attempt)) = (task.phase.run(), task.attempt.as_deref()) {
                    let owner = Owner::Task(job_key.clone(), task_key.clone());
                    let pool = attempt.pool.key();
                    let whole = self.pools.get(&pool).map_or(1, Pool::slots_per_node);
                    let slots = task.slots_of(whole);
                    for (id, subtask) in task.team().iter().flat_map(|team| team.numbered()) {
                        let owner = Owner::Subtask(job_key.clone(), task_key.clone(), id);
                        let node = (pool.clone(), subtask.node.key());
                        placed.push((subtask.run, slots, owner, node));
                    }
                    placed.push((run, slots, owner, (pool, attempt.node.key())));
                }
            }
        }
        for (run, slots, owner, (pool, node)) in placed {
            if let Some(node) = self.node_mut(&pool, &node) {
                node.runs.insert(run, slots);
            }
            self.runs.insert(run, owner);
        }
        for (job_key, job) in &self.jobs {
            for (node, is_release, run) in job.chores() {
                let owner = Owner::Chore(job_key.clone(), node.clone(), is_release);
                self.runs.insert(run, owner);
            }
        }
        for (pool_key, pool) in &self.pools {
            for (node_key, node) in &pool.nodes {
                if let Some(run) = node.start_run {
                    let owner = Owner::StartTask(pool_key.clone(), node_key.clone());
                    self.runs.insert(run, owner);
                }
            }
        }
        let bindings: Vec<(Key, Key)> = self
            .jobs
            .iter()
            .map(|(k, j)| (k.clone(), j.pool_key()))
            .collect();
        for (job, pool) in bindings {
            self.bind_job(&job, &pool);
        }
        let tasks: Vec<(Key, Key)> = self
            .jobs
            .iter()
            .flat_map(|(j, job)| job.tasks.keys().map(|t| (j.clone(), t.clone())))
            .collect();
        for (job, task) in tasks {
            self.touch_task(&job, &task);
        }
        for pool in self.pools.keys().cloned().collect::<Vec<_>>() {
            self.touch_pool(&pool);
        }
        let nodes: Vec<(Key, Key)> = self
            .pools
            .iter()
            .flat_map(|(p, pool)| pool.nodes.keys().map(|n| (p.clone(), n.clone())))
            .collect();
        for (pool, node) in nodes {
            self.touch_node(&pool, &node);
        }
        for job in self.jobs.keys().cloned().collect::<Vec<_>>() {
            self.touch_job(&job);
        }
        for schedule in self.schedules.keys().cloned().collect::<Vec<_>>() {
            self.touch_schedule(&schedule);
        }
        self.unsettled = self.pools.keys().cloned().collect();
        self.records = super::records::Records::default();
    }

    fn nodes_with_chores(&self) -> Vec<Key> {
        let jobs = self.jobs.values();
        jobs.flat_map(|job| job.chores().map(|(node, _, _)| node.clone()))
            .collect()
    }

    /// The service was down: processes are gone, so every node boots anew and what ran is queued again. That is
    /// no requeue anybody asked for and does not count as one.
    pub(in crate::service) fn recover(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        for run in runs {
            // There is nothing to stop.
            self.requeue_run(run, false, now, &mut Vec::new());
        }
        let nodes: Vec<(Key, Key)> = self
            .pools
            .iter()
            .filter(|(_, pool)| pool.state == PoolState::Active)
            .flat_map(|(p, pool)| pool.nodes.keys().map(|n| (p.clone(), n.clone())))
            .collect();
        for (pool_key, node_key) in nodes {
            if let Some(node) = self.node_mut(&pool_key, &node_key) {
                node.waiting = false;
                let is_off = matches!(node.state, NodeState::Deallocating | NodeState::Deallocated);
                if is_off {
                    node.start_run = None;
                    self.touch_node(&pool_key, &node_key);
                    continue;
                }
                if node.leaving.is_none()
                    && !matches!(node.state, NodeState::Creating | NodeState::Reimaging)
                {
                    node.enter(NodeState::Rebooting, now);
                }
            }
            self.drop_if_left(&pool_key, &node_key, now, effects);
            self.boot(&pool_key, &node_key, now, effects);
        }
        for node in self.nodes_with_chores() {
            self.forget_chores(&node, false, effects);
        }
        self.runs.clear();
        for job in self.jobs.keys().cloned().collect::<Vec<_>>() {
            self.check_all_complete(&job, now, effects);
        }
    }
}
