//! Jobs: changed, disabled, terminated and deleted. How they are made is in `job_start`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::{Answer, JobRequest, Reply};
use super::counts::Counts;
use super::dependencies::Waiting;
use super::effect::{Effect, RunId};
use super::key::{Key, Name};
use super::limits;
use super::preparation::{OnNode, preparation_id};
use super::records::Record;
use super::schedule::Queue;
use super::task::{Ending, Phase, Task, finite, refuse_if_ended};
use super::timers::Timer;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::{
    DisableTasks, JobCreate, JobSchedulingError, JobState, OnAllTasksComplete, OnTaskFailure,
};
use crate::wire::batch::task::JobAction;
use crate::wire::precondition::{Preconditions, Verdict};
use crate::wire::time::{Duration, Time};

/// A job and its tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Job {
    /// As it was asked for, defaults filled in, later changes applied.
    pub(super) spec: Box<JobCreate>,
    pub(super) created: Time,
    pub(super) modified: Time,
    pub(super) state: JobState,
    pub(super) since: Time,
    pub(super) previous: Option<(JobState, Time)>,
    pub(super) end: Option<Time>,
    pub(super) terminate_reason: Option<String>,
    /// The pool that was made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auto_pool: Option<Name>,
    /// Why that pool could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scheduling_error: Option<Box<JobSchedulingError>>,
    #[serde(skip)]
    pub(super) tasks: BTreeMap<Key, Task>,
    /// Follows from the tasks.
    #[serde(skip)]
    pub(super) counts: Counts,
    /// Active tasks that wait for no other, by what they need, then in the order they were added; follows
    /// from the tasks.
    #[serde(skip)]
    pub(super) runnable: BTreeMap<Queue, BTreeMap<u64, Key>>,
    /// Where its preparation task ran.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) on_nodes: BTreeMap<Key, OnNode>,
    /// Kept when the job uses task dependencies; follows from the tasks.
    #[serde(skip)]
    pub(super) waiting: Waiting,
    #[serde(skip)]
    pub(super) next_task: u64,
    #[serde(skip)]
    pub(super) armed: Option<Time>,
}

impl Job {
    pub(super) fn enter(&mut self, state: JobState, now: Time) {
        self.previous = Some((self.state, self.since));
        self.state = state;
        self.since = now;
    }

    /// The pool it runs in, which need not exist.
    pub(super) fn pool_id(&self) -> Option<&str> {
        let auto = self.auto_pool.as_ref().map(Name::as_str);
        auto.or(self.spec.pool_info.pool_id.as_deref())
    }

    pub(super) fn pool_key(&self) -> Key {
        Key::of(self.pool_id().unwrap_or_default())
    }

    /// What tasks get that do not say.
    pub(super) fn task_retries(&self) -> i32 {
        self.spec
            .constraints
            .as_ref()
            .and_then(|c| c.max_task_retry_count)
            .unwrap_or(0)
    }

    pub(super) fn insert_task(&mut self, key: Key, task: Task) {
        self.next_task = self.next_task.max(task.number + 1);
        if let Some(special) = &task.special {
            self.waiting.add(&key, &special.depends);
        }
        self.put(key, task);
    }

    pub(super) fn remove_task(&mut self, key: &Key) -> Option<Task> {
        let task = self.tasks.remove(key)?;
        self.count_out(&task);
        if let Some(special) = &task.special {
            self.waiting.remove(key, &special.depends);
        }
        self.note_met(key, false);
        Some(task)
    }

    /// Changes a task and what is counted from it.
    pub(super) fn change_task<R>(
        &mut self,
        key: &Key,
        change: impl FnOnce(&mut Task) -> R,
    ) -> Option<R> {
        let mut task = self.tasks.remove(key)?;
        self.count_out(&task);
        let result = change(&mut task);
        self.put(key.clone(), task);
        Some(result)
    }

    fn put(&mut self, key: Key, task: Task) {
        self.count_in(&key, &task);
        let is_met = task.is_met();
        self.tasks.insert(key.clone(), task);
        self.note_met(&key, is_met);
    }

    /// Queues the tasks that waited for this one, or takes them back.
    fn note_met(&mut self, key: &Key, is_met: bool) {
        if self.spec.uses_task_dependencies != Some(true) {
            return;
        }
        for waiting in self.waiting.set_met(key, is_met) {
            if let Some(task) = self.tasks.remove(&waiting) {
                self.count_out(&task);
                self.count_in(&waiting, &task);
                self.tasks.insert(waiting, task);
            }
        }
    }

    fn count_in(&mut self, key: &Key, task: &Task) {
        self.counts.add(task);
        if task.phase == Phase::Active && self.waiting.is_ready(key) {
            self.runnable
                .entry(task.queue())
                .or_default()
                .insert(task.number, key.clone());
        }
    }

