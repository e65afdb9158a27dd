//! Pools: created, changed, listed and deleted. How they change size is in `allocation`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::allocation::Targets;
use super::autoscale::{self, AutoScale};
use super::check;
use super::command::{Answer, PoolRequest, Reply, UsageMetrics};
use super::effect::{Effect, RunId};
use super::images;
use super::key::{Key, Name};
use super::limits;
use super::node::Node;
use super::records::Record;
use super::timers::Timer;
use super::world::World;
use crate::wire::batch::command::UserAccount;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::machine::VirtualMachineConfiguration;
use crate::wire::batch::pool::{
    AllocationState, NodeDeallocationOption, NodeFillType, PoolCreate, PoolReplace, PoolState,
    PoolUpdate, ResizeError, TaskSchedulingPolicy,
};
use crate::wire::precondition::{Preconditions, Verdict};
use crate::wire::time::{Duration, Time};

/// A pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pool {
    /// As it was asked for, defaults filled in, later changes applied.
    pub(super) spec: Box<PoolCreate>,
    pub(super) created: Time,
    pub(super) modified: Time,
    pub(super) state: PoolState,
    pub(super) since: Time,
    pub(super) allocation: AllocationState,
    pub(super) allocation_since: Time,
    pub(super) targets: Targets,
    pub(super) resize_timeout: Duration,
    pub(super) deallocation: NodeDeallocationOption,
    pub(super) resize_errors: Vec<ResizeError>,
    /// Set while the pool sizes itself.
    #[serde(default)]
    pub(super) auto: Option<Box<AutoScale>>,
    /// When that was last asked for.
    #[serde(default)]
    pub(super) auto_enabled: Option<Time>,
    pub(super) next_node: u64,
    #[serde(skip)]
    pub(super) nodes: BTreeMap<Key, Node>,
    #[serde(skip)]
    pub(super) armed: Option<Time>,
}

impl Pool {
    pub(super) fn slots_per_node(&self) -> u32 {
        let slots = self.spec.task_slots_per_node.unwrap_or(1);
        u32::try_from(slots).unwrap_or(1)
    }

    /// Whether multi-instance tasks can run here; elsewhere they wait for ever [doc].
    pub(super) fn takes_multi_instance(&self) -> bool {
        self.spec.enable_inter_node_communication == Some(true) && self.slots_per_node() == 1
    }

    pub(super) fn fill_type(&self) -> NodeFillType {
        self.spec
            .task_scheduling_policy
            .as_ref()
            .map_or(NodeFillType::Spread, |p| p.node_fill_type)
    }

    pub(super) fn enter_allocation(&mut self, state: AllocationState, now: Time) {
        self.allocation = state;
        self.allocation_since = now;
    }

    /// In the style of the service. Follows from the pool and the number, so that no randomness is needed.
    pub(super) fn node_name(&self, number: u64, dedicated: bool) -> Name {
        let seed = format!("{}/{}/{number}", self.spec.id, self.created.ticks());
        let mut name = String::from("tvmps_");
        for byte in Sha256::digest(seed).iter().take(8) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push_str(if dedicated { "_d" } else { "_p" });
        Name::new(&name)
    }

    fn deadline(&self, pace: Option<Duration>) -> Option<Time> {
        if self.state == PoolState::Deleting {
            return Some(self.since);
        }
        let auto = self.auto.as_ref().map(|auto| auto.deadline(pace));
        self.resize_deadline().into_iter().chain(auto).min()
    }

    /// When a resize or its stopping ends, whatever has been reached.
    fn resize_deadline(&self) -> Option<Time> {
        match self.allocation {
            AllocationState::Stopping => Some(self.allocation_since),
            AllocationState::Resizing => Some(self.allocation_since.plus(self.resize_timeout)),
            _ => None,
        }
    }
}

