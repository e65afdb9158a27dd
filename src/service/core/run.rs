//! Runs of tasks: launched, started, ended, stopped, queued again.

use super::command::Answer;
use super::effect::{Effect, Launch, Report, Role, RunEnd, RunId, StopReason};
use super::exits;
use super::key::{Key, Name};
use super::multi_instance::{self, Team};
use super::node::failure_of;
use super::preparation::Readiness;
use super::records::Record;
use super::schedule::Placement;
use super::task::{Attempt, Ending, Phase, Task, refuse_if_ended};
use super::world::{Owner, World};
use crate::wire::batch::task::{JobAction, SubtaskState};
use crate::wire::time::Time;

impl World {
    pub(super) fn report(
        &mut self,
        report: Report,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        match report {
            Report::NodePrepared { node, error } => self.node_prepared(&node, error, now, effects),
            Report::RunStarted { run, at } => match self.runs.get(&run).cloned() {
                Some(Owner::StartTask(pool, node)) => {
                    self.start_task_started(&pool, &node, at, now);
                }
                Some(Owner::Task(job, task)) => self.task_started(&job, &task, at, now),
                Some(Owner::Subtask(job, task, id)) => {
                    self.subtask_started((&job, &task, id), at, now);
                }
                Some(Owner::Chore(job, node, is_release)) => {
                    self.chore_started(&job, &node, is_release, at);
                }
                None => {}
            },
            Report::RunCoordinated { run, at } => self.run_coordinated(run, at, now, effects),
            Report::RunEnded { run, end } => match self.runs.get(&run).cloned() {
                Some(Owner::StartTask(pool, node)) => {
                    self.runs.remove(&run);
                    self.start_task_ended(&pool, &node, end, now, effects);
                }
                Some(Owner::Task(job, task)) => {
                    self.task_ended(run, &job, &task, end, now, effects);
                }
                Some(Owner::Subtask(job, task, id)) => {
                    self.subtask_ended((&job, &task, id), &end, now, effects);
                }
                Some(Owner::Chore(job, node, is_release)) => {
                    self.chore_ended((run, is_release), &job, &node, &end, now, effects);
                }
                None => {}
            },
        }
        Ok(super::command::Reply::Done)
    }

    pub(super) fn new_run(&mut self) -> RunId {
        let run = RunId(self.next_run);
        self.next_run += 1;
        // What has a number that is not written down is not written down either.
        self.records.mark_for_later(Record::Counters);
        run
    }

    /// Puts an active task on its nodes.
    pub(super) fn launch(
        &mut self,
        placement: &Placement,
        pool_key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Placement {
            job: job_key,
            task: task_key,
            nodes,
        } = placement;
        let runs: Vec<RunId> = nodes.iter().map(|_| self.new_run()).collect();
        let (Some(job), Some(pool)) = (self.jobs.get_mut(job_key), self.pools.get(pool_key)) else {
            return;
        };
        let mut placed = runs.iter().zip(nodes).filter_map(|(run, key)| {
            let node = pool.nodes.get(key)?;
            Some((*run, node.name.clone()))
        });
        let Some((run, node)) = placed.next() else {
            return;
        };
        if job.tasks.get(task_key).and_then(Task::body).is_none() {
            // Only a damaged record gets here.
            job.change_task(task_key, |task| {
                task.enter(Phase::Completed { succeeded: false }, now);
            });
            self.touch_task(job_key, task_key);
            return;
        }
        let whole = pool.slots_per_node();
        let slots = job.change_task(task_key, |task| {
            let mut attempt = Attempt::on(Name::new(&pool.spec.id), node);
            if task.instances().is_some() {
                attempt.team = Some(Box::new(Team::new(placed, now)));
            }
            task.attempt = Some(Box::new(attempt));
            task.enter(Phase::Preparing(run), now);
            task.slots_of(whole)
        });
        for ((instance, run), node) in (0..).zip(runs).zip(nodes) {
            let owner = match instance {
                0 => Owner::Task(job_key.clone(), task_key.clone()),
                id => Owner::Subtask(job_key.clone(), task_key.clone(), id),
            };
            self.runs.insert(run, owner);
            self.occupy(job_key, task_key, (pool_key, node), run, slots, now);
        }
        self.touch_task_later(job_key, task_key);
        for (instance, node) in (0..).zip(nodes) {
            self.send_when_prepared(placement, instance, (pool_key, node), now, effects);
        }
    }

