//! Reading extents while others replace them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

use super::store::{Extents, Store};
use crate::service::core::storage::{Content, Small};

/// How much is read at a time.
const CHUNK: u64 = 256 * 1024;

/// As long as one of these lives, no extent is deleted that was referred to when it began.
#[derive(Debug)]
pub(in crate::service) struct Reading {
    store: Arc<Store>,
    number: u64,
}

impl Extents {
    /// Begins a read. To be called before the core is asked for what there is to read.
    pub(in crate::service) fn reading(&self) -> Reading {
        let mut readers = self.0.readers();
        let number = readers.next;
        readers.next += 1;
        readers.active.insert(number);
        Reading {
            store: self.0.clone(),
            number,
        }
    }
}

impl Reading {
    /// The bytes of a range of the contents one after the other, each with its length.
    pub(in crate::service) fn stream(
        self: Arc<Self>,
        contents: Vec<(Content, u64)>,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let mut start = 0;
        let pieces: Vec<_> = contents
            .into_iter()
            .filter_map(|(content, length)| {
                let (from, to) = (range.start.max(start), range.end.min(start + length));
                let within = (from < to).then(|| (content, from - start..to - start));
                start += length;
                within
            })
            .collect();
        stream::iter(pieces).flat_map(move |(content, range)| match content {
            Content::Small { base64: bytes } => {
                stream::once(async move { part(&bytes, range) }).boxed()
            }
            Content::Extent(extent) => self.clone().file(self.store.path(&extent), range).boxed(),
        })
    }

    /// Part of a file; this reading lasts as long.
    fn file(
        self: Arc<Self>,
        path: PathBuf,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let start = (self, None, range);
        stream::try_unfold(start, move |(reading, file, range)| {
            let path = path.clone();
            async move {
                if range.is_empty() {
                    return Ok(None);
                }
                let chunk = range.start..range.end.min(range.start + CHUNK);
                let rest = chunk.end..range.end;
                let read = move || read(file, &path, chunk);
                let (file, bytes) = tokio::task::spawn_blocking(read).await??;
                Ok(Some((bytes, (reading, Some(file), rest))))
            }
        })
    }
}

fn part(small: &Small, range: Range<u64>) -> io::Result<Bytes> {
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(small.0.len());
    Ok(small.0.slice(within(range.start)..within(range.end)))
}

/// Part of a file, which is opened when it is not.
fn read(file: Option<File>, path: &Path, range: Range<u64>) -> io::Result<(File, Bytes)> {
    let file = match file {
        Some(file) => file,
        None => File::open(path)?,
    };
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok((file, bytes.into()))
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut readers = self.store.readers();
        readers.active.remove(&self.number);
        let free = readers.take_free();
        drop(readers);
        for extent in free {
            if let Err(error) = self.store.remove(&extent) {
                tracing::warn!(%error, "rubbish stays until the next start");
            }
        }
    }
}
