//! A node of a pool: from `creating` to `idle` and `running`, and out again.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::effect::{Effect, Launch, NodeRef, Role, RunEnd, RunId};
use super::failure;
use super::key::{Key, Name};
use super::limits;
use super::node_user::NodeUser;
use super::pool::Pool;
use super::records::Record;
use super::timers::Timer;
use super::world::{Owner, World};
use crate::wire::batch::command::{ExecutionResult, StartTask, TaskFailureInfo};
use crate::wire::batch::node::{NodeError, NodeState, StartTaskInfo, StartTaskState};
use crate::wire::batch::pool::NodeDeallocationOption;
use crate::wire::time::Time;

/// A compute node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) name: Name,
    /// Rises with each node of the pool.
    pub(super) number: u64,
    pub(super) dedicated: bool,
    pub(super) state: NodeState,
    pub(super) since: Time,
    pub(super) allocated: Time,
    pub(super) booted: Time,
    /// The pool's start task when the node booted.
    pub(super) start_task: Option<Box<StartTask>>,
    pub(super) start_run: Option<RunId>,
    pub(super) start_info: Option<Box<StartTaskInfo>>,
    /// Set while the node waits for its tasks to end before it goes.
    pub(super) leaving: Option<NodeDeallocationOption>,
    pub(super) tasks_run: i32,
    pub(super) tasks_succeeded: i32,
    /// Job and task, newest last.
    pub(super) recent: VecDeque<(Name, Name)>,
    pub(super) errors: Vec<NodeError>,
    /// Closed to new tasks by somebody.
    #[serde(default)]
    pub(super) disabled: bool,
    /// Set while a reboot, reimage or deallocation waits for the tasks here to end.
    #[serde(default)]
    pub(super) waiting: bool,
    /// Its directories are being made.
    #[serde(default)]
    pub(super) preparing: bool,
    /// Accounts that were asked for; no account of this machine is made.
    #[serde(default)]
    pub(super) users: BTreeMap<String, NodeUser>,
    #[serde(skip)]
    pub(super) armed: Option<Time>,
    /// What runs here and how many slots it takes; follows from the tasks.
    #[serde(skip)]
    pub(super) runs: BTreeMap<RunId, u16>,
}

impl Node {
    pub(super) fn enter(&mut self, state: NodeState, now: Time) {
        if self.state != state {
            self.state = state;
            self.since = now;
        }
    }

    /// Whether it takes tasks.
    pub(super) fn is_open(&self) -> bool {
        self.leaving.is_none()
            && !self.disabled
            && matches!(self.state, NodeState::Idle | NodeState::Running)
    }

    pub(super) fn used_slots(&self) -> u32 {
        self.runs.values().map(|s| u32::from(*s)).sum()
    }

    /// `running` while something runs; else `idle`, or `offline` when it is closed to new tasks.
    pub(super) fn settle(&mut self, now: Time) {
        if !matches!(
            self.state,
            NodeState::Running | NodeState::Idle | NodeState::Offline
        ) {
            return;
        }
        let state = match (self.runs.is_empty(), self.disabled) {
            (false, _) => NodeState::Running,
            (true, false) => NodeState::Idle,
            (true, true) => NodeState::Offline,
        };
        self.enter(state, now);
    }

    /// It has started.
    fn open(&mut self, now: Time) {
        let state = if self.disabled {
            NodeState::Offline
        } else {
            NodeState::Idle
        };
        self.enter(state, now);
    }

    pub(super) fn remember(&mut self, job: &Name, task: &Name) {
        self.recent.retain(|(j, t)| (j, t) != (job, task));
        self.recent.push_back((job.clone(), task.clone()));
        while self.recent.len() > limits::RECENT_TASKS {
            self.recent.pop_front();
        }
    }
}

impl Pool {
    /// Where a node listens when its tasks talk to each other. All of 127.0.0.0/8 is this machine, but on some
    /// systems only its first address; where it can be, the address is the node's own.
    pub(super) fn address(&self, node: &Node) -> Ipv4Addr {
        if cfg!(not(target_os = "linux")) {
            return Ipv4Addr::LOCALHOST;
        }
        let [pool, ..]: [u8; 32] = Sha256::digest(self.spec.id.to_ascii_lowercase()).into();
        let host = node.number % (250 * 250);
        // Both are less than 250, and 127.0 is left to others.
        let [.., high, low] = [host / 250, host % 250 + 1].map(|n| u8::try_from(n).unwrap_or(1));
        Ipv4Addr::new(127, pool.max(1), high, low)
    }