    fn occupy(
        &mut self,
        job: &Key,
        task: &Key,
        (pool, node_key): (&Key, &Key),
        run: RunId,
        slots: Option<u16>,
        now: Time,
    ) {
        let job = self.jobs.get(job);
        let task = job.and_then(|j| j.tasks.get(task));
        let node = self
            .pools
            .get_mut(pool)
            .and_then(|p| p.nodes.get_mut(node_key));
        if let (Some(job), Some(task), Some(node)) = (job, task, node) {
            node.runs.extend(slots.map(|slots| (run, slots)));
            node.settle(now);
            node.remember(&Name::new(&job.spec.id), &task.name);
        }
        self.touch_node_later(pool, node_key);
    }

    fn send_when_prepared(
        &mut self,
        placement: &Placement,
        instance: u16,
        (pool_key, node_key): (&Key, &Key),
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let node = self.pools.get(pool_key).and_then(|p| p.nodes.get(node_key));
        let job = self.jobs.get(&placement.job);
        let Some(readiness) = job
            .zip(node)
            .map(|(job, node)| job.readiness(node_key, node))
        else {
            return;
        };
        if matches!(readiness, Readiness::Unprepared { .. }) {
            self.start_chore(&placement.job, pool_key, node_key, false, now, effects);
        }
        if matches!(
            readiness,
            Readiness::Ready | Readiness::Unprepared { waits: false }
        ) {
            self.send_task(&placement.job, &placement.task, instance, effects);
        }
    }

    /// Hands a task that was put on a node to it; instance 0 is the task itself.
    pub(super) fn send_task(
        &mut self,
        job_key: &Key,
        task_key: &Key,
        instance: u16,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.get(job_key) else {
            return;
        };
        let Some(task) = job.tasks.get(task_key) else {
            return;
        };
        let subtask = task.team().and_then(|team| team.subtask(instance));
        let run = subtask.map_or(task.phase.run(), |s| Some(s.run));
        let (Some(run), Some(attempt), Some(mut body)) =
            (run, task.attempt.as_deref(), task.body())
        else {
            return;
        };
        let pool = self.pools.get(&attempt.pool.key());
        let name = attempt.node_of(instance);
        let Some((pool, node)) = pool.zip(name).and_then(|(pool, name)| {
            let node = pool.nodes.get(&name.key())?;
            Some((pool, node))
        }) else {
            return;
        };
        let with = multi_instance::instance_of(instance, &body, pool, attempt);
        if subtask.is_some() {
            body.command_line.clear();
            body.resource_files.clear();
            body.output_files.clear();
        }
        let mut environment = job.spec.common_environment_settings.clone();
        environment.extend(body.environment_settings);
        effects.push(Effect::Launch(Box::new(Launch {
            run,
            node: pool.node_ref(node),
            role: Role::Task {
                job: job.spec.id.clone(),
                task: body.id,
            },
            preparation: job.preparation_id(),
            dedicated: node.dedicated,
            command_line: body.command_line,
            environment,
            resource_files: body.resource_files,
            output_files: body.output_files,
            instance: with,
        })));
    }

    fn task_started(&mut self, job_key: &Key, task_key: &Key, at: Time, now: Time) {
        if let Some(job) = self.jobs.get_mut(job_key) {
            job.change_task(task_key, |task| {
                if let Phase::Preparing(run) = task.phase {
                    task.enter(Phase::Running(run), now);
                    if let Some(attempt) = &mut task.attempt {
                        attempt.start = Some(at);
                    }
                }
            });
        }
        self.touch_task_later(job_key, task_key);
    }

