//! Commands about a container as a whole.

use super::record::{Key, validated};
use super::state::Reply;
use super::{BlobReply, BlobStorage, Container, Metadata};
use crate::ids::ContainerName;
use crate::service::core::effect::Effect;
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::error::Code;
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
        self.containers
            .insert(name.clone(), Container { modified, metadata });
        self.dirty.insert(Key::Container(name));
        Ok(BlobReply::Written(modified))
    }

    pub(super) fn get_container(&self, name: &ContainerName) -> Reply {
        self.container(name)
            .cloned()
            .map(|found| BlobReply::Container(Box::new(found)))
    }

    pub(super) fn set_container_metadata(
        &mut self,
        name: &ContainerName,
        metadata: Metadata,
        conditions: &Conditions,
        now: Time,
    ) -> Reply {
        self.check_container(name, conditions)?;
        let modified = self.stamp(now);
        let name = name.as_str().to_owned();
        self.containers
            .insert(name.clone(), Container { modified, metadata });
        self.dirty.insert(Key::Container(name));
        Ok(BlobReply::Written(modified))
    }

    /// Gone at once; the real service keeps the name busy for half a minute, which helps nobody here.
    pub(super) fn delete_container(
        &mut self,
        name: &ContainerName,
        conditions: &Conditions,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        self.check_container(name, conditions)?;
        let name = name.as_str();
        self.containers.remove(name);
        self.dirty.insert(Key::Container(name.to_owned()));
        let contents = self.contents.remove(name).unwrap_or_default();
        for (blob, record) in contents.blobs {
            self.release(&record.segments, effects);
            self.dirty.insert(Key::Blob(name.to_owned(), blob));
        }
        for (blob, blocks) in contents.blocks {
            self.release(blocks.values(), effects);
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
