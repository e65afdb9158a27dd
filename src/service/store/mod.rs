//! The records of the core on disk. This room knows keys and bytes, not what they mean: the rules are in the
//! core, and so is the only model of the state.

mod sqlite;

pub(in crate::service) use sqlite::Store;
pub use sqlite::StoreError;
