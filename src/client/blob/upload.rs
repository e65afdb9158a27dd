//! A file becomes a blob.

use std::path::Path;

use azure_storage_blob::clients::BlockBlobClient;
use azure_storage_blob::models::{
    BlockBlobClientCommitBlockListOptions, BlockBlobClientUploadOptions, BlockLookupList,
};
use bytes::{Bytes, BytesMut};
use futures::stream::{FuturesUnordered, StreamExt};
use md5::{Digest, Md5};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;

use super::super::error::{ClientError, Failure};
use super::{Blob, Metadata, named};

/// Up to here in one request, and the least size of a block.
const BLOCK: u64 = 4 * 1024 * 1024;
/// The service's limit.
const MOST_BLOCKS: u64 = 50_000;
/// Blocks of one file on the way at once.
const AT_ONCE: usize = 8;
/// Bytes of content in memory at once, of all files together.
pub(super) const ROOM: u64 = 12 * BLOCK;

/// What to upload, and as what.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    pub container: &'a str,
    pub blob: &'a str,
    pub file: &'a Path,
    /// Bytes that were found when the file was looked at.
    pub length: u64,
    /// Of those bytes. The blob keeps it, so that lists can show it.
    pub md5: [u8; 16],
    pub content_type: Option<&'a str>,
    pub metadata: Metadata,
}

impl Blob {
    /// Puts a file into a blob, in place of what was there. Memory is bounded whatever the length.
    ///
    /// # Errors
    /// [`Failure::Content`] when the file is no longer what it was when its MD5 was taken; a blob of
    /// several blocks is then left as it was.
    pub async fn upload_file(&self, upload: &Upload<'_>) -> Result<(), ClientError> {
        let attempt = format!(
            "upload {} to {}",
            upload.file.display(),
            named(upload.container, upload.blob)
        );
        let file_error = |action| {
            let attempt = attempt.clone();
            move |source| {
                ClientError::new(
                    attempt,
                    Failure::File {
                        action,
                        path: upload.file.to_owned(),
                        source,
                    },
                )
            }
        };
        let client = self
            .blob(upload.container, upload.blob)?
            .block_blob_client();
        let mut file = File::open(upload.file).await.map_err(file_error("open"))?;
        file.set_max_buf_size(usize::try_from(BLOCK).unwrap_or(usize::MAX));
        let mut source = Source {
            file: &mut file,
            md5: Md5::new(),
            length: 0,
            expected: upload.length,
        };

        if upload.length <= BLOCK {
            let _room = self.room(upload.length).await;
            // One byte more than there should be: the file may have grown.
            let content = source.read(upload.length + 1).await;
            let content = content.map_err(file_error("read"))?;
            source.check(upload, &attempt)?;
            return self.put(&client, upload, content, &attempt).await;
        }

        let block = BLOCK.max(upload.length.div_ceil(MOST_BLOCKS));
        let mut ids = Vec::new();
        let mut on_the_way = FuturesUnordered::new();
        loop {
            // Those on the way go on meanwhile, and give their memory back.
            let room = loop {
                tokio::select! {
                    room = self.room(block), if on_the_way.len() < AT_ONCE => break room,
                    Some(staged) = on_the_way.next() => {
                        let staged: azure_core::Result<()> = staged;
                        staged.map_err(self.error(&*attempt))?;
                    }
                }
            };
            let content = source.read(block).await.map_err(file_error("read"))?;
            if content.is_empty() || source.length > upload.length {
                break;
            }
            // Ids of the same length, and not those of somebody else's unfinished upload.
            let id = uuid::Uuid::new_v4().into_bytes().to_vec();
            ids.push(id.clone());
            on_the_way.push(stage(&client, id, content, room));
        }
        while let Some(staged) = on_the_way.next().await {
            staged.map_err(self.error(&*attempt))?;
        }
        source.check(upload, &attempt)?;
        self.commit(&client, upload, ids, &attempt).await
    }

    /// Waits for room in memory; what is longer than all the room there is takes all of it.
    pub(super) async fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let kilobytes = u32::try_from(bytes.min(ROOM).div_ceil(1024)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(kilobytes);
        room.await.ok()
    }

    async fn put(
        &self,
        client: &BlockBlobClient,
        upload: &Upload<'_>,
        content: Bytes,
        attempt: &str,
    ) -> Result<(), ClientError> {
        let options = BlockBlobClientUploadOptions {
            blob_content_md5: Some(upload.md5.to_vec()),
            blob_content_type: upload.content_type.map(str::to_owned),
            metadata: Some(upload.metadata.clone().into_iter().collect()),
            partition_size: std::num::NonZero::new(BLOCK),
            ..Default::default()
        };
        let result = client.upload(content.into(), Some(options));
        result.await.map(|_| ()).map_err(self.error(attempt))
    }

    async fn commit(
        &self,
        client: &BlockBlobClient,
        upload: &Upload<'_>,
        ids: Vec<Vec<u8>>,
        attempt: &str,
    ) -> Result<(), ClientError> {
        let options = BlockBlobClientCommitBlockListOptions {
            blob_content_md5: Some(upload.md5.to_vec()),
            blob_content_type: upload.content_type.map(str::to_owned),
            metadata: Some(upload.metadata.clone().into_iter().collect()),
            ..Default::default()
        };
        let list = BlockLookupList {
            latest: Some(ids),
            ..Default::default()
        };
        let list = list.try_into().map_err(self.error(attempt))?;
        let result = client.commit_block_list(list, Some(options));
        result.await.map(|_| ()).map_err(self.error(attempt))
    }
}

/// Sends a block; `room` is what its memory was taken from.
async fn stage(
    client: &BlockBlobClient,
    id: Vec<u8>,
    content: Bytes,
    room: Option<OwnedSemaphorePermit>,
) -> azure_core::Result<()> {
    let length = content.len() as u64;
    let staged = client.stage_block(&id, length, content.into(), None);
    let staged = staged.await.map(|_| ());
    drop(room);
    staged
}

/// A file being read, and what was read of it so far.
struct Source<'a> {
    file: &'a mut File,
    md5: Md5,
    length: u64,
    /// What it should be.
    expected: u64,
}

impl Source<'_> {
    /// The next bytes, as many as asked for unless the file ends before.
    async fn read(&mut self, most: u64) -> std::io::Result<Bytes> {
        // A little more than is left, so that the end is found without growing.
        let left = self.expected.saturating_sub(self.length) + 1;
        let mut bytes = BytesMut::with_capacity(usize::try_from(most.min(left)).unwrap_or(0));
        let mut part = (&mut *self.file).take(most);
        while part.read_buf(&mut bytes).await? > 0 {}
        self.md5.update(&bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.freeze())
    }

    fn check(self, upload: &Upload<'_>, attempt: &str) -> Result<(), ClientError> {
        let md5: [u8; 16] = self.md5.finalize().into();
        if self.length == upload.length && md5 == upload.md5 {
            return Ok(());
        }
        Err(ClientError::new(
            attempt,
            Failure::Content {
                what: format!("{} changed while it was used: it", upload.file.display()),
                expected: describe(upload.length, &upload.md5),
                got: describe(self.length, &md5),
            },
        ))
    }
}

/// Length and MD5, for errors.
pub(super) fn describe(length: u64, md5: &[u8]) -> String {
    let hex: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{length} bytes with MD5 {hex}")
}
