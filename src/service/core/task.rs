//! Tasks: added, changed, listed and deleted. How they run is in `run`.

use serde::{Deserialize, Serialize};

use super::check;
use super::command::{Answer, Reply, TaskRequest};
use super::dependencies::Depends;
use super::effect::{Effect, RunId, StopReason};
use super::exits;
use super::failure;
use super::job::Job;
use super::key::{Key, Name};
use super::limits;
use super::multi_instance::{self, Team};
use super::preparation::{preparation_id, release_id};
use super::records::Record;
use super::schedule::Queue;
use super::timers::Timer;
use super::world::World;
use crate::wire::batch::command::TaskFailureInfo;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::JobState;
use crate::wire::batch::task::{ExitConditions, TaskConstraints, TaskCreate, TaskState};
use crate::wire::precondition::{Preconditions, Verdict};
use crate::wire::time::{Duration, Time};

/// A task. There may be a million of them, so the body stays text and only what decides is kept apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) name: Name,
    /// Rises with each task of the job.
    pub(super) number: u64,
    /// The `TaskCreate` as JSON.
    #[serde(skip)]
    pub(super) body: Box<str>,
    pub(super) created: Time,
    pub(super) modified: Time,
    pub(super) limits: Limits,
    /// The node it would like to run on.
    pub(super) affinity: Option<Key>,
    /// What few tasks have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) special: Option<Box<Special>>,
    pub(super) phase: Phase,
    /// Whether its end lets the tasks run that depend on it.
    #[serde(default)]
    pub(super) satisfies: bool,
    pub(super) since: Time,
    pub(super) previous: Option<(TaskState, Time)>,
    pub(super) retries: i32,
    pub(super) last_retry: Option<Time>,
    pub(super) requeues: i32,
    pub(super) last_requeue: Option<Time>,
    pub(super) attempt: Option<Box<Attempt>>,
    #[serde(skip)]
    pub(super) armed: Option<Time>,
}

/// What few tasks have, apart to keep the others small.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Special {
    #[serde(default, skip_serializing_if = "Depends::is_empty")]
    pub(super) depends: Depends,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exits: Option<ExitConditions>,
    /// It has a whole node for itself.
    #[serde(default)]
    pub(super) exclusive: bool,
    #[serde(default)]
    pub(super) dedicated_only: bool,
    /// It runs on so many nodes at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) instances: Option<u16>,
}

impl Special {
    fn read(body: &TaskCreate) -> Result<Option<Box<Self>>, Refusal> {
        let special = Self {
            depends: match &body.depends_on {
                Some(depends) => Depends::read(depends)?,
                None => Depends::default(),
            },
            exits: body.exit_conditions.as_deref().cloned(),
            instances: match &body.multi_instance_settings {
                Some(settings) => Some(multi_instance::read_instances(settings)?),
                None => None,
            },
            ..Self::default()
        };
        Ok((special != Self::default()).then(|| Box::new(special)))
    }
}

/// What bounds a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Limits {
    pub(super) slots: u16,
    pub(super) max_retries: i32,
    pub(super) wall_clock: Duration,
    pub(super) retention: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Active,
    Preparing(RunId),
    Running(RunId),
    Completed { succeeded: bool },
}

impl Phase {
    pub(super) fn state(self) -> TaskState {
        match self {
            Self::Active => TaskState::Active,
            Self::Preparing(_) => TaskState::Preparing,
            Self::Running(_) => TaskState::Running,
            Self::Completed { .. } => TaskState::Completed,
        }
    }

    pub(super) fn run(self) -> Option<RunId> {
        match self {
            Self::Preparing(run) | Self::Running(run) => Some(run),
            Self::Active | Self::Completed { .. } => None,
        }
    }
}

/// The latest execution of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) pool: Name,
    pub(super) node: Name,
    pub(super) start: Option<Time>,
    pub(super) end: Option<Time>,
    pub(super) exit_code: Option<i32>,
    pub(super) failure: Option<Box<TaskFailureInfo>>,
    /// Why it was stopped, if it was.
    pub(super) ending: Option<Ending>,
    /// `retentionTime` passed and the files are gone.
    pub(super) cleaned_up: bool,
    /// Of a multi-instance task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) team: Option<Box<Team>>,
}

/// Why a running task is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    WallClock,
    UserRequest,
    JobEnded,
    NodeLeft,
}

