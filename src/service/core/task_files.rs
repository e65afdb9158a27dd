//! Where the files of tasks are, and tasks that go with theirs.

use super::command::{Answer, Reply};
use super::effect::{Effect, NodeRef, StopReason};
use super::key::Key;
use super::task::Task;
use super::timers::Timer;
use super::world::World;
use crate::wire::batch::error::Code;
use crate::wire::time::Time;

impl World {
    pub(super) fn delete_task(
        &mut self,
        job_key: &Key,
        key: &Key,
        now: Time,
        effects: &mut Vec<Effect>,
    ) {
        let Some(run) = self
            .jobs
            .get(job_key)
            .and_then(|j| j.tasks.get(key))
            .map(|t| t.phase.run())
        else {
            return;
        };
        if let Some(run) = run {
            effects.push(Effect::Stop {
                run,
                reason: StopReason::Abandoned,
            });
            self.release_run(run, now, effects);
            self.disband(job_key, key, now, effects);
        }
        let Some(job) = self.jobs.get_mut(job_key) else {
            return;
        };
        let Some(mut task) = job.remove_task(key) else {
            return;
        };
        self.timers.arm(&mut task.armed, None, || {
            Timer::Task(job_key.clone(), key.clone())
        });
        effects.extend(self.directories_of(job_key, &task));
        self.touch_task(job_key, key);
    }

    /// The effects that delete a task's files, where its nodes still have them.
    pub(super) fn directories_of(&self, job: &Key, task: &Task) -> Vec<Effect> {
        let subtasks = task.attempt.iter().filter_map(|a| a.team.as_deref());
        let subtasks = subtasks.flat_map(|team| team.numbered().map(|(id, _)| id));
        std::iter::once(0)
            .chain(subtasks)
            .filter_map(|instance| self.directory_of(job, task, instance))
            .collect()
    }

    fn directory_of(&self, job: &Key, task: &Task, instance: u16) -> Option<Effect> {
        let attempt = task.attempt.as_deref().filter(|a| !a.cleaned_up)?;
        let node = attempt.node_of(instance)?;
        let pool = self.pools.get(&attempt.pool.key())?;
        pool.nodes.get(&node.key())?;
        Some(Effect::DeleteTaskDirectory {
            node: NodeRef {
                pool: pool.spec.id.clone(),
                node: node.as_str().to_owned(),
            },
            job: self.jobs.get(job)?.spec.id.clone(),
            task: task.name.as_str().to_owned(),
        })
    }

    pub(super) fn task_directory(&self, job_key: &Key, key: &Key) -> Answer {
        let job = self.jobs.get(job_key).ok_or(Code::JobNotFound)?;
        let task = job.tasks.get(key).ok_or(Code::TaskNotFound)?;
        let attempt = task.attempt.as_deref().ok_or(Code::FileNotFound)?;
        if attempt.cleaned_up {
            return Err(Code::TaskFilesCleanedup.into());
        }
        match self.directory_of(job_key, task, 0) {
            Some(Effect::DeleteTaskDirectory { node, job, task }) => {
                Ok(Reply::TaskDirectory { node, job, task })
            }
            _ => Err(Code::TaskFilesUnavailable.into()),
        }
    }
}
