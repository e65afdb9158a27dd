//! What is deleted at the end. Only what carries the manifest's mark.

use serde::Serialize;

use crate::desired::{Desired, When};
use crate::observed::{Observed, owner};

/// Steps 8 and 9.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CleanupPlan {
    /// Indices of `desired.containers`.
    pub containers: Vec<(usize, Fate)>,
    pub job: Fate,
    pub pool: Fate,
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Neither there nor about to be made.
    Absent,
    /// The policy keeps it.
    Kept,
    /// It is not ours to delete.
    NotOurs,
    /// Deleted when every task succeeded.
    DeletedOnSuccess,
    /// Deleted however the run ends.
    DeletedAlways,
}

impl Fate {
    /// Whether it is deleted after a run that ended like this.
    pub fn is_deleted(self, success: bool) -> bool {
        match self {
            Self::DeletedAlways => true,
            Self::DeletedOnSuccess => success,
            Self::Absent | Self::Kept | Self::NotOurs => false,
        }
    }

    fn of(when: When, exists: bool, ours: bool, will_be_made: bool) -> Self {
        match (when, exists, ours) {
            (_, true, false) => Self::NotOurs,
            (_, false, _) if !will_be_made => Self::Absent,
            (When::Never, ..) => Self::Kept,
            (When::OnSuccess, ..) => Self::DeletedOnSuccess,
            (When::Always, ..) => Self::DeletedAlways,
        }
    }
}

impl CleanupPlan {
    /// With `works`, the steps before make what is absent.
    pub(super) fn new(desired: &Desired, observed: &Observed, works: bool) -> Self {
        let containers = desired.containers.iter().enumerate().map(|(i, c)| {
            let live = observed.containers.get(c.name.as_str());
            let ours = live.is_some_and(|l| l.owner.as_deref() == Some(&desired.name));
            (
                i,
                Fate::of(desired.cleanup.containers, live.is_some(), ours, works),
            )
        });
        let owned = |mark: Option<&str>| mark == Some(desired.name.as_str());
        let job = observed.job.as_ref();
        let pool = observed.pool.as_ref();
        Self {
            containers: containers.collect(),
            job: Fate::of(
                desired.cleanup.job,
                job.is_some(),
                job.is_some_and(|j| owned(owner(&j.metadata))),
                works,
            ),
            pool: Fate::of(
                desired.cleanup.pool,
                pool.is_some(),
                pool.is_some_and(|p| owned(owner(&p.metadata))),
                works,
            ),
        }
    }

    /// Everything of ours, whatever the policy says.
    pub(super) fn everything(desired: &Desired, observed: &Observed) -> Self {
        let always = Desired {
            cleanup: crate::desired::Cleanup {
                containers: When::Always,
                job: When::Always,
                pool: When::Always,
            },
            ..desired.clone()
        };
        Self::new(&always, observed, false)
    }

    /// Whether no step before makes work and nothing of ours is left over.
    pub fn deletes_nothing_now(&self) -> bool {
        self.fates().all(|f| !f.is_deleted(true))
    }

    /// The fates of all resources.
    pub fn fates(&self) -> impl Iterator<Item = Fate> + '_ {
        self.containers
            .iter()
            .map(|(_, f)| *f)
            .chain([self.job, self.pool])
    }
}
