//! The two halves of the state, which know nothing of each other, and their records in one table.

use crate::service::core::effect::Effect;
use crate::service::core::storage::{self, BlobStorage};
use crate::service::core::{self, Change, Input, Site, World};
use crate::wire::time::Time;

#[derive(Debug)]
pub(in crate::service) struct Cores {
    pub(in crate::service) world: World,
    pub(in crate::service) storage: BlobStorage,
}

/// Why the stored state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum RestoreError {
    #[error(transparent)]
    World(core::RestoreError),
    #[error(transparent)]
    Storage(storage::RestoreError),
}

impl Cores {
    /// The state as it was written down.
    pub(in crate::service) fn restore(
        site: Site,
        stored: Vec<(String, Vec<u8>)>,
    ) -> Result<Self, RestoreError> {
        let mut storage = BlobStorage::default();
        let (world, blobs): (Vec<_>, Vec<_>) = stored
            .into_iter()
            .partition(|(key, _)| World::has_record(key));
        for (key, value) in blobs {
            storage
                .restore(&key, &value)
                .map_err(RestoreError::Storage)?;
        }
        let world = World::restore(site, world).map_err(RestoreError::World)?;
        Ok(Self { world, storage })
    }

    /// What follows from having been down.
    pub(in crate::service) fn recover(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.world.recover(now, effects);
        self.world.settle(now, effects);
    }

    /// When [`Self::tick`] is wanted; may be in the past.
    pub(in crate::service) fn next_deadline(&self) -> Option<Time> {
        let both = [self.world.next_deadline(), self.storage.next_deadline()];
        both.into_iter().flatten().min()
    }

    /// What the time alone brings.
    pub(in crate::service) fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if is_due(self.world.next_deadline()) {
            let _ = self.world.handle(Input::Tick, now, effects);
        }
        if is_due(self.storage.next_deadline()) {
            self.storage.expire(now, effects);
        }
    }

    /// Whether there is something to write down before anybody is answered.
    pub(in crate::service) fn has_pressing_changes(&self) -> bool {
        self.world.has_pressing_changes() || self.storage.has_changes()
    }

    pub(in crate::service) fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = self.world.take_changes();
        changes.extend(self.storage.take_dirty());
        changes
    }
}