impl World {
    pub(super) fn create_pool(
        &mut self,
        mut spec: Box<PoolCreate>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        check::id(&spec.id)?;
        let key = Key::of(&spec.id);
        if let Some(pool) = self.pools.get(&key) {
            return Err(match pool.state {
                PoolState::Deleting => Code::PoolBeingDeleted.into(),
                _ => Code::PoolExists.into(),
            });
        }
        let auto = check_new(&mut spec, now)?;
        if self.pools.len() >= limits::MAX_POOLS {
            return Err(Code::PoolQuotaReached.into());
        }
        spec.task_slots_per_node.get_or_insert(1);
        spec.task_scheduling_policy
            .get_or_insert(TaskSchedulingPolicy {
                job_default_order: None,
                node_fill_type: NodeFillType::Spread,
            });
        let is_auto = auto.is_some();
        spec.enable_inter_node_communication.get_or_insert(false);
        let timeout = *spec
            .resize_timeout
            .get_or_insert(limits::DEFAULT_RESIZE_TIMEOUT);
        let targets = Targets {
            dedicated: spec.target_dedicated_nodes.take().unwrap_or(0),
            low_priority: spec.target_low_priority_nodes.take().unwrap_or(0),
        };
        let pool = Pool {
            spec,
            created: now,
            modified: now,
            state: PoolState::Active,
            since: now,
            allocation: AllocationState::Resizing,
            allocation_since: now,
            targets,
            resize_timeout: timeout,
            deallocation: NodeDeallocationOption::Requeue,
            resize_errors: Vec::new(),
            auto: auto.map(Box::new),
            auto_enabled: None,
            next_node: 0,
            nodes: BTreeMap::new(),
            armed: None,
        };
        self.pools.insert(key.clone(), pool);
        self.touch_pool(&key);
        self.allocate(&key, now, effects);
        if is_auto {
            self.begin_autoscale(&key, now, effects);
        }
        Ok(Reply::Changed(now))
    }

    pub(super) fn pool_request(
        &mut self,
        id: &str,
        request: PoolRequest,
        conditions: &Preconditions,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let key = Key::of(id);
        let pool = self
            .pools
            .get_mut(&key)
            .ok_or_else(|| Refusal::new(Code::PoolNotFound))?;
        match request {
            PoolRequest::Get => match conditions.check_read(pool.modified)? {
                Verdict::NotModified => return Ok(Reply::NotModified(pool.modified)),
                Verdict::Proceed => return Ok(Reply::Pool(Box::new(self.view_pool(&key)?))),
            },
            PoolRequest::Nodes(list) => return self.list_nodes(&key, &list),
            PoolRequest::Node(node) => return self.get_node(&key, &node),
            PoolRequest::NodeDirectory(node) => {
                let node = pool.nodes.get(&Key::of(&node)).ok_or(Code::NodeNotFound)?;
                return Ok(Reply::NodeDirectory(pool.node_ref(node)));
            }
            _ => {}
        }
        conditions.check_write(pool.modified)?;
        if pool.state == PoolState::Deleting {
            return Err(Code::PoolBeingDeleted.into());
        }
        match request {
            PoolRequest::Update(update) => update_pool(pool, *update, now)?,
            PoolRequest::Replace(body) => replace_pool(pool, *body, now)?,
            PoolRequest::Resize(body) => {
                return self.resize_pool(&key, body, now, effects);
            }
            PoolRequest::StopResize => return self.stop_resize(&key, now, effects),
            PoolRequest::EnableAutoScale(body) => {
                return self.enable_autoscale(&key, body, now, effects);
            }
            PoolRequest::DisableAutoScale => return self.disable_autoscale(&key, now),
            PoolRequest::EvaluateAutoScale(body) => {
                return self.try_autoscale(&key, &body.auto_scale_formula, now);
            }
            PoolRequest::RemoveNodes(body) => return self.remove_nodes(&key, body, now, effects),
            PoolRequest::OnNode(node, request) => {
                return self.node_request(&key, &node, request, now, effects);
            }
            PoolRequest::Delete => {
                self.delete_pool(&key, now, effects);
                return Ok(Reply::Done);
            }
            // Answered above.
            PoolRequest::Get
            | PoolRequest::Nodes(_)
            | PoolRequest::Node(_)
            | PoolRequest::NodeDirectory(_) => {}
        }
        self.touch_pool(&key);
        self.unsettled.insert(key);
        Ok(Reply::Changed(now))
    }

