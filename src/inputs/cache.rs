//! Digests of files that have not changed since they were last read.
//!
//! An entry counts only when length, both times, inode and device are the same. A file that was touched shortly before
//! it was read is not remembered: it may change again within the granularity of its times, and nobody would see it.
//! The cache is a help, never needed: what cannot be read or written is left alone.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;

use super::digest::{Content, Stamp};

const HEADER: &str = "batchflow digests 1";
/// The coarsest times a file system still has (FAT: 2 s), and some for clocks that differ.
const SETTLED_AFTER: i128 = 3_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Cache {
    /// By path, as the bytes it is: to hash its components takes longer.
    entries: HashMap<OsString, (Stamp, Content)>,
}

impl Cache {
    pub(super) fn load(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Self::default();
        }
        Self {
            entries: lines.filter_map(parse).collect(),
        }
    }

    pub(super) fn get(&self, path: &Path, stamp: &Stamp) -> Option<Content> {
        let (known, content) = self.entries.get(path.as_os_str())?;
        (known == stamp).then_some(*content)
    }

    /// Writes what is settled at `now` (nanoseconds since 1970, taken before the files were read).
    pub(super) fn store<'a>(
        file: &Path,
        now: i128,
        entries: impl IntoIterator<Item = (&'a Path, &'a Stamp, &'a Content)>,
    ) -> io::Result<()> {
        let mut text = format!("{HEADER}\n");
        for (path, stamp, content) in entries {
            let settled = stamp.modified.max(stamp.changed) + SETTLED_AFTER <= now;
            if let (true, Some(path)) = (settled, path.to_str().filter(|p| !p.contains('\n'))) {
                let Stamp {
                    length,
                    modified,
                    changed,
                    inode,
                    device,
                } = stamp;
                let (md5, sha256) = (
                    HEXLOWER.encode(&content.md5),
                    HEXLOWER.encode(&content.sha256),
                );
                let _ = writeln!(
                    text,
                    "{length} {modified} {changed} {inode} {device} {md5} {sha256} {path}"
                );
            }
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
        fs::write(&temporary, text)?;
        fs::rename(&temporary, file)
    }
}

fn parse(line: &str) -> Option<(OsString, (Stamp, Content))> {
    let mut words = line.splitn(8, ' ');
    let stamp = Stamp {
        length: words.next()?.parse().ok()?,
        modified: words.next()?.parse().ok()?,
        changed: words.next()?.parse().ok()?,
        inode: words.next()?.parse().ok()?,
        device: words.next()?.parse().ok()?,
    };
    let content = Content {
        md5: unhex(words.next()?)?,
        sha256: unhex(words.next()?)?,
    };
    Some((OsString::from(words.next()?), (stamp, content)))
}

/// None when the text is no digest of `N` bytes.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settled_entries_come_back_and_only_for_the_same_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/digests");
        let content = Content {
            md5: [7; 16],
            sha256: [250; 32],
        };
        let stamp = |modified| Stamp {
            length: 3,
            modified,
            changed: 0,
            inode: 4,
            device: 5,
        };
        let (old, recent) = (stamp(0), stamp(10 * SETTLED_AFTER));
        let entries = [
            (Path::new("/a b"), &old, &content),
            (Path::new("/c"), &recent, &content),
        ];
        Cache::store(&file, 10 * SETTLED_AFTER, entries).unwrap();
        let cache = Cache::load(&file);
        assert_eq!(cache.get(Path::new("/a b"), &old), Some(content));
        assert_eq!(cache.get(Path::new("/a b"), &stamp(1)), None);
        assert_eq!(cache.get(Path::new("/c"), &recent), None);
    }

    #[test]
    fn a_damaged_cache_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("digests");
        for text in [
            "",
            "nonsense",
            "batchflow digests 1\n1 2 3\nx y z 1 2 3 4 5\n1 2 3 4 5 zz zz /a\n",
        ] {
            fs::write(&file, text).unwrap();
            assert!(Cache::load(&file).entries.is_empty(), "{text:?}");
        }
    }
}
