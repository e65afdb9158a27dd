//! Azure Batch and Blob Storage over HTTP.
//!
//! Every request of both goes through one [`Transport`]: request in, response out. Above it one [`exchange`]
//! dates, signs, sends and repeats; above that [`batch`] speaks in the wire's types and [`blob`] goes through
//! the vendor's library. Nothing here knows whether the other end is Azure or the local service, nothing
//! decides what should exist, and nothing reads the environment by itself.

mod azure_core_port;
pub mod batch;
pub mod blob;
pub mod credentials;
pub mod endpoint;
pub mod error;
mod exchange;
mod refused;
pub mod retry;
pub mod sas;
#[cfg(test)]
mod test_transport;
pub mod transport;

use std::sync::Arc;

pub use batch::Batch;
pub use blob::Blob;
pub use credentials::{Account, ServiceAccount};
pub use endpoint::Endpoint;
pub use error::{ClientError, Failure, Refused};
pub use retry::RetryPolicy;
pub use sas::Sas;
pub use transport::{Reqwest, Transport, TransportError, TransportErrorKind, Tried};

use crate::wire::auth::Scheme;
use exchange::Exchange;

/// What a create found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    Created,
    /// There is one of that name. After a lost answer it may be our own: read and compare.
    AlreadyExists,
}

/// The two services of an account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    pub batch: Batch,
    pub blob: Blob,
    pub sas: Sas,
}

impl Client {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// When the vendor's library refuses the storage endpoint.
    pub fn new(account: &Account, transport: Arc<dyn Transport>) -> Result<Self, ClientError> {
        Self::with_retry(account, transport, RetryPolicy::default())
    }

    /// The same with another idea of patience.
    ///
    /// # Errors
    /// When the vendor's library refuses the storage endpoint.
    pub fn with_retry(
        account: &Account,
        transport: Arc<dyn Transport>,
        retry: RetryPolicy,
    ) -> Result<Self, ClientError> {
        let exchange = |scheme, service: &ServiceAccount| Exchange {
            transport: transport.clone(),
            scheme,
            account: service.name.clone(),
            key: service.key.clone(),
            retry,
        };
        Ok(Self {
            batch: Batch::new(
                exchange(Scheme::Batch, &account.batch),
                account.batch.endpoint.clone(),
            ),
            blob: Blob::new(
                exchange(Scheme::Blob, &account.storage),
                &account.storage.endpoint,
            )?,
            sas: Sas::new(account.storage.clone()),
        })
    }
}