impl Ending {
    pub(super) fn reason(self) -> StopReason {
        match self {
            Self::WallClock => StopReason::WallClock,
            Self::UserRequest | Self::JobEnded | Self::NodeLeft => StopReason::Terminated,
        }
    }

    pub(super) fn failure(self) -> TaskFailureInfo {
        match self {
            Self::WallClock => failure::wall_clock(),
            Self::UserRequest => failure::user_request(),
            Self::JobEnded => failure::job_ended(),
            Self::NodeLeft => failure::node_left(),
        }
    }
}

impl Task {
    pub(super) fn enter(&mut self, phase: Phase, now: Time) {
        self.previous = Some((self.phase.state(), self.since));
        self.phase = phase;
        self.since = now;
    }

    pub(super) fn is_completed(&self) -> bool {
        matches!(self.phase, Phase::Completed { .. })
    }

    /// Whether the tasks that depend on it may run.
    pub(super) fn is_met(&self) -> bool {
        self.satisfies && self.is_completed()
    }

    pub(super) fn is_exclusive(&self) -> bool {
        self.special.as_ref().is_some_and(|s| s.exclusive)
    }

    /// Where it queues: by what it needs.
    pub(super) fn queue(&self) -> Queue {
        match self.instances() {
            Some(_) if self.limits.slots > 1 => Queue::Never,
            Some(nodes) => Queue::Nodes(nodes),
            None if self.is_exclusive() => Queue::WholeNode,
            None => Queue::Slots(self.limits.slots),
        }
    }

    /// What it takes of a node with so many slots.
    pub(super) fn slots_of(&self, whole: u32) -> u16 {
        if self.is_exclusive() {
            u16::try_from(whole).unwrap_or(u16::MAX)
        } else {
            self.limits.slots
        }
    }

    /// The body it was added with.
    pub(super) fn body(&self) -> Option<TaskCreate> {
        serde_json::from_str(&self.body).ok()
    }

    /// In place of the body where that is not wanted: reading it takes longer than all the rest.
    pub(super) fn body_of_its_id(&self) -> TaskCreate {
        TaskCreate {
            id: self.name.as_str().to_owned(),
            ..TaskCreate::default()
        }
    }

    fn deadline(&self) -> Option<Time> {
        let attempt = self.attempt.as_deref()?;
        match self.phase {
            Phase::Running(_) if attempt.ending.is_none() => {
                finite(attempt.start?, self.limits.wall_clock)
            }
            Phase::Completed { .. } if !attempt.cleaned_up => {
                finite(attempt.end?, self.limits.retention)
            }
            _ => None,
        }
    }
}

/// The moment a duration after another, unless that is never.
pub(super) fn finite(from: Time, duration: Duration) -> Option<Time> {
    (!duration.is_infinite()).then(|| from.plus(duration))
}

/// Fills in what the caller left out; retries default to the job's.
fn read_limits(
    constraints: Option<&TaskConstraints>,
    slots: u16,
    job_retries: i32,
) -> Result<Limits, Refusal> {
    let none = TaskConstraints::default();
    let given = constraints.unwrap_or(&none);
    check::retry_count("constraints.maxTaskRetryCount", given.max_task_retry_count)?;
    for (name, value) in [
        ("constraints.maxWallClockTime", given.max_wall_clock_time),
        ("constraints.retentionTime", given.retention_time),
    ] {
        if let Some(d) = value.filter(|d| *d < Duration::ZERO) {
            return Err(Refusal::property(
                name,
                d.to_string(),
                "The duration is negative",
            ));
        }
    }
    Ok(Limits {
        slots,
        max_retries: given.max_task_retry_count.unwrap_or(job_retries),
        wall_clock: given.max_wall_clock_time.unwrap_or(Duration::INFINITE),
        retention: given.retention_time.unwrap_or(limits::DEFAULT_RETENTION),
    })
}

