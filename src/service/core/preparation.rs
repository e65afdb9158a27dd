//! What a job runs on each of its nodes besides its tasks: the preparation task before the first of them, the
//! release task after the job. Neither takes a slot.

use serde::{Deserialize, Serialize};

use super::effect::{Effect, Launch, NodeRef, Role, RunEnd, RunId, StopReason};
use super::job::Job;
use super::key::{Key, Name};
use super::limits;
use super::node::{Node, failure_of};
use super::task::{Ending, finite};
use super::world::{Owner, World};
use crate::wire::batch::command::{ExecutionResult, TaskFailureInfo};
use crate::wire::batch::job::{JobPreparationTask, JobReleaseTask};
use crate::wire::batch::node::NodeState;
use crate::wire::time::{Duration, Time};

/// The ids these tasks have unless they say otherwise [doc].
const PREPARATION: &str = "jobpreparation";
const RELEASE: &str = "jobrelease";

pub(super) fn preparation_id(task: &JobPreparationTask) -> &str {
    task.id.as_deref().unwrap_or(PREPARATION)
}

pub(super) fn release_id(task: &JobReleaseTask) -> &str {
    task.id.as_deref().unwrap_or(RELEASE)
}

/// A job on one of its nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OnNode {
    pub(super) pool: Name,
    pub(super) node: Name,
    /// When the node had booted that the preparation ran on.
    booted: Time,
    pub(super) preparation: Chore,
    pub(super) release: Option<Chore>,
}

/// One preparation or release, its latest execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Chore {
    /// Set while it runs.
    pub(super) run: Option<RunId>,
    pub(super) start: Time,
    pub(super) end: Option<Time>,
    pub(super) exit_code: Option<i32>,
    pub(super) failure: Option<TaskFailureInfo>,
    pub(super) retries: i32,
    pub(super) last_retry: Option<Time>,
    ending: Option<Ending>,
}

impl Chore {
    fn new(run: RunId, now: Time) -> Self {
        Self {
            run: Some(run),
            start: now,
            end: None,
            exit_code: None,
            failure: None,
            retries: 0,
            last_retry: None,
            ending: None,
        }
    }

    /// How it ended; None while it runs.
    pub(super) fn result(&self) -> Option<ExecutionResult> {
        self.end.map(|_| match self.succeeded() {
            true => ExecutionResult::Success,
            false => ExecutionResult::Failure,
        })
    }

    pub(super) fn succeeded(&self) -> bool {
        self.end.is_some() && self.failure.is_none()
    }

    fn deadline(&self, limit: Duration) -> Option<Time> {
        let is_running = self.run.is_some() && self.ending.is_none();
        is_running.then(|| finite(self.start, limit)).flatten()
    }
}

impl OnNode {
    fn chores(&self) -> impl Iterator<Item = (bool, &Chore)> {
        let release = self.release.iter().map(|chore| (true, chore));
        std::iter::once((false, &self.preparation)).chain(release)
    }

    fn chore_mut(&mut self, is_release: bool) -> Option<&mut Chore> {
        if is_release {
            self.release.as_mut()
        } else {
            Some(&mut self.preparation)
        }
    }
}

/// Whether a node may run the tasks of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// The preparation has to run there first; whether its end is waited for.
    Unprepared {
        waits: bool,
    },
    /// The preparation runs there and is waited for.
    Preparing,
    /// The preparation failed there for good.
    Unfit,
}

impl Job {
    pub(super) fn readiness(&self, key: &Key, node: &Node) -> Readiness {
        let Some(task) = self.spec.job_preparation_task.as_deref() else {
            return Readiness::Ready;
        };
        let waits = task.wait_for_success != Some(false);
        let Some(here) = self.on_nodes.get(key) else {
            return Readiness::Unprepared { waits };
        };
        let chore = &here.preparation;
        let again = task.rerun_on_node_reboot_after_success != Some(false);
        match (&chore.run, waits) {
            (Some(_), true) => Readiness::Preparing,
            (Some(_), false) => Readiness::Ready,
            (None, _) if here.booted != node.booted && (again || !chore.succeeded()) => {
                Readiness::Unprepared { waits }
            }
            (None, true) if !chore.succeeded() => Readiness::Unfit,
            (None, _) => Readiness::Ready,
        }
    }

