//! Desired × observed → what to do, in order, each with a reason. Pure and complete: `apply` makes no choices.
//!
//! A change of how one resource is compared belongs in the file of its noun; what counts as "nothing to do" is
//! said once, in [`Plan::is_empty`].

mod action;
mod asked;
mod build;
mod cleanup;
mod cost;
mod dependency;
mod download;
mod job;
mod options;
mod pool;
mod refused;
mod schedule;
mod step;
mod task;
mod transfer;

use serde::Serialize;

pub use action::{Action, FieldChange, Reason, TaskPart};
pub use build::{build, destroy};
pub use cleanup::{CleanupPlan, Fate, Stray, StrayKind};
pub use cost::{CostBound, Price, Unbounded};
pub use dependency::Waits;
pub use download::DownloadPlan;
pub use job::JobPlan;
pub use options::Options;
pub use pool::PoolPlan;
pub use refused::Refused;
pub use step::StepKind;
pub use task::{TaskPlan, TaskWork};

/// One thing and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change<T> {
    pub item: T,
    pub action: Action,
    pub reason: Reason,
}

impl<T> Change<T> {
    pub fn new(item: T, action: Action, reason: Reason) -> Self {
        Self {
            item,
            action,
            reason,
        }
    }
}

/// What an apply does. Indices point into the desired state the plan was built from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Indices of `desired.containers`.
    pub containers: Vec<Change<usize>>,
    /// Indices of `desired.uploads`; those that no work needs are left out.
    pub uploads: Vec<Change<usize>>,
    /// None: no work needs a pool.
    pub pool: Option<PoolPlan>,
    pub job: Option<JobPlan>,
    /// Every task of the manifest.
    pub tasks: Vec<TaskPlan>,
    pub download: DownloadPlan,
    pub cleanup: CleanupPlan,
    /// What the nodes cost at most; None: no work needs a pool.
    pub cost: Option<CostBound>,
    /// Other jobs whose tasks use the pool: replacing or deleting it ends them.
    pub pool_users: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let idle = |c: &Change<usize>| c.action == Action::Keep;
        self.containers.iter().all(idle)
            && self.uploads.iter().all(idle)
            && self.pool.as_ref().is_none_or(|p| p.action == Action::Keep)
            && self.job.as_ref().is_none_or(|j| j.action == Action::Keep)
            && self.tasks.iter().all(|t| !t.work.is_something())
            && self.download.is_empty()
            && self.cleanup.deletes_nothing_now()
    }

    /// The same, but nothing is made, run or deleted: only outputs that are in storage come home.
    pub fn only_download(self) -> Self {
        let settled = |t: &TaskPlan| matches!(t.work, TaskWork::Fetch | TaskWork::UpToDate);
        Self {
            tasks: self.tasks.into_iter().filter(settled).collect(),
            containers: Vec::new(),
            uploads: Vec::new(),
            pool: None,
            job: None,
            download: DownloadPlan {
                after_run: 0,
                ..self.download
            },
            cleanup: CleanupPlan {
                containers: Vec::new(),
                job: Fate::Kept,
                pool: Fate::Kept,
                strays: Vec::new(),
            },
            cost: None,
            pool_users: self.pool_users,
        }
    }

    /// How many tasks would have something to do but are not selected.
    pub fn tasks_left_out(&self) -> usize {
        let left = self.tasks.iter().filter(|t| t.work == TaskWork::Left);
        left.count()
    }

    /// How many tasks will run or are running.
    pub fn tasks_to_wait_for(&self) -> usize {
        self.tasks.iter().filter(|t| t.work.is_awaited()).count()
    }
}
