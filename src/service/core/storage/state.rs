//! The state, and the one door to it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::record::{Blob, Container, Key, Segment, Staged};
use super::{BlobCommand, BlobRefusal, BlobReply};
use crate::ids::ContainerName;
use crate::service::core::effect::{Effect, ExtentId};
use crate::wire::blob::block::BlockId;
use crate::wire::blob::error::Code;
use crate::wire::time::Time;

/// The blob half of the service's state.
#[derive(Debug, Default)]
pub(in crate::service) struct BlobStorage {
    pub(super) containers: BTreeMap<String, Container>,
    /// By container; kept apart from `containers` because records are restored in any order.
    pub(super) contents: BTreeMap<String, Contents>,
    /// When the last change was made; the next one is later, so that no two share an ETag.
    pub(super) last_change: Option<Time>,
    pub(super) dirty: BTreeSet<Key>,
    /// How often each extent is referred to: copies share extents. Follows from `contents`.
    pub(super) uses: BTreeMap<ExtentId, usize>,
    /// When to look for blocks that nobody committed, if any wait.
    pub(super) next_look: Option<Time>,
}

/// What a container holds, by blob name.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) blobs: BTreeMap<String, Blob>,
    /// Blocks that wait to be committed.
    pub(super) blocks: BTreeMap<String, BTreeMap<BlockId, Staged>>,
}

pub(super) type Reply = Result<BlobReply, BlobRefusal>;

impl BlobStorage {
    /// Carries out a command, or refuses it and changes nothing.
    pub(in crate::service) fn handle(
        &mut self,
        command: BlobCommand,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        match command {
            BlobCommand::ListContainers { page } => Ok(self.list_containers(&page)),
            BlobCommand::CreateContainer {
                container,
                metadata,
            } => self.create_container(&container, metadata, now),
            BlobCommand::GetContainer { container, lease } => {
                self.get_container(&container, lease.as_ref(), now)
            }
            BlobCommand::LeaseContainer {
                container,
                action,
                conditions,
            } => self.lease_container(&container, &action, &conditions, now),
            BlobCommand::LeaseBlob {
                blob,
                action,
                conditions,
            } => self.lease_blob(&blob, &action, &conditions, now),
            BlobCommand::SetContainerMetadata {
                container,
                metadata,
                conditions,
            } => self.change_container(&container, &conditions, now, |found| {
                found.metadata = metadata;
            }),
            BlobCommand::SetContainerAcl {
                container,
                conditions,
            } => self.change_container(&container, &conditions, now, |_| ()),
            BlobCommand::DeleteContainer {
                container,
                conditions,
            } => self.delete_container(&container, &conditions, now, effects),
            BlobCommand::ListBlobs {
                container,
                delimiter,
                uncommitted,
                page,
            } => self.list_blobs(&container, &delimiter, uncommitted, &page),
            BlobCommand::PutBlob(put) => self.put_blob(*put, now, effects),
            BlobCommand::CopyBlob(copy) => self.copy_blob(*copy, now, effects),
            BlobCommand::GetBlob { blob, conditions } => self.get_blob(&blob, &conditions, now),
            BlobCommand::GetBlobProperties { blob, conditions } => {
                self.get_blob_properties(&blob, &conditions, now)
            }
            BlobCommand::SetBlobMetadata {
                blob,
                metadata,
                conditions,
            } => self.set_blob_metadata(&blob, metadata, &conditions, now),
            BlobCommand::SetBlobProperties {
                blob,
                headers,
                conditions,
            } => self.set_blob_properties(&blob, headers, &conditions, now),
            BlobCommand::DeleteBlob { blob, conditions } => {
                self.delete_blob(&blob, &conditions, now, effects)
            }
            BlobCommand::PutBlock {
                blob,
                block,
                content,
                lease,
            } => self.put_block(&blob, block, content, lease.as_ref(), now, effects),
            BlobCommand::PutBlockList(put) => self.put_block_list(*put, now, effects),
            BlobCommand::GetBlockList { blob, lease } => {
                self.get_block_list(&blob, lease.as_ref(), now)
            }
        }
    }

    /// Every extent that something refers to; any other file of content is rubbish.
    pub(in crate::service) fn extents(&self) -> impl Iterator<Item = &ExtentId> {
        self.uses.keys()
    }

    /// Counts that something refers to these segments from now on.
    pub(super) fn hold<'a>(&mut self, segments: impl IntoIterator<Item = &'a Segment>) {
        for extent in segments.into_iter().filter_map(|s| s.content.extent()) {
            *self.uses.entry(extent.clone()).or_default() += 1;
        }
    }

    /// Counts that something no longer refers to these segments. What nothing refers to is deleted.
    pub(super) fn release<'a>(
        &mut self,
        segments: impl IntoIterator<Item = &'a Segment>,
        effects: &mut Vec<Effect>,
    ) {
        let mut free = BTreeSet::new();
        for extent in segments.into_iter().filter_map(|s| s.content.extent()) {
            let Entry::Occupied(mut uses) = self.uses.entry(extent.clone()) else {
                continue;
            };
            *uses.get_mut() -= 1;
            if *uses.get() == 0 {
                free.insert(uses.remove_entry().0);
            }
        }
        effects.extend(free.into_iter().map(Effect::DeleteExtent));
    }

    /// The moment of a change: now, or just after the change before.
    pub(super) fn stamp(&mut self, now: Time) -> Time {
        let earliest = self
            .last_change
            .map_or(now, |last| Time::from_ticks(last.ticks() + 1));
        let stamp = now.max(earliest);
        self.last_change = Some(stamp);
        stamp
    }

    pub(super) fn container(&self, name: &ContainerName) -> Result<&Container, BlobRefusal> {
        self.containers
            .get(name.as_str())
            .ok_or_else(|| Code::ContainerNotFound.into())
    }

    /// What a container holds; the container has to exist.
    pub(super) fn contents(&mut self, name: &ContainerName) -> Result<&mut Contents, BlobRefusal> {
        self.container(name)?;
        Ok(self.contents.entry(name.as_str().to_owned()).or_default())
    }
}
