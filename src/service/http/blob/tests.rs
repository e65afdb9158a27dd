//! Signed requests over a real socket, against the core behind a lock.

mod auth;
mod batches;
mod blobs;
mod containers;
mod copies;
mod harness;
mod leases;
mod properties;
mod refusals;
mod styles;
