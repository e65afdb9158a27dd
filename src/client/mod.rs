//! Azure Batch and Blob Storage over HTTP.
//!
//! Every request of both goes through one [`Transport`]: request in, response out. Above it one [`exchange`]
//! dates, signs, sends and repeats; above that [`batch`] speaks in the wire's types and [`blob`] goes through
//! the vendor's library. Nothing here knows whether the other end is Azure or the local service, nothing
//! decides what should exist, and nothing reads the environment by itself.

mod azure_core_port;
pub mod batch;
pub mod blob;
pub mod credential;
pub mod credentials;
pub mod endpoint;
pub mod error;
mod exchange;
pub(crate) mod pace;
mod refused;
pub mod retry;
pub mod rights;
pub mod sas;
#[cfg(test)]
mod test_transport;
mod tokens;
pub mod transport;

use std::sync::Arc;

pub use batch::Batch;
pub use blob::Blob;
pub use credential::{Credential, Entra};
pub use credentials::{Account, ServiceAccount};
pub use endpoint::Endpoint;
pub use error::{ClientError, Failure, Refused};
pub use retry::RetryPolicy;
pub use sas::Sas;
pub use transport::{Reqwest, Transport, TransportError, TransportErrorKind, Tried};

use crate::wire::auth::Scheme;
use azure_core::credentials::TokenCredential;
use exchange::{Exchange, Pass};
use pace::Pace;
use tokens::Tokens;

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
        let batch = pass(&account.batch, &transport, |credential, endpoint| {
            Tokens::for_batch(credential, endpoint)
        })?;
        let storage = pass(&account.storage, &transport, |credential, _| {
            Tokens::for_storage(credential)
        })?;
        let exchange = |scheme, service: &ServiceAccount, pass| Exchange {
            transport: transport.clone(),
            scheme,
            account: service.name.clone(),
            pass,
            retry,
            pace: Pace::default(),
        };
        let storage = exchange(Scheme::Blob, &account.storage, storage);
        Ok(Self {
            batch: Batch::new(
                exchange(Scheme::Batch, &account.batch, batch),
                account.batch.endpoint.clone(),
            ),
            blob: Blob::new(storage.clone(), &account.storage.endpoint)?,
            sas: Sas::new(account.storage.clone(), storage),
        })
    }
}

/// What requests to a service show; `tokens` makes the tokens of that service.
fn pass(
    service: &ServiceAccount,
    transport: &Arc<dyn Transport>,
    tokens: impl Fn(&Arc<dyn TokenCredential>, &Endpoint) -> Tokens,
) -> Result<Pass, ClientError> {
    Ok(match &service.credential {
        Credential::Key(key) => Pass::Key(key.clone()),
        Credential::Sas(sas) => Pass::Sas(sas.clone()),
        Credential::Entra(entra) => {
            let made = tokens::credential(entra, &service.endpoint, transport);
            let credential = made.map_err(|error| {
                let reason =
                    TransportError::told(TransportErrorKind::NotSignedIn, error.to_string());
                ClientError::new(
                    format!("sign in with {entra}"),
                    Failure::NotSignedIn { source: reason },
                )
            })?;
            Pass::Tokens(tokens(&credential, &service.endpoint))
        }
    })
}
