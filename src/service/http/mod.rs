//! Requests to commands, replies to answers.

pub(in crate::service) mod batch;
pub(in crate::service) mod blob;
pub(in crate::service) mod page;
