//! Nodes restarted, made anew, switched off and on, and closed to new tasks. What runs there is queued again,
//! ended or waited for, as the caller chose.

use super::check;
use super::command::{Answer, Reply};
use super::effect::{Effect, RunId, StopReason};
use super::key::Key;
use super::node::Node;
use super::records::Record;
use super::task::Ending;
use super::timers::Timer;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::node::{NodeDisableSchedulingOption, NodeState};
use crate::wire::batch::pool::NodeDeallocationOption;
use crate::wire::time::Time;

/// What is done to a node as a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Power {
    Reboot,
    Reimage,
    Deallocate,
}

impl Power {
    /// The property that says what becomes of tasks.
    fn option(self) -> &'static str {
        match self {
            Self::Reboot => "nodeRebootOption",
            Self::Reimage => "nodeReimageOption",
            Self::Deallocate => "nodeDeallocateOption",
        }
    }

    fn state(self) -> NodeState {
        match self {
            Self::Reboot => NodeState::Rebooting,
            Self::Reimage => NodeState::Reimaging,
            Self::Deallocate => NodeState::Deallocating,
        }
    }
}

/// Why a node in this state cannot be touched; None when it can.
pub(super) fn in_the_way(state: NodeState) -> Option<Refusal> {
    Some(match state {
        NodeState::Creating => Code::NodeBeingCreated.into(),
        NodeState::Starting | NodeState::WaitingForStartTask => Code::NodeBeingStarted.into(),
        NodeState::Rebooting => Code::NodeBeingRebooted.into(),
        NodeState::Reimaging => Code::NodeBeingReimaged.into(),
        NodeState::LeavingPool
        | NodeState::Deallocating
        | NodeState::Deallocated
        | NodeState::Preempted
        | NodeState::UpgradingOs => not_valid(state),
        _ => return None,
    })
}

pub(super) fn not_valid(state: NodeState) -> Refusal {
    Refusal::new(Code::OperationNotValidOnNode).with("Reason", format!("The node is {state}"))
}

impl Node {
    /// When the node is to be looked at again.
    pub(super) fn deadline(&self) -> Option<Time> {
        (self.state == NodeState::Deallocating && !self.waiting).then_some(self.since)
    }
}

impl World {
    pub(super) fn power_node(
        &mut self,
        pool: &Key,
        node_key: &Key,
        power: Power,
        option: NodeDeallocationOption,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        if let Some(refusal) = in_the_way(node.state) {
            return Err(refusal);
        }
        check::refuse_if(
            option == NodeDeallocationOption::RetainedData,
            power.option(),
            "retaineddata",
        )?;
        node.enter(power.state(), now);
        node.waiting = true;
        let runs: Vec<RunId> = node.runs.keys().copied().collect();
        match option {
            NodeDeallocationOption::Requeue => {
                for run in runs {
                    self.abandon_run(run, now, effects);
                }
            }
            NodeDeallocationOption::Terminate => {
                for run in runs {
                    self.stop_run(run, Ending::UserRequest, effects);
                }
            }
            NodeDeallocationOption::TaskCompletion | NodeDeallocationOption::RetainedData => {}
        }
        self.power_if_empty(pool, node_key, now, effects);
        self.touch_node(pool, node_key);
        Ok(Reply::Done)
    }

    /// Goes on with what a node waited for, once nothing runs on it.
    pub(super) fn power_if_empty(
        &mut self,
        pool: &Key,
        node_key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(node) = self.node_mut(pool, node_key) else {
            return;
        };
        if !node.waiting || !node.runs.is_empty() {
            return;
        }
        node.waiting = false;
        let is_off = node.state == NodeState::Deallocating;
        if let Some(run) = node.start_run.take() {
            self.runs.remove(&run);
            effects.push(Effect::Stop {
                run,
                reason: StopReason::Abandoned,
            });
        }
        if is_off {
            self.touch_node(pool, node_key);
        } else {
            self.boot(pool, node_key, now, effects);
        }
    }

