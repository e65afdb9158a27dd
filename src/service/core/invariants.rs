//! What must hold after every input: the parts of the state that follow from others agree with them.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::Counts;
use super::dependencies::Waiting;
use super::schedule::Queue;
use super::task::Phase;
use super::timers::Timer;
use super::world::{Owner, World};
use crate::wire::batch::node::NodeState;
use crate::wire::batch::pool::{AllocationState, PoolState};

impl World {
    /// The first thing that does not hold, in words.
    pub(in crate::service) fn check_invariants(&self) -> Result<(), String> {
        self.check_jobs()?;
        self.check_runs()?;
        self.check_pools()?;
        self.check_timers()
    }

    /// Whether checking it after every input goes unnoticed.
    pub(in crate::service) fn is_small(&self) -> bool {
        self.jobs.values().map(|j| j.tasks.len()).sum::<usize>() < 500
    }

    /// Clears what two equal worlds may differ in: where to look for work, the next free task numbers, samples.
    #[cfg(test)]
    pub(in crate::service) fn forget_hints(&mut self) {
        self.unsettled.clear();
        for job in self.jobs.values_mut() {
            job.next_task = 0;
        }
        for auto in self.pools.values_mut().filter_map(|p| p.auto.as_mut()) {
            auto.forget_history();
        }
    }

    fn check_jobs(&self) -> Result<(), String> {
        let mut bound: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (key, job) in &self.jobs {
            bound.entry(job.pool_key()).or_default().insert(key.clone());
            let mut counts = Counts::default();
            let mut waiting = Waiting::default();
            let mut runnable: BTreeMap<Queue, BTreeMap<u64, _>> = BTreeMap::new();
            for (task_key, task) in &job.tasks {
                counts.add(task);
                if let Some(special) = &task.special {
                    waiting.add(task_key, &special.depends);
                }
                if task.is_met() && job.spec.uses_task_dependencies == Some(true) {
                    waiting.set_met(task_key, true);
                }
                if task.name.key() != *task_key {
                    return Err(format!("task {key}/{task_key} is kept under a wrong key"));
                }
                if task.phase == Phase::Active && job.waiting.is_ready(task_key) {
                    let queue = runnable.entry(task.queue()).or_default();
                    if queue.insert(task.number, task_key.clone()).is_some() {
                        return Err(format!("two tasks of {key} have number {}", task.number));
                    }
                }
                if task.phase.run().is_some() && task.attempt.is_none() {
                    return Err(format!("task {key}/{task_key} runs nowhere"));
                }
            }
            if counts != job.counts {
                return Err(format!("job {key} counts {:?}, has {counts:?}", job.counts));
            }
            if waiting != job.waiting {
                return Err(format!("job {key} waits for other tasks than its tasks do"));
            }
            if runnable != job.runnable {
                return Err(format!("job {key} queues other tasks than its active ones"));
            }
        }
        if bound != self.bound {
            return Err("jobs are bound to other pools than they name".to_owned());
        }
        Ok(())
    }

