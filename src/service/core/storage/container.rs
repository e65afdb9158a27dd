//! Commands about a container as a whole.

use super::lease::{self, Kind};
use super::record::{Key, validated};
use super::state::Reply;
use super::{BlobReply, BlobStorage, Container, Metadata};
use crate::ids::ContainerName;
use crate::service::core::effect::Effect;
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::error::Code;
use crate::wire::blob::lease::LeaseId;
use crate::wire::time::Time;

impl BlobStorage {
    pub(super) fn create_container(
        &mut self,
        name: &ContainerName,
        metadata: Metadata,
        now: Time,
    ) -> Reply {
        if self.containers.contains_key(name.as_str()) {
            return Err(Code::ContainerAlreadyExists.into());
        }
        let modified = self.stamp(now);
        let name = name.as_str().to_owned();
        let container = Container {
            modified,
            metadata,
            lease: None,
        };
        self.containers.insert(name.clone(), container);
        self.dirty.insert(Key::Container(name));
        Ok(BlobReply::Written(modified))
    }

    pub(super) fn get_container(
        &self,
        name: &ContainerName,
        lease: Option<&LeaseId>,
        now: Time,
    ) -> Reply {
        let found = self.container(name)?;
        lease::check_read(found.lease.as_ref(), lease, Kind::Container, now)?;
        Ok(BlobReply::Container(Box::new(found.clone())))
    }

    pub(super) fn change_container(
        &mut self,
        name: &ContainerName,
        conditions: &Conditions,
        now: Time,
        change: impl FnOnce(&mut Container),
    ) -> Reply {
        self.check_container(name, conditions)?;
        let held = self.container(name)?.lease.as_ref();
        lease::check_read(held, conditions.lease.as_ref(), Kind::Container, now)?;
        let modified = self.stamp(now);
        if let Some(found) = self.containers.get_mut(name.as_str()) {
            found.modified = modified;
            change(found);
        }
        self.dirty.insert(Key::Container(name.as_str().to_owned()));
        Ok(BlobReply::Written(modified))
    }

    /// Gone at once; the real service keeps the name busy for half a minute, which helps nobody here.
    pub(super) fn delete_container(
        &mut self,
        name: &ContainerName,
        conditions: &Conditions,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        self.check_container(name, conditions)?;
        let held = self.container(name)?.lease.as_ref();
        lease::check_write(held, conditions.lease.as_ref(), Kind::Container, now)?;
        let name = name.as_str();
        self.containers.remove(name);
        self.dirty.insert(Key::Container(name.to_owned()));
        let contents = self.contents.remove(name).unwrap_or_default();
        for (blob, record) in contents.blobs {
            self.release(&record.segments, effects);
            self.dirty.insert(Key::Blob(name.to_owned(), blob));
        }
        for (blob, blocks) in contents.blocks {
            self.release(blocks.values().map(|block| &block.segment), effects);
            for block in blocks.into_keys() {
                self.dirty
                    .insert(Key::Block(name.to_owned(), blob.clone(), block));
            }
        }
        Ok(BlobReply::Done)
    }

    fn check_container(
        &self,
        name: &ContainerName,
        conditions: &Conditions,
    ) -> Result<(), super::BlobRefusal> {
        let modified = self.container(name)?.modified;
        validated(modified, |current| {
            conditions.check_write(Some(current), Code::ConditionNotMet)
        })
    }
}
