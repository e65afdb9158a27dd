//! The containers of the account.

use axum::response::Response;

use super::call::{Call, unexpected};
use super::reply;
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply, Metadata, etag, shown};
use crate::wire::blob::listing::{self, ContainerEntry};

pub(super) async fn list_containers(call: &Call<'_>) -> Result<Response, BlobRefusal> {
    // There are no deleted and no system containers.
    let include = call.include(&["metadata"], &["deleted", "system"])?;
    let with_metadata = include.contains(&"metadata");
    let page = match call
        .send(BlobCommand::ListContainers { page: call.page()? })
        .await?
    {
        BlobReply::Containers(page) => page,
        other => return Err(unexpected(&other)),
    };
    let etags: Vec<_> = page
        .containers
        .iter()
        .map(|(_, c)| etag(c.modified))
        .collect();
    let entries: Vec<_> = page
        .containers
        .iter()
        .zip(&etags)
        .map(|((name, container), etag)| ContainerEntry {
            name,
            etag,
            last_modified: container.modified,
            lease: shown(container.lease.as_ref(), call.now),
            metadata: with_metadata.then(|| pairs(&container.metadata)),
        })
        .collect();
    let endpoint = call.service_endpoint();
    let document = listing::containers(&call.echo(&endpoint)?, &entries, page.next.as_deref());
    Ok(reply::xml(call.spec.success, document))
}

/// Metadata as a listing has it.
pub(super) fn pairs(metadata: &Metadata) -> Vec<(&str, &str)> {
    let pairs = metadata.iter();
    pairs.map(|(n, v)| (n.as_str(), v.as_str())).collect()
}