pub(super) fn check_body(body: &TaskCreate, job: &Job) -> Result<(), Refusal> {
    check::id(&body.id)?;
    check::display_name(body.display_name.as_deref())?;
    check::command_line("commandLine", &body.command_line)?;
    check::refuse_if(
        body.container_settings.is_some(),
        "containerSettings",
        "container tasks",
    )?;
    if body.depends_on.is_some() && job.spec.uses_task_dependencies != Some(true) {
        return Err(Code::TaskDependenciesNotSpecifiedOnJob.into());
    }
    if let Some(conditions) = &body.exit_conditions {
        exits::check(conditions, &job.spec)?;
    }
    if let Some(settings) = &body.multi_instance_settings {
        multi_instance::check(settings)?;
    }
    check::user_identity("userIdentity", body.user_identity.as_deref())?;
    check::application_packages(&body.application_package_references)?;
    check::resource_files("resourceFiles", &body.resource_files)?;
    check::output_files(&body.output_files)?;
    check::environment("environmentSettings", &body.environment_settings)
}

fn read_slots(body: &TaskCreate) -> Result<u16, Refusal> {
    let slots = body.required_slots.unwrap_or(1);
    u16::try_from(slots)
        .ok()
        .filter(|s| *s >= 1)
        .ok_or_else(|| {
            Refusal::property(
                "requiredSlots",
                slots.to_string(),
                "The value is 1 or more and no node has more than 256",
            )
        })
}

impl World {
    pub(super) fn add_task(&mut self, job_key: &Key, body: &TaskCreate, now: Time) -> Answer {
        let Some(job) = self.jobs.get_mut(job_key) else {
            return Err(Code::JobNotFound.into());
        };
        check_body(body, job)?;
        let key = Key::of(&body.id);
        if job.tasks.contains_key(&key) {
            return Err(Code::TaskExists.into());
        }
        let preparation = job.spec.job_preparation_task.as_deref();
        if preparation.is_some_and(|t| Key::of(preparation_id(t)) == key) {
            return Err(Code::TaskIdSameAsJobPreparationTask.into());
        }
        let release = job.spec.job_release_task.as_deref();
        if release.is_some_and(|t| Key::of(release_id(t)) == key) {
            return Err(Code::TaskIdSameAsJobReleaseTask.into());
        }
        let limits = read_limits(
            body.constraints.as_ref(),
            read_slots(body)?,
            job.task_retries(),
        )?;
        let special = Special::read(body)?;
        let text = serde_json::to_string(body).map_err(|_| Code::InternalError)?;
        let task = Task {
            name: Name::new(&body.id),
            number: job.next_task,
            body: text.into_boxed_str(),
            created: now,
            modified: now,
            limits,
            affinity: body
                .affinity_info
                .as_ref()
                .map(|a| Key::of(a.affinity_id.trim_start_matches("TVM:"))),
            special,
            phase: Phase::Active,
            satisfies: false,
            since: now,
            previous: None,
            retries: 0,
            last_retry: None,
            requeues: 0,
            last_requeue: None,
            attempt: None,
            armed: None,
        };
        job.next_task += 1;
        job.insert_task(key.clone(), task);
        let pool = job.pool_key();
        self.unsettled.insert(pool);
        self.touch_task(job_key, &key);
        Ok(Reply::Changed(now))
    }

