//! Step 6: all tasks are completed. The counts are asked for, and when they changed, what was completed since the
//! last look; failures are told as they happen, and trouble with the nodes ends the wait when no task could ever run.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures::TryStreamExt;
use jiff::Timestamp;

use super::access::Renewal;
use super::context::Run;
use super::error::ApplyError;
use super::outcome::End;
use super::{trouble, wait};
use crate::client::batch::ListOptions;
use crate::clock;
use crate::event::{Event, TaskCounts, TaskFailure, TaskRun};
use crate::observed::LiveTask;
use crate::plan::StepKind;
use crate::wire::batch::exit::Ending;
use crate::wire::batch::job::{JobState, OnTaskFailure};
use crate::wire::batch::task::JobAction;
use crate::wire::time::Time;

/// What the waiting brought.
pub(super) struct Watched {
    /// Indices of tasks that succeeded.
    pub(super) succeeded: Vec<usize>,
    pub(super) failures: Vec<TaskFailure>,
    /// How many wait for a task that failed.
    pub(super) blocked: usize,
    pub(super) end: End,
}

/// Clocks of the service's machines differ a little: changes are asked for from as many pauses before the last one.
/// What shows up later than that still shows in the job's counts.
const OVERLAP: u32 = 2;

/// Every so many looks the tasks are listed whatever the counts say; the first look is not one of them.
const UNCOUNTED: u32 = 10;

/// The fields of a task that change while it runs; the environment settings of [`LiveTask::SELECT`] do not.
const SELECT: &str = "id,state,creationTime,stateTransitionTime,executionInfo,nodeInfo";

/// The code of a task that was ended from outside: by its job's end or by a request.
const TASK_ENDED: &str = "TaskEnded";

/// The reason of a job that its own `maxWallClockTime` ended.
const WALL_CLOCK: &str = "MaxWallClockTimeExpiry";

/// The reason of a job that the exit conditions of a task ended.
const TASK_FAILED: &str = "TaskFailed";

pub(super) async fn watch(run: &Run<'_>) -> Result<Watched, ApplyError> {
    let mut watch = Watch::new(run);
    let start = clock::monotonic();
    let mut nodes = trouble::Nodes::default();
    let mut renewal = Renewal::new(run);
    loop {
        let pause = wait::pause(start.elapsed());
        let new_failures = watch.look(pause).await?;
        for failure in new_failures {
            watch.tell(failure).await;
        }
        watch.count();
        if watch.open.len() == watch.blocked() {
            // A job that ends takes its running tasks with it: then it is the job's end that has to be told.
            let end = if watch.asked.is_some() {
                watch.asked.clone()
            } else if watch.job_end_was_seen() {
                watch.job_end().await?
            } else {
                None
            };
            return Ok(watch.finish(end.unwrap_or_default()));
        }
        if let Some(end) = watch.job_end().await? {
            // The job's end ends its tasks: look once more, so that none is missed.
            for failure in watch.look(pause).await? {
                watch.tell(failure).await;
            }
            watch.count();
            return Ok(watch.finish(end));
        }
        nodes.check(run, watch.anything_ran()).await?;
        renewal.check(run, &watch.open).await?;
        let done = watch.succeeded.len() + watch.failures.len();
        let pause = wait::pause_with_pace(start.elapsed(), done, watch.open.len());
        wait::sleep(pause, &run.cancel).await?;
    }
}

struct Watch<'r, 'a> {
    run: &'r Run<'a>,
    /// Awaited tasks that are not completed yet: lower-cased id → index; None for the job's manager.
    open: HashMap<String, Option<usize>>,
    /// Tasks of the job that are being prepared or run.
    running: u64,
    looks: u32,
    /// Lower-cased ids of all completed tasks of the job.
    completed: HashSet<String>,
    succeeded: Vec<usize>,
    failures: Vec<TaskFailure>,
    /// Tasks that failed, or wait for one of these, in a way that keeps those after them from running.
    dead: BTreeSet<usize>,
    /// What the exit conditions of a task that failed ask of the job.
    asked: Option<End>,
    /// The latest change of state seen.
    since: Option<Time>,
}

