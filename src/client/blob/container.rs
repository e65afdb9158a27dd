//! Containers.

use azure_storage_blob::models::{
    BlobContainerClientCreateOptions, BlobContainerClientGetPropertiesResultHeaders,
    BlobServiceClientListContainersOptions, ListContainersIncludeType,
};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::super::Create;
use super::super::error::{ClientError, Failure};
use super::item::{Metadata, lower};
use super::{Blob, found};
use crate::clock;

/// What there is to know of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub etag: Option<String>,
    pub metadata: Metadata,
}

/// A container in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContainer {
    pub name: String,
    pub container: Container,
}

impl Blob {
    /// Waits for as long as a container of this name is still being deleted, three minutes at most.
    pub async fn create_container(
        &self,
        name: &str,
        metadata: &Metadata,
    ) -> Result<Create, ClientError> {
        let client = self.container(name)?;
        let start = clock::monotonic();
        loop {
            let options = BlobContainerClientCreateOptions {
                metadata: Some(metadata.clone().into_iter().collect()),
                ..Default::default()
            };
            let attempt = format!("create container `{name}`");
            let result = client.create(Some(options)).await;
            let error = match result.map_err(self.error(&*attempt)) {
                Ok(_) => return Ok(Create::Created),
                Err(error) if error.is("ContainerAlreadyExists") => {
                    return Ok(Create::AlreadyExists);
                }
                Err(error) => error,
            };
            let last = match error.refused() {
                Some(refused) if error.is("ContainerBeingDeleted") => refused.clone(),
                _ => return Err(error),
            };
            let waited = start.elapsed();
            if waited + self.deletion.ask_every > self.deletion.gone_within {
                return Err(ClientError::new(
                    attempt,
                    Failure::Deadline { waited, last },
                ));
            }
            tokio::time::sleep(self.deletion.ask_every).await;
        }
    }

    pub async fn get_container(&self, name: &str) -> Result<Option<Container>, ClientError> {
        let attempt = format!("read the properties of container `{name}`");
        let response = self.container(name)?.get_properties(None).await;
        let Some(response) = found(response.map_err(self.error(&*attempt)))? else {
            return Ok(None);
        };
        let read = || -> azure_core::Result<Container> {
            Ok(Container {
                etag: response.etag()?.map(|etag| etag.to_string()),
                metadata: lower(response.metadata()?),
            })
        };
        read().map(Some).map_err(self.error(attempt))
    }

    /// The containers whose names begin with `prefix`, by name, with their metadata.
    pub fn list_containers(
        &self,
        prefix: Option<&str>,
    ) -> impl Stream<Item = Result<ListedContainer, ClientError>> + Send + Unpin + use<> {
        let attempt = "list containers";
        let options = BlobServiceClientListContainersOptions {
            include: Some(vec![ListContainersIncludeType::Metadata]),
            prefix: prefix.filter(|p| !p.is_empty()).map(str::to_owned),
            ..Default::default()
        };
        let opened = self.service.list_containers(Some(options));
        let blob = self.clone();
        let pages = match opened.map_err(self.error(attempt)) {
            Err(error) => return stream::once(async { Err(error) }).boxed(),
            Ok(pager) => pager.into_pages(),
        };
        pages
            .map(move |page| {
                let page = page.and_then(|page| page.into_model());
                page.map(|page| {
                    let items = page.container_items.into_iter().filter_map(|item| {
                        let properties = item.properties.unwrap_or_default();
                        Some(ListedContainer {
                            name: item.name?,
                            container: Container {
                                etag: properties.etag.map(|etag| etag.to_string()),
                                metadata: lower(item.metadata.unwrap_or_default()),
                            },
                        })
                    });
                    stream::iter(items.collect::<Vec<_>>().into_iter().map(Ok))
                })
                .map_err(blob.error(attempt))
            })
            .try_flatten()
            .boxed()
    }

    /// Adds these names to the metadata of a container, and leaves others as they are.
    pub async fn add_container_metadata(
        &self,
        name: &str,
        metadata: &Metadata,
    ) -> Result<(), ClientError> {
        let attempt = format!("set the metadata of container `{name}`");
        let live = self.get_container(name).await?;
        let mut all = live.map(|live| live.metadata).unwrap_or_default();
        all.extend(metadata.clone());
        let all = all.into_iter().collect();
        let result = self.container(name)?.set_metadata(&all, None).await;
        result.map(|_| ()).map_err(self.error(attempt))
    }

    /// Starts the deletion; no such container, or one being deleted, is fine.
    pub async fn delete_container(&self, name: &str) -> Result<(), ClientError> {
        let attempt = format!("delete container `{name}`");
        let result = self.container(name)?.delete(None).await;
        match found(result.map_err(self.error(attempt))) {
            Err(error) if error.is("ContainerBeingDeleted") => Ok(()),
            result => result.map(|_| ()),
        }
    }
}
