//! One file into one blob.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, TryStreamExt};
use md5::{Digest, Md5};
use reqwest::{Method, Url};

use super::blob_url::with_query;
use super::failure::{Code, Trouble, chain};
use super::web::{Web, WebError, retrying};
use crate::wire::batch::command::OutputFileUploadHeader;

/// Sent in one request; what is larger is sent in blocks of this size.
const BLOCK: u64 = 4 << 20;
/// What a blob may have.
const MAX_BLOCKS: u64 = 50_000;
/// Blocks of one file on their way at the same time.
const BLOCKS_AT_ONCE: usize = 2;

/// Why a file did not become a blob.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the upload failed")]
    Send(#[from] WebError),
}

impl UploadError {
    pub(super) fn trouble(&self) -> Trouble {
        let code = match self {
            Self::Send(WebError::TimedOut(_)) => Code::FileUploadTimedOut,
            Self::Send(error) => match error.status() {
                Some(404) => Code::FileUploadContainerNotFound,
                Some(401 | 403) => Code::FileUploadAccessDenied,
                _ => Code::FileUploadMiscError,
            },
            Self::Read { .. } => Code::FileUploadMiscError,
        };
        Trouble::new(code, chain(self))
    }
}

/// A file on its way into a blob.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Of a small file, read when it was found: for most tasks that is all there is to read.
    pub(super) content: Option<Bytes>,
}

impl Source {
    /// With the content of a file that is no longer than `most` bytes. Blocks.
    pub(super) fn read(path: PathBuf, most: u64) -> Self {
        let content = read_small(&path, most);
        Self { path, content }
    }
}

/// None when it is too long, or cannot be read: who uploads it says why.
fn read_small(path: &Path, most: u64) -> Option<Bytes> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() > most {
        return None;
    }
    let mut content = Vec::new();
    file.take(most + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= most).then(|| content.into())
}

/// Puts a file's content into a blob, checked by MD5 on the way, and gives its length.
pub(super) async fn upload(
    web: &Web,
    source: &Source,
    blob: &Url,
    headers: &[OutputFileUploadHeader],
) -> Result<u64, UploadError> {
    if let Some(content) = &source.content {
        put_blob(web, blob, content.clone(), headers).await?;
        return Ok(content.len() as u64);
    }
    let path = source.path.as_path();
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let length = file.metadata().map_err(|e| unreadable(path, e))?.len();
    if length <= BLOCK {
        let (_, content) = next_block(file, BLOCK, length)
            .await
            .map_err(|e| unreadable(path, e))?;
        let length = content.len() as u64;
        put_blob(web, blob, content, headers).await?;
        return Ok(length);
    }
    put_blocks(web, path, file, length, blob, headers)
        .boxed()
        .await
}

fn unreadable(path: &Path, source: std::io::Error) -> UploadError {
    UploadError::Read {
        path: path.to_owned(),
        source,
    }
}

pub(super) async fn put_blob(
    web: &Web,
    blob: &Url,
    content: Bytes,
    headers: &[OutputFileUploadHeader],
) -> Result<(), WebError> {
    let digest = BASE64.encode(Md5::digest(&content));
    retrying(|| async {
        let mut request = web.blob_request(Method::PUT, blob.clone());
        for header in headers {
            request = request.header(&header.name, header.value.as_deref().unwrap_or_default());
        }
        let request = request
            .header("x-ms-blob-type", "BlockBlob")
            .header("content-md5", &digest)
            .header("content-length", content.len())
            .body(content.clone())
            .build()?;
        web.send(request).await.map(drop)
    })
    .await
}

async fn put_blocks(
    web: &Web,
    path: &Path,
    mut file: File,
    length: u64,
    blob: &Url,
    headers: &[OutputFileUploadHeader],
) -> Result<u64, UploadError> {
    let size = BLOCK.max(length.div_ceil(MAX_BLOCKS));
    let mut digest = Md5::new();
    let mut sent = 0;
    let mut ids: Vec<String> = Vec::new();
    let mut sending = FuturesUnordered::new();
    // Read one after the other, sent side by side.
    loop {
        let content;
        (file, content) = next_block(file, size, length.saturating_sub(sent))
            .await
            .map_err(|e| unreadable(path, e))?;
        if content.is_empty() {
            break;
        }
        digest.update(&content);
        sent += content.len() as u64;
        let id = BASE64.encode(format!("{:08}", ids.len()));
        ids.push(id.clone());
        if sending.len() >= BLOCKS_AT_ONCE {
            sending.try_next().await?;
        }
        sending.push(put_block(web, blob, id, content).boxed());
    }
    while sending.try_next().await?.is_some() {}
    put_block_list(web, blob, &ids, &BASE64.encode(digest.finalize()), headers).await?;
    Ok(sent)
}

async fn put_block(web: &Web, blob: &Url, id: String, content: Bytes) -> Result<(), WebError> {
    let digest = BASE64.encode(Md5::digest(&content));
    let id = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
    let url = with_query(blob, &format!("comp=block&blockid={id}"));
    retrying(|| async {
        let request = web
            .blob_request(Method::PUT, url.clone())
            .header("content-md5", &digest)
            .body(content.clone())
            .build()?;
        web.send(request).await.map(drop)
    })
    .await
}

async fn put_block_list(
    web: &Web,
    blob: &Url,
    ids: &[String],
    digest: &str,
    headers: &[OutputFileUploadHeader],
) -> Result<(), WebError> {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for id in ids {
        list.push_str("<Latest>");
        list.push_str(id);
        list.push_str("</Latest>");
    }
    list.push_str("</BlockList>");
    let url = with_query(blob, "comp=blocklist");
    retrying(|| async {
        let mut request = web
            .blob_request(Method::PUT, url.clone())
            .header("x-ms-blob-content-md5", digest);
        for header in headers {
            let value = header.value.as_deref().unwrap_or_default();
            request = request.header(as_blob_property(&header.name), value);
        }
        let request = request.body(list.clone()).build()?;
        web.send(request).await.map(drop)
    })
    .await
}

/// A header of Put Blob as Put Block List has it, where the plain ones describe the list itself.
fn as_blob_property(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        plain @ ("content-type" | "content-encoding" | "content-language" | "cache-control") => {
            format!("x-ms-blob-{plain}")
        }
        other => other.to_owned(),
    }
}

/// At most `size` bytes; fewer only at the end of the file, which is thought to be so many bytes away.
async fn next_block(file: File, size: u64, left: u64) -> std::io::Result<(File, Bytes)> {
    let read = move || {
        // Not grown bit by bit, which would take twice the memory.
        let room = usize::try_from(size.min(left)).unwrap_or(0);
        let mut content = Vec::with_capacity(room);
        (&file).take(size).read_to_end(&mut content)?;
        Ok((file, Bytes::from(content)))
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(std::io::Error::other)
        .flatten()
}
