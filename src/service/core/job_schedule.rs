//! Job schedules: when each makes its next job, and what is done to it. A schedule has at most one job at a time
//! that is not completed.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::check;
use super::command::{Answer, JobScheduleRequest, Reply};
use super::effect::Effect;
use super::job_spec::{check_spec, fill_defaults};
use super::key::{Key, Name};
use super::limits;
use super::records::Record;
use super::timers::Timer;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::{JobCreate, JobState};
use crate::wire::batch::job_schedule::{
    JobScheduleCreate, JobScheduleState, JobScheduleUpdate, JobSpecification, Schedule,
};
use crate::wire::precondition::{Preconditions, Verdict};
use crate::wire::time::{Duration, Time};

/// What stands between a schedule's id and `job-N` in the ids of its jobs.
pub(super) const SEPARATOR: char = ':';

/// A job schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JobSchedule {
    /// As it was asked for, later changes applied.
    pub(super) spec: Box<JobScheduleCreate>,
    pub(super) created: Time,
    pub(super) modified: Time,
    pub(super) state: JobScheduleState,
    pub(super) since: Time,
    pub(super) previous: Option<(JobScheduleState, Time)>,
    /// The next moment at which a job is due, perhaps already past; None when there is no further one.
    pub(super) next_run: Option<Time>,
    pub(super) jobs_made: u64,
    pub(super) recent: Option<Name>,
    pub(super) end: Option<Time>,
    /// The pool that its jobs share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auto_pool: Option<Name>,
    #[serde(skip)]
    pub(super) armed: Option<Time>,
}

impl JobSchedule {
    fn enter(&mut self, state: JobScheduleState, now: Time) {
        self.previous = Some((self.state, self.since));
        self.state = state;
        self.since = now;
        if state == JobScheduleState::Completed {
            self.end = Some(now);
            self.next_run = None;
        }
    }

    /// Leaves out the moments that are over because a later one has come, or because the window has closed
    /// [doc: what is due in one interval is not carried into the next].
    fn skip_lost(&mut self, now: Time) {
        let schedule = &self.spec.schedule;
        let Some(mut due) = self.next_run.filter(|due| *due <= now) else {
            return;
        };
        let interval = schedule.recurrence_interval;
        if let Some(interval) = interval {
            let late = now.since(due).ticks() / interval.ticks();
            due = due.plus(Duration::from_ticks(late.saturating_mul(interval.ticks())));
        }
        let window = schedule.start_window.unwrap_or(Duration::INFINITE);
        let is_lost = !window.is_infinite() && now.since(due) > window;
        self.next_run = match (is_lost, interval) {
            (false, _) => Some(due),
            (true, Some(interval)) => Some(due.plus(interval)),
            (true, None) => None,
        };
    }

    /// Whether no job is to be made any more.
    fn is_over(&self, now: Time) -> bool {
        match (self.next_run, self.spec.schedule.do_not_run_after) {
            (None, _) => true,
            (Some(_), Some(last)) if last <= now => true,
            (Some(next), Some(last)) => next > last,
            (Some(_), None) => false,
        }
    }
}

fn check_schedule(schedule: &Schedule, now: Time) -> Result<(), Refusal> {
    for (name, value) in [
        ("schedule.recurrenceInterval", schedule.recurrence_interval),
        ("schedule.startWindow", schedule.start_window),
    ] {
        if let Some(d) = value.filter(|d| *d < limits::MIN_RECURRENCE) {
            return Err(Refusal::property(
                name,
                d.to_string(),
                "The value is at least 1 minute",
            ));
        }
    }
    let first = schedule.do_not_run_until.unwrap_or(now);
    match schedule.do_not_run_after {
        Some(last) if last <= now.max(first) => Err(Refusal::property(
            "schedule.doNotRunAfter",
            last.to_string(),
            "The time is past, or not after doNotRunUntil",
        )),
        _ => Ok(()),
    }
}

fn check(spec: &JobScheduleCreate, now: Time) -> Result<(), Refusal> {
    check::display_name(spec.display_name.as_deref())?;
    check::metadata(&spec.metadata)?;
    check_schedule(&spec.schedule, now)?;
    let mut job = job_of(&spec.job_specification, String::new());
    fill_defaults(&mut job);
    check_spec(&job, now)
}

/// The job a specification describes.
fn job_of(specification: &JobSpecification, id: String) -> JobCreate {
    let of = specification.clone();
    JobCreate {
        id,
        display_name: of.display_name,
        uses_task_dependencies: of.uses_task_dependencies,
        priority: of.priority,
        allow_task_preemption: of.allow_task_preemption,
        max_parallel_tasks: of.max_parallel_tasks,
        constraints: of.constraints,
        job_manager_task: of.job_manager_task,
        job_preparation_task: of.job_preparation_task,
        job_release_task: of.job_release_task,
        common_environment_settings: of.common_environment_settings,
        pool_info: of.pool_info,
        on_all_tasks_complete: of.on_all_tasks_complete,
        on_task_failure: of.on_task_failure,
        network_configuration: of.network_configuration,
        metadata: of.metadata,
    }
}

