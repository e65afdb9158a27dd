//! Operations on a container.

use axum::response::Response;

use super::account::pairs;
use super::call::{Call, unexpected};
use super::{headers, reply};
use crate::ids::ContainerName;
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply, ListedBlob, etag, shown};
use crate::wire::blob::listing::{self, BlobEntry, CopyEntry, Line};
use crate::wire::blob::operation::Operation;
use crate::wire::time::Time;

const METADATA: &str = "metadata";
const COPY: &str = "copy";
const UNCOMMITTED: &str = "uncommittedblobs";

/// What `include` may name because there is nothing of the kind.
const NOTHING_THERE: &[&str] = &[
    "snapshots",
    "deleted",
    "deletedwithversions",
    "versions",
    "tags",
    "immutabilitypolicy",
    "legalhold",
];

pub(super) async fn create(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    headers::check_private(call.headers())?;
    let metadata = headers::metadata(call.headers())?;
    let command = BlobCommand::CreateContainer {
        container,
        metadata,
    };
    written(call, command).await
}

pub(super) async fn set_metadata(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    let command = BlobCommand::SetContainerMetadata {
        container,
        metadata: headers::metadata(call.headers())?,
        conditions: headers::conditions(call.headers())?,
    };
    written(call, command).await
}

async fn written(call: &Call<'_>, command: BlobCommand) -> Result<Response, BlobRefusal> {
    match call.send(command).await? {
        BlobReply::Written(modified) => {
            let mut response = call.success();
            reply::set_modified(&mut response, modified);
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn get(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    let lease = headers::lease(call.headers())?;
    let command = BlobCommand::GetContainer { container, lease };
    let found = match call.send(command).await? {
        BlobReply::Container(found) => found,
        other => return Err(unexpected(&other)),
    };
    let mut response = call.success();
    reply::set_modified(&mut response, found.modified);
    reply::set_metadata(&mut response, &found.metadata);
    if call.spec.operation == Operation::GetContainerProperties {
        reply::set_lease(&mut response, found.lease.as_ref(), call.now);
        for (name, value) in [
            ("x-ms-has-immutability-policy", "false"),
            ("x-ms-has-legal-hold", "false"),
            ("x-ms-default-encryption-scope", "$account-encryption-key"),
            ("x-ms-deny-encryption-scope-override", "false"),
        ] {
            reply::set(&mut response, name, value);
        }
    }
    Ok(response)
}

pub(super) async fn delete(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    let conditions = headers::conditions(call.headers())?;
    call.send(BlobCommand::DeleteContainer {
        container,
        conditions,
    })
    .await?;
    Ok(call.success())
}

pub(super) async fn list_blobs(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    let include = call.include(&[METADATA, COPY, UNCOMMITTED], NOTHING_THERE)?;
    let command = BlobCommand::ListBlobs {
        container: container.clone(),
        delimiter: call.query.text("delimiter").to_owned(),
        uncommitted: include.contains(&UNCOMMITTED),
        page: call.page()?,
    };
    let page = match call.send(command).await? {
        BlobReply::Blobs(page) => page,
        other => return Err(unexpected(&other)),
    };
    let etags: Vec<_> = page
        .blobs
        .iter()
        .map(|entry| match entry {
            ListedBlob::Blob { properties, .. } => etag(properties.modified),
            ListedBlob::Prefix(_) => String::new(),
        })
        .collect();
    let lines: Vec<_> = page
        .blobs
        .iter()
        .zip(&etags)
        .map(|(entry, etag)| line(entry, etag, &include, call.now))
        .collect();
    let endpoint = call.service_endpoint();
    let echo = call.echo(&endpoint)?;
    let document = listing::blobs(container.as_str(), &echo, &lines, page.next.as_deref());
    Ok(reply::xml(call.spec.success, document))
}

fn line<'a>(entry: &'a ListedBlob, etag: &'a str, include: &[&str], now: Time) -> Line<'a> {
    let (name, properties) = match entry {
        ListedBlob::Prefix(prefix) => return Line::Prefix(prefix),
        ListedBlob::Blob { name, properties } => (name, properties),
    };
    let headers = &properties.headers;
    let content_type = headers.content_type.as_deref();
    let copy = properties.copy.as_ref();
    Line::Blob(Box::new(BlobEntry {
        name,
        etag,
        created: properties.created,
        last_modified: properties.modified,
        length: properties.length,
        content_type: content_type.unwrap_or("application/octet-stream"),
        content_encoding: headers.content_encoding.as_deref(),
        content_language: headers.content_language.as_deref(),
        content_disposition: headers.content_disposition.as_deref(),
        cache_control: headers.cache_control.as_deref(),
        content_md5: headers.content_md5.as_deref(),
        lease: shown(properties.lease.as_ref(), now),
        copy: copy
            .filter(|_| include.contains(&COPY))
            .map(|copy| CopyEntry {
                id: &copy.id,
                source: &copy.source,
                completed: copy.completed,
            }),
        metadata: include
            .contains(&METADATA)
            .then(|| pairs(&properties.metadata)),
    }))
}
