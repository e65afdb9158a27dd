//! Auto pools: made for a job or for a schedule, and deleted with it unless they are to be kept.

use sha2::{Digest, Sha256};

use super::check;
use super::effect::Effect;
use super::key::{Key, Name};
use super::limits;
use super::pool;
use super::world::World;
use crate::ids::check_batch_id;
use crate::wire::batch::command::{ErrorCategory, NameValuePair};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::{JobCreate, JobSchedulingError};
use crate::wire::batch::pool::{
    AutoPoolSpecification, PoolCreate, PoolInfo, PoolLifetimeOption, PoolSpecification, PoolState,
};
use crate::wire::time::Time;

const AT: &str = "poolInfo.autoPoolSpecification";

/// What a job or a schedule got when it asked for a pool.
pub(super) enum AutoPool {
    Made(Name),
    /// The job is completed with this.
    Failed(Box<JobSchedulingError>),
}

/// Checks where a job is to run: exactly one of the two ways to say it.
pub(super) fn check_pool_info(info: &PoolInfo, now: Time) -> Result<(), Refusal> {
    let id = info.pool_id.as_deref().filter(|id| !id.is_empty());
    match (id, info.auto_pool_specification.as_deref()) {
        (None, None) => Err(check::missing("poolInfo.poolId")),
        (Some(id), Some(_)) => Err(Refusal::property(
            "poolInfo.poolId",
            id,
            "A job has either the id of a pool or the specification of an auto pool",
        )),
        (Some(id), None) => {
            check_batch_id(id).map_err(|e| Refusal::property("poolInfo.poolId", id, e.to_string()))
        }
        (None, Some(auto)) => check(auto, now),
    }
}

fn check(auto: &AutoPoolSpecification, now: Time) -> Result<(), Refusal> {
    if let Some(prefix) = auto.auto_pool_id_prefix.as_deref() {
        let is_long = prefix.chars().count() > limits::MAX_AUTO_POOL_PREFIX;
        if is_long || check_batch_id(prefix).is_err() {
            return Err(Refusal::property(
                &format!("{AT}.autoPoolIdPrefix"),
                prefix,
                "A prefix has 1 to 20 letters, digits, hyphens and underscores",
            ));
        }
    }
    let specification = auto.pool.as_deref();
    let specification = specification.ok_or_else(|| check::missing(&format!("{AT}.pool")))?;
    pool::check_new(&mut pool_of(specification, String::new()), now).map(|_| ())
}

/// A pool for the lifetime of a schedule goes with schedules only [doc].
pub(super) fn refuse_schedule_lifetime(info: &PoolInfo) -> Result<(), Refusal> {
    if lifetime(info) == Some(PoolLifetimeOption::JobSchedule) {
        return Err(Refusal::property(
            &format!("{AT}.poolLifetimeOption"),
            "jobschedule",
            "The lifetime of a job schedule applies to job schedules, not to jobs",
        ));
    }
    Ok(())
}

pub(super) fn lifetime(info: &PoolInfo) -> Option<PoolLifetimeOption> {
    let auto = info.auto_pool_specification.as_deref()?;
    Some(auto.pool_lifetime_option)
}

fn is_kept(info: &PoolInfo) -> bool {
    let auto = info.auto_pool_specification.as_deref();
    auto.is_some_and(|auto| auto.keep_alive == Some(true))
}

/// Where a job that is to run in an auto pool may be moved: nowhere. Only whether the pool is kept can change [doc].
pub(super) fn check_change(old: &PoolInfo, new: &PoolInfo) -> Result<(), Refusal> {
    let mut same = new.clone();
    if let (Some(to), Some(from)) = (
        &mut same.auto_pool_specification,
        &old.auto_pool_specification,
    ) {
        to.keep_alive = from.keep_alive;
    }
    if same != *old {
        return Err(Refusal::property(
            AT,
            "",
            "Of an auto pool only keepAlive can be changed, and a job keeps its kind of pool",
        ));
    }
    Ok(())
}

fn pool_of(of: &PoolSpecification, id: String) -> PoolCreate {
    let of = of.clone();
    PoolCreate {
        id,
        display_name: of.display_name,
        vm_size: of.vm_size,
        virtual_machine_configuration: of.virtual_machine_configuration,
        resize_timeout: of.resize_timeout,
        target_dedicated_nodes: of.target_dedicated_nodes,
        target_low_priority_nodes: of.target_low_priority_nodes,
        enable_auto_scale: of.enable_auto_scale,
        auto_scale_formula: of.auto_scale_formula,
        auto_scale_evaluation_interval: of.auto_scale_evaluation_interval,
        enable_inter_node_communication: of.enable_inter_node_communication,
        network_configuration: of.network_configuration,
        start_task: of.start_task,
        application_package_references: of.application_package_references,
        task_slots_per_node: of.task_slots_per_node,
        task_scheduling_policy: of.task_scheduling_policy,
        user_accounts: of.user_accounts,
        metadata: of.metadata,
        mount_configuration: of.mount_configuration,
        upgrade_policy: of.upgrade_policy,
    }
}

