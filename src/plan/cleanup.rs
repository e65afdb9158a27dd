//! What is deleted at the end. Only what carries the manifest's mark.

use serde::Serialize;

use crate::desired::{Desired, When};
use crate::observed::{Observed, owner};
use crate::wire::batch::job::JobState;
use crate::wire::batch::job_schedule::JobScheduleState;
use crate::wire::batch::pool::PoolState;

/// Steps 8 and 9.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CleanupPlan {
    /// Indices of `desired.containers`.
    pub containers: Vec<(usize, Fate)>,
    pub job: Fate,
    pub pool: Fate,
    /// What is ours and not in the manifest any more.
    pub strays: Vec<Stray>,
}

/// Something of ours that nothing in the manifest refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stray {
    pub kind: StrayKind,
    pub name: String,
    pub fate: Fate,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StrayKind {
    Container,
    Job,
    Pool,
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
    /// Kept for tasks that this run was told to leave out.
    KeptForTheRest,
    /// Deleted however the run ends.
    DeletedAlways,
    /// The service deletes it with its job.
    GoesWithJob,
}

impl Fate {
    /// Whether it is deleted after a run that ended like this.
    pub fn is_deleted(self, success: bool) -> bool {
        match self {
            Self::DeletedAlways => true,
            Self::DeletedOnSuccess => success,
            Self::Absent
            | Self::Kept
            | Self::KeptForTheRest
            | Self::NotOurs
            | Self::GoesWithJob => false,
        }
    }

    fn of(when: When, exists: bool, ours: bool, around: Around) -> Self {
        match (when, exists, ours) {
            (_, true, false) => Self::NotOurs,
            (_, false, _) if !around.works => Self::Absent,
            (When::Never, ..) => Self::Kept,
            (When::OnSuccess, ..) if around.leaves_tasks => Self::KeptForTheRest,
            (When::OnSuccess, ..) => Self::DeletedOnSuccess,
            (When::Always, ..) => Self::DeletedAlways,
        }
    }
}

/// What else the plan does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    /// The steps before make what is absent.
    pub(super) works: bool,
    /// Tasks that have to run are left out.
    pub(super) leaves_tasks: bool,
    /// What is not marked is taken for ours.
    pub(super) adopts: bool,
}

impl CleanupPlan {
    pub(super) fn new(desired: &Desired, observed: &Observed, around: Around) -> Self {
        let owned = |mark: Option<&str>| match mark {
            Some(mark) => mark == desired.name,
            None => around.adopts,
        };
        let containers = desired.containers.iter().enumerate().map(|(i, c)| {
            let live = observed.containers.get(c.name.as_str());
            let ours = live.is_some_and(|l| owned(l.owner.as_deref()));
            (
                i,
                Fate::of(desired.cleanup.containers, live.is_some(), ours, around),
            )
        });
        // What is going is as good as gone: one of the same name that this run makes is ours.
        let job = observed.job.as_ref();
        let job = job.filter(|j| j.state != JobState::Deleting);
        let schedule = observed.schedule.as_ref();
        let schedule = schedule.filter(|s| s.state != JobScheduleState::Deleting);
        let job = match desired.job.schedule {
            Some(_) => schedule.map(|s| &s.metadata),
            None => job.map(|j| &j.metadata),
        };
        let pool = observed.pool.as_ref();
        let pool = pool.filter(|p| p.state != PoolState::Deleting);
        Self {
            containers: containers.collect(),
            job: Fate::of(
                desired.cleanup.job,
                job.is_some(),
                job.is_some_and(|metadata| owned(owner(metadata))),
                around,
            ),
            pool: match desired.pool.auto {
                Some(_) => Fate::GoesWithJob,
                None => Fate::of(
                    desired.cleanup.pool,
                    pool.is_some(),
                    pool.is_some_and(|p| owned(owner(&p.metadata))),
                    around,
                ),
            },
            strays: strays(desired, observed, around),
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
        Self::new(&always, observed, Around::default())
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
            .chain(self.strays.iter().map(|s| s.fate))
    }
}

/// Containers go when those of the manifest go; a job or a pool that nothing refers to is of no more use.
fn strays(desired: &Desired, observed: &Observed, around: Around) -> Vec<Stray> {
    let named = |kind, names: &[String], when| {
        let fate = Fate::of(when, true, true, around);
        let stray = move |name: &String| Stray {
            kind,
            name: name.clone(),
            fate,
        };
        names.iter().map(stray).collect::<Vec<_>>()
    };
    let strays = &observed.strays;
    [
        named(
            StrayKind::Container,
            &strays.containers,
            desired.cleanup.containers,
        ),
        named(StrayKind::Job, &strays.jobs, When::Always),
        named(StrayKind::Pool, &strays.pools, When::Always),
    ]
    .concat()
}
