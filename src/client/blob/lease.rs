//! A lease on a blob: at most one holder, until it releases it or dies.

use std::fmt;
use std::time::Duration;

use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientAcquireLeaseOptions, BlobClientBreakLeaseOptions, BlobClientSetMetadataOptions,
    BlockBlobClientUploadOptions,
};
use bytes::Bytes;
use uuid::Uuid;

use super::super::Create;
use super::super::error::ClientError;
use super::{Blob, Metadata, found, named};

/// A lease that was acquired. Whether it is still held, [`Blob::renew_lease`] tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    container: String,
    blob: String,
    id: Uuid,
}

impl fmt::Debug for Lease {
    /// Without the id: who knows it may write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({}/{})", self.container, self.blob)
    }
}

impl Lease {
    fn named(&self) -> String {
        named(&self.container, &self.blob)
    }
}

/// What a lease operation is refused with when the lease is no longer ours.
const LOST: &[&str] = &[
    "LeaseIdMismatchWithLeaseOperation",
    "LeaseNotPresentWithLeaseOperation",
    "LeaseIsBrokenAndCannotBeRenewed",
    "LeaseIdMismatchWithBlobOperation",
    "LeaseNotPresentWithBlobOperation",
    "LeaseLost",
];

fn is_lost(error: &ClientError) -> bool {
    error.is_not_found() || LOST.iter().any(|code| error.is(code))
}

impl Blob {
    /// Makes an empty blob, to hold a lease on, unless there is a blob of this name.
    pub async fn create_blob(
        &self,
        container: &str,
        blob: &str,
        metadata: &Metadata,
    ) -> Result<Create, ClientError> {
        let attempt = format!("create {}", named(container, blob));
        let client = self.blob(container, blob)?.block_blob_client();
        let options = BlockBlobClientUploadOptions {
            if_none_match: Some(Etag::from("*")),
            metadata: Some(metadata.clone().into_iter().collect()),
            ..Default::default()
        };
        let result = client.upload(Bytes::new().into(), Some(options)).await;
        match result.map_err(self.error(attempt)) {
            Ok(_) => Ok(Create::Created),
            // The second is what a leased blob is refused with by servers that look at the lease first.
            Err(error) if error.is("BlobAlreadyExists") || error.is("LeaseIdMissing") => {
                Ok(Create::AlreadyExists)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a lease of 15 to 60 whole seconds on a blob that exists. None when somebody else holds one.
    pub async fn acquire_lease(
        &self,
        container: &str,
        blob: &str,
        duration: Duration,
    ) -> Result<Option<Lease>, ClientError> {
        let attempt = format!("acquire a lease on {}", named(container, blob));
        // Ours from the beginning: acquired again after a lost answer, it is the same lease.
        let lease = Lease {
            container: container.to_owned(),
            blob: blob.to_owned(),
            id: Uuid::new_v4(),
        };
        let options = BlobClientAcquireLeaseOptions {
            proposed_lease_id: Some(lease.id.to_string()),
            ..Default::default()
        };
        let seconds = i32::try_from(duration.as_secs()).unwrap_or(i32::MAX);
        let client = self.blob(container, blob)?;
        let result = client.acquire_lease(seconds, Some(options)).await;
        match result.map_err(self.error(attempt)) {
            Ok(_) => Ok(Some(lease)),
            Err(error) if error.is("LeaseAlreadyPresent") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the metadata of a leased blob, for others to read. False when the lease is lost.
    pub async fn describe_lease(
        &self,
        lease: &Lease,
        metadata: &Metadata,
    ) -> Result<bool, ClientError> {
        let attempt = format!("set the metadata of {}", lease.named());
        let options = BlobClientSetMetadataOptions {
            lease_id: Some(lease.id.to_string()),
            ..Default::default()
        };
        let client = self.blob(&lease.container, &lease.blob)?;
        let metadata = metadata.clone().into_iter().collect();
        let result = client.set_metadata(&metadata, Some(options)).await;
        match result.map_err(self.error(attempt)) {
            Ok(_) => Ok(true),
            Err(error) if is_lost(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends a lease at once if nobody has changed the blob since it had this ETag. False when somebody has.
    pub async fn break_lease_of(
        &self,
        container: &str,
        blob: &str,
        etag: &str,
    ) -> Result<bool, ClientError> {
        let attempt = format!("break the lease on {}", named(container, blob));
        let options = BlobClientBreakLeaseOptions {
            break_period: Some(0),
            if_match: Some(Etag::from(etag.to_owned())),
            ..Default::default()
        };
        let result = self.blob(container, blob)?.break_lease(Some(options)).await;
        match result.map_err(self.error(attempt)) {
            Ok(_) => Ok(true),
            Err(error) if error.is("LeaseNotPresentWithLeaseOperation") => Ok(true),
            Err(error) if error.status() == Some(412) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Holds the lease for its duration from now on. False when it is lost: it was broken, or it expired and
    /// somebody else acquired one or changed the blob, or the blob is gone.
    pub async fn renew_lease(&self, lease: &Lease) -> Result<bool, ClientError> {
        let attempt = format!("renew the lease on {}", lease.named());
        let client = self.blob(&lease.container, &lease.blob)?;
        let result = client.renew_lease(lease.id.to_string(), None).await;
        match result.map_err(self.error(attempt)) {
            Ok(_) => Ok(true),
            Err(error) if is_lost(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets others acquire a lease at once. One that is lost is fine.
    pub async fn release_lease(&self, lease: Lease) -> Result<(), ClientError> {
        let attempt = format!("release the lease on {}", lease.named());
        let client = self.blob(&lease.container, &lease.blob)?;
        let result = client.release_lease(lease.id.to_string(), None).await;
        match result.map_err(self.error(attempt)) {
            Err(error) if !is_lost(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends a lease at once, whoever holds it. No lease and no blob are fine.
    pub async fn break_lease(&self, container: &str, blob: &str) -> Result<(), ClientError> {
        let attempt = format!("break the lease on {}", named(container, blob));
        let options = BlobClientBreakLeaseOptions {
            break_period: Some(0),
            ..Default::default()
        };
        let result = self.blob(container, blob)?.break_lease(Some(options)).await;
        match found(result.map_err(self.error(attempt))) {
            Err(error) if !error.is("LeaseNotPresentWithLeaseOperation") => Err(error),
            _ => Ok(()),
        }
    }
}
