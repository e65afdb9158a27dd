//! The local Azure Batch and Blob service: the same two REST protocols, really running the tasks.

mod agent;
mod connection;
mod core;
pub mod development;
mod driver;
mod extents;
mod http;
mod listen;
mod neighbour;
mod running;
mod spread;
mod state_dir;
mod store;
mod tls;

pub use agent::{LAUNCHER_ARGUMENT, SandboxError, launcher_main};
pub use neighbour::Neighbour;
pub use running::{Nodes, Options, Service, ServiceError, start};
pub use state_dir::StateDirError;
pub use store::StoreError;
pub use tls::{Tls, TlsError};