    /// The runs of its preparation and release, by their node.
    pub(super) fn chores(&self) -> impl Iterator<Item = (&Key, bool, RunId)> {
        self.on_nodes.iter().flat_map(|(node, here)| {
            here.chores()
                .filter_map(move |(is_release, chore)| Some((node, is_release, chore.run?)))
        })
    }

    fn chore_limit(&self, is_release: bool) -> Duration {
        if is_release {
            let release = self.spec.job_release_task.as_deref();
            let limit = release.and_then(|t| t.max_wall_clock_time);
            return limit.unwrap_or(limits::MAX_RELEASE_TIME);
        }
        let preparation = self.spec.job_preparation_task.as_deref();
        preparation
            .and_then(|t| t.constraints.as_ref()?.max_wall_clock_time)
            .unwrap_or(Duration::INFINITE)
    }

    /// When the first of its preparations and releases has run too long.
    pub(super) fn chore_deadline(&self) -> Option<Time> {
        self.on_nodes
            .values()
            .flat_map(OnNode::chores)
            .filter_map(|(is_release, chore)| chore.deadline(self.chore_limit(is_release)))
            .min()
    }
}

impl World {
    pub(super) fn start_chore(
        &mut self,
        job_key: &Key,
        pool_key: &Key,
        node_key: &Key,
        is_release: bool,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let run = self.new_run();
        let (Some(job), Some(pool)) = (self.jobs.get_mut(job_key), self.pools.get(pool_key)) else {
            return;
        };
        let Some(node) = pool.nodes.get(node_key) else {
            return;
        };
        let (id, command_line, settings, resource_files) = if is_release {
            let Some(task) = job.spec.job_release_task.as_deref() else {
                return;
            };
            let id = release_id(task).to_owned();
            let of = task.clone();
            (
                id,
                of.command_line,
                of.environment_settings,
                of.resource_files,
            )
        } else {
            let Some(task) = job.spec.job_preparation_task.as_deref() else {
                return;
            };
            let id = preparation_id(task).to_owned();
            let of = task.clone();
            (
                id,
                of.command_line,
                of.environment_settings,
                of.resource_files,
            )
        };
        let mut environment = job.spec.common_environment_settings.clone();
        environment.extend(settings);
        let chore = Chore::new(run, now);
        if is_release {
            if let Some(here) = job.on_nodes.get_mut(node_key) {
                here.release = Some(chore);
            }
        } else {
            let here = OnNode {
                pool: Name::new(&pool.spec.id),
                node: node.name.clone(),
                booted: node.booted,
                preparation: chore,
                release: None,
            };
            job.on_nodes.insert(node_key.clone(), here);
        }
        effects.push(Effect::Launch(Box::new(Launch {
            run,
            node: NodeRef {
                pool: pool.spec.id.clone(),
                node: node.name.as_str().to_owned(),
            },
            role: Role::Task {
                job: job.spec.id.clone(),
                task: id,
            },
            preparation: job.preparation_id(),
            dedicated: node.dedicated,
            command_line,
            environment,
            resource_files,
            output_files: Vec::new(),
            instance: None,
        })));
        let owner = Owner::Chore(job_key.clone(), node_key.clone(), is_release);
        self.runs.insert(run, owner);
        self.touch_job(job_key);
    }

    pub(super) fn chore_started(&mut self, job: &Key, node: &Key, is_release: bool, at: Time) {
        let chore = self.jobs.get_mut(job).and_then(|job| {
            let here = job.on_nodes.get_mut(node)?;
            here.chore_mut(is_release)
        });
        if let Some(chore) = chore {
            chore.start = at;
        }
        self.touch_job(job);
    }

