//! Commands about a blob as a whole.

use super::command::Put;
use super::lease::{self, Kind};
use super::record::{Key, validated};
use super::state::Reply;
use super::{
    Blob, BlobRef, BlobRefusal, BlobReply, BlobStorage, ContentHeaders, Metadata, Properties,
    Segment,
};
use crate::service::core::effect::Effect;
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::error::Code;
use crate::wire::time::Time;

impl BlobStorage {
    /// Put Blob: replaces the blob and drops the blocks that waited for it.
    pub(super) fn put_blob(
        &mut self,
        put: Put<Segment>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let blob = put.blob.clone();
        self.check_replaceable(&blob, &put.conditions, put.create_only, now)?;
        let written = self.replace(put, |segment| vec![segment], now, effects)?;
        self.drop_blocks(&blob, effects)?;
        Ok(BlobReply::Written(written))
    }

    /// What Put Blob and Put Block List demand of a blob that is there, or is not.
    pub(super) fn check_replaceable(
        &mut self,
        blob: &BlobRef,
        conditions: &Conditions,
        create_only: bool,
        now: Time,
    ) -> Result<(), BlobRefusal> {
        let given = conditions.lease.as_ref();
        let found = self
            .contents(&blob.container)?
            .blobs
            .get(blob.blob.as_str());
        match found {
            None => conditions.check_write(None, Code::BlobAlreadyExists)?,
            Some(_) if create_only => return Err(Code::AuthorizationPermissionMismatch.into()),
            Some(existing) => validated(existing.properties.modified, |current| {
                conditions.check_write(Some(current), Code::BlobAlreadyExists)
            })?,
        }
        let held = found.and_then(|found| found.properties.lease.as_ref());
        Ok(lease::check_write(held, given, Kind::Blob, now)?)
    }

    /// Writes the blob with the segments made from the content, and lets go of the extents it had.
    pub(super) fn replace<C>(
        &mut self,
        put: Put<C>,
        segments: impl FnOnce(C) -> Vec<Segment>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Result<Time, BlobRefusal> {
        let modified = self.stamp(now);
        let (container, name) = (put.blob.container, put.blob.blob);
        let before = self.contents(&container)?.blobs.remove(name.as_str());
        let segments = segments(put.content);
        self.hold(&segments);
        let properties = Properties {
            created: before.as_ref().map_or(modified, |b| b.properties.created),
            modified,
            length: segments.iter().map(|segment| segment.length).sum(),
            headers: put.headers,
            metadata: put.metadata,
            copy: put.copy,
            lease: before
                .as_ref()
                .and_then(|b| lease::after_change(b.properties.lease.clone(), now)),
        };
        if let Some(before) = before {
            self.release(&before.segments, effects);
        }
        self.contents(&container)?.blobs.insert(
            name.as_str().to_owned(),
            Blob {
                properties,
                segments,
            },
        );
        self.mark(container.as_str(), name.as_str());
        Ok(modified)
    }

    pub(super) fn get_blob(&mut self, blob: &BlobRef, conditions: &Conditions, now: Time) -> Reply {
        let found = self.readable(blob, conditions, now)?;
        Ok(BlobReply::Blob(Box::new(found.clone())))
    }

    pub(super) fn get_blob_properties(
        &mut self,
        blob: &BlobRef,
        conditions: &Conditions,
        now: Time,
    ) -> Reply {
        let found = self.readable(blob, conditions, now)?;
        Ok(BlobReply::Properties(Box::new(found.properties.clone())))
    }

    pub(super) fn readable(
        &mut self,
        blob: &BlobRef,
        conditions: &Conditions,
        now: Time,
    ) -> Result<&Blob, BlobRefusal> {
        let found = self.existing(blob)?;
        validated(found.properties.modified, |current| {
            conditions.check_read(current)
        })?;
        let held = found.properties.lease.as_ref();
        lease::check_read(held, conditions.lease.as_ref(), Kind::Blob, now)?;
        Ok(found)
    }

    pub(super) fn set_blob_metadata(
        &mut self,
        blob: &BlobRef,
        metadata: Metadata,
        conditions: &Conditions,
        now: Time,
    ) -> Reply {
        self.change(blob, conditions, now, |properties| {
            properties.metadata = metadata;
        })
    }

    pub(super) fn set_blob_properties(
        &mut self,
        blob: &BlobRef,
        headers: ContentHeaders,
        conditions: &Conditions,
        now: Time,
    ) -> Reply {
        self.change(blob, conditions, now, |properties| {
            properties.headers = headers;
        })
    }

    fn change(
        &mut self,
        blob: &BlobRef,
        conditions: &Conditions,
        now: Time,
        change: impl FnOnce(&mut Properties),
    ) -> Reply {
        self.check_changeable(blob, conditions, now)?;
        let modified = self.stamp(now);
        let properties = &mut self.existing(blob)?.properties;
        change(properties);
        properties.modified = modified;
        properties.lease = lease::after_change(properties.lease.take(), now);
        self.mark(blob.container.as_str(), blob.blob.as_str());
        Ok(BlobReply::Written(modified))
    }

    /// Deletes the blob and the blocks that waited for it.
    pub(super) fn delete_blob(
        &mut self,
        blob: &BlobRef,
        conditions: &Conditions,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        self.check_changeable(blob, conditions, now)?;
        let blobs = &mut self.contents(&blob.container)?.blobs;
        if let Some(gone) = blobs.remove(blob.blob.as_str()) {
            self.release(&gone.segments, effects);
        }
        self.mark(blob.container.as_str(), blob.blob.as_str());
        self.drop_blocks(blob, effects)?;
        Ok(BlobReply::Done)
    }

    fn check_changeable(
        &mut self,
        blob: &BlobRef,
        conditions: &Conditions,
        now: Time,
    ) -> Result<(), BlobRefusal> {
        let properties = &self.existing(blob)?.properties;
        validated(properties.modified, |current| {
            conditions.check_write(Some(current), Code::ConditionNotMet)
        })?;
        let (held, given) = (properties.lease.as_ref(), conditions.lease.as_ref());
        Ok(lease::check_write(held, given, Kind::Blob, now)?)
    }

    pub(super) fn existing(&mut self, blob: &BlobRef) -> Result<&mut Blob, BlobRefusal> {
        self.contents(&blob.container)?
            .blobs
            .get_mut(blob.blob.as_str())
            .ok_or_else(|| Code::BlobNotFound.into())
    }

    pub(super) fn mark(&mut self, container: &str, blob: &str) {
        self.dirty
            .insert(Key::Blob(container.to_owned(), blob.to_owned()));
    }
}