impl<'r, 'a> Watch<'r, 'a> {
    fn new(run: &'r Run<'a>) -> Self {
        let awaited = run.plan.tasks.iter().filter(|t| t.work.is_awaited());
        let tasks = awaited.map(|t| (run.desired.tasks[t.task].id.as_str(), Some(t.task)));
        let manager = run.desired.job.template.job_manager_task.as_deref();
        let manager = manager.map(|m| (m.id.as_str(), None));
        Self {
            run,
            open: tasks
                .chain(manager)
                .map(|(id, index)| (id.to_ascii_lowercase(), index))
                .collect(),
            running: 0,
            looks: 0,
            completed: HashSet::new(),
            succeeded: Vec::new(),
            failures: Vec::new(),
            dead: BTreeSet::new(),
            asked: None,
            since: None,
        }
    }

    /// Takes in what changed; answers with the tasks that turned out to have failed.
    async fn look(&mut self, pause: Duration) -> Result<Vec<LiveTask>, ApplyError> {
        let job = self.run.desired.job.id.as_str();
        let counts = self.run.client.batch.task_counts(job).await;
        let counts = counts.map_err(ApplyError::at(StepKind::Monitor))?;
        self.running = u64::try_from(counts.task_counts.running).unwrap_or(0);
        let completed = usize::try_from(counts.task_counts.completed).unwrap_or(0);
        self.looks += 1;
        // The service promises only that the counts become right.
        if completed == self.completed.len() && !self.looks.is_multiple_of(UNCOUNTED) {
            return Ok(Vec::new());
        }
        let known = self.completed.len();
        let mut failed = self.list(pause).await?;
        if self.completed.len() == known && completed > known {
            self.since = None;
            failed.extend(self.list(pause).await?);
        }
        Ok(failed)
    }

    async fn list(&mut self, pause: Duration) -> Result<Vec<LiveTask>, ApplyError> {
        let mut filter = "state eq 'completed'".to_owned();
        if let Some(since) = self.since {
            let overlap = (pause * OVERLAP).as_nanos() / 100;
            let from = Time::from_ticks(since.ticks() - i64::try_from(overlap).unwrap_or(0));
            filter.push_str(&format!(" and stateTransitionTime ge DateTime'{from}'"));
        }
        let options = ListOptions::default().select(SELECT).filter(filter);
        let mut tasks = self
            .run
            .client
            .batch
            .list_tasks::<LiveTask>(self.run.desired.job.id.as_str(), &options)
            .map_err(ApplyError::at(StepKind::Monitor));
        let mut failed = Vec::new();
        while let Some(task) = tasks.try_next().await? {
            self.since = self.since.max(task.state_transition_time);
            let key = task.id.to_ascii_lowercase();
            self.completed.insert(key.clone());
            let Some(index) = self.open.remove(&key) else {
                continue;
            };
            self.run.events.emit(Event::TaskCompleted {
                task: task.id.clone(),
                success: task.succeeded(),
                exit_code: task.exit_code(),
                run: task_run(&task),
            });
            if task.succeeded() {
                self.succeeded.extend(index);
            } else {
                if let Some(index) = index {
                    self.note_failure(index, &task);
                }
                failed.push(task);
            }
        }
        Ok(failed)
    }

    fn note_failure(&mut self, index: usize, task: &LiveTask) {
        let Some(info) = &task.execution_info else {
            return;
        };
        let conditions = self.run.desired.tasks[index]
            .template
            .exit_conditions
            .as_deref();
        let ending = Ending::of(info);
        if !ending.satisfies(conditions) {
            self.dead.insert(index);
        }
        if self.run.desired.job.template.on_task_failure
            != Some(OnTaskFailure::PerformExitOptionsJobAction)
        {
            return;
        }
        let options = conditions.and_then(|c| c.options(ending));
        match options.and_then(|o| o.job_action) {
            Some(JobAction::None) => {}
            Some(JobAction::Disable) => self.asked = Some(End::DisabledByTask),
            Some(JobAction::Terminate) | None => self.asked = Some(End::EndedByTask),
        }
    }

