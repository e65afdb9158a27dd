//! Commands about the blocks of a blob.

use std::collections::BTreeMap;

use super::command::Put;
use super::lease::{self, Kind};
use super::record::Key;
use super::state::Reply;
use super::{Blob, BlobRef, BlobRefusal, BlobReply, BlobStorage, BlockLists, Segment, Staged};
use crate::service::core::effect::Effect;
use crate::wire::blob::block::{BlockId, MAX_UNCOMMITTED_BLOCKS, Source};
use crate::wire::blob::error::Code;
use crate::wire::blob::lease::LeaseId;
use crate::wire::time::Time;

impl BlobStorage {
    pub(super) fn put_block(
        &mut self,
        blob: &BlobRef,
        block: BlockId,
        content: Segment,
        lease: Option<&LeaseId>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        lease::check_write(self.lease_of(blob)?, lease, Kind::Blob, now)?;
        let contents = self.contents(&blob.container)?;
        if let Some(waiting) = contents.blocks.get(blob.blob.as_str()) {
            if waiting
                .keys()
                .next()
                .is_some_and(|id| id.len() != block.len())
            {
                return Err(Code::InvalidBlobOrBlock.into());
            }
            if waiting.len() >= MAX_UNCOMMITTED_BLOCKS && !waiting.contains_key(&block) {
                return Err(Code::BlockCountExceedsLimit.into());
            }
        }
        let content = Segment {
            block: Some(block.clone()),
            ..content
        };
        self.hold([&content]);
        let blocks = &mut self.contents(&blob.container)?.blocks;
        let waiting = blocks.entry(blob.blob.as_str().to_owned()).or_default();
        let staged = Staged {
            segment: content,
            at: now,
        };
        let before = waiting.insert(block.clone(), staged);
        self.release(before.iter().map(|block| &block.segment), effects);
        self.look_later(now);
        self.mark_block(blob, block);
        Ok(BlobReply::Done)
    }

    /// Makes the blob of the blocks in their order; blocks that are not named are gone.
    pub(super) fn put_block_list(
        &mut self,
        put: Put<Vec<(Source, BlockId)>>,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let blob = put.blob.clone();
        self.check_replaceable(&blob, &put.conditions, put.create_only, now)?;
        let contents = self.contents(&blob.container)?;
        let name = blob.blob.as_str();
        let segments = resolve(
            &put.content,
            contents.blobs.get(name),
            contents.blocks.get(name),
        )?;
        let written = self.replace(put, |_| segments, now, effects)?;
        self.drop_blocks(&blob, effects)?;
        Ok(BlobReply::Written(written))
    }

    pub(super) fn get_block_list(
        &mut self,
        blob: &BlobRef,
        lease: Option<&LeaseId>,
        now: Time,
    ) -> Reply {
        lease::check_read(self.lease_of(blob)?, lease, Kind::Blob, now)?;
        let contents = self.contents(&blob.container)?;
        let committed = contents.blobs.get(blob.blob.as_str());
        let waiting = contents.blocks.get(blob.blob.as_str());
        if committed.is_none() && waiting.is_none() {
            return Err(Code::BlobNotFound.into());
        }
        let sized = |segment: &Segment| Some((segment.block.clone()?, segment.length));
        Ok(BlobReply::Blocks(Box::new(BlockLists {
            committed: committed
                .map(|blob| blob.segments.iter().filter_map(sized).collect())
                .unwrap_or_default(),
            uncommitted: waiting
                .map(|blocks| {
                    blocks
                        .values()
                        .map(|b| &b.segment)
                        .filter_map(sized)
                        .collect()
                })
                .unwrap_or_default(),
            blob: committed.map(|blob| blob.properties.clone()),
        })))
    }

    /// Lets go of the blocks that wait for a blob.
    pub(super) fn drop_blocks(
        &mut self,
        blob: &BlobRef,
        effects: &mut Vec<Effect>,
    ) -> Result<(), BlobRefusal> {
        for (block, staged) in self.take_blocks(blob)? {
            self.release([&staged.segment], effects);
            self.mark_block(blob, block);
        }
        Ok(())
    }

    fn take_blocks(&mut self, blob: &BlobRef) -> Result<BTreeMap<BlockId, Staged>, BlobRefusal> {
        let blocks = &mut self.contents(&blob.container)?.blocks;
        Ok(blocks.remove(blob.blob.as_str()).unwrap_or_default())
    }

    fn mark_block(&mut self, blob: &BlobRef, block: BlockId) {
        let container = blob.container.as_str().to_owned();
        let name = blob.blob.as_str().to_owned();
        self.dirty.insert(Key::Block(container, name, block));
    }
}

/// Finds each block where the list looks for it.
fn resolve(
    list: &[(Source, BlockId)],
    blob: Option<&Blob>,
    waiting: Option<&BTreeMap<BlockId, Staged>>,
) -> Result<Vec<Segment>, BlobRefusal> {
    let committed: BTreeMap<&BlockId, &Segment> = blob
        .iter()
        .flat_map(|blob| &blob.segments)
        .filter_map(|segment| Some((segment.block.as_ref()?, segment)))
        .collect();
    let waiting = |id: &BlockId| waiting.and_then(|blocks| Some(&blocks.get(id)?.segment));
    list.iter()
        .map(|(source, id)| {
            let committed = || committed.get(id).copied();
            let found = match source {
                Source::Committed => committed(),
                Source::Uncommitted => waiting(id),
                Source::Latest => waiting(id).or_else(committed),
            };
            found.cloned().ok_or_else(|| {
                BlobRefusal::new(Code::InvalidBlockList)
                    .with("Reason", format!("there is no such block: {id}"))
            })
        })
        .collect()
}
