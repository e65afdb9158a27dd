//! Blob Storage as our service speaks it: operations, error codes, the XML bodies, block ids.
//!
//! The client side goes through the vendor's library and needs none of this. Append and page blobs,
//! snapshots, versions and tags are here by name only, so that they can be refused by name.

pub mod acl;
pub mod block;
pub mod condition;
pub mod error;
pub mod lease;
pub mod listing;
pub mod operation;
pub mod service_properties;
mod xml;
