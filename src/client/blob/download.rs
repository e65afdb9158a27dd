//! A blob becomes a file.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use azure_core::http::Etag;
use azure_storage_blob::models::{BlobClientDownloadOptions, HttpRange};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use sha2::Sha256;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use super::super::error::{ClientError, Failure};
use super::item::md5;
use super::upload::describe;
use super::{Blob, found, named};

/// What a request fetches at most. A broken connection costs no more than this.
const PART: u64 = 4 * 1024 * 1024;
/// Parts of one blob on the way at once.
const AT_ONCE: usize = 4;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    pub length: u64,
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
    pub etag: Option<String>,
}

/// The first part of a blob, and what it says of the whole.
struct First {
    content: Bytes,
    length: u64,
    md5: Option<[u8; 16]>,
    etag: Option<Etag>,
}

impl Blob {
    /// Fetches a blob into a file, whose folder has to exist. The bytes go to another name in that folder
    /// first, and take the place of what was there when all of them are there and their length and MD5
    /// (if the blob has one) are right. Memory is bounded whatever the length; `expected` is what the blob is thought
    /// to have, in bytes.
    ///
    /// # Errors
    /// What does not exist is refused with 404; the file is as it was after any error.
    pub async fn download_file(
        &self,
        container: &str,
        blob: &str,
        to: &Path,
        expected: u64,
    ) -> Result<Downloaded, ClientError> {
        let attempt = format!("download {} to {}", named(container, blob), to.display());
        let part = Part::beside(to);
        let file_error = |action, path: &Path| {
            let (attempt, path) = (attempt.clone(), path.to_owned());
            move |source| {
                let failure = Failure::File {
                    action,
                    path,
                    source,
                };
                ClientError::new(attempt, failure)
            }
        };

        let room = self.room(expected.min(PART)).await;
        let mut first = self.first_part(container, blob, &attempt).await?;
        // Gone when it is written, as the others.
        let content = std::mem::take(&mut first.content);
        let mut file = File::create_new(&part.0)
            .await
            .map_err(file_error("create", &part.0))?;
        let mut length = 0;
        let mut sums = (Md5::new(), Sha256::new());
        let rest = stream::iter(ranges(first.length)).map(|(offset, length)| {
            let (attempt, etag) = (&attempt, first.etag.clone());
            async move {
                let range = HttpRange::new(offset, length);
                let room = self.room(length).await;
                let content = self.part(container, blob, range, etag, attempt).await?;
                Ok((content, room))
            }
        });
        let first_content = stream::iter([Ok((content, room))]);
        let mut contents = first_content.chain(rest.buffered(AT_ONCE));
        while let Some((content, _room)) = contents.try_next().await? {
            sums.0.update(&content);
            sums.1.update(&content);
            length += content.len() as u64;
            file.write_all(&content)
                .await
                .map_err(file_error("write", &part.0))?;
        }
        file.flush().await.map_err(file_error("write", &part.0))?;
        drop((file, contents));

        let got: [u8; 16] = sums.0.finalize().into();
        let expected = first.md5.unwrap_or(got);
        if length != first.length || got != expected {
            return Err(ClientError::new(
                attempt,
                Failure::Content {
                    what: "what arrived".to_owned(),
                    expected: describe(first.length, &expected),
                    got: describe(length, &got),
                },
            ));
        }
        part.become_file(to)
            .await
            .map_err(file_error("write", to))?;
        Ok(Downloaded {
            length,
            md5: got,
            sha256: sums.1.finalize().into(),
            etag: first.etag.map(|etag| etag.to_string()),
        })
    }

