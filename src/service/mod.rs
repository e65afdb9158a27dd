//! The local Azure Batch and Blob service: the same two REST protocols, really running the tasks.

mod agent;
mod core;
mod http;

pub use agent::{LAUNCHER_ARGUMENT, launcher_main};
