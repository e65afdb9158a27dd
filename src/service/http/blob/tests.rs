//! Signed requests over a real socket, against the core behind a lock.

mod auth;
mod blobs;
mod containers;
mod harness;
mod refusals;
