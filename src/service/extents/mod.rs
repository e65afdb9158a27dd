//! The bytes of blobs: one file an extent, written once, never changed, deleted when nothing refers to it. What is
//! small has no file and goes into the records.
//!
//! Which extent belongs to what is the core's knowledge. A file is written before the core hears of it and is
//! removed by itself when the core never does ([`Unclaimed`]); what a crash leaves is swept at the next start.
//! A reader that asked the core while an extent was still referred to can read it to its end
//! ([`Extents::reading`]): deletions wait for the readers that began before them.

mod read;
mod store;
mod write;

pub(in crate::service) use read::Reading;
pub(in crate::service) use store::Extents;
pub(in crate::service) use write::{Unclaimed, WriteError};

#[cfg(test)]
mod tests;