impl World {
    pub(super) fn create_job_schedule(
        &mut self,
        spec: Box<JobScheduleCreate>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        check::id(&spec.id)?;
        let key = Key::of(&spec.id);
        if let Some(schedule) = self.schedules.get(&key) {
            return Err(match schedule.state {
                JobScheduleState::Deleting => Code::JobScheduleBeingDeleted.into(),
                _ => Code::JobScheduleExists.into(),
            });
        }
        if self.jobs.contains_key(&key) {
            return Err(Code::JobWithSameIdExists.into());
        }
        check(&spec, now)?;
        self.check_job_quota()?;
        let schedule = JobSchedule {
            next_run: Some(spec.schedule.do_not_run_until.map_or(now, |t| t.max(now))),
            spec,
            created: now,
            modified: now,
            state: JobScheduleState::Active,
            since: now,
            previous: None,
            jobs_made: 0,
            recent: None,
            end: None,
            auto_pool: None,
            armed: None,
        };
        self.schedules.insert(key.clone(), schedule);
        self.run_schedule(&key, now, effects);
        Ok(Reply::Changed(now))
    }

    pub(super) fn job_schedule_request(
        &mut self,
        id: &str,
        request: JobScheduleRequest,
        conditions: &Preconditions,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        use JobScheduleState as State;
        let key = Key::of(id);
        let schedule = self
            .schedules
            .get_mut(&key)
            .ok_or(Code::JobScheduleNotFound)?;
        let modified = schedule.modified;
        match request {
            JobScheduleRequest::Get => {
                return Ok(match conditions.check_read(modified)? {
                    Verdict::NotModified => Reply::NotModified(modified),
                    Verdict::Proceed => Reply::JobSchedule(Box::new(self.view_schedule(&key)?)),
                });
            }
            JobScheduleRequest::Jobs(list) => return self.list_jobs_of(&key, &list),
            _ => conditions.check_write(modified)?,
        }
        let is_deletion = matches!(request, JobScheduleRequest::Delete);
        match schedule.state {
            State::Deleting => return Err(Code::JobScheduleBeingDeleted.into()),
            State::Terminating if !is_deletion => {
                return Err(Code::JobScheduleBeingTerminated.into());
            }
            State::Completed if !is_deletion => return Err(Code::JobScheduleCompleted.into()),
            _ => {}
        }
        match request {
            JobScheduleRequest::Update(update) => {
                let changed = patched(&schedule.spec, *update);
                store(schedule, changed, now)?;
            }
            JobScheduleRequest::Replace(update) => {
                let changed = replaced(&schedule.spec, *update)?;
                store(schedule, changed, now)?;
            }
            JobScheduleRequest::Disable if schedule.state == State::Active => {
                schedule.enter(State::Disabled, now);
            }
            JobScheduleRequest::Enable if schedule.state == State::Disabled => {
                schedule.enter(State::Active, now);
            }
            JobScheduleRequest::Terminate => {
                schedule.enter(State::Terminating, now);
                if let Some(job) = self.unfinished_job_of(&key) {
                    self.end_job_of_schedule(&job, now, effects);
                }
            }
            JobScheduleRequest::Delete => {
                schedule.enter(State::Deleting, now);
                for job in self.jobs_of(&key) {
                    self.delete_job(&job, now, effects);
                }
            }
            // Nothing to change, or answered above.
            JobScheduleRequest::Disable
            | JobScheduleRequest::Enable
            | JobScheduleRequest::Get
            | JobScheduleRequest::Jobs(_) => {}
        }
        let modified = self.schedules.get(&key).map_or(now, |s| s.modified);
        self.touch_schedule(&key);
        Ok(if is_deletion {
            Reply::Done
        } else {
            Reply::Changed(modified)
        })
    }

