//! What dependencies do to the judgement of single tasks: who depends on a task that runs runs after it, and what a
//! task reads of another has to be in storage.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::Plan;
use super::action::Reason;
use super::task::{TaskPlan, TaskWork, added};
use crate::desired::{Desired, InputSource, Output, Task, task_dependencies};
use crate::observed::Observed;
use crate::wire::batch::command::OutputFileUploadCondition;
use crate::wire::batch::task::TaskDependencies;

/// Changes the judgements until they agree with each other.
pub(super) fn spread(plans: &mut [TaskPlan], desired: &Desired, observed: &Observed) {
    if desired.tasks.iter().all(|t| t.after.is_empty()) {
        return;
    }
    let mut spread = Spread {
        desired,
        observed,
        awaited: indices(plans, TaskWork::is_awaited),
        added: indices(plans, TaskWork::is_added),
        fetched: HashSet::new(),
        stored: None,
    };
    loop {
        let before = (spread.awaited.len(), spread.added.len());
        for plan in plans.iter_mut() {
            spread.after_others(plan);
        }
        let running: Vec<usize> = spread.added.iter().copied().collect();
        for task in running {
            spread.needs(task, plans);
        }
        if before == (spread.awaited.len(), spread.added.len()) {
            return;
        }
    }
}

fn indices(plans: &[TaskPlan], which: fn(TaskWork) -> bool) -> BTreeSet<usize> {
    let matching = plans.iter().filter(|p| which(p.work));
    matching.map(|p| p.task).collect()
}

struct Spread<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    awaited: BTreeSet<usize>,
    added: BTreeSet<usize>,
    /// Sets of tasks that were looked at, by the containers that are read.
    fetched: HashSet<(Range<usize>, Vec<&'a str>)>,
    /// The digests of the tasks whose outputs a container holds.
    stored: Option<HashMap<&'a str, HashSet<&'a str>>>,
}

impl<'a> Spread<'a> {
    /// A task runs again when one that it depends on does.
    fn after_others(&mut self, plan: &mut TaskPlan) {
        if plan.work == TaskWork::Left {
            return;
        }
        let task = &self.desired.tasks[plan.task];
        let any = |of: &BTreeSet<usize>| {
            let mut ranges = task.after.iter();
            ranges.any(|r| of.range(r.clone()).next().is_some())
        };
        let live = self
            .observed
            .tasks
            .get(&task.id.as_str().to_ascii_lowercase());
        if any(&self.added) {
            if plan.work.is_added() {
                // Nothing of its own changed, so its digest did by those of the others.
                if plan.reason == Reason::Changed(Vec::new()) {
                    plan.reason = Reason::UpstreamRuns;
                }
                return;
            }
            plan.work = added(live);
        } else if any(&self.awaited) {
            if plan.work.is_awaited() {
                return;
            }
            plan.work = match live {
                Some(live) if live.digest() == Some(&task.digest) && !live.is_completed() => {
                    TaskWork::Await
                }
                live => added(live),
            };
        } else {
            return;
        }
        plan.reason = Reason::UpstreamRuns;
        self.note(plan);
    }

    fn note(&mut self, plan: &TaskPlan) {
        self.awaited.insert(plan.task);
        if plan.work.is_added() {
            self.added.insert(plan.task);
        }
    }

    /// What a task that runs reads of others must be in storage, or the others run once more.
    fn needs(&mut self, task: usize, plans: &mut [TaskPlan]) {
        let desired = self.desired;
        let task = &desired.tasks[task];
        let read: BTreeSet<&str> =
            task.inputs
                .iter()
                .filter_map(|input| match &input.source {
                    InputSource::Container { container, .. }
                    | InputSource::Blob { container, .. } => Some(container.as_str()),
                    InputSource::Url(_) => None,
                })
                .collect();
        let read: Vec<&str> = read.into_iter().collect();
        for range in &task.after {
            if !self.fetched.insert((range.clone(), read.clone())) {
                continue;
            }
            for upstream in range.clone() {
                let gone = |output: &&Output| {
                    output.condition != OutputFileUploadCondition::TaskFailure
                        && read.contains(&output.container.as_str())
                };
                let other = &desired.tasks[upstream];
                let mut wanted = other.outputs.iter().filter(gone);
                if self.awaited.contains(&upstream) || wanted.all(|o| self.is_stored(other, o)) {
                    continue;
                }
                let live = self
                    .observed
                    .tasks
                    .get(&other.id.as_str().to_ascii_lowercase());
                let plan = &mut plans[upstream];
                if plan.work == TaskWork::Left {
                    continue;
                }
                plan.work = added(live);
                plan.reason = Reason::OutputsNeeded;
                self.awaited.insert(upstream);
                self.added.insert(upstream);
            }
        }
    }

    fn is_stored(&mut self, task: &Task, output: &Output) -> bool {
        let observed = self.observed;
        let Some(container) = observed.containers.get(output.container.as_str()) else {
            return false;
        };
        if let Some(path) = output.path.as_ref().filter(|_| !output.is_wild()) {
            let blob = container.blobs.get(path);
            return blob.is_some_and(|b| b.digest.as_deref() == Some(&task.digest));
        }
        let stored = self.stored.get_or_insert_with(|| {
            let of = |(name, container): (&'a String, &'a crate::observed::LiveContainer)| {
                let blobs = container.blobs.values();
                (
                    name.as_str(),
                    blobs.filter_map(|b| b.digest.as_deref()).collect(),
                )
            };
            observed.containers.iter().map(of).collect()
        });
        stored
            .get(output.container.as_str())
            .is_some_and(|digests| digests.contains(task.digest.as_str()))
    }
}

/// What the tasks that are added wait for: of those they depend on, the ones that are not done yet.
pub struct Waits<'a> {
    desired: &'a Desired,
    awaited: BTreeSet<usize>,
    known: HashMap<&'a [Range<usize>], TaskDependencies>,
}

impl Plan {
    pub fn waits<'a>(&self, desired: &'a Desired) -> Waits<'a> {
        Waits {
            desired,
            awaited: indices(&self.tasks, TaskWork::is_awaited),
            known: HashMap::new(),
        }
    }
}

impl<'a> Waits<'a> {
    /// None: nothing. A task that is done may be in no job any more, and would be waited for in vain.
    pub fn of(&mut self, task: usize) -> Option<TaskDependencies> {
        let after = self.desired.tasks[task].after.as_slice();
        let awaited = &self.awaited;
        let tasks = &self.desired.tasks;
        let dependencies = self.known.entry(after).or_insert_with(|| {
            let indices: BTreeSet<usize> = after
                .iter()
                .flat_map(|range| awaited.range(range.clone()).copied())
                .collect();
            task_dependencies(indices.iter().map(|i| tasks[*i].id.as_str()))
        });
        Some(dependencies.clone()).filter(|d| *d != TaskDependencies::default())
    }
}
