//! Changes to a job that was made.

use super::auto_pool;
use super::check;
use super::effect::Effect;
use super::job_spec::{check_spec, fill_defaults};
use super::key::Key;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::{JobCreate, JobState, JobUpdate, OnAllTasksComplete};
use crate::wire::time::Time;

impl World {
    pub(super) fn update_job(
        &mut self,
        key: &Key,
        update: JobUpdate,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let job = self.jobs.get(key).ok_or(Code::JobNotFound)?;
        let mut spec = job.spec.clone();
        if let Some(constraints) = update.constraints {
            spec.constraints = Some(constraints);
        }
        if let Some(pool_info) = update.pool_info {
            spec.pool_info = pool_info;
        }
        if let Some(metadata) = update.metadata {
            spec.metadata = metadata;
        }
        macro_rules! apply {
            ($($field:ident),+) => {
                $(if update.$field.is_some() { spec.$field = update.$field; })+
            };
        }
        apply!(
            priority,
            allow_task_preemption,
            max_parallel_tasks,
            on_all_tasks_complete,
            network_configuration
        );
        self.store_job(key, spec, now, effects)
    }

    /// What is left out goes back to its default.
    pub(super) fn replace_job(
        &mut self,
        key: &Key,
        body: JobUpdate,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let job = self.jobs.get(key).ok_or(Code::JobNotFound)?;
        let mut spec = job.spec.clone();
        spec.pool_info = body.pool_info.ok_or_else(|| check::missing("poolInfo"))?;
        spec.priority = body.priority;
        spec.allow_task_preemption = body.allow_task_preemption;
        spec.max_parallel_tasks = body.max_parallel_tasks;
        spec.constraints = body.constraints;
        spec.metadata = body.metadata.unwrap_or_default();
        spec.network_configuration = body.network_configuration;
        // [inf] Left out means `noaction`, unless that would take back a `terminatejob`.
        spec.on_all_tasks_complete = body
            .on_all_tasks_complete
            .or(job.spec.on_all_tasks_complete);
        self.store_job(key, spec, now, effects)
    }

    fn store_job(
        &mut self,
        key: &Key,
        mut spec: Box<JobCreate>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        fill_defaults(&mut spec);
        check_spec(&spec, now)?;
        let Some(job) = self.jobs.get_mut(key) else {
            return Err(Code::JobNotFound.into());
        };
        if job.spec.on_all_tasks_complete == Some(OnAllTasksComplete::TerminateJob)
            && spec.on_all_tasks_complete == Some(OnAllTasksComplete::NoAction)
        {
            return Err(Refusal::property(
                "onAllTasksComplete",
                "noaction",
                "The value cannot be changed from terminatejob to noaction",
            ));
        }
        let old = job.pool_key();
        if spec.pool_info != job.spec.pool_info {
            let is_auto = |spec: &JobCreate| spec.pool_info.auto_pool_specification.is_some();
            if is_auto(&job.spec) || is_auto(&spec) {
                auto_pool::check_change(&job.spec.pool_info, &spec.pool_info)?;
            } else if job.state != JobState::Disabled {
                // [doc] The pool of a job changes only while the job is disabled.
                return Err(Refusal::new(Code::OperationInvalidForCurrentState)
                    .with("PropertyName", "poolInfo")
                    .with(
                        "Reason",
                        "The pool can be changed only while the job is disabled",
                    ));
            }
        }
        job.spec = spec;
        job.modified = now;
        let new = job.pool_key();
        self.unbind_job(key, &old);
        self.bind_job(key, &new);
        self.touch_job(key);
        self.unsettled.insert(new);
        self.check_all_complete(key, now, effects);
        Ok(())
    }
}
