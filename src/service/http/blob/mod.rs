//! Blob Storage over HTTP: `/{account}/{container}/{blob…}`, or `/{container}/{blob…}` of a host that is named
//! after the account.
//!
//! A request is parsed, authenticated, matched with an operation of `wire::blob::operation`, and checked for
//! anything that we would have to ignore; that is refused by name. Content goes through `extents` on its way,
//! never through memory as a whole. The rules are the core's: what is here translates.

mod access;
mod account;
mod batch;
mod block;
mod call;
mod container;
mod copy;
mod download;
mod headers;
mod lease;
mod object;
mod properties;
mod reply;
mod server;
mod target;
mod upload;

pub(in crate::service) use server::{BlobPort, BlobState, router};

#[cfg(test)]
mod tests;
