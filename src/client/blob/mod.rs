//! Blob Storage, through the vendor's library.
//!
//! The library knows neither account keys nor our retries; both lie below it in our exchange, which is its
//! HTTP client. It writes a slash within a blob name as `%2F`, which the service takes for a slash.

mod container;
mod download;
mod item;
mod lease;
#[cfg(test)]
mod tests;
mod upload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_storage_blob::clients::{
    BlobClient, BlobContainerClient, BlobServiceClient, BlobServiceClientOptions,
};

use tokio::sync::Semaphore;

pub use container::{Container, ListedContainer};
pub use download::{Downloaded, sweep_parts};
pub use item::{BlobItem, Metadata};
pub use lease::Lease;
pub use upload::Upload;

use super::azure_core_port::{client_error, client_options};
use super::endpoint::Endpoint;
use super::error::{ClientError, Failure};
use super::exchange::Exchange;

/// The newest version that servers of two years' standing know; nothing here needs a newer one.
const API_VERSION: &str = "2025-11-05";

/// The Blob service of an account. Cheap to clone.
#[derive(Clone)]
pub struct Blob {
    service: Arc<BlobServiceClient>,
    endpoint: Endpoint,
    deletion: Deletion,
    /// Kilobytes that blocks on their way out may still take.
    room: Arc<Semaphore>,
}

/// How long a container's name may stay taken after its deletion, and how often we ask.
#[derive(Debug, Clone, Copy)]
struct Deletion {
    gone_within: Duration,
    ask_every: Duration,
}

/// The service speaks of half a minute.
const DELETION: Deletion = Deletion {
    gone_within: Duration::from_secs(180),
    ask_every: Duration::from_secs(3),
};

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({})", self.endpoint)
    }
}

impl Blob {
    pub(super) fn new(exchange: Exchange, endpoint: &Endpoint) -> Result<Self, ClientError> {
        let options = BlobServiceClientOptions {
            client_options: client_options(exchange),
            version: API_VERSION.to_owned(),
        };
        let mut url = endpoint.url().clone();
        // The library would put the container behind an empty segment.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
        }
        let service = BlobServiceClient::new(url, None, Some(options)).map_err(|error| {
            client_error(
                "use the storage endpoint".to_owned(),
                endpoint.as_str(),
                error,
            )
        })?;
        Ok(Self {
            service: Arc::new(service),
            endpoint: endpoint.clone(),
            deletion: DELETION,
            room: Arc::new(Semaphore::new((upload::ROOM / 1024) as usize)),
        })
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn error(&self, attempt: impl Into<String>) -> impl FnOnce(azure_core::Error) -> ClientError {
        let endpoint = self.endpoint.to_string();
        let attempt = attempt.into();
        move |error| client_error(attempt, &endpoint, error)
    }

    fn container(&self, name: &str) -> Result<BlobContainerClient, ClientError> {
        check_segment(name, "container")?;
        Ok(self.service.blob_container_client(name))
    }

    fn blob(&self, container: &str, blob: &str) -> Result<BlobClient, ClientError> {
        check_segment(container, "container")?;
        check_segment(blob, "blob")?;
        Ok(self.service.blob_client(container, blob))
    }
}

/// A URL drops some names, and the service takes a backslash for a slash: the request would be for something else.
fn check_segment(name: &str, kind: &str) -> Result<(), ClientError> {
    if matches!(name, "" | "." | "..") || name.contains('\\') {
        return Err(ClientError::new(
            format!("use {kind} `{name}`"),
            Failure::Unsendable {
                reason: "the name does not fit into a URL".to_owned(),
            },
        ));
    }
    Ok(())
}

/// "blob `c/b`", for errors.
fn named(container: &str, blob: &str) -> String {
    format!("blob `{container}/{blob}`")
}

/// None for what does not exist.
fn found<T>(result: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