    fn count_out(&mut self, task: &Task) {
        self.counts.remove(task);
        let needs = task.queue();
        if let Some(queue) = self.runnable.get_mut(&needs) {
            queue.remove(&task.number);
            if queue.is_empty() {
                self.runnable.remove(&needs);
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        let own = self.own_deadline();
        if self.on_nodes.is_empty() {
            return own;
        }
        own.into_iter().chain(self.chore_deadline()).min()
    }

    fn own_deadline(&self) -> Option<Time> {
        let quiet = self.counts.running.tasks == 0;
        let is_over = quiet && self.chores().next().is_none();
        match self.state {
            JobState::Enabling => Some(self.since),
            JobState::Terminating | JobState::Deleting if is_over => Some(self.since),
            JobState::Disabling if quiet => Some(self.since),
            JobState::Active | JobState::Disabled | JobState::Disabling => {
                finite(self.created, self.wall_clock())
            }
            _ => None,
        }
    }

    pub(super) fn preparation_id(&self) -> Option<String> {
        let task = self.spec.job_preparation_task.as_deref()?;
        Some(preparation_id(task).to_owned())
    }

    fn wall_clock(&self) -> Duration {
        self.spec
            .constraints
            .as_ref()
            .and_then(|c| c.max_wall_clock_time)
            .unwrap_or(Duration::INFINITE)
    }

    fn runs(&self) -> Vec<RunId> {
        if self.counts.running.tasks == 0 {
            return Vec::new();
        }
        self.tasks.values().filter_map(|t| t.phase.run()).collect()
    }
}

impl World {
    pub(super) fn job_request(
        &mut self,
        id: &str,
        request: JobRequest,
        conditions: &Preconditions,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let key = Key::of(id);
        let job = self.jobs.get_mut(&key).ok_or(Code::JobNotFound)?;
        let modified = job.modified;
        match request {
            JobRequest::Get => {
                return Ok(match conditions.check_read(modified)? {
                    Verdict::NotModified => Reply::NotModified(modified),
                    Verdict::Proceed => Reply::Job(Box::new(self.view_job(&key)?)),
                });
            }
            JobRequest::TaskCounts => return Ok(Reply::TaskCounts(job.counts.view())),
            JobRequest::Preparations(list) => return self.list_preparations(&key, &list),
            JobRequest::Tasks(list) => return self.list_tasks(&key, &list),
            JobRequest::Task(task, request) => {
                return self.task_request(&key, &task, request, conditions, now, effects);
            }
            JobRequest::AddTask(body) => {
                refuse_if_ended(job.state)?;
                return self.add_task(&key, &body, now);
            }
            JobRequest::AddTasks(bodies) => {
                refuse_if_ended(job.state)?;
                return self.add_tasks(&key, bodies, now);
            }
            _ => conditions.check_write(modified)?,
        }
        if job.state == JobState::Deleting {
            return Err(Code::JobBeingDeleted.into());
        }
        match request {
            JobRequest::Update(update) => self.update_job(&key, *update, now, effects)?,
            JobRequest::Replace(update) => self.replace_job(&key, *update, now, effects)?,
            JobRequest::Disable(option) => {
                self.disable_job(&key, option, now, effects)?;
                return Ok(Reply::Changed(modified));
            }
            JobRequest::Enable => {
                refuse_if_ended(job.state)?;
                if matches!(job.state, JobState::Disabled | JobState::Disabling) {
                    job.enter(JobState::Enabling, now);
                    self.touch_job(&key);
                }
                return Ok(Reply::Changed(modified));
            }
            JobRequest::Terminate(reason) => {
                refuse_if_ended(job.state)?;
                let reason = reason.unwrap_or_else(|| "UserTerminate".to_owned());
                self.terminate_job(&key, &reason, now, effects);
                return Ok(Reply::Changed(modified));
            }
            JobRequest::Delete => {
                self.delete_job(&key, now, effects);
                return Ok(Reply::Done);
            }
            // Answered above.
            JobRequest::Get
            | JobRequest::TaskCounts
            | JobRequest::Preparations(_)
            | JobRequest::Tasks(_)
            | JobRequest::Task(..)
            | JobRequest::AddTask(_)
            | JobRequest::AddTasks(_) => {}
        }
        Ok(Reply::Changed(now))
    }

    fn add_tasks(
        &mut self,
        key: &Key,
        bodies: Vec<crate::wire::batch::task::TaskCreate>,
        now: Time,
    ) -> Answer {
        if bodies.len() > limits::MAX_TASKS_PER_REQUEST {
            return Err(Refusal::property(
                "value",
                bodies.len().to_string(),
                "A request adds at most 100 tasks",
            ));
        }
        let mut results = Vec::with_capacity(bodies.len());
        for body in bodies {
            let result = self.add_task(key, &body, now).map(|_| now);
            results.push((body.id, result));
        }
        Ok(Reply::Added(results))
    }

    fn disable_job(
        &mut self,
        key: &Key,
        option: DisableTasks,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let Some(job) = self.jobs.get_mut(key) else {
            return Err(Code::JobNotFound.into());
        };
        refuse_if_ended(job.state)?;
        if matches!(job.state, JobState::Disabled) {
            return Ok(());
        }
        job.enter(JobState::Disabling, now);
        for run in job.runs() {
            match option {
                DisableTasks::Requeue => {
                    self.abandon_run(run, now, effects);
                }
                DisableTasks::Terminate => self.stop_run(run, Ending::UserRequest, effects),
                DisableTasks::Wait => {}
            }
        }
        self.touch_job(key);
        Ok(())
    }

    pub(super) fn terminate_job(
        &mut self,
        key: &Key,
        reason: &str,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        job.enter(JobState::Terminating, now);
        job.terminate_reason = Some(reason.to_owned());
        for run in job.runs() {
            self.stop_run(run, Ending::JobEnded, effects);
        }
        self.stop_chores(key, effects);
        self.touch_job(key);
    }

    /// Begins a deletion; what runs is given up.
    pub(super) fn delete_job(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        if job.state == JobState::Deleting {
            return;
        }
        job.enter(JobState::Deleting, now);
        for run in job.runs() {
            self.abandon_run(run, now, effects);
        }
        self.stop_chores(key, effects);
        self.touch_job(key);
    }

    /// What the end of one of its tasks does to a job that cares.
    pub(super) fn perform_job_action(
        &mut self,
        key: &Key,
        action: JobAction,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.get(key) else {
            return;
        };
        if job.spec.on_task_failure != Some(OnTaskFailure::PerformExitOptionsJobAction)
            || refuse_if_ended(job.state).is_err()
        {
            return;
        }
        match action {
            JobAction::None => {}
            JobAction::Terminate => self.terminate_job(key, "TaskFailed", now, effects),
            JobAction::Disable => {
                // An ended job was sorted out above, and nothing else is refused.
                let _ = self.disable_job(key, DisableTasks::Requeue, now, effects);
            }
        }
    }

    /// Ends a job that asked for it once none of its tasks is left to do.
    pub(super) fn check_all_complete(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let due = self.jobs.get(key).is_some_and(|job| {
            job.state == JobState::Active
                && job.spec.on_all_tasks_complete == Some(OnAllTasksComplete::TerminateJob)
                && job.counts.active.tasks + job.counts.running.tasks == 0
        });
        if due {
            self.terminate_job(key, "AllTasksComplete", now, effects);
        }
    }

    /// Sets the timer and writes the record.
    pub(super) fn touch_job(&mut self, key: &Key) {
        self.touch_job_timer(key);
        self.records.mark(Record::Job(key.clone()));
    }

    /// For changes that only the tasks' counts show.
    pub(super) fn touch_job_timer(&mut self, key: &Key) {
        if let Some(job) = self.jobs.get_mut(key) {
            let at = job.deadline();
            self.timers
                .arm(&mut job.armed, at, || Timer::Job(key.clone()));
        }
    }

    pub(super) fn job_timer(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        let quiet = job.counts.running.tasks == 0;
        let is_over = quiet && job.chores().next().is_none();
        if self.stop_late_chores(key, now, effects) {
            return self.touch_job(key);
        }
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        if is_over
            && matches!(job.state, JobState::Terminating | JobState::Deleting)
            && self.start_releases(key, now, effects)
        {
            return;
        }
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        match job.state {
            JobState::Deleting if is_over => return self.remove_job(key, now, effects),
            JobState::Enabling => job.enter(JobState::Active, now),
            JobState::Terminating if is_over => {
                job.end = Some(now);
                job.enter(JobState::Completed, now);
                self.end_auto_pool_of_job(key, now, effects);
            }
            JobState::Disabling if quiet => job.enter(JobState::Disabled, now),
            JobState::Active | JobState::Disabled | JobState::Disabling => {
                return self.terminate_job(key, "MaxWallClockTimeExpiry", now, effects);
            }
            _ => {}
        }
        let pool = self.jobs.get(key).map(Job::pool_key);
        self.touch_job(key);
        self.wake_schedule_of(key);
        self.unsettled.extend(pool);
        self.check_all_complete(key, now, effects);
    }

    fn remove_job(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get(key) else {
            return;
        };
        let pool = job.pool_key();
        let tasks: Vec<Key> = job.tasks.keys().cloned().collect();
        effects.extend(self.chore_directories(job));
        for task in tasks {
            self.delete_task(key, &task, now, effects);
        }
        self.end_auto_pool_of_job(key, now, effects);
        if let Some(mut job) = self.jobs.remove(key) {
            self.timers
                .arm(&mut job.armed, None, || Timer::Job(key.clone()));
        }
        self.unbind_job(key, &pool);
        self.records.mark(Record::Job(key.clone()));
        self.wake_schedule_of(key);
    }
}
