//! Leases. One is never taken away by a timer: what it is follows from when it ends and from now.

use serde::{Deserialize, Serialize};

use super::record::{Key, validated};
use super::state::Reply;
use super::{BlobRef, BlobRefusal, BlobReply, BlobStorage};
use crate::ids::ContainerName;
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::error::Code;
use crate::wire::blob::lease::{Action, LeaseId, Shown, State};
use crate::wire::time::{Duration, Time};

/// A lease that somebody took and did not release; what is over stays until the next change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::service) struct Lease {
    id: LeaseId,
    /// None is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<Duration>,
    /// When it expires, or is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Time>,
    #[serde(default)]
    broken: bool,
}

/// What is leased, for the codes that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Container,
    Blob,
}

/// What became of a lease.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Leasing {
    /// Of the container or blob, which leasing does not change.
    pub(in crate::service) modified: Time,
    /// Of the lease that is held now.
    pub(in crate::service) id: Option<LeaseId>,
    /// Until a lease that was told to break is broken.
    pub(in crate::service) left: Option<Duration>,
}

impl Lease {
    fn state(&self, now: Time) -> State {
        let is_over = self.ends.is_some_and(|ends| ends <= now);
        match (self.broken, is_over) {
            (false, false) => State::Leased,
            (false, true) => State::Expired,
            (true, false) => State::Breaking,
            (true, true) => State::Broken,
        }
    }
}

fn state(lease: Option<&Lease>, now: Time) -> State {
    lease.map_or(State::Available, |lease| lease.state(now))
}

/// What headers and listings show.
pub(in crate::service) fn shown(lease: Option<&Lease>, now: Time) -> Shown {
    let state = state(lease, now);
    let duration = lease.filter(|_| state == State::Leased).map(|lease| {
        if lease.duration.is_some() {
            "fixed"
        } else {
            "infinite"
        }
    });
    Shown { state, duration }
}

/// A request that names a lease has to name the one that is held.
pub(super) fn check_read(
    lease: Option<&Lease>,
    given: Option<&LeaseId>,
    kind: Kind,
    now: Time,
) -> Result<(), Code> {
    let Some(given) = given else { return Ok(()) };
    match (lease, kind) {
        (None, Kind::Blob) => Err(Code::LeaseNotPresentWithBlobOperation),
        (None, Kind::Container) => Err(Code::LeaseNotPresentWithContainerOperation),
        (Some(lease), _) if !lease.state(now).is_locked() => Err(Code::LeaseLost),
        (Some(lease), _) if lease.id == *given => Ok(()),
        (_, Kind::Blob) => Err(Code::LeaseIdMismatchWithBlobOperation),
        (_, Kind::Container) => Err(Code::LeaseIdMismatchWithContainerOperation),
    }
}

/// As [`check_read`]; what is leased has to be named.
pub(super) fn check_write(
    lease: Option<&Lease>,
    given: Option<&LeaseId>,
    kind: Kind,
    now: Time,
) -> Result<(), Code> {
    if given.is_none() && state(lease, now).is_locked() {
        return Err(Code::LeaseIdMissing);
    }
    check_read(lease, given, kind, now)
}

/// What is left of a lease after a change: a change ends one that is over for good.
pub(super) fn after_change(lease: Option<Lease>, now: Time) -> Option<Lease> {
    lease.filter(|lease| lease.state(now).is_locked())
}