    pub(super) fn node_ref(&self, node: &Node) -> NodeRef {
        NodeRef {
            pool: self.spec.id.clone(),
            node: node.name.as_str().to_owned(),
        }
    }
}

impl World {
    pub(super) fn node_mut(&mut self, pool: &Key, node: &Key) -> Option<&mut Node> {
        self.pools.get_mut(pool)?.nodes.get_mut(node)
    }

    pub(super) fn add_node(
        &mut self,
        pool_key: &Key,
        dedicated: bool,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(pool) = self.pools.get_mut(pool_key) else {
            return;
        };
        let number = pool.next_node;
        pool.next_node += 1;
        let node = Node {
            name: pool.node_name(number, dedicated),
            number,
            dedicated,
            state: NodeState::Creating,
            since: now,
            allocated: now,
            booted: now,
            start_task: pool.spec.start_task.clone(),
            start_run: None,
            start_info: None,
            leaving: None,
            tasks_run: 0,
            tasks_succeeded: 0,
            recent: VecDeque::new(),
            errors: Vec::new(),
            disabled: false,
            waiting: false,
            preparing: true,
            users: BTreeMap::new(),
            armed: None,
            runs: BTreeMap::new(),
        };
        effects.push(Effect::PrepareNode(pool.node_ref(&node)));
        let key = node.name.key();
        pool.nodes.insert(key.clone(), node);
        self.touch_node(pool_key, &key);
        self.records.mark(Record::Pool(pool_key.clone()));
    }

    pub(super) fn node_prepared(
        &mut self,
        node_ref: &NodeRef,
        error: Option<String>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let (pool, key) = (Key::of(&node_ref.pool), Key::of(&node_ref.node));
        let Some(node) = self.node_mut(&pool, &key) else {
            return;
        };
        if !std::mem::take(&mut node.preparing) {
            return;
        }
        match error {
            Some(message) => {
                node.enter(NodeState::Unusable, now);
                node.errors = vec![NodeError {
                    code: Some("NodePreparationFailed".to_owned()),
                    message: Some(message),
                    error_details: Vec::new(),
                }];
            }
            None => {
                node.errors.clear();
                node.enter(NodeState::Starting, now);
                self.start_node(&pool, &key, 0, None, now, effects);
            }
        }
        self.touch_node(&pool, &key);
        self.check_steady(&pool, now);
    }

    /// Runs the start task, or opens the node when it has none.
    fn start_node(
        &mut self,
        pool_key: &Key,
        node_key: &Key,
        retries: i32,
        last_retry: Option<Time>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let run = self.new_run();
        let Some(pool) = self.pools.get_mut(pool_key) else {
            return;
        };
        let Some(node) = pool.nodes.get_mut(node_key) else {
            return;
        };
        let Some(task) = node.start_task.clone() else {
            node.start_info = None;
            node.open(now);
            self.unsettled.insert(pool_key.clone());
            return;
        };
        if !task.wait_for_success.unwrap_or(true) && retries == 0 {
            node.open(now);
            self.unsettled.insert(pool_key.clone());
        }
        node.start_run = Some(run);
        node.start_info = Some(Box::new(StartTaskInfo {
            state: StartTaskState::Running,
            start_time: now,
            end_time: None,
            exit_code: None,
            container_info: None,
            failure_info: None,
            retry_count: retries,
            last_retry_time: last_retry,
            result: None,
        }));
        effects.push(Effect::Launch(Box::new(Launch {
            run,
            node: NodeRef {
                pool: pool.spec.id.clone(),
                node: node.name.as_str().to_owned(),
            },
            role: Role::StartTask,
            preparation: None,
            dedicated: node.dedicated,
            command_line: task.command_line,
            environment: task.environment_settings,
            resource_files: task.resource_files,
            output_files: Vec::new(),
            instance: None,
        })));
        self.runs
            .insert(run, Owner::StartTask(pool_key.clone(), node_key.clone()));
    }

