//! Containers, blobs and blocks as plain maps: one function a command, no bytes of content.
//!
//! Content lies in extents, files that are written before the command that refers to them arrives. A refused
//! command takes no extent over; an accepted one owns what it names, and what nothing refers to any longer
//! leaves as `Effect::DeleteExtent`. Copies share extents, which are counted for that. Snapshots, versions, append
//! and page blobs are not here.
//!
//! Every change marks its record; [`BlobStorage::take_dirty`] hands the marked ones to whoever keeps them, and
//! [`BlobStorage::restore`] takes them back, in any order.

mod blob;
mod block;
mod command;
mod container;
mod copy;
mod expiry;
mod lease;
mod listing;
mod record;
mod state;

pub(in crate::service) use command::{
    BlobCommand, BlobPage, BlobRef, BlobReply, BlockLists, ContainerPage, Copy, CopyKind,
    ListedBlob, Page, Put,
};
pub(in crate::service) use lease::{Lease, Leasing, shown};
pub(in crate::service) use record::{
    Blob, Container, Content, ContentHeaders, CopyRecord, Metadata, Properties, RestoreError,
    Segment, Small, Staged, etag,
};

pub(in crate::service) use state::BlobStorage;

pub(in crate::service) use crate::wire::blob::error::Refusal as BlobRefusal;

#[cfg(test)]
mod tests;
