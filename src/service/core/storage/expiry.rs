//! Blocks that nobody commits are gone after a week.

use std::collections::BTreeMap;

use super::record::Key;
use super::{BlobStorage, Staged};
use crate::service::core::effect::Effect;
use crate::wire::blob::block::BlockId;
use crate::wire::time::{Duration, Time};

/// How long the blocks of a blob wait after the last of them came.
const KEPT: Duration = Duration::from_days(7);
/// The real service does not promise the minute either.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// When the last block came.
pub(super) fn last(blocks: &BTreeMap<BlockId, Staged>) -> Option<Time> {
    blocks.values().map(|block| block.at).max()
}

impl BlobStorage {
    /// When [`Self::expire`] is wanted; may be in the past.
    pub(in crate::service) fn next_deadline(&self) -> Option<Time> {
        self.next_look
    }

    pub(super) fn look_later(&mut self, now: Time) {
        self.next_look.get_or_insert(now.plus(LOOK_EVERY));
    }

    /// Drops the blocks that have waited too long.
    pub(in crate::service) fn expire(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.next_look = None;
        let mut late = Vec::new();
        let mut some_wait = false;
        for (container, contents) in &mut self.contents {
            let waiting = std::mem::take(&mut contents.blocks);
            for (blob, blocks) in waiting {
                if last(&blocks).is_none_or(|last| now.since(last) >= KEPT) {
                    late.push((container.clone(), blob, blocks));
                } else {
                    some_wait = true;
                    contents.blocks.insert(blob, blocks);
                }
            }
        }
        for (container, blob, blocks) in late {
            self.release(blocks.values().map(|block| &block.segment), effects);
            self.dirty.extend(
                blocks
                    .into_keys()
                    .map(|block| Key::Block(container.clone(), blob.clone(), block)),
            );
        }
        if some_wait {
            self.look_later(now);
        }
    }
}