    pub(super) fn delete_pool(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        pool.state = PoolState::Deleting;
        pool.since = now;
        pool.enter_allocation(AllocationState::Resizing, now);
        let nodes: Vec<Key> = pool.nodes.keys().cloned().collect();
        let runs: Vec<RunId> = pool
            .nodes
            .values()
            .flat_map(|n| n.runs.keys().copied())
            .collect();
        for run in runs {
            self.requeue_run(run, true, now, effects);
        }
        for node in nodes {
            self.remove_node(key, &node, effects);
        }
        self.touch_pool(key);
    }

    /// Sets the timer and writes the record.
    pub(super) fn touch_pool(&mut self, key: &Key) {
        let pace = self.site.autoscale_interval;
        if let Some(pool) = self.pools.get_mut(key) {
            let at = pool.deadline(pace);
            self.timers
                .arm(&mut pool.armed, at, || Timer::Pool(key.clone()));
        }
        self.records.mark(Record::Pool(key.clone()));
    }

    pub(super) fn pool_timer(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        if pool.state == PoolState::Deleting {
            self.timers
                .arm(&mut pool.armed, None, || Timer::Pool(key.clone()));
            self.pools.remove(key);
            self.records.mark(Record::Pool(key.clone()));
        } else {
            if pool.resize_deadline().is_some_and(|at| at <= now) {
                self.resize_timer(key, now, effects);
            }
            self.autoscale_timer(key, now, effects);
        }
    }
}

/// Core hours are what an account pays for; a machine of one's own has none, so the list is empty.
pub(super) fn usage_metrics(range: UsageMetrics, now: Time) -> Answer {
    let start = range.start.unwrap_or(now);
    let end = range.end.unwrap_or(now);
    if end < start {
        return Err(Refusal::new(Code::InvalidQueryParameterValue)
            .with("QueryParameterName", "endtime")
            .with("QueryParameterValue", end.to_string())
            .with("Reason", "The end is before the start"));
    }
    Ok(Reply::NoUsage)
}

/// Checks the description of a new pool, and takes out of it what makes the pool size itself.
pub(super) fn check_new(spec: &mut PoolCreate, now: Time) -> Result<Option<AutoScale>, Refusal> {
    check_spec(spec)?;
    autoscale::of_new_pool(spec, now)
}

fn check_spec(spec: &PoolCreate) -> Result<(), Refusal> {
    check::display_name(spec.display_name.as_deref())?;
    if spec.vm_size.is_empty() {
        return Err(check::missing("vmSize"));
    }
    check::refuse_if(
        !spec.mount_configuration.is_empty(),
        "mountConfiguration",
        "mounted file systems",
    )?;
    check::application_packages(&spec.application_package_references)?;
    check::metadata(&spec.metadata)?;
    let Some(machine) = &spec.virtual_machine_configuration else {
        return Err(check::missing("virtualMachineConfiguration"));
    };
    check_machine(machine)?;
    if let Some(task) = &spec.start_task {
        check::start_task(task)?;
    }
    if let Some(network) = &spec.network_configuration {
        super::network::check(network)?;
    }
    check_users(&spec.user_accounts)?;
    check_slots(spec.task_slots_per_node)?;
    super::allocation::check_timeout(spec.resize_timeout)?;
    super::allocation::check_target("targetDedicatedNodes", spec.target_dedicated_nodes)?;
    super::allocation::check_target("targetLowPriorityNodes", spec.target_low_priority_nodes)
}

fn check_machine(machine: &VirtualMachineConfiguration) -> Result<(), Refusal> {
    images::check(machine)?;
    check::refuse_if(
        machine.container_configuration.is_some(),
        "virtualMachineConfiguration.containerConfiguration",
        "container pools",
    )?;
    check::refuse_if(
        !machine.extensions.is_empty(),
        "virtualMachineConfiguration.extensions",
        "virtual machine extensions",
    )
}