    pub(super) fn task_request(
        &mut self,
        job_key: &Key,
        id: &str,
        request: TaskRequest,
        conditions: &Preconditions,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let key = Key::of(id);
        let job = self.jobs.get_mut(job_key).ok_or(Code::JobNotFound)?;
        let task = job.tasks.get(&key).ok_or(Code::TaskNotFound)?;
        let modified = task.modified;
        match request {
            TaskRequest::Get => {
                return Ok(match conditions.check_read(modified)? {
                    Verdict::NotModified => Reply::NotModified(modified),
                    Verdict::Proceed => {
                        let body = task.body().ok_or(Code::InternalError)?;
                        let job = self.jobs.get(job_key).ok_or(Code::JobNotFound)?;
                        let task = job.tasks.get(&key).ok_or(Code::TaskNotFound)?;
                        Reply::Task(Box::new(self.view_task(job, task, body)))
                    }
                });
            }
            TaskRequest::Directory => return self.task_directory(job_key, &key),
            TaskRequest::Subtasks => return self.list_subtasks(job_key, &key),
            _ => conditions.check_write(modified)?,
        }
        let state = job.state;
        match request {
            TaskRequest::Replace(constraints) => {
                let limits =
                    read_limits(constraints.as_ref(), task.limits.slots, job.task_retries())?;
                job.change_task(&key, |task| {
                    task.limits = limits;
                    task.modified = now;
                });
                self.touch_task(job_key, &key);
                Ok(Reply::Changed(now))
            }
            TaskRequest::Terminate => {
                if task.is_completed() {
                    return Err(Code::TaskCompleted.into());
                }
                match task.phase.run() {
                    Some(run) => self.stop_run(run, Ending::UserRequest, effects),
                    None => {
                        job.change_task(&key, |task| {
                            task.attempt = Some(Box::new(Attempt::never_ran(now)));
                            task.satisfies = false;
                            task.enter(Phase::Completed { succeeded: false }, now);
                        });
                        self.touch_task(job_key, &key);
                        self.check_all_complete(job_key, now, effects);
                    }
                }
                Ok(Reply::Changed(modified))
            }
            TaskRequest::Reactivate => {
                match task.phase {
                    Phase::Completed { succeeded: true } => {
                        return Err(Code::TaskSucceeded.into());
                    }
                    Phase::Completed { succeeded: false } => {}
                    _ => return Err(Code::TaskNotCompleted.into()),
                }
                refuse_if_ended(state)?;
                job.change_task(&key, |task| {
                    task.retries = 0;
                    task.last_retry = None;
                    task.attempt = None;
                    task.enter(Phase::Active, now);
                });
                let pool = job.pool_key();
                self.unsettled.insert(pool);
                self.touch_task(job_key, &key);
                Ok(Reply::Changed(modified))
            }
            TaskRequest::Delete => {
                self.delete_task(job_key, &key, now, effects);
                self.check_all_complete(job_key, now, effects);
                Ok(Reply::Done)
            }
            // Answered above.
            TaskRequest::Get | TaskRequest::Subtasks | TaskRequest::Directory => Ok(Reply::Done),
        }
    }

    /// Sets the timer and writes the record.
    pub(super) fn touch_task(&mut self, job_key: &Key, key: &Key) {
        self.arm_task(job_key, key);
        let record = Record::Task(job_key.clone(), key.clone());
        self.records.mark(record);
    }

    /// Sets the timers and lets the record wait: see [`Records::mark_for_later`](super::records::Records).
    pub(super) fn touch_task_later(&mut self, job_key: &Key, key: &Key) {
        self.arm_task(job_key, key);
        let record = Record::Task(job_key.clone(), key.clone());
        self.records.mark_for_later(record);
    }

    fn arm_task(&mut self, job_key: &Key, key: &Key) {
        if let Some(job) = self.jobs.get_mut(job_key)
            && let Some(task) = job.tasks.get_mut(key)
        {
            let at = task.deadline();
            self.timers.arm(&mut task.armed, at, || {
                Timer::Task(job_key.clone(), key.clone())
            });
        }
        self.touch_job_timer(job_key);
    }

    pub(super) fn task_timer(&mut self, job_key: &Key, key: &Key, effects: &mut Vec<Effect>) {
        let Some(task) = self.jobs.get(job_key).and_then(|j| j.tasks.get(key)) else {
            return;
        };
        if let Some(run) = task.phase.run() {
            self.stop_run(run, Ending::WallClock, effects);
        } else {
            effects.extend(self.directories_of(job_key, task));
            if let Some(job) = self.jobs.get_mut(job_key) {
                job.change_task(key, |task| {
                    if let Some(attempt) = &mut task.attempt {
                        attempt.cleaned_up = true;
                    }
                });
            }
            self.touch_task(job_key, key);
        }
    }
}

impl Attempt {
    pub(super) fn on(pool: Name, node: Name) -> Self {
        Self {
            pool,
            node,
            start: None,
            end: None,
            exit_code: None,
            failure: None,
            ending: None,
            cleaned_up: false,
            team: None,
        }
    }

    /// Of a task that was terminated before it had a node.
    fn never_ran(now: Time) -> Self {
        Self {
            end: Some(now),
            failure: Some(Box::new(failure::user_request())),
            ending: Some(Ending::UserRequest),
            cleaned_up: true,
            ..Self::on(Name::new(""), Name::new(""))
        }
    }
}

/// Whether a job still takes tasks.
pub(super) fn refuse_if_ended(state: JobState) -> Result<(), Refusal> {
    match state {
        JobState::Completed => Err(Code::JobCompleted.into()),
        JobState::Terminating => Err(Code::JobBeingTerminated.into()),
        JobState::Deleting => Err(Code::JobBeingDeleted.into()),
        _ => Ok(()),
    }
}
