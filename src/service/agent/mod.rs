//! A node: directories, environment, files in, a process group, files out.
//!
//! The agent performs the core's effects about nodes and answers with reports. It decides nothing: whether a
//! run is retried, what a failure means for its job, which node takes what is the core's business.
//!
//! It cannot start a process itself. One small launcher process does, which outlives the service just long
//! enough to kill everything it started, however the service ended.

pub(in crate::service) mod directories;
pub(in crate::service) mod launcher;
mod orphans;
mod protocol;
mod reaper;

pub use launcher::launcher_main;
pub use protocol::LAUNCHER_ARGUMENT;
