//! Blobs one by one and in lists.

use std::collections::BTreeMap;

use azure_storage_blob::models::{
    BlobClientGetPropertiesResultHeaders, BlobContainerClientListBlobsOptions,
    BlobItem as WireItem, ListBlobsIncludeItem,
};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::super::error::ClientError;
use super::{Blob, found, named};
use crate::wire::time::Time;

/// Names (in lower case: headers lose their case) and values.
pub type Metadata = BTreeMap<String, String>;

/// What there is to know of a blob without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobItem {
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// Of the whole content, if whoever wrote it said so.
    pub md5: Option<[u8; 16]>,
    pub etag: Option<String>,
    pub last_modified: Option<Time>,
    pub content_type: Option<String>,
    pub metadata: Metadata,
}

impl Blob {
    /// The blobs of a container whose names begin with `prefix`, by name, with their metadata; pages are
    /// fetched as the stream is read.
    pub fn list_blobs(
        &self,
        container: &str,
        prefix: Option<&str>,
    ) -> impl Stream<Item = Result<BlobItem, ClientError>> + Send + Unpin + use<> {
        let attempt = format!("list blobs of container `{container}`");
        let options = BlobContainerClientListBlobsOptions {
            include: Some(vec![ListBlobsIncludeItem::Metadata]),
            prefix: prefix.filter(|p| !p.is_empty()).map(str::to_owned),
            ..Default::default()
        };
        let opened = self.container(container).and_then(|client| {
            client
                .list_blobs(Some(options))
                .map_err(self.error(&*attempt))
        });
        let blob = self.clone();
        let pages = match opened {
            Err(error) => return stream::once(async { Err(error) }).boxed(),
            Ok(pager) => pager.into_pages(),
        };
        pages
            .map(move |page| {
                let page = page.and_then(|page| page.into_model());
                page.map(|page| stream::iter(page.blob_items.into_iter().filter_map(item).map(Ok)))
                    .map_err(blob.error(&*attempt))
            })
            .try_flatten()
            .boxed()
    }

    pub async fn get_blob_properties(
        &self,
        container: &str,
        blob: &str,
    ) -> Result<Option<BlobItem>, ClientError> {
        let attempt = format!("read the properties of {}", named(container, blob));
        let client = self.blob(container, blob)?;
        let response = client.get_properties(None).await;
        let Some(response) = found(response.map_err(self.error(&*attempt)))? else {
            return Ok(None);
        };
        let read = || -> azure_core::Result<BlobItem> {
            Ok(BlobItem {
                name: blob.to_owned(),
                length: response.content_length()?.unwrap_or(0),
                md5: response.content_md5()?.and_then(md5),
                etag: response.etag()?.map(|etag| etag.to_string()),
                last_modified: response.last_modified()?.map(time),
                content_type: response.content_type()?,
                metadata: lower(response.metadata()?),
            })
        };
        read().map(Some).map_err(self.error(attempt))
    }

    /// No such blob is fine, and so is no such container.
    pub async fn delete_blob(&self, container: &str, blob: &str) -> Result<(), ClientError> {
        let attempt = format!("delete {}", named(container, blob));
        let client = self.blob(container, blob)?;
        let result = client.delete(None).await;
        found(result.map_err(self.error(attempt))).map(|_| ())
    }
}

fn item(item: WireItem) -> Option<BlobItem> {
    let properties = item.properties.unwrap_or_default();
    Some(BlobItem {
        name: item.name?,
        length: properties.content_length.unwrap_or(0),
        md5: properties.content_md5.and_then(md5),
        etag: properties.etag.map(|etag| etag.to_string()),
        last_modified: properties.last_modified.map(time),
        content_type: properties.content_type,
        metadata: lower(item.metadata.and_then(|m| m.values).unwrap_or_default()),
    })
}

pub(super) fn md5(bytes: Vec<u8>) -> Option<[u8; 16]> {
    bytes.try_into().ok()
}

pub(super) fn time(time: azure_core::time::OffsetDateTime) -> Time {
    let seconds = time.unix_timestamp();
    jiff::Timestamp::from_second(seconds)
        .unwrap_or_default()
        .into()
}

pub(super) fn lower(metadata: impl IntoIterator<Item = (String, String)>) -> Metadata {
    metadata
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}