    fn check_runs(&self) -> Result<(), String> {
        let mut runs = BTreeMap::new();
        let mut placed: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (job_key, job) in &self.jobs {
            for (task_key, task) in &job.tasks {
                let (Some(run), Some(attempt)) = (task.phase.run(), task.attempt.as_deref()) else {
                    continue;
                };
                runs.insert(run, Owner::Task(job_key.clone(), task_key.clone()));
                let instances = task.instances().map(usize::from);
                if attempt.team.as_ref().map(|t| t.subtasks.len() + 1) != instances {
                    return Err(format!("task {task_key} runs on too many nodes or too few"));
                }
                let mut here = BTreeMap::from([(0, run)]);
                for (id, subtask) in task.team().iter().flat_map(|team| team.numbered()) {
                    here.insert(id, subtask.run);
                    let owner = Owner::Subtask(job_key.clone(), task_key.clone(), id);
                    runs.insert(subtask.run, owner);
                }
                for (id, run) in here {
                    let Some(node) = attempt.node_of(id) else {
                        return Err(format!("task {task_key} runs nowhere"));
                    };
                    placed
                        .entry((attempt.pool.key(), node.key()))
                        .or_default()
                        .insert(run, (task.queue(), task.limits.slots));
                }
            }
        }
        for (job_key, job) in &self.jobs {
            for (node, is_release, run) in job.chores() {
                let owner = Owner::Chore(job_key.clone(), node.clone(), is_release);
                runs.insert(run, owner);
            }
        }
        for (pool_key, pool) in &self.pools {
            for (node_key, node) in &pool.nodes {
                if let Some(run) = node.start_run {
                    runs.insert(run, Owner::StartTask(pool_key.clone(), node_key.clone()));
                }
                let here = placed
                    .remove(&(pool_key.clone(), node_key.clone()))
                    .unwrap_or_default();
                let whole = u16::try_from(pool.slots_per_node()).unwrap_or(u16::MAX);
                let here: BTreeMap<_, _> = here
                    .into_iter()
                    .map(|(run, (queue, slots))| {
                        (
                            run,
                            if queue == Queue::WholeNode {
                                whole
                            } else {
                                slots
                            },
                        )
                    })
                    .collect();
                if here != node.runs {
                    return Err(format!("node {node_key} runs other tasks than say so"));
                }
                if node.used_slots() > pool.slots_per_node() {
                    return Err(format!("node {node_key} has more tasks than slots"));
                }
                let busy = node.waiting
                    || matches!(node.state, NodeState::Running | NodeState::LeavingPool);
                if !node.runs.is_empty() && !busy {
                    return Err(format!("node {node_key} is {} and busy", node.state));
                }
                if node.runs.is_empty() && busy {
                    return Err(format!("node {node_key} is {} and idle", node.state));
                }
            }
        }
        if let Some(((pool, node), _)) = placed.first_key_value() {
            return Err(format!("tasks run on {pool}/{node}, which is not there"));
        }
        if runs != self.runs {
            return Err("the table of runs differs from what runs".to_owned());
        }
        if let Some((last, _)) = runs.last_key_value()
            && last.0 >= self.next_run
        {
            return Err("a run number could be given twice".to_owned());
        }
        Ok(())
    }

    fn check_pools(&self) -> Result<(), String> {
        for (key, pool) in &self.pools {
            for (name, node) in &pool.nodes {
                let is_wrong = match node.state {
                    NodeState::Idle => node.disabled,
                    NodeState::Offline => !node.disabled,
                    NodeState::Creating | NodeState::Reimaging | NodeState::Rebooting => {
                        node.preparing == node.waiting
                    }
                    _ => node.preparing && node.state != NodeState::Starting,
                };
                if is_wrong {
                    return Err(format!("node {key}/{name} is {} by mistake", node.state));
                }
            }
            let moving = pool
                .nodes
                .values()
                .any(|n| n.state == NodeState::Creating || n.leaving.is_some());
            if moving && pool.allocation == AllocationState::Steady {
                return Err(format!("pool {key} is steady while its nodes come and go"));
            }
            if pool.state == PoolState::Deleting && !pool.nodes.is_empty() {
                return Err(format!("pool {key} is being deleted and has nodes"));
            }
        }
        Ok(())
    }

    fn check_timers(&self) -> Result<(), String> {
        let mut armed = Vec::new();
        for (key, pool) in &self.pools {
            armed.push((pool.armed, Timer::Pool(key.clone())));
            for (node_key, node) in &pool.nodes {
                armed.push((node.armed, Timer::Node(key.clone(), node_key.clone())));
            }
        }
        for (job_key, job) in &self.jobs {
            armed.push((job.armed, Timer::Job(job_key.clone())));
            for (key, task) in &job.tasks {
                armed.push((task.armed, Timer::Task(job_key.clone(), key.clone())));
            }
        }
        for (key, schedule) in &self.schedules {
            armed.push((schedule.armed, Timer::Schedule(key.clone())));
        }
        let mut set = 0;
        for (at, timer) in armed {
            if let Some(at) = at {
                set += 1;
                if !self.timers.contains(at, timer.clone()) {
                    return Err(format!("{timer:?} is not set"));
                }
            }
        }
        if set != self.timers.len() {
            return Err("a timer is set for something that is gone".to_owned());
        }
        Ok(())
    }
}
