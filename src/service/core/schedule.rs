//! Which active task goes to which node: job priority first, then each job's tasks in the order they were added.

use super::effect::Effect;
use super::job::Job;
use super::key::Key;
use super::node::Node;
use super::pool::Pool;
use super::preparation::Readiness;
use super::task::Task;
use super::world::World;
use crate::wire::batch::job::JobState;
use crate::wire::batch::pool::{JobDefaultOrder, NodeFillType, PoolState};
use crate::wire::time::Time;

/// What a task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Queue {
    /// Slots of one node.
    Slots(u16),
    /// A node for itself.
    WholeNode,
    /// Several nodes at once.
    Nodes(u16),
    /// Several nodes, of which each has too few slots: such nodes have one.
    Never,
}

/// A choice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) job: Key,
    pub(super) task: Key,
    /// One, but for multi-instance tasks; the primary's first.
    pub(super) nodes: Vec<Key>,
}

impl World {
    /// Fills the free slots of every pool where something changed since the last time.
    pub(in crate::service) fn settle(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for pool in std::mem::take(&mut self.unsettled) {
            while let Some(placement) = self.place(&pool) {
                self.launch(&placement, &pool, now, effects);
            }
        }
    }

    fn place(&self, pool_key: &Key) -> Option<Placement> {
        let pool = self.pools.get(pool_key)?;
        if pool.state != PoolState::Active {
            return None;
        }
        let free = widest_gap(pool)?;
        let by_age = pool
            .spec
            .task_scheduling_policy
            .as_ref()
            .is_some_and(|p| p.job_default_order == Some(JobDefaultOrder::CreationTime));
        let mut candidates: Vec<_> = self
            .bound
            .get(pool_key)?
            .iter()
            .filter_map(|job_key| {
                let job = self.jobs.get(job_key)?;
                let task = next_task(job, free, pool)?;
                // Jobs of one priority share the pool evenly, unless their age decides.
                let share = if by_age { 0 } else { job.counts.running.slots };
                let priority = -job.spec.priority.unwrap_or(0);
                Some(((priority, share, job.created, job_key), job, task))
            })
            .collect();
        candidates.sort_unstable_by_key(|(order, _, _)| *order);
        // The first may want a node that is not there, which is no reason for the others to wait.
        candidates.into_iter().find_map(|(order, job, task_key)| {
            let nodes = choose_nodes(pool, job, job.tasks.get(task_key)?)?;
            Some(Placement {
                job: order.3.clone(),
                task: task_key.clone(),
                nodes,
            })
        })
    }
}

/// The most slots that are free on one node; None when there are none.
fn widest_gap(pool: &Pool) -> Option<u32> {
    let slots = pool.slots_per_node();
    pool.nodes
        .values()
        .filter(|n| n.is_open())
        .map(|n| slots.saturating_sub(n.used_slots()))
        .max()
        .filter(|free| *free > 0)
}

/// The oldest active task that fits into so many slots of a node, or on the nodes that have nothing to do.
fn next_task<'a>(job: &'a Job, free: u32, pool: &Pool) -> Option<&'a Key> {
    if job.state != JobState::Active {
        return None;
    }
    let parallel = job.spec.max_parallel_tasks.unwrap_or(-1);
    if u32::try_from(parallel).is_ok_and(|max| job.counts.running.tasks >= max) {
        return None;
    }
    let widest = Queue::Slots(u16::try_from(free).unwrap_or(u16::MAX));
    let exclusive = job.runnable.get_key_value(&Queue::WholeNode);
    let several = || job.runnable.range(Queue::Nodes(0)..);
    // Counted only for a job that has such tasks.
    let idle = several()
        .next()
        .map_or(0, |_| idle_nodes(pool, job).count());
    let idle = Queue::Nodes(u16::try_from(idle).unwrap_or(u16::MAX));
    job.runnable
        .range(..=widest)
        .chain(exclusive.filter(|_| free >= pool.slots_per_node()))
        .chain(several().take_while(|(queue, _)| **queue <= idle))
        .filter_map(|(_, queue)| queue.first_key_value())
        .min_by_key(|(number, _)| **number)
        .map(|(_, key)| key)
}

/// The nodes of which a multi-instance task of the job can have several.
fn idle_nodes<'a>(pool: &'a Pool, job: &'a Job) -> impl Iterator<Item = (&'a Key, &'a Node)> {
    let nodes = pool.nodes.iter().filter(|_| pool.takes_multi_instance());
    nodes.filter(|(key, node)| {
        node.is_open() && node.runs.is_empty() && job.readiness(key, node) != Readiness::Unfit
    })
}

fn choose_nodes(pool: &Pool, job: &Job, task: &Task) -> Option<Vec<Key>> {
    let Some(instances) = task.instances().map(usize::from) else {
        return choose_node(pool, job, task).map(|node| vec![node.clone()]);
    };
    let mut nodes: Vec<_> = idle_nodes(pool, job).collect();
    let wish = task.affinity.as_ref();
    nodes.sort_by_key(|(key, node)| (Some(*key) != wish, node.number));
    let chosen = nodes.get(..instances)?;
    Some(chosen.iter().map(|(key, _)| (*key).clone()).collect())
}

fn choose_node<'a>(pool: &'a Pool, job: &Job, task: &Task) -> Option<&'a Key> {
    let slots = pool.slots_per_node();
    let needed = u32::from(task.slots_of(slots));
    let dedicated_only = task.special.as_ref().is_some_and(|s| s.dedicated_only);
    let wish = task.affinity.as_ref();
    let fitting = || {
        pool.nodes.iter().filter_map(|(key, node)| {
            let free = slots.saturating_sub(node.used_slots());
            let suits =
                (node.dedicated || !dedicated_only) && job.readiness(key, node) != Readiness::Unfit;
            (suits && node.is_open() && free >= needed).then_some((free, node.number, key))
        })
    };
    if let Some(wished) = fitting().find(|(_, _, key)| Some(*key) == wish) {
        return Some(wished.2);
    }
    let best = match pool.fill_type() {
        NodeFillType::Spread => fitting().min_by_key(|(free, n, _)| (u32::MAX - free, *n)),
        NodeFillType::Pack => fitting().min_by_key(|(free, n, _)| (*free, *n)),
    };
    best.map(|(_, _, key)| key)
}
