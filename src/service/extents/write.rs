//! Writing an extent while its MD5 and length are taken.

use std::path::PathBuf;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use md5::{Digest as _, Md5};
use tokio::io::AsyncWriteExt as _;

use super::store::{ExtentError, Extents, Store};
use crate::service::core::effect::ExtentId;

/// A file that nothing refers to yet; it is removed unless it is claimed.
#[derive(Debug)]
pub(in crate::service) struct Unclaimed {
    store: Arc<Store>,
    extent: Option<ExtentId>,
}

impl Unclaimed {
    /// From here on the file belongs to the core.
    pub(in crate::service) fn claim(mut self) {
        self.extent = None;
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(extent) = self.extent.take()
            && let Err(error) = self.store.remove(&extent)
        {
            tracing::warn!(%error, "rubbish stays until the next start");
        }
    }
}

/// A whole extent.
#[derive(Debug)]
pub(in crate::service) struct Written {
    pub(in crate::service) unclaimed: Unclaimed,
    pub(in crate::service) extent: ExtentId,
    /// In bytes.
    pub(in crate::service) length: u64,
    pub(in crate::service) md5: [u8; 16],
}

/// Why nothing was written: the disk, or whoever sends the bytes.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum WriteError<E> {
    #[error(transparent)]
    Disk(#[from] ExtentError),
    #[error("the content ended too early")]
    Sender(#[source] E),
    #[error("the content is longer than {limit} bytes")]
    TooLong { limit: u64 },
}

impl Extents {
    /// Writes what comes, at most `limit` bytes, to a new extent. Dropping the future leaves nothing behind.
    pub(in crate::service) async fn write<B, E>(
        &self,
        content: &mut (impl Stream<Item = Result<B, E>> + Unpin),
        limit: u64,
    ) -> Result<Written, WriteError<E>>
    where
        B: AsRef<[u8]>,
    {
        let mut md5 = Md5::new();
        let mut length = 0;
        let Some(first) = next(content, &mut length, limit).await? else {
            return Ok(self.nothing(md5));
        };
        let extent = ExtentId(uuid::Uuid::new_v4().simple().to_string());
        let path = self.0.path(&extent);
        let unclaimed = Unclaimed {
            store: self.0.clone(),
            extent: Some(extent.clone()),
        };
        let mut file = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .await
            .map_err(|source| failed(&path, source))?;
        let mut chunk = Some(first);
        while let Some(bytes) = chunk {
            md5.update(bytes.as_ref());
            let written = file.write_all(bytes.as_ref()).await;
            written.map_err(|source| failed(&path, source))?;
            chunk = next(content, &mut length, limit).await?;
        }
        file.flush().await.map_err(|source| failed(&path, source))?;
        Ok(Written {
            unclaimed,
            extent,
            length,
            md5: md5.finalize().into(),
        })
    }

    /// What is empty has no file.
    fn nothing(&self, md5: Md5) -> Written {
        Written {
            unclaimed: Unclaimed {
                store: self.0.clone(),
                extent: None,
            },
            extent: ExtentId::empty(),
            length: 0,
            md5: md5.finalize().into(),
        }
    }
}

/// The next bytes that are some; `length` counts them.
async fn next<B, E>(
    content: &mut (impl Stream<Item = Result<B, E>> + Unpin),
    length: &mut u64,
    limit: u64,
) -> Result<Option<B>, WriteError<E>>
where
    B: AsRef<[u8]>,
{
    while let Some(chunk) = content.next().await {
        let chunk = chunk.map_err(WriteError::Sender)?;
        *length += chunk.as_ref().len() as u64;
        if *length > limit {
            return Err(WriteError::TooLong { limit });
        }
        if !chunk.as_ref().is_empty() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

fn failed(path: &std::path::Path, source: std::io::Error) -> ExtentError {
    ExtentError::Write {
        path: PathBuf::from(path),
        source,
    }
}
