//! How a pool comes to its size: nodes added, nodes chosen to leave, errors when it cannot.

use serde::{Deserialize, Serialize};

use super::command::{Answer, Reply};
use super::effect::Effect;
use super::key::Key;
use super::limits;
use super::node::Node;
use super::world::World;
use crate::wire::batch::command::NameValuePair;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::node::NodeState;
use crate::wire::batch::pool::{
    AllocationState, NodeDeallocationOption, PoolResize, PoolState, ResizeError,
};
use crate::wire::time::{Duration, Time};

/// How many nodes a pool should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Targets {
    pub(super) dedicated: i32,
    pub(super) low_priority: i32,
}

pub(super) fn check_target(property: &str, target: Option<i32>) -> Result<(), Refusal> {
    match target {
        Some(n) if n < 0 => Err(Refusal::property(
            property,
            n.to_string(),
            "The value is 0 or more",
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_timeout(timeout: Option<Duration>) -> Result<(), Refusal> {
    match timeout {
        Some(t) if t < limits::MIN_RESIZE_TIMEOUT => Err(Refusal::property(
            "resizeTimeout",
            t.to_string(),
            "The value is at least 5 minutes",
        )),
        _ => Ok(()),
    }
}

fn error(code: &str, message: &str, values: &[(&str, String)]) -> ResizeError {
    ResizeError {
        code: Some(code.to_owned()),
        message: Some(message.to_owned()),
        values: values
            .iter()
            .map(|(name, value)| NameValuePair {
                name: Some((*name).to_owned()),
                value: Some(value.clone()),
            })
            .collect(),
    }
}

impl World {
    pub(super) fn resize_pool(
        &mut self,
        key: &Key,
        body: PoolResize,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        check_target("targetDedicatedNodes", body.target_dedicated_nodes)?;
        check_target("targetLowPriorityNodes", body.target_low_priority_nodes)?;
        check_timeout(body.resize_timeout)?;
        if body.target_dedicated_nodes.is_none() && body.target_low_priority_nodes.is_none() {
            return Err(super::check::missing("targetDedicatedNodes"));
        }
        let option = body
            .node_deallocation_option
            .unwrap_or(NodeDeallocationOption::Requeue);
        super::check::refuse_if(
            option == NodeDeallocationOption::RetainedData,
            "nodeDeallocationOption",
            "retaineddata",
        )?;
        let Some(pool) = self.pools.get_mut(key) else {
            return Err(Code::PoolNotFound.into());
        };
        pool.check_fixed_size()?;
        if pool.allocation != AllocationState::Steady {
            return Err(Code::PoolBeingResized.into());
        }
        if let Some(n) = body.target_dedicated_nodes {
            pool.targets.dedicated = n;
        }
        if let Some(n) = body.target_low_priority_nodes {
            pool.targets.low_priority = n;
        }
        pool.resize_timeout = body
            .resize_timeout
            .unwrap_or(limits::DEFAULT_RESIZE_TIMEOUT);
        pool.deallocation = option;
        pool.enter_allocation(AllocationState::Resizing, now);
        let modified = pool.modified;
        self.allocate(key, now, effects);
        Ok(Reply::Changed(modified))
    }

    /// Adds and removes nodes until the pool is on its way to its targets.
    pub(super) fn allocate(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let total: usize = self.pools.values().map(|p| p.nodes.len()).sum();
        let mut room = limits::MAX_NODES.saturating_sub(total);
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        pool.resize_errors.clear();
        let (targets, option) = (pool.targets, pool.deallocation);
        let begun = (pool.allocation, pool.allocation_since);
        for (dedicated, target) in [(true, targets.dedicated), (false, targets.low_priority)] {
            let target = usize::try_from(target).unwrap_or(0);
            let Some(pool) = self.pools.get_mut(key) else {
                return;
            };
            let mut staying: Vec<(&Key, &Node)> = pool
                .nodes
                .iter()
                .filter(|(_, n)| n.dedicated == dedicated && n.leaving.is_none())
                .collect();
            if staying.len() > target {
                staying.sort_by_key(|(_, n)| (n.is_open(), n.runs.len(), u64::MAX - n.number));
                staying.truncate(staying.len() - target);
                let victims: Vec<Key> = staying.into_iter().map(|(k, _)| k.clone()).collect();
                for node in victims {
                    self.detach_node(key, &node, option, now, effects);
                }
                continue;
            }
            let wanted = target - staying.len();
            let granted = wanted.min(room);
            room -= granted;
            if granted < wanted {
                pool.resize_errors.push(if dedicated {
                    error(
                        "AccountCoreQuotaReached",
                        "The specified account has reached core quota",
                        &[(
                            "Reason",
                            format!("The local service runs at most {} nodes", limits::MAX_NODES),
                        )],
                    )
                } else {
                    error(
                        "AccountLowPriorityCoreQuotaReached",
                        "The specified account has reached low priority core quota",
                        &[(
                            "Reason",
                            format!("The local service runs at most {} nodes", limits::MAX_NODES),
                        )],
                    )
                });
            }
            for _ in 0..granted {
                self.add_node(key, dedicated, now, effects);
            }
        }
        // A node that could leave at once may have ended the resize before the other kind was looked at.
        if let Some(pool) = self.pools.get_mut(key) {
            (pool.allocation, pool.allocation_since) = begun;
        }
        self.touch_pool(key);
        self.check_steady(key, now);
    }

    /// Ends a resize once no node is being made or leaving.
    pub(super) fn check_steady(&mut self, key: &Key, now: Time) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let moving = pool
            .nodes
            .values()
            .any(|n| n.state == NodeState::Creating || n.leaving.is_some());
        if pool.state == PoolState::Active
            && pool.allocation == AllocationState::Resizing
            && !moving
        {
            pool.enter_allocation(AllocationState::Steady, now);
            self.touch_pool(key);
        }
    }

    pub(super) fn stop_resize(
        &mut self,
        key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let Some(pool) = self.pools.get_mut(key) else {
            return Err(Code::PoolNotFound.into());
        };
        let modified = pool.modified;
        if pool.allocation != AllocationState::Resizing {
            return Ok(Reply::Changed(modified));
        }
        pool.enter_allocation(AllocationState::Stopping, now);
        self.abandon_resize(key, now, effects);
        if let Some(pool) = self.pools.get_mut(key) {
            pool.resize_errors = vec![error(
                "ResizeStopped",
                "Desired number of nodes could not be allocated as the resize operation was stopped",
                &[],
            )];
        }
        self.touch_pool(key);
        Ok(Reply::Changed(modified))
    }

    /// The resize timed out, or its stopping is over.
    pub(super) fn resize_timer(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let timed_out = pool.allocation == AllocationState::Resizing;
        pool.enter_allocation(AllocationState::Steady, now);
        if timed_out {
            pool.resize_errors = vec![error(
                "AllocationTimedout",
                "Desired number of nodes could not be allocated as the resize timeout was reached",
                &[],
            )];
            self.abandon_resize(key, now, effects);
        }
        self.touch_pool(key);
    }

    /// Nodes still being made go; nodes still leaving stay after all [inf].
    fn abandon_resize(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let mut making = Vec::new();
        let mut staying = Vec::new();
        for (node_key, node) in &mut pool.nodes {
            if node.state == NodeState::Creating {
                making.push(node_key.clone());
            } else if node.leaving.take().is_some() {
                node.enter(NodeState::Running, now);
                node.settle(now);
                staying.push(node_key.clone());
            }
        }
        for node in making {
            self.remove_node(key, &node, effects);
        }
        for node in staying {
            self.touch_node(key, &node);
        }
        self.unsettled.insert(key.clone());
    }
}
