//! Multi-instance tasks: one task on several nodes at once. The first of them, the primary, runs the command line
//! once the coordination command has succeeded on all of them. What fails on one node fails the task.

use serde::{Deserialize, Serialize};

use super::check;
use super::effect::{Effect, Failure, FailureStage, Instance, RunEnd, RunId, StopReason};
use super::job::Job;
use super::key::{Key, Name};
use super::limits;
use super::node::failure_of;
use super::pool::Pool;
use super::task::{Attempt, Task};
use super::world::{Owner, World};
use crate::wire::batch::command::TaskFailureInfo;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::task::{MultiInstanceSettings, SubtaskState, TaskCreate};
use crate::wire::time::Time;

/// A task on the nodes besides its primary's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Team {
    /// The coordination command succeeded on the primary.
    primary_is_ready: bool,
    /// The first has id 1.
    pub(super) subtasks: Vec<Subtask>,
}

/// One of the other nodes. It keeps its node until the task ends, also when it is completed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Subtask {
    pub(super) run: RunId,
    pub(super) node: Name,
    pub(super) state: SubtaskState,
    pub(super) since: Time,
    pub(super) previous: Option<(SubtaskState, Time)>,
    pub(super) start: Option<Time>,
    pub(super) end: Option<Time>,
    pub(super) exit_code: Option<i32>,
    pub(super) failure: Option<Box<TaskFailureInfo>>,
}

impl Subtask {
    fn new(run: RunId, node: Name, now: Time) -> Self {
        Self {
            run,
            node,
            state: SubtaskState::Preparing,
            since: now,
            previous: None,
            start: None,
            end: None,
            exit_code: None,
            failure: None,
        }
    }

    fn enter(&mut self, state: SubtaskState, now: Time) {
        self.previous = Some((self.state, self.since));
        self.state = state;
        self.since = now;
    }

    fn complete(&mut self, end: &RunEnd, now: Time) {
        self.end = Some(end.at);
        self.exit_code = end.exit_code;
        self.failure = failure_of(end).map(Box::new);
        self.enter(SubtaskState::Completed, now);
    }
}

impl Team {
    /// Of the nodes besides the primary's.
    pub(super) fn new(others: impl Iterator<Item = (RunId, Name)>, now: Time) -> Self {
        Self {
            primary_is_ready: false,
            subtasks: others
                .map(|(run, node)| Subtask::new(run, node, now))
                .collect(),
        }
    }

    /// With the ids of the subtasks.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u16, &Subtask)> {
        (1..).zip(&self.subtasks)
    }

    pub(super) fn subtask(&self, id: u16) -> Option<&Subtask> {
        self.subtasks.get(usize::from(id).checked_sub(1)?)
    }

    fn subtask_mut(&mut self, id: u16) -> Option<&mut Subtask> {
        self.subtasks.get_mut(usize::from(id).checked_sub(1)?)
    }

    fn is_ready(&self) -> bool {
        let done = |s: &Subtask| s.state == SubtaskState::Completed && s.failure.is_none();
        self.primary_is_ready && self.subtasks.iter().all(done)
    }

    /// How the task ends when a subtask failed: as the first of those did.
    pub(super) fn failed_end(&self, at: Time) -> Option<RunEnd> {
        let failed = self.subtasks.iter().find(|s| s.failure.is_some())?;
        let info = failed.failure.as_deref()?.clone();
        Some(RunEnd {
            at,
            exit_code: failed.exit_code,
            failure: failed.exit_code.is_none().then_some(Failure {
                stage: FailureStage::PreProcessing,
                info,
            }),
        })
    }
}

impl Attempt {
    /// The node of the primary (0) or of a subtask.
    pub(super) fn node_of(&self, instance: u16) -> Option<&Name> {
        match instance {
            0 => Some(&self.node),
            id => Some(&self.team.as_deref()?.subtask(id)?.node),
        }
    }
}

impl Task {
    /// How many nodes it needs at once, if it is a multi-instance task.
    pub(super) fn instances(&self) -> Option<u16> {
        self.special.as_ref()?.instances
    }

    /// The team of an attempt that has not ended.
    pub(super) fn team(&self) -> Option<&Team> {
        self.phase.run()?;
        self.attempt.as_deref()?.team.as_deref()
    }

    fn team_mut(&mut self) -> Option<&mut Team> {
        self.phase.run()?;
        self.attempt.as_deref_mut()?.team.as_deref_mut()
    }
}

/// How many nodes are asked for.
pub(super) fn read_instances(settings: &MultiInstanceSettings) -> Result<u16, Refusal> {
    let number = settings.number_of_instances.unwrap_or(1);
    u16::try_from(number)
        .ok()
        .filter(|n| *n >= 1)
        .ok_or_else(|| {
            Refusal::property(
                "multiInstanceSettings.numberOfInstances",
                number.to_string(),
                format!(
                    "The value is 1 or more, and no pool has more than {} nodes",
                    limits::MAX_NODES
                ),
            )
        })
}

