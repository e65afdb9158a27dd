//! The state of the service and the one door to it.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{Answer, BatchCommand, Request};
use super::effect::{Effect, Report, RunId};
use super::job::Job;
use super::job_schedule::JobSchedule;
use super::key::Key;
use super::pool::Pool;
use super::records::Records;
use super::timers::{Timer, Timers};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::time::{Duration, Time};

/// Who the service is, for the URLs it answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct Site {
    pub(in crate::service) account: String,
    /// Without a slash at the end.
    pub(in crate::service) batch_endpoint: String,
    /// How often autoscale formulas are evaluated, whatever their pools say.
    pub(in crate::service) autoscale_interval: Option<Duration>,
}

/// Something that happens to the core.
#[derive(Debug)]
pub(in crate::service) enum Input {
    Batch(Box<BatchCommand>),
    Report(Report),
    /// The moment [`World::next_deadline`] named has come.
    Tick,
}

/// What a run executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// Pool and node.
    StartTask(Key, Key),
    /// Job and task.
    Task(Key, Key),
    /// Job and task; which of its subtasks, from 1.
    Subtask(Key, Key, u16),
    /// Job and node; whether it is the release task and not the preparation task.
    Chore(Key, Key, bool),
}

/// Everything the service knows, except the bytes of blobs and files.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct World {
    pub(super) site: Site,
    pub(super) pools: BTreeMap<Key, Pool>,
    pub(super) jobs: BTreeMap<Key, Job>,
    pub(super) schedules: BTreeMap<Key, JobSchedule>,
    /// Jobs by the pool they name, which need not exist.
    pub(super) bound: BTreeMap<Key, BTreeSet<Key>>,
    pub(super) runs: BTreeMap<RunId, Owner>,
    pub(super) next_run: u64,
    pub(super) timers: Timers,
    /// Pools whose free slots or waiting tasks may have changed.
    pub(super) unsettled: BTreeSet<Key>,
    pub(super) records: Records,
}

impl World {
    pub(in crate::service) fn new(site: Site) -> Self {
        Self {
            site,
            pools: BTreeMap::new(),
            jobs: BTreeMap::new(),
            schedules: BTreeMap::new(),
            bound: BTreeMap::new(),
            runs: BTreeMap::new(),
            next_run: 1,
            timers: Timers::default(),
            unsettled: BTreeSet::new(),
            records: Records::default(),
        }
    }

    /// Takes one input. What it causes outside is appended to `effects`; tasks are placed by [`World::settle`],
    /// once for as many inputs as there are.
    pub(in crate::service) fn handle(
        &mut self,
        input: Input,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        match input {
            Input::Batch(command) => self.batch(*command, now, effects),
            Input::Report(report) => self.report(report, now, effects),
            Input::Tick => {
                for timer in self.timers.due(now) {
                    match timer {
                        Timer::Pool(pool) => self.pool_timer(&pool, now, effects),
                        Timer::Node(pool, node) => self.node_timer(&pool, &node, now),
                        Timer::Schedule(key) => self.schedule_timer(&key, now, effects),
                        Timer::Job(job) => self.job_timer(&job, now, effects),
                        Timer::Task(job, task) => self.task_timer(&job, &task, effects),
                    }
                }
                Ok(super::command::Reply::Done)
            }
        }
    }

    fn batch(&mut self, command: BatchCommand, now: Time, effects: &mut Vec<Effect>) -> Answer {
        let BatchCommand {
            conditions,
            request,
        } = command;
        match request {
            Request::SupportedImages(list) => self.list_images(&list),
            Request::NodeCounts(list) => self.list_node_counts(&list),
            Request::UsageMetrics(range) => super::pool::usage_metrics(range, now),
            Request::Applications => Ok(super::command::Reply::NoApplications),
            Request::Application(id) => {
                Err(Refusal::new(Code::ApplicationNotFound).with("ApplicationId", id))
            }
            Request::CreatePool(body) => self.create_pool(body, now, effects),
            Request::Pools(list) => self.list_pools(&list),
            Request::Pool(id, request) => {
                self.pool_request(&id, request, &conditions, now, effects)
            }
            Request::CreateJob(body) => self.create_job(body, now, effects),
            Request::CreateJobSchedule(body) => self.create_job_schedule(body, now, effects),
            Request::JobSchedules(list) => self.list_job_schedules(&list),
            Request::JobSchedule(id, request) => {
                self.job_schedule_request(&id, request, &conditions, now, effects)
            }
            Request::Jobs(list) => self.list_jobs(&list),
            Request::Job(id, request) => self.job_request(&id, request, &conditions, now, effects),
        }
    }

    /// When [`Input::Tick`] is wanted; may be in the past.
    pub(in crate::service) fn next_deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    pub(super) fn bind_job(&mut self, job: &Key, pool: &Key) {
        self.bound
            .entry(pool.clone())
            .or_default()
            .insert(job.clone());
    }

    pub(super) fn unbind_job(&mut self, job: &Key, pool: &Key) {
        if let Some(jobs) = self.bound.get_mut(pool) {
            jobs.remove(job);
            if jobs.is_empty() {
                self.bound.remove(pool);
            }
        }
    }
}
