//! Azure Batch in the wire's own types: a file for each noun.
//!
//! Creates say whether they created, gets give None for what does not exist, deletes and terminations take
//! "already so" for done. Everything else that the service refuses is an error with its code.

mod call;
mod file;
mod job;
mod job_schedule;
mod node;
mod page;
mod pool;
mod task;
mod task_collection;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use file::Tail;
pub use page::ListOptions;
pub use task_collection::{AddedTask, TaskAddition};

use super::endpoint::Endpoint;
use super::exchange::Exchange;

/// The Batch service of an account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Batch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    exchange: Exchange,
    endpoint: Endpoint,
}

impl Batch {
    pub(super) fn new(exchange: Exchange, endpoint: Endpoint) -> Self {
        Self(Arc::new(Inner { exchange, endpoint }))
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}