    pub(super) fn task_ended(
        &mut self,
        run: RunId,
        job_key: &Key,
        task_key: &Key,
        end: RunEnd,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let freed = self.free_run(run, now);
        self.disband(job_key, task_key, now, effects);
        let ended = self
            .jobs
            .get_mut(job_key)
            .and_then(|job| job.change_task(task_key, |task| task.end(&end, now)));
        if let Some((pool, node)) = freed {
            if let (Some(node), Some(ended)) = (self.node_mut(&pool, &node), &ended) {
                let succeeded = i32::from(ended.succeeded);
                node.tasks_run = node.tasks_run.saturating_add(1);
                node.tasks_succeeded = node.tasks_succeeded.saturating_add(succeeded);
            }
            self.drop_if_left(&pool, &node, now, effects);
        }
        self.touch_task(job_key, task_key);
        if let Some(job) = self.jobs.get(job_key) {
            self.unsettled.insert(job.pool_key());
        }
        let completed = ended.as_ref().is_some_and(|e| e.job_action.is_some());
        if let Some(action) = ended.and_then(|e| e.job_action) {
            self.perform_job_action(job_key, action, now, effects);
        }
        if completed {
            self.manager_ended(job_key, task_key, now, effects);
        }
        self.check_all_complete(job_key, now, effects);
    }

    /// The end of a job's manager is the end of the job, unless it says otherwise.
    fn manager_ended(&mut self, job: &Key, task: &Key, now: Time, effects: &mut Vec<Effect>) {
        let ends = self.jobs.get(job).is_some_and(|j| {
            let manager = j.spec.job_manager_task.as_deref();
            refuse_if_ended(j.state).is_ok()
                && manager.is_some_and(|m| {
                    Key::of(&m.id) == *task && m.kill_job_on_completion != Some(false)
                })
        });
        if ends {
            self.terminate_job(job, "JMComplete", now, effects);
        }
    }

    /// Asks for the end of a task's run; the node reports it.
    pub(super) fn stop_run(&mut self, run: RunId, ending: Ending, effects: &mut Vec<Effect>) {
        let Some((job_key, task_key, _)) = self.task_of(run) else {
            return;
        };
        let first = self.jobs.get_mut(&job_key).and_then(|job| {
            job.change_task(&task_key, |task| {
                let run = task.phase.run()?;
                let attempt = task.attempt.as_mut()?;
                if attempt.ending.is_some() {
                    return None;
                }
                attempt.ending = Some(ending);
                Some(run)
            })
        });
        if let Some(Some(run)) = first {
            effects.push(Effect::Stop {
                run,
                reason: ending.reason(),
            });
            self.touch_task(&job_key, &task_key);
        }
    }

    /// Stops a run and queues its task again.
    pub(super) fn abandon_run(&mut self, run: RunId, now: Time, effects: &mut Vec<Effect>) {
        effects.push(Effect::Stop {
            run,
            reason: StopReason::Abandoned,
        });
        if let Some((pool, node)) = self.requeue_run(run, true, now, effects) {
            self.drop_if_left(&pool, &node, now, effects);
        }
    }

