//! The local Azure Batch and Blob service: the same two REST protocols, really running the tasks.

mod agent;
mod core;
mod driver;
mod extents;
mod http;
mod running;
mod state_dir;
mod store;

pub use agent::{LAUNCHER_ARGUMENT, launcher_main};
pub use running::{Nodes, Options, Service, ServiceError, start};
pub use state_dir::StateDirError;
pub use store::StoreError;