fn check_users(users: &[UserAccount]) -> Result<(), Refusal> {
    for (at, user) in users.iter().enumerate() {
        if user.name.is_empty() || user.name.chars().count() > limits::MAX_USER_NAME {
            return Err(Refusal::property(
                "userAccounts.name",
                user.name.clone(),
                "The name of a user has 1 to 20 characters",
            ));
        }
        if user.password.is_none() {
            let missing = check::missing("userAccounts.password");
            return Err(missing.with("PropertyValue", user.name.clone()));
        }
        if users[..at].iter().any(|u| u.name == user.name) {
            return Err(Refusal::property(
                "userAccounts.name",
                user.name.clone(),
                "Each user has its own name",
            ));
        }
        if let Some(linux) = &user.linux_user_configuration
            && linux.uid.is_some() != linux.gid.is_some()
        {
            return Err(Refusal::property(
                "userAccounts.linuxUserConfiguration",
                user.name.clone(),
                "uid and gid are given together or not at all",
            ));
        }
    }
    Ok(())
}

fn check_slots(slots: Option<i32>) -> Result<(), Refusal> {
    match slots {
        Some(n) if !(1..=limits::MAX_TASK_SLOTS).contains(&n) => Err(Refusal::property(
            "taskSlotsPerNode",
            n.to_string(),
            "The value is 1 to 256",
        )),
        _ => Ok(()),
    }
}

/// Properties that only an empty pool can change [mem].
fn needs_empty_pool(update: &PoolUpdate) -> Option<&'static str> {
    [
        (update.display_name.is_some(), "displayName"),
        (update.vm_size.is_some(), "vmSize"),
        (
            update.enable_inter_node_communication.is_some(),
            "enableInterNodeCommunication",
        ),
        (
            update.virtual_machine_configuration.is_some(),
            "virtualMachineConfiguration",
        ),
        (update.task_slots_per_node.is_some(), "taskSlotsPerNode"),
        (
            update.task_scheduling_policy.is_some(),
            "taskSchedulingPolicy",
        ),
        (
            update.network_configuration.is_some(),
            "networkConfiguration",
        ),
        (update.user_accounts.is_some(), "userAccounts"),
        (update.mount_configuration.is_some(), "mountConfiguration"),
        (update.upgrade_policy.is_some(), "upgradePolicy"),
    ]
    .into_iter()
    .find_map(|(given, name)| given.then_some(name))
}

fn update_pool(pool: &mut Pool, update: PoolUpdate, now: Time) -> Result<(), Refusal> {
    if let Some(property) = needs_empty_pool(&update).filter(|_| !pool.nodes.is_empty()) {
        return Err(Refusal::new(Code::OperationInvalidForCurrentState)
            .with("PropertyName", property)
            .with(
                "Reason",
                "The property can be changed only while the pool has no nodes",
            ));
    }
    let mut spec = pool.spec.clone();
    macro_rules! apply {
        ($($field:ident),+; $($optional:ident),+) => {
            $(if let Some(v) = update.$field { spec.$field = v; })+
            $(if update.$optional.is_some() { spec.$optional = update.$optional; })+
        };
    }
    apply!(
        vm_size, application_package_references, metadata, user_accounts, mount_configuration;
        display_name, enable_inter_node_communication, start_task, virtual_machine_configuration,
        task_slots_per_node, task_scheduling_policy, network_configuration, upgrade_policy
    );
    check_spec(&spec)?;
    pool.spec = spec;
    pool.modified = now;
    Ok(())
}

fn replace_pool(pool: &mut Pool, body: PoolReplace, now: Time) -> Result<(), Refusal> {
    let mut spec = pool.spec.clone();
    spec.start_task = body.start_task.map(Box::new);
    spec.application_package_references = body.application_package_references;
    spec.metadata = body.metadata;
    check_spec(&spec)?;
    pool.spec = spec;
    pool.modified = now;
    Ok(())
}
