//! Reading extents while others replace them.

use std::io::{self, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::store::{Extents, Store};
use crate::service::core::effect::ExtentId;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;

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
    /// The bytes of a range of the extents one after the other.
    pub(in crate::service) fn stream(
        self: Arc<Self>,
        extents: Vec<(ExtentId, u64)>,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let mut start = 0;
        let pieces: Vec<_> = extents
            .into_iter()
            .filter_map(|(extent, length)| {
                let (from, to) = (range.start.max(start), range.end.min(start + length));
                let within = (from < to).then(|| (extent, from - start, to - from));
                start += length;
                within
            })
            .collect();
        futures::stream::iter(pieces)
            .then(move |(extent, offset, length)| {
                let reading = self.clone();
                async move {
                    let mut file = tokio::fs::File::open(reading.store.path(&extent)).await?;
                    file.seek(SeekFrom::Start(offset)).await?;
                    let bytes = ReaderStream::with_capacity(file.take(length), CHUNK);
                    io::Result::Ok(bytes)
                }
            })
            .try_flatten()
    }
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