    pub(super) fn chore_ended(
        &mut self,
        (run, is_release): (RunId, bool),
        job_key: &Key,
        node_key: &Key,
        end: &RunEnd,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        self.runs.remove(&run);
        let Some(job) = self.jobs.get_mut(job_key) else {
            return;
        };
        let constraints = job.spec.job_preparation_task.as_deref();
        let max = constraints
            .and_then(|t| t.constraints.as_ref()?.max_task_retry_count)
            .unwrap_or(0);
        let Some(here) = job.on_nodes.get_mut(node_key) else {
            return;
        };
        let pool_key = here.pool.key();
        let Some(chore) = here.chore_mut(is_release) else {
            return;
        };
        let failure = failure_of(end);
        let retries = chore.retries;
        let again = !is_release
            && failure.is_some()
            && end.failure.is_none()
            && end.exit_code.is_some()
            && chore.ending.is_none()
            && (max == -1 || retries < max);
        chore.run = None;
        chore.end = Some(end.at);
        chore.exit_code = end.exit_code;
        chore.failure = match (failure, chore.ending) {
            (Some(_), Some(ending)) => Some(ending.failure()),
            (failure, _) => failure,
        };
        let succeeded = chore.succeeded();
        if again {
            self.start_chore(job_key, &pool_key, node_key, false, now, effects);
            let chore = self.jobs.get_mut(job_key).and_then(|job| {
                let here = job.on_nodes.get_mut(node_key)?;
                here.chore_mut(false)
            });
            if let Some(chore) = chore {
                chore.retries = retries.saturating_add(1);
                chore.last_retry = Some(now);
            }
        } else if !is_release {
            self.release_held(job_key, &pool_key, node_key, succeeded, now, effects);
        }
        self.touch_job(job_key);
    }

    /// Sends the tasks that waited for a preparation to their node, or queues them again.
    fn release_held(
        &mut self,
        job_key: &Key,
        pool_key: &Key,
        node_key: &Key,
        succeeded: bool,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.get(job_key) else {
            return;
        };
        let preparation = job.spec.job_preparation_task.as_deref();
        if preparation.is_none_or(|t| t.wait_for_success == Some(false)) {
            return;
        }
        let Some(node) = self.pools.get(pool_key).and_then(|p| p.nodes.get(node_key)) else {
            return;
        };
        let mut held = Vec::new();
        for run in node.runs.keys() {
            if let Some((of, key, instance)) = self.task_of(*run)
                && of == *job_key
                && let Some(task) = job.tasks.get(&key)
                && task.is_unsent(instance)
            {
                let is_stopped = task.attempt.as_ref().is_some_and(|a| a.ending.is_some());
                let failed = task.team().and_then(|team| team.failed_end(now));
                held.push((*run, key, instance, is_stopped, failed));
            }
        }
        for (run, key, instance, is_stopped, failed) in held {
            match failed.filter(|_| succeeded && !is_stopped && instance == 0) {
                Some(end) => self.task_ended(run, job_key, &key, end, now, effects),
                None if succeeded && !is_stopped => {
                    self.send_task(job_key, &key, instance, effects);
                }
                None => {
                    if let Some((pool, node)) = self.requeue_run(run, false, now, effects) {
                        self.drop_if_left(&pool, &node, now, effects);
                    }
                }
            }
        }
        self.unsettled.insert(pool_key.clone());
    }