pub(super) fn check(settings: &MultiInstanceSettings) -> Result<(), Refusal> {
    read_instances(settings)?;
    check::command_line(
        "multiInstanceSettings.coordinationCommandLine",
        &settings.coordination_command_line,
    )?;
    check::resource_files(
        "multiInstanceSettings.commonResourceFiles",
        &settings.common_resource_files,
    )
}

/// What a node is told of the others.
pub(super) fn instance_of(
    id: u16,
    body: &TaskCreate,
    pool: &Pool,
    attempt: &Attempt,
) -> Option<Box<Instance>> {
    let team = attempt.team.as_deref()?;
    let settings = body.multi_instance_settings.as_deref()?;
    let names = std::iter::once(&attempt.node).chain(team.subtasks.iter().map(|s| &s.node));
    let nodes = names.filter_map(|name| pool.nodes.get(&name.key()));
    Some(Box::new(Instance {
        id,
        coordination_command_line: settings.coordination_command_line.clone(),
        common_resource_files: settings.common_resource_files.clone(),
        addresses: nodes.map(|node| pool.address(node)).collect(),
    }))
}

impl Job {
    fn change_subtask(&mut self, task: &Key, id: u16, change: impl FnOnce(&mut Subtask)) -> bool {
        let changed = self.change_task(task, |task| {
            let subtask = task.team_mut()?.subtask_mut(id)?;
            change(subtask);
            Some(())
        });
        changed.flatten().is_some()
    }
}

impl World {
    /// The task of a run, and which instance of it the run is.
    pub(super) fn task_of(&self, run: RunId) -> Option<(Key, Key, u16)> {
        match self.runs.get(&run)? {
            Owner::Task(job, task) => Some((job.clone(), task.clone(), 0)),
            Owner::Subtask(job, task, id) => Some((job.clone(), task.clone(), *id)),
            Owner::StartTask(..) | Owner::Chore(..) => None,
        }
    }

    pub(super) fn subtask_started(
        &mut self,
        (job, task, id): (&Key, &Key, u16),
        at: Time,
        now: Time,
    ) {
        if let Some(owner) = self.jobs.get_mut(job) {
            owner.change_subtask(task, id, |subtask| {
                subtask.start = Some(at);
                subtask.enter(SubtaskState::Running, now);
            });
        }
        self.touch_task(job, task);
    }

    /// The coordination command succeeded on one node; the last of them lets the primary go on.
    pub(super) fn run_coordinated(
        &mut self,
        run: RunId,
        at: Time,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some((job_key, task_key, id)) = self.task_of(run) else {
            return;
        };
        let Some(job) = self.jobs.get_mut(&job_key) else {
            return;
        };
        let proceeds = job.change_task(&task_key, |task| {
            let primary = task.phase.run()?;
            let team = task.team_mut()?;
            match team.subtask_mut(id) {
                Some(subtask) => {
                    let end = RunEnd {
                        at,
                        exit_code: Some(0),
                        failure: None,
                    };
                    subtask.complete(&end, now);
                }
                None => team.primary_is_ready = true,
            }
            team.is_ready().then_some(primary)
        });
        effects.extend(proceeds.flatten().map(Effect::Proceed));
        self.touch_task(&job_key, &task_key);
    }

    /// A subtask reports its end only when it failed. The primary is stopped, and ends as the subtask did.
    pub(super) fn subtask_ended(
        &mut self,
        (job_key, task_key, id): (&Key, &Key, u16),
        end: &RunEnd,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.get_mut(job_key) else {
            return;
        };
        let is_changed = job.change_subtask(task_key, id, |subtask| subtask.complete(end, now));
        let primary = job.tasks.get(task_key).and_then(|t| t.phase.run());
        if let Some(run) = primary.filter(|_| is_changed) {
            effects.push(Effect::Stop {
                run,
                reason: StopReason::Terminated,
            });
        }
        self.touch_task(job_key, task_key);
    }

    /// Ends what a task still has on its nodes, except what has been taken off already.
    pub(super) fn disband(&mut self, job: &Key, task: &Key, now: Time, effects: &mut Vec<Effect>) {
        let found = self.jobs.get(job).and_then(|j| j.tasks.get(task));
        let Some((task, team)) = found.and_then(|t| Some((t, t.team()?))) else {
            return;
        };
        // Of what failed the node has already reported the end.
        let subtasks = team.subtasks.iter().map(|s| (s.run, s.failure.is_some()));
        let primary = task.phase.run().map(|run| (run, false));
        let runs: Vec<(RunId, bool)> = primary.into_iter().chain(subtasks).collect();
        for (run, is_over) in runs {
            let Some((pool, node)) = self.free_run(run, now) else {
                continue;
            };
            if !is_over {
                effects.push(Effect::Stop {
                    run,
                    reason: StopReason::Abandoned,
                });
            }
            self.drop_if_left(&pool, &node, now, effects);
        }
    }

    pub(super) fn list_subtasks(&self, job: &Key, task: &Key) -> super::command::Answer {
        let owner = self.jobs.get(job).ok_or(Code::JobNotFound)?;
        let task = owner.tasks.get(task).ok_or(Code::TaskNotFound)?;
        Ok(super::command::Reply::Subtasks(
            self.view_subtasks(owner, task),
        ))
    }
}
