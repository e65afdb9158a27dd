//! A node: directories, environment, files in, a process group, files out.
//!
//! The agent performs the core's effects about nodes and answers with reports. It decides nothing: whether a
//! run is retried, what a failure means for its job, which node takes what is the core's business.
//!
//! It cannot start a process itself. One small launcher process does, which outlives the service just long
//! enough to kill everything it started, however the service ended.

mod blob_url;
mod command_line;
mod coordination;
mod deletions;
pub(in crate::service) mod directories;
mod environment;
mod failure;
mod fetch;
mod find_outputs;
mod lanes;
mod launcher;
mod listing;
mod logs;
mod nodes;
mod orphans;
mod own_storage;
mod pattern;
mod processes;
mod protocol;
mod publish;
mod reaper;
mod requests;
mod run;
mod sandbox;
mod trees;
mod upload;
mod web;

pub use launcher::launcher_main;
pub use protocol::LAUNCHER_ARGUMENT;
pub use sandbox::SandboxError;

pub(in crate::service) use blob_url::BlobEndpoints;
pub(in crate::service) use nodes::{Addresses, Agent, AgentOptions};
pub(in crate::service) use own_storage::OwnStorage;
pub(in crate::service) use processes::LauncherProgram;
pub(in crate::service) use sandbox::Sandbox;

#[cfg(test)]
mod tests;
