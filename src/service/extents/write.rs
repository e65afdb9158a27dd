//! Taking in content, with its MD5 and length: what is small into memory, what is not into an extent.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use md5::{Digest as _, Md5};

use super::store::{ExtentError, Extents, Store};
use crate::service::core::effect::ExtentId;
use crate::service::core::storage::{Content, Small};

/// So much is gathered before it is written, so that most files take one way to the disk.
const GATHERED: usize = 1 << 20;

/// A file that nothing refers to yet; it is removed unless it is claimed.
#[derive(Debug)]
pub(in crate::service) struct Unclaimed {
    store: Arc<Store>,
    extent: Option<ExtentId>,
}

impl Unclaimed {
    /// Whether there is a file.
    pub(in crate::service) fn is_some(&self) -> bool {
        self.extent.is_some()
    }

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

/// Content that has been taken in.
#[derive(Debug)]
pub(in crate::service) struct Written {
    pub(in crate::service) unclaimed: Unclaimed,
    pub(in crate::service) content: Content,
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
    /// Takes in what comes, at most `limit` bytes. Dropping the future leaves nothing behind.
    pub(in crate::service) async fn write<B, E>(
        &self,
        content: &mut (impl Stream<Item = Result<B, E>> + Unpin),
        limit: u64,
    ) -> Result<Written, WriteError<E>>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let mut length = 0;
        let mut gathered = gather(content, &mut length, limit).await?;
        if gathered.is_last && length <= self.0.small as u64 {
            return Ok(self.small(
                &gathered
                    .chunks
                    .iter()
                    .map(AsRef::as_ref)
                    .collect::<Vec<_>>(),
            ));
        }
        let mut writing = Writing::new(self.0.clone());
        loop {
            writing = off_thread(writing, gathered.chunks).await?;
            if gathered.is_last {
                return Ok(writing.finish(length));
            }
            gathered = gather(content, &mut length, limit).await?;
        }
    }

    fn small(&self, chunks: &[&[u8]]) -> Written {
        let bytes = Bytes::from(chunks.concat());
        Written {
            unclaimed: Unclaimed {
                store: self.0.clone(),
                extent: None,
            },
            length: bytes.len() as u64,
            md5: Md5::digest(&bytes).into(),
            content: Content::Small {
                base64: Small(bytes),
            },
        }
    }
}

/// Some of the content, in pieces.
struct Gathered<B> {
    chunks: Vec<B>,
    is_last: bool,
}

/// The next pieces until they are [`GATHERED`] bytes together; `length` counts them.
async fn gather<B: AsRef<[u8]>, E>(
    content: &mut (impl Stream<Item = Result<B, E>> + Unpin),
    length: &mut u64,
    limit: u64,
) -> Result<Gathered<B>, WriteError<E>> {
    let mut chunks = Vec::new();
    let mut size = 0;
    while let Some(chunk) = content.next().await {
        let chunk = chunk.map_err(WriteError::Sender)?;
        size += chunk.as_ref().len();
        *length += chunk.as_ref().len() as u64;
        if *length > limit {
            return Err(WriteError::TooLong { limit });
        }
        chunks.push(chunk);
        if size >= GATHERED {
            return Ok(Gathered {
                chunks,
                is_last: false,
            });
        }
    }
    Ok(Gathered {
        chunks,
        is_last: true,
    })
}

/// An extent on its way to the disk. Dropping it, on whatever thread it then is, removes the file.
struct Writing {
    unclaimed: Unclaimed,
    extent: ExtentId,
    path: PathBuf,
    file: Option<File>,
    md5: Md5,
}

impl Writing {
    fn new(store: Arc<Store>) -> Self {
        let extent = ExtentId(uuid::Uuid::new_v4().simple().to_string());
        Self {
            path: store.path(&extent),
            unclaimed: Unclaimed {
                store,
                extent: Some(extent.clone()),
            },
            extent,
            file: None,
            md5: Md5::new(),
        }
    }

    fn take<B: AsRef<[u8]>>(&mut self, chunks: &[B]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&self.path)?,
            ),
        };
        for chunk in chunks {
            self.md5.update(chunk.as_ref());
            file.write_all(chunk.as_ref())?;
        }
        Ok(())
    }

    fn finish(self, length: u64) -> Written {
        Written {
            unclaimed: self.unclaimed,
            content: Content::Extent(self.extent),
            length,
            md5: self.md5.finalize().into(),
        }
    }
}

async fn off_thread<B: AsRef<[u8]> + Send + 'static>(
    mut writing: Writing,
    chunks: Vec<B>,
) -> Result<Writing, ExtentError> {
    let path = writing.path.clone();
    let written = tokio::task::spawn_blocking(move || writing.take(&chunks).map(|()| writing));
    written
        .await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|source| ExtentError::Write { path, source })
}