    /// A blob of at most `most` bytes, in memory; None when it does not exist.
    ///
    /// # Errors
    /// [`Failure::Content`] when it is longer.
    pub async fn read_small(
        &self,
        container: &str,
        blob: &str,
        most: u64,
    ) -> Result<Option<Bytes>, ClientError> {
        let attempt = format!("read {}", named(container, blob));
        let Some(first) = found(self.first_part(container, blob, &attempt).await)? else {
            return Ok(None);
        };
        if first.length > most {
            return Err(ClientError::new(
                attempt,
                Failure::Content {
                    what: "the blob".to_owned(),
                    expected: format!("{most} bytes at most"),
                    got: format!("{} bytes", first.length),
                },
            ));
        }
        let mut whole = first.content.to_vec();
        for (offset, length) in ranges(first.length) {
            let range = HttpRange::new(offset, length);
            let etag = first.etag.clone();
            let content = self.part(container, blob, range, etag, &attempt).await?;
            whole.extend_from_slice(&content);
        }
        Ok(Some(whole.into()))
    }

    async fn first_part(
        &self,
        container: &str,
        blob: &str,
        attempt: &str,
    ) -> Result<First, ClientError> {
        let options = options(HttpRange::new(0, PART), None);
        let client = self.blob(container, blob)?;
        let result = client.download(Some(options)).await;
        let answer = result.map_err(self.error(attempt))?;
        // A part has the MD5 of the whole in another header, which a whole blob lacks.
        let range = answer.headers.get_optional_string(&"content-range".into());
        let total = range.and_then(|range| range.rsplit('/').next()?.parse().ok());
        let whole_md5 = match total {
            Some(_) => answer.properties.blob_content_md5,
            None => answer.properties.content_md5,
        };
        let etag = answer.properties.etag;
        let content = answer.body.collect().await.map_err(self.error(attempt))?;
        Ok(First {
            length: total.unwrap_or(content.len() as u64),
            content,
            md5: whole_md5.and_then(md5),
            etag,
        })
    }

    /// Bytes of a blob, if it has not changed since.
    async fn part(
        &self,
        container: &str,
        blob: &str,
        range: HttpRange,
        etag: Option<Etag>,
        attempt: &str,
    ) -> Result<Bytes, ClientError> {
        let client = self.blob(container, blob)?;
        let result = client.download(Some(options(range, etag))).await;
        let answer = result.map_err(self.error(attempt))?;
        answer.body.collect().await.map_err(self.error(attempt))
    }
}

/// One request, not the library's own parts.
fn options(range: HttpRange, if_match: Option<Etag>) -> BlobClientDownloadOptions<'static> {
    BlobClientDownloadOptions {
        range: Some(range),
        if_match,
        parallel: Some(NonZero::<usize>::MIN),
        partition_size: NonZero::new(PART as usize),
        ..Default::default()
    }
}

/// Offset and length of every part but the first.
fn ranges(length: u64) -> impl Iterator<Item = (u64, u64)> {
    let parts = length.div_ceil(PART);
    (1..parts).map(move |n| (n * PART, PART.min(length - n * PART)))
}

const PART_MARK: &str = ".batchflow-part-";

/// Removes what downloads into this folder left behind when the program was killed. Whoever calls it knows that
/// no download into the folder is under way.
pub fn sweep_parts(folder: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.contains(PART_MARK) && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A file being written under another name; gone when it is not renamed.
struct Part(PathBuf);

impl Part {
    fn beside(to: &Path) -> Self {
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        // Long names get a short one: 255 bytes is the limit of most file systems.
        let start: String = name.chars().take(40).collect();
        let random = uuid::Uuid::new_v4().simple();
        Self(to.with_file_name(format!(".{start}{PART_MARK}{random}")))
    }

    async fn become_file(mut self, to: &Path) -> std::io::Result<()> {
        fs::rename(&self.0, to).await?;
        self.0.clear();
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // What cannot be removed now is named so that a person sees what it is.
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let of = |length| ranges(length).collect::<Vec<_>>();
        assert_eq!(of(0), []);
        assert_eq!(of(PART), []);
        assert_eq!(of(PART + 1), [(PART, 1)]);
        assert_eq!(of(3 * PART), [(PART, PART), (2 * PART, PART)]);
    }

    #[test]
    fn a_part_lies_beside_its_file_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::beside(&folder.path().join("ü".repeat(120)));
        assert_eq!(part.0.parent(), Some(folder.path()));
        std::fs::write(&part.0, "x").unwrap();
        drop(part);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
