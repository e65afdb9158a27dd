//! Jobs made: by somebody or by a schedule, with their manager and their pool.

use std::collections::BTreeMap;

use super::auto_pool::{self, AutoPool};
use super::check;
use super::command::{Answer, Reply};
use super::counts::Counts;
use super::dependencies::Waiting;
use super::effect::Effect;
use super::job::Job;
use super::job_spec::{check_spec, fill_defaults, manager_task};
use super::key::Key;
use super::limits;
use super::task::check_body;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::{JobCreate, JobState};
use crate::wire::batch::job_schedule::JobScheduleState;
use crate::wire::batch::task::TaskCreate;
use crate::wire::time::Time;

impl World {
    pub(super) fn create_job(
        &mut self,
        spec: Box<JobCreate>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        check::id(&spec.id)?;
        if self.schedules.contains_key(&Key::of(&spec.id)) {
            return Err(Code::JobScheduleWithSameIdExists.into());
        }
        auto_pool::refuse_schedule_lifetime(&spec.pool_info)?;
        self.start_job(spec, None, now, effects)
    }

    fn add_manager(&mut self, key: &Key, body: &TaskCreate, now: Time) -> Result<(), Refusal> {
        self.add_task(key, body, now)?;
        let Some(job) = self.jobs.get_mut(key) else {
            return Ok(());
        };
        let Some(manager) = job.spec.job_manager_task.as_deref() else {
            return Ok(());
        };
        let exclusive = manager.run_exclusive != Some(false);
        let dedicated_only = manager.allow_low_priority_node == Some(false);
        job.change_task(&Key::of(&body.id), |task| {
            let special = task.special.get_or_insert_default();
            special.exclusive = exclusive;
            special.dedicated_only = dedicated_only;
        });
        Ok(())
    }

    pub(super) fn check_job_quota(&self) -> Result<(), Refusal> {
        let jobs = self.jobs.values();
        let active = jobs.filter(|j| j.state != JobState::Completed).count();
        let schedules = self.schedules.values();
        let schedules = schedules.filter(|s| s.state != JobScheduleState::Completed);
        if active + schedules.count() >= limits::MAX_ACTIVE_JOBS {
            return Err(Code::ActiveJobAndScheduleQuotaReached.into());
        }
        Ok(())
    }

    /// Makes a job that somebody asked for, or a schedule, which may share a pool among its jobs.
    pub(super) fn start_job(
        &mut self,
        mut spec: Box<JobCreate>,
        shared: Option<AutoPool>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let key = Key::of(&spec.id);
        if let Some(job) = self.jobs.get(&key) {
            return Err(match job.state {
                JobState::Deleting => Code::JobBeingDeleted.into(),
                _ => Code::JobExists.into(),
            });
        }
        fill_defaults(&mut spec);
        check_spec(&spec, now)?;
        self.check_job_quota()?;
        let mut job = Job {
            spec,
            created: now,
            modified: now,
            state: JobState::Active,
            since: now,
            previous: None,
            end: None,
            terminate_reason: None,
            auto_pool: None,
            scheduling_error: None,
            tasks: BTreeMap::new(),
            counts: Counts::default(),
            runnable: BTreeMap::new(),
            on_nodes: BTreeMap::new(),
            waiting: Waiting::default(),
            next_task: 0,
            armed: None,
        };
        let manager = job.spec.job_manager_task.as_deref().map(manager_task);
        if let Some(manager) = &manager {
            check_body(manager, &job)?;
        }
        let pool = match shared {
            Some(pool) => Some(pool),
            None => self.make_auto_pool(&job.spec.pool_info, &job.spec.id, now, effects)?,
        };
        match pool {
            None => {}
            Some(AutoPool::Made(pool)) => job.auto_pool = Some(pool),
            Some(AutoPool::Failed(error)) => {
                job.scheduling_error = Some(error);
                job.end = Some(now);
                job.enter(JobState::Completed, now);
            }
        }
        let manager = manager.filter(|_| job.end.is_none());
        self.bind_job(&key, &job.pool_key());
        self.jobs.insert(key.clone(), job);
        self.touch_job(&key);
        if let Some(manager) = manager {
            self.add_manager(&key, &manager, now)?;
        }
        self.check_all_complete(&key, now, effects);
        Ok(Reply::Changed(now))
    }
}