    fn jobs_of(&self, schedule: &Key) -> Vec<Key> {
        let prefix = format!("{schedule}{SEPARATOR}");
        self.jobs
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.as_str().starts_with(&prefix))
            .cloned()
            .collect()
    }

    /// The job of a schedule that is not completed.
    fn unfinished_job_of(&self, schedule: &Key) -> Option<Key> {
        let recent = self.schedules.get(schedule)?.recent.as_ref()?.key();
        let job = self.jobs.get(&recent)?;
        (job.state != JobState::Completed).then_some(recent)
    }

    fn end_job_of_schedule(&mut self, job: &Key, now: Time, effects: &mut Vec<Effect>) {
        let open = |state| super::task::refuse_if_ended(state).is_ok();
        if self.jobs.get(job).is_some_and(|j| open(j.state)) {
            self.terminate_job(job, "TerminateJobSchedule", now, effects);
        }
    }

    /// Makes the job that is due, if one is, and ends a schedule that has nothing left to do.
    fn run_schedule(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let is_busy = self.unfinished_job_of(key).is_some();
        let is_empty = self.jobs_of(key).is_empty();
        let Some(schedule) = self.schedules.get_mut(key) else {
            return;
        };
        match schedule.state {
            JobScheduleState::Deleting if is_empty => {
                self.end_auto_pool_of_schedule(key, now, effects);
                let Some(schedule) = self.schedules.get_mut(key) else {
                    return;
                };
                self.timers
                    .arm(&mut schedule.armed, None, || Timer::Schedule(key.clone()));
                self.schedules.remove(key);
                self.records.mark(Record::Schedule(key.clone()));
                return;
            }
            JobScheduleState::Terminating if !is_busy => {
                schedule.enter(JobScheduleState::Completed, now);
                self.end_auto_pool_of_schedule(key, now, effects);
            }
            JobScheduleState::Active if !is_busy => {
                schedule.skip_lost(now);
                if schedule.is_over(now) {
                    schedule.enter(JobScheduleState::Completed, now);
                    self.end_auto_pool_of_schedule(key, now, effects);
                } else if let Some(due) = schedule.next_run.filter(|due| *due <= now) {
                    let interval = schedule.spec.schedule.recurrence_interval;
                    schedule.next_run = interval.map(|i| due.plus(i));
                    self.make_job(key, now, effects);
                }
            }
            _ => {}
        }
        self.touch_schedule(key);
    }

    fn make_job(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(schedule) = self.schedules.get_mut(key) else {
            return;
        };
        schedule.jobs_made += 1;
        let id = format!("{}{SEPARATOR}job-{}", schedule.spec.id, schedule.jobs_made);
        schedule.recent = Some(Name::new(&id));
        let spec = Box::new(job_of(&schedule.spec.job_specification, id));
        // What a job may be was checked with the schedule; a full account makes this one fall out.
        let shared = self.shared_pool_of_schedule(key, &spec, now, effects);
        let made = shared.and_then(|pool| self.start_job(spec, pool, now, effects));
        if made.is_err()
            && let Some(schedule) = self.schedules.get_mut(key)
        {
            schedule.recent = None;
        }
    }

    /// To be called when a job has come to its end or is gone.
    pub(super) fn wake_schedule_of(&mut self, job: &Key) {
        if let Some((schedule, _)) = job.as_str().split_once(SEPARATOR) {
            self.touch_schedule(&Key::of(schedule));
        }
    }

    /// Sets the timer and writes the record.
    pub(super) fn touch_schedule(&mut self, key: &Key) {
        let is_busy = self.unfinished_job_of(key).is_some();
        let is_empty = self.jobs_of(key).is_empty();
        let Some(schedule) = self.schedules.get_mut(key) else {
            return;
        };
        let at = match schedule.state {
            JobScheduleState::Active if !is_busy => {
                let last = schedule.spec.schedule.do_not_run_after;
                match (schedule.next_run, last) {
                    (Some(next), Some(last)) => Some(next.min(last)),
                    (Some(next), None) => Some(next),
                    (None, _) => Some(schedule.since),
                }
            }
            JobScheduleState::Terminating if !is_busy => Some(schedule.since),
            JobScheduleState::Deleting if is_empty => Some(schedule.since),
            _ => None,
        };
        self.timers
            .arm(&mut schedule.armed, at, || Timer::Schedule(key.clone()));
        self.records.mark(Record::Schedule(key.clone()));
    }

    pub(super) fn schedule_timer(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        self.run_schedule(key, now, effects);
    }
}

fn patched(spec: &JobScheduleCreate, update: JobScheduleUpdate) -> JobScheduleCreate {
    let mut spec = spec.clone();
    if let Some(schedule) = update.schedule {
        spec.schedule = schedule;
    }
    if let Some(specification) = update.job_specification {
        spec.job_specification = specification;
    }
    if let Some(metadata) = update.metadata {
        spec.metadata = metadata;
    }
    spec
}

/// What is left out goes back to its default.
fn replaced(
    spec: &JobScheduleCreate,
    update: JobScheduleUpdate,
) -> Result<JobScheduleCreate, Refusal> {
    let specification = update
        .job_specification
        .ok_or_else(|| check::missing("jobSpecification"))?;
    Ok(JobScheduleCreate {
        id: spec.id.clone(),
        display_name: spec.display_name.clone(),
        schedule: update.schedule.unwrap_or_default(),
        job_specification: specification,
        metadata: update.metadata.unwrap_or_default(),
    })
}

/// A changed schedule counts from now on; running jobs stay as they are [doc].
fn store(schedule: &mut JobSchedule, changed: JobScheduleCreate, now: Time) -> Result<(), Refusal> {
    check(&changed, now)?;
    if changed.schedule != schedule.spec.schedule {
        let until = changed.schedule.do_not_run_until;
        let again = changed.schedule.recurrence_interval;
        schedule.next_run = match (until.filter(|t| *t > now), again, &schedule.recent) {
            (Some(first), _, _) => Some(first),
            (None, _, None) => Some(now),
            (None, Some(interval), Some(_)) => Some(now.plus(interval)),
            (None, None, Some(_)) => None,
        };
    }
    *schedule.spec = changed;
    schedule.modified = now;
    Ok(())
}