    /// How many of the open tasks wait for one that failed, and always will.
    fn blocked(&mut self) -> usize {
        if self.dead.is_empty() {
            return 0;
        }
        let tasks = &self.run.desired.tasks;
        loop {
            let waits = |i: &usize| {
                let mut after = tasks[*i].after.iter();
                !self.dead.contains(i) && after.any(|r| self.dead.range(r.clone()).next().is_some())
            };
            let new: Vec<usize> = self
                .open
                .values()
                .copied()
                .flatten()
                .filter(waits)
                .collect();
            if new.is_empty() {
                let open = self.open.values().flatten();
                return open.filter(|i| self.dead.contains(i)).count();
            }
            self.dead.extend(new);
        }
    }

    /// Gathers what a person needs to know about a failure, while the node is still there to ask.
    async fn tell(&mut self, task: LiveTask) {
        let stderr_tail = trouble::task_stderr(self.run, &task.id).await;
        let failure = trouble::failure(task, stderr_tail);
        self.run.events.emit(Event::TaskFailed(failure.clone()));
        self.failures.push(failure);
    }

    fn count(&self) {
        let open = self.open.len() as u64;
        let running = self.running.min(open);
        self.run.events.emit(Event::TaskCounts(TaskCounts {
            active: open - running,
            running,
            succeeded: self.succeeded.len() as u64,
            failed: self.failures.len() as u64,
        }));
        self.run.events.emit(Event::StepProgress {
            step: StepKind::Monitor,
            done: (self.succeeded.len() + self.failures.len()) as u64,
            bytes: 0,
        });
    }

    fn anything_ran(&self) -> bool {
        !(self.running == 0 && self.succeeded.is_empty() && self.failures.is_empty())
    }

    /// Whether a task was ended together with its job.
    fn job_end_was_seen(&self) -> bool {
        let ended = |f: &TaskFailure| f.code.as_deref() == Some(TASK_ENDED);
        self.failures.iter().any(ended)
    }

    /// How the job ended; None while it goes on.
    async fn job_end(&self) -> Result<Option<End>, ApplyError> {
        let id = &self.run.desired.job.id;
        let job = self.run.client.batch.get_job(id.as_str()).await;
        let Some(job) = job.map_err(ApplyError::at(StepKind::Monitor))? else {
            return Err(ApplyError::JobGone(id.to_string()));
        };
        if self.asked == Some(End::DisabledByTask) && job.state == JobState::Disabled {
            return Ok(Some(End::DisabledByTask));
        }
        if job.state != JobState::Completed {
            return Ok(None);
        }
        let reason = job
            .execution_info
            .and_then(|e| e.terminate_reason)
            .unwrap_or_default();
        Ok(match reason.as_str() {
            WALL_CLOCK => Some(End::JobDeadline),
            TASK_FAILED => Some(End::EndedByTask),
            // All tasks completed since the last look.
            "AllTasksComplete" => Some(End::Succeeded),
            _ => Some(End::JobEnded(reason)),
        })
    }

    fn finish(mut self, end: End) -> Watched {
        Watched {
            blocked: self.blocked(),
            succeeded: self.succeeded,
            failures: self.failures,
            end,
        }
    }
}

fn task_run(task: &LiveTask) -> TaskRun {
    let info = task.execution_info.as_ref();
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    TaskRun {
        created: task.creation_time.map(Timestamp::from),
        started: info.and_then(|i| i.start_time).map(Timestamp::from),
        ended: info.and_then(|i| i.end_time).map(Timestamp::from),
        node: task.node_info.as_ref().and_then(|n| n.node_id.clone()),
        retries: info.map_or(0, |i| count(i.retry_count)),
        requeues: info.map_or(0, |i| count(i.requeue_count)),
    }
}