    /// A node that was switched off is off.
    pub(super) fn node_timer(&mut self, pool: &Key, node_key: &Key, now: Time) {
        if let Some(node) = self.node_mut(pool, node_key) {
            node.start_info = None;
            node.enter(NodeState::Deallocated, now);
        }
        self.touch_node(pool, node_key);
    }

    pub(super) fn start_deallocated(
        &mut self,
        pool: &Key,
        node_key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        if node.state != NodeState::Deallocated {
            return Err(not_valid(node.state));
        }
        node.enter(NodeState::Starting, now);
        self.boot(pool, node_key, now, effects);
        Ok(Reply::Done)
    }

    /// Makes a node's directories, after which its start task runs. The state says how the node came here.
    pub(super) fn boot(
        &mut self,
        pool_key: &Key,
        node_key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        self.forget_chores(node_key, false, effects);
        let Some(pool) = self.pools.get_mut(pool_key) else {
            return;
        };
        let start_task = pool.spec.start_task.clone();
        let pool_id = pool.spec.id.clone();
        let Some(node) = pool.nodes.get_mut(node_key) else {
            return;
        };
        node.booted = now;
        node.start_task = start_task;
        node.start_run = None;
        node.start_info = None;
        node.errors.clear();
        node.preparing = true;
        let node_ref = super::effect::NodeRef {
            pool: pool_id,
            node: node.name.as_str().to_owned(),
        };
        if node.state == NodeState::Reimaging {
            node.users.clear();
            effects.push(Effect::RemoveNode(node_ref.clone()));
        }
        effects.push(Effect::PrepareNode(node_ref));
        self.touch_node(pool_key, node_key);
    }

    pub(super) fn disable_scheduling(
        &mut self,
        pool: &Key,
        node_key: &Key,
        option: NodeDisableSchedulingOption,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        if node.disabled {
            return Err(Code::NodeAlreadyInTargetSchedulingState.into());
        }
        if node.state == NodeState::LeavingPool {
            return Err(not_valid(node.state));
        }
        node.disabled = true;
        node.settle(now);
        let runs: Vec<RunId> = node.runs.keys().copied().collect();
        for run in runs {
            match option {
                NodeDisableSchedulingOption::Requeue => self.abandon_run(run, now, effects),
                NodeDisableSchedulingOption::Terminate => {
                    self.stop_run(run, Ending::UserRequest, effects);
                }
                NodeDisableSchedulingOption::TaskCompletion => {}
            }
        }
        self.touch_node(pool, node_key);
        Ok(Reply::Done)
    }

    pub(super) fn enable_scheduling(&mut self, pool: &Key, node_key: &Key, now: Time) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        if !node.disabled {
            return Err(Code::NodeAlreadyInTargetSchedulingState.into());
        }
        node.disabled = false;
        node.settle(now);
        self.touch_node(pool, node_key);
        self.unsettled.insert(pool.clone());
        Ok(Reply::Done)
    }

    /// Sets the timer and writes the record.
    pub(super) fn touch_node(&mut self, pool: &Key, node: &Key) {
        self.arm_node(pool, node);
        self.records.mark(Record::Node(pool.clone(), node.clone()));
    }

    /// Sets the timer and lets the record wait: see [`Records::mark_for_later`](super::records::Records).
    pub(super) fn touch_node_later(&mut self, pool: &Key, node: &Key) {
        self.arm_node(pool, node);
        let record = Record::Node(pool.clone(), node.clone());
        self.records.mark_for_later(record);
    }

    fn arm_node(&mut self, pool: &Key, node: &Key) {
        if let Some(found) = self.pools.get_mut(pool).and_then(|p| p.nodes.get_mut(node)) {
            let at = found.deadline();
            let timer = || Timer::Node(pool.clone(), node.clone());
            self.timers.arm(&mut found.armed, at, timer);
        }
    }
}