    /// The effects that delete the directories of these tasks, from the nodes that still have them.
    pub(super) fn chore_directories(&self, job: &Job) -> Vec<Effect> {
        let release = job.spec.job_release_task.as_deref().map(release_id);
        let ids: Vec<String> = job
            .preparation_id()
            .into_iter()
            .chain(release.map(str::to_owned))
            .collect();
        let mut effects = Vec::new();
        for (key, here) in &job.on_nodes {
            let pool = self.pools.get(&here.pool.key());
            if pool.is_none_or(|p| !p.nodes.contains_key(key)) {
                continue;
            }
            effects.extend(ids.iter().map(|id| Effect::DeleteTaskDirectory {
                node: NodeRef {
                    pool: here.pool.as_str().to_owned(),
                    node: here.node.as_str().to_owned(),
                },
                job: job.spec.id.clone(),
                task: id.clone(),
            }));
        }
        effects
    }

    /// Asks for the end of what prepares a job's nodes.
    pub(super) fn stop_chores(&mut self, job: &Key, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(job) else {
            return;
        };
        for here in job.on_nodes.values_mut() {
            let chore = &mut here.preparation;
            if let Some(run) = chore.run.filter(|_| chore.ending.is_none()) {
                chore.ending = Some(Ending::JobEnded);
                effects.push(Effect::Stop {
                    run,
                    reason: StopReason::Terminated,
                });
            }
        }
    }

    /// Stops what has run too long; says whether there was something.
    pub(super) fn stop_late_chores(
        &mut self,
        job: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(job) = self.jobs.get_mut(job) else {
            return false;
        };
        let limits = [false, true].map(|is_release| job.chore_limit(is_release));
        let mut found = false;
        for here in job.on_nodes.values_mut() {
            for is_release in [false, true] {
                let limit = limits[usize::from(is_release)];
                let Some(chore) = here.chore_mut(is_release) else {
                    continue;
                };
                let is_late = chore.deadline(limit).is_some_and(|at| at <= now);
                if let Some(run) = chore.run.filter(|_| is_late) {
                    chore.ending = Some(Ending::WallClock);
                    found = true;
                    effects.push(Effect::Stop {
                        run,
                        reason: StopReason::WallClock,
                    });
                }
            }
        }
        found
    }

    /// Runs the release task where the preparation ran and the release has not; says whether it runs anywhere.
    pub(super) fn start_releases(
        &mut self,
        job_key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(job) = self.jobs.get(job_key) else {
            return false;
        };
        if job.spec.job_release_task.is_none() {
            return false;
        }
        let mut due = Vec::new();
        for (node_key, here) in job.on_nodes.iter().filter(|(_, h)| h.release.is_none()) {
            let pool = here.pool.key();
            let node = self.pools.get(&pool).and_then(|p| p.nodes.get(node_key));
            let is_up = node.is_some_and(|n| {
                !matches!(
                    n.state,
                    NodeState::Unusable | NodeState::Deallocated | NodeState::Deallocating
                )
            });
            if is_up {
                due.push((pool, node_key.clone()));
            }
        }
        for (pool, node) in &due {
            self.start_chore(job_key, pool, node, true, now, effects);
        }
        !due.is_empty()
    }

    /// The node goes down or away: nothing of this will be reported. What did not end runs again when the node
    /// comes back.
    pub(super) fn forget_chores(
        &mut self,
        node_key: &Key,
        is_gone: bool,
        effects: &mut Vec<Effect>,
    ) {
        let mut touched = Vec::new();
        for (job_key, job) in &mut self.jobs {
            let Some(here) = job.on_nodes.get_mut(node_key) else {
                continue;
            };
            let runs = here.chores().filter_map(|(_, chore)| chore.run);
            for run in runs {
                self.runs.remove(&run);
                effects.push(Effect::Stop {
                    run,
                    reason: StopReason::Abandoned,
                });
            }
            here.preparation.run = None;
            if here.release.as_ref().is_some_and(|r| r.run.is_some()) {
                here.release = None;
            }
            if is_gone {
                job.on_nodes.remove(node_key);
            }
            touched.push(job_key.clone());
        }
        for job in touched {
            self.touch_job(&job);
        }
    }
}