    pub(super) fn start_task_started(&mut self, pool: &Key, node_key: &Key, at: Time, now: Time) {
        if let Some(node) = self.node_mut(pool, node_key) {
            if let Some(info) = &mut node.start_info {
                info.start_time = at;
            }
            if node.state == NodeState::Starting {
                node.enter(NodeState::WaitingForStartTask, now);
            }
        }
        self.touch_node(pool, node_key);
    }

    pub(super) fn start_task_ended(
        &mut self,
        pool: &Key,
        node_key: &Key,
        end: RunEnd,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        self.touch_node(pool, node_key);
        let Some(node) = self.node_mut(pool, node_key) else {
            return;
        };
        node.start_run = None;
        let Some(info) = &mut node.start_info else {
            return;
        };
        let failed = failure_of(&end);
        info.state = StartTaskState::Completed;
        info.end_time = Some(end.at);
        info.exit_code = end.exit_code;
        info.result = Some(match failed {
            None => ExecutionResult::Success,
            Some(_) => ExecutionResult::Failure,
        });
        info.failure_info = failed;
        let retries = info.retry_count;
        let failed = info.failure_info.is_some();
        let task = node.start_task.as_deref();
        let allowed = task.and_then(|t| t.max_task_retry_count).unwrap_or(0);
        let waits = task.and_then(|t| t.wait_for_success).unwrap_or(true);
        if failed && end.failure.is_none() && (allowed == -1 || retries < allowed) {
            self.start_node(
                pool,
                node_key,
                retries.saturating_add(1),
                Some(now),
                now,
                effects,
            );
            return;
        }
        if matches!(
            node.state,
            NodeState::Starting | NodeState::WaitingForStartTask
        ) {
            if failed && waits {
                node.enter(NodeState::StartTaskFailed, now);
            } else {
                node.open(now);
            }
            self.unsettled.insert(pool.clone());
        }
    }

    /// Takes a node out of service as the option says, now or when its tasks have ended.
    pub(super) fn detach_node(
        &mut self,
        pool: &Key,
        node_key: &Key,
        option: NodeDeallocationOption,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(node) = self.node_mut(pool, node_key) else {
            return;
        };
        let runs: Vec<RunId> = node.runs.keys().copied().collect();
        node.leaving = Some(option);
        node.waiting = false;
        node.enter(NodeState::LeavingPool, now);
        self.touch_node(pool, node_key);
        match option {
            NodeDeallocationOption::Requeue => {
                for run in runs {
                    self.requeue_run(run, true, now, effects);
                }
            }
            NodeDeallocationOption::Terminate => {
                for run in runs {
                    self.stop_run(run, super::task::Ending::NodeLeft, effects);
                }
            }
            NodeDeallocationOption::TaskCompletion | NodeDeallocationOption::RetainedData => {}
        }
        self.drop_if_left(pool, node_key, now, effects);
    }

    /// Removes a leaving node once nothing runs on it, or goes on with a reboot that waited for that.
    pub(super) fn drop_if_left(
        &mut self,
        pool: &Key,
        node_key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let gone = self
            .node_mut(pool, node_key)
            .is_some_and(|n| n.leaving.is_some() && n.runs.is_empty());
        if gone {
            self.remove_node(pool, node_key, effects);
            self.check_steady(pool, now);
        } else {
            self.power_if_empty(pool, node_key, now, effects);
        }
    }

    /// Forgets a node; whatever still runs there is abandoned.
    pub(super) fn remove_node(&mut self, pool: &Key, node_key: &Key, effects: &mut Vec<Effect>) {
        let Some(owner) = self.pools.get_mut(pool) else {
            return;
        };
        let Some(mut node) = owner.nodes.remove(node_key) else {
            return;
        };
        self.timers.arm(&mut node.armed, None, || {
            Timer::Node(pool.clone(), node_key.clone())
        });
        if let Some(run) = node.start_run {
            self.runs.remove(&run);
        }
        effects.push(Effect::RemoveNode(owner.node_ref(&node)));
        self.touch_node(pool, node_key);
        self.forget_chores(node_key, true, effects);
    }
}

/// Why a run counts as failed; None when it succeeded.
pub(super) fn failure_of(end: &RunEnd) -> Option<TaskFailureInfo> {
    match (&end.failure, end.exit_code) {
        (Some(f), _) => Some(f.info.clone()),
        (None, Some(0)) => None,
        (None, Some(_)) => Some(failure::exit_code()),
        (None, None) => Some(failure::not_launched()),
    }
}
