//! Both digests of a file in one read, and of many files on several threads.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use md5::Md5;
use sha2::{Digest, Sha256};

/// What a file's content is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
}

/// What changes when a file does. The change time cannot be set back by a program, as the modification time can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) length: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: i128,
    pub(super) changed: i128,
    pub(super) inode: u64,
    pub(super) device: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        let nanos =
            |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            length: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
}

/// Why a file has no digest.
#[derive(Debug, thiserror::Error)]
pub(super) enum DigestFault {
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("changed while it was read")]
    Changed,
}

/// Reads a file; a file that changes meanwhile is read once more.
pub(super) fn digest(path: &Path) -> Result<(Stamp, Content), DigestFault> {
    for _ in 0..2 {
        let mut file = fs::File::open(path).map_err(DigestFault::Unreadable)?;
        let before = Stamp::of(&file.metadata().map_err(DigestFault::Unreadable)?);
        let (length, content) = read(&mut file).map_err(DigestFault::Unreadable)?;
        let after = Stamp::of(&fs::metadata(path).map_err(DigestFault::Unreadable)?);
        if before == after && length == before.length {
            return Ok((before, content));
        }
    }
    Err(DigestFault::Changed)
}

/// Both digests of a file's content as it is now.
///
/// # Errors
/// When it cannot be read.
pub fn digest_file(path: &Path) -> io::Result<Content> {
    read(&mut fs::File::open(path)?).map(|(_, content)| content)
}

fn read(file: &mut fs::File) -> io::Result<(u64, Content)> {
    let mut md5 = Md5::new();
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut length = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                md5.update(&buffer[..n]);
                sha256.update(&buffer[..n]);
                length += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let content = Content {
        md5: md5.finalize().into(),
        sha256: sha256.finalize().into(),
    };
    Ok((length, content))
}

/// More threads than this only make disks seek.
const MOST_THREADS: usize = 16;

/// `work` on every item, on as many threads as there are processors; results in the order of the items.
pub(super) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_THREADS)
        .min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        let worker = || {
            let mut mine = Vec::new();
            while let Some((at, item)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                items.get(at).map(|item| (at, item))
            } {
                mine.push((at, work(item)));
            }
            mine
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        handles
            .into_iter()
            .flat_map(|h| match h.join() {
                Ok(mine) => mine,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    found.sort_unstable_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, r)| r).collect()
}