/// A GUID in upper case, after the prefix [rec]. It follows from whose pool it is and when that was made.
fn new_id(prefix: Option<&str>, owner: &str, now: Time) -> String {
    let digest: [u8; 32] = Sha256::digest(format!("{owner}/{}", now.ticks())).into();
    let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
    let guid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    match prefix {
        Some(prefix) => format!("{prefix}_{:X}", guid.hyphenated()),
        None => format!("{:X}", guid.hyphenated()),
    }
}

fn quota_reached(why: &str) -> AutoPool {
    AutoPool::Failed(Box::new(JobSchedulingError {
        category: ErrorCategory::UserError,
        // The name is from memory [mem].
        code: Some("AutoPoolCreationFailedWithQuotaReached".to_owned()),
        message: Some("The auto pool could not be created: a quota is reached".to_owned()),
        details: vec![NameValuePair {
            name: Some("Reason".to_owned()),
            value: Some(why.to_owned()),
        }],
    }))
}

impl World {
    /// Makes the pool that a job or a schedule asks for; None when it asks for none.
    pub(super) fn make_auto_pool(
        &mut self,
        info: &PoolInfo,
        owner: &str,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<AutoPool>, Refusal> {
        let Some(auto) = info.auto_pool_specification.as_deref() else {
            return Ok(None);
        };
        let Some(specification) = auto.pool.as_deref() else {
            return Ok(None);
        };
        let id = new_id(auto.auto_pool_id_prefix.as_deref(), owner, now);
        let key = Key::of(&id);
        let made = self.create_pool(Box::new(pool_of(specification, id.clone())), now, effects);
        match made {
            Err(refusal) if refusal.code == Code::PoolQuotaReached => {
                return Ok(Some(quota_reached("The account has its number of pools")));
            }
            Err(refusal) => return Err(refusal),
            Ok(_) => {}
        }
        let error = self.pools.get(&key).and_then(|p| p.resize_errors.first());
        if let Some(error) = error.cloned() {
            self.delete_pool(&key, now, effects);
            let reason = error.values.into_iter().find_map(|v| v.value);
            let why = reason.or(error.message).unwrap_or_default();
            return Ok(Some(quota_reached(&why)));
        }
        Ok(Some(AutoPool::Made(Name::new(&id))))
    }

    /// Deletes an auto pool whose time is over, unless it is to be kept or is gone.
    fn end_auto_pool(
        &mut self,
        info: &PoolInfo,
        pool: &Name,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let key = pool.key();
        let found = self.pools.get(&key);
        if !is_kept(info) && found.is_some_and(|p| p.state == PoolState::Active) {
            self.delete_pool(&key, now, effects);
        }
    }

    /// To be called when a job is completed or about to be removed.
    pub(super) fn end_auto_pool_of_job(&mut self, job: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get(job) else {
            return;
        };
        if lifetime(&job.spec.pool_info) != Some(PoolLifetimeOption::Job) {
            return;
        }
        let info = job.spec.pool_info.clone();
        if let Some(pool) = job.auto_pool.clone() {
            self.end_auto_pool(&info, &pool, now, effects);
        }
    }

    /// To be called when a schedule is completed or about to be removed.
    pub(super) fn end_auto_pool_of_schedule(
        &mut self,
        schedule: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(schedule) = self.schedules.get(schedule) else {
            return;
        };
        let info = schedule.spec.job_specification.pool_info.clone();
        if let Some(pool) = schedule.auto_pool.clone() {
            self.end_auto_pool(&info, &pool, now, effects);
        }
    }

    /// The pool that the jobs of a schedule share, made with the first of them and again when it is gone; None
    /// when they share none.
    pub(super) fn shared_pool_of_schedule(
        &mut self,
        key: &Key,
        job: &JobCreate,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<AutoPool>, Refusal> {
        if lifetime(&job.pool_info) != Some(PoolLifetimeOption::JobSchedule) {
            return Ok(None);
        }
        let shared = self.schedules.get(key).and_then(|s| s.auto_pool.clone());
        let is_there = |pool: &Name| {
            let found = self.pools.get(&pool.key());
            found.is_some_and(|p| p.state == PoolState::Active)
        };
        if let Some(pool) = shared.filter(is_there) {
            return Ok(Some(AutoPool::Made(pool)));
        }
        let made = self.make_auto_pool(&job.pool_info, key.as_str(), now, effects)?;
        if let (Some(AutoPool::Made(pool)), Some(schedule)) = (&made, self.schedules.get_mut(key)) {
            schedule.auto_pool = Some(pool.clone());
        }
        Ok(made)
    }
}