/// The rules of the service, by action and state.
fn apply(lease: Option<&Lease>, action: &Action, now: Time) -> Result<Option<Lease>, Code> {
    let ends = |duration: Option<Duration>| duration.map(|d| now.plus(d));
    let Some(lease) = lease else {
        return match action {
            Action::Acquire { duration, id } => Ok(Some(Lease {
                id: id.clone(),
                duration: *duration,
                ends: ends(*duration),
                broken: false,
            })),
            Action::Renew { .. } | Action::Release { .. } => {
                Err(Code::LeaseIdMismatchWithLeaseOperation)
            }
            Action::Change { .. } | Action::Break { .. } => {
                Err(Code::LeaseNotPresentWithLeaseOperation)
            }
        };
    };
    let state = lease.state(now);
    match action {
        Action::Acquire { id, .. } if state.is_locked() && lease.id != *id => {
            Err(Code::LeaseAlreadyPresent)
        }
        Action::Acquire { .. } if state == State::Breaking => {
            Err(Code::LeaseIsBreakingAndCannotBeAcquired)
        }
        Action::Acquire { .. } => apply(None, action, now),
        Action::Renew { id } | Action::Release { id } if lease.id != *id => {
            Err(Code::LeaseIdMismatchWithLeaseOperation)
        }
        Action::Renew { .. } if lease.broken => Err(Code::LeaseIsBrokenAndCannotBeRenewed),
        Action::Renew { .. } => Ok(Some(Lease {
            ends: ends(lease.duration),
            ..lease.clone()
        })),
        Action::Release { .. } => Ok(None),
        Action::Change { .. } if !state.is_locked() => Err(Code::LeaseNotPresentWithLeaseOperation),
        Action::Change { id, proposed } if lease.id != *id && lease.id != *proposed => {
            Err(Code::LeaseIdMismatchWithLeaseOperation)
        }
        Action::Change { .. } if state == State::Breaking => {
            Err(Code::LeaseIsBreakingAndCannotBeChanged)
        }
        Action::Change { proposed, .. } => Ok(Some(Lease {
            id: proposed.clone(),
            ..lease.clone()
        })),
        Action::Break { period } => {
            // Never later than the lease would have ended, or was to be broken.
            let asked = period.map(|period| now.plus(period));
            let ends = [asked, lease.ends].into_iter().flatten().min();
            Ok(Some(Lease {
                ends: Some(ends.unwrap_or(now)),
                broken: true,
                ..lease.clone()
            }))
        }
    }
}

fn leasing(lease: Option<&Lease>, modified: Time, now: Time) -> Reply {
    Ok(BlobReply::Leasing(Leasing {
        modified,
        id: lease.map(|lease| lease.id.clone()),
        left: lease
            .filter(|lease| lease.broken)
            .and_then(|lease| Some(lease.ends?.since(now))),
    }))
}

impl BlobStorage {
    pub(super) fn lease_container(
        &mut self,
        name: &ContainerName,
        action: &Action,
        conditions: &Conditions,
        now: Time,
    ) -> Reply {
        let found = self.container(name)?;
        validated(found.modified, |current| {
            conditions.check_write(Some(current), Code::ConditionNotMet)
        })?;
        let (modified, lease) = (found.modified, apply(found.lease.as_ref(), action, now)?);
        let reply = leasing(lease.as_ref(), modified, now);
        if let Some(found) = self.containers.get_mut(name.as_str()) {
            found.lease = lease;
        }
        self.dirty.insert(Key::Container(name.as_str().to_owned()));
        reply
    }

    pub(super) fn lease_blob(
        &mut self,
        blob: &BlobRef,
        action: &Action,
        conditions: &Conditions,
        now: Time,
    ) -> Reply {
        let properties = &mut self.existing(blob)?.properties;
        validated(properties.modified, |current| {
            conditions.check_write(Some(current), Code::ConditionNotMet)
        })?;
        properties.lease = apply(properties.lease.as_ref(), action, now)?;
        let reply = leasing(properties.lease.as_ref(), properties.modified, now);
        self.mark(blob.container.as_str(), blob.blob.as_str());
        reply
    }

    /// The lease of a blob that may not exist.
    pub(super) fn lease_of(&mut self, blob: &BlobRef) -> Result<Option<&Lease>, BlobRefusal> {
        let blobs = &self.contents(&blob.container)?.blobs;
        let found = blobs.get(blob.blob.as_str());
        Ok(found.and_then(|found| found.properties.lease.as_ref()))
    }
}
