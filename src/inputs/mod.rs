//! What lies on this disk: [`scan()`] and [`read_lists()`] read it, [`snapshot`] is what it read, as data.
//!
//! A file is read at most once for both of its digests, and not at all when the digest cache knows it. This room
//! uploads nothing and knows nothing of blobs that exist already.

mod cache;
mod digest;
mod lists;
mod pattern;
mod scan;
pub mod snapshot;

pub use digest::{Content, digest_file};
pub use lists::read_lists;
pub use scan::scan;
pub use snapshot::{File, Snapshot, Source};