    /// Takes a task off its node, which will not report it any more, and queues it again; a task that was being
    /// stopped is completed instead. Gives back the node. Other nodes of the task are told to give it up.
    pub(super) fn requeue_run(
        &mut self,
        run: RunId,
        counted: bool,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Option<(Key, Key)> {
        let (job_key, task_key, _) = self.task_of(run)?;
        let node = self.free_run(run, now);
        self.disband(&job_key, &task_key, now, effects);
        let job = self.jobs.get_mut(&job_key)?;
        job.change_task(&task_key, |task| task.requeue(counted, now));
        let pool = job.pool_key();
        self.unsettled.insert(pool);
        self.touch_task(&job_key, &task_key);
        node
    }

    /// Forgets a run of a task that is about to be deleted.
    pub(super) fn release_run(&mut self, run: RunId, now: Time, effects: &mut Vec<Effect>) {
        if let Some((pool, node)) = self.free_run(run, now) {
            self.drop_if_left(&pool, &node, now, effects);
        }
    }

    /// Gives a run's slots back. The caller looks whether the node waited for that.
    pub(super) fn free_run(&mut self, run: RunId, now: Time) -> Option<(Key, Key)> {
        let (job_key, task_key, instance) = self.task_of(run)?;
        self.runs.remove(&run);
        let task = self.jobs.get(&job_key)?.tasks.get(&task_key)?;
        let attempt = task.attempt.as_deref()?;
        let (pool, node_key) = (attempt.pool.key(), attempt.node_of(instance)?.key());
        let node = self.node_mut(&pool, &node_key)?;
        node.runs.remove(&run);
        node.settle(now);
        self.touch_node(&pool, &node_key);
        self.unsettled.insert(pool.clone());
        Some((pool, node_key))
    }
}

/// What became of a run.
struct Ended {
    succeeded: bool,
    /// Set when the task is completed.
    job_action: Option<JobAction>,
}

impl Task {
    /// Ends the run: completed, or active again for a retry.
    fn end(&mut self, end: &RunEnd, now: Time) -> Ended {
        let is_stopped = self.attempt.as_ref().is_some_and(|a| a.ending.is_some());
        let team = self.team().filter(|_| !is_stopped);
        let of_team = team.and_then(|team| team.failed_end(end.at));
        let end = of_team.as_ref().unwrap_or(end);
        let failure = failure_of(end);
        let succeeded = failure.is_none();
        let max = self.limits.max_retries;
        let Some(attempt) = &mut self.attempt else {
            return Ended {
                succeeded,
                job_action: None,
            };
        };
        let retry = !succeeded
            && end.failure.is_none()
            && end.exit_code.is_some()
            && attempt.ending.is_none()
            && (max == -1 || self.retries < max);
        attempt.end = Some(end.at);
        attempt.exit_code = end.exit_code;
        // A failing upload says more than that the task was stopped.
        attempt.failure = match (failure, attempt.ending, &end.failure) {
            (Some(_), Some(ending), None) => Some(Box::new(ending.failure())),
            (failure, _, _) => failure.map(Box::new),
        };
        if retry {
            self.retries = self.retries.saturating_add(1);
            self.last_retry = Some(now);
            self.enter(Phase::Active, now);
            return Ended {
                succeeded,
                job_action: None,
            };
        }
        let conditions = self.special.as_ref().and_then(|s| s.exits.as_ref());
        let outcome = exits::outcome(conditions, end);
        self.satisfies = outcome.satisfies;
        self.enter(Phase::Completed { succeeded }, now);
        Ended {
            succeeded,
            job_action: Some(outcome.job),
        }
    }

    /// Whether it waits to be sent to this node, or the node has not said yet that it began.
    pub(super) fn is_unsent(&self, instance: u16) -> bool {
        match self.team().and_then(|team| team.subtask(instance)) {
            Some(subtask) => subtask.state == SubtaskState::Preparing,
            None => matches!(self.phase, Phase::Preparing(_)),
        }
    }

    fn requeue(&mut self, counted: bool, now: Time) {
        if let Some(attempt) = &mut self.attempt
            && let Some(ending) = attempt.ending
        {
            attempt.end = Some(now);
            attempt.failure = Some(Box::new(ending.failure()));
            self.satisfies = false;
            self.enter(Phase::Completed { succeeded: false }, now);
            return;
        }
        if counted {
            self.requeues = self.requeues.saturating_add(1);
            self.last_requeue = Some(now);
        }
        self.attempt = None;
        self.enter(Phase::Active, now);
    }
}
