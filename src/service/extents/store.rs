//! The folder of extents: who reads, what is deleted when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::service::core::effect::ExtentId;

/// A file for less costs more than the few bytes in the records, where they come with the blob.
const SMALL: usize = 512;

/// A folder of extents.
#[derive(Debug, Clone)]
pub(in crate::service) struct Extents(pub(super) Arc<Store>);

#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Content of at most so many bytes has no file.
    pub(super) small: usize,
    readers: Mutex<Readers>,
}

/// Who reads, and what is to be deleted once they are done.
#[derive(Debug, Default)]
pub(super) struct Readers {
    pub(super) next: u64,
    /// Readers by the number they got.
    pub(super) active: BTreeSet<u64>,
    /// Extents in the order of their deletion, with the number the next reader got then.
    pub(super) waiting: VecDeque<(u64, ExtentId)>,
}

/// Something the disk did not do.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum ExtentError {
    #[error("the folder for blob content {} cannot be made", .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the folder for blob content {} cannot be swept", .folder.display())]
    Sweep {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("blob content cannot be written to {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("blob content cannot be deleted from {}", .path.display())]
    Delete {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Extents {
    /// Opens the folder, which only its owner may enter, and makes it where it is missing.
    pub(in crate::service) fn open(folder: &Path) -> Result<Self, ExtentError> {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.map_err(|source| ExtentError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        Ok(Self(Arc::new(Store {
            folder: folder.to_owned(),
            small: SMALL,
            readers: Mutex::default(),
        })))
    }

    /// The same, with a file for whatever is not empty.
    #[cfg(test)]
    pub(in crate::service) fn open_for_files(folder: &Path) -> Self {
        let Ok(Self(mut store)) = Self::open(folder) else {
            panic!("{} cannot be opened", folder.display());
        };
        Arc::get_mut(&mut store).expect("not shared yet").small = 0;
        Self(store)
    }

    /// Deletes an extent, as soon as nobody reads it. A missing one is as good as deleted.
    pub(in crate::service) fn delete(&self, extent: &ExtentId) -> Result<(), ExtentError> {
        let mut readers = self.0.readers();
        if readers.active.is_empty() {
            drop(readers);
            return self.0.remove(extent);
        }
        let number = readers.next;
        readers.waiting.push_back((number, extent.clone()));
        Ok(())
    }

    /// Deletes every file that is not among these extents and answers how many there were, and which of the
    /// extents have no file. Only at start, when nobody writes.
    pub(in crate::service) fn sweep<'a>(
        &self,
        referenced: impl Iterator<Item = &'a ExtentId>,
    ) -> Result<Swept, ExtentError> {
        let failed = |source| ExtentError::Sweep {
            folder: self.0.folder.clone(),
            source,
        };
        let mut missing: BTreeMap<&str, &ExtentId> = referenced
            .map(|extent| (extent.0.as_str(), extent))
            .collect();
        let mut deleted = 0;
        for entry in fs::read_dir(&self.0.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let known = name.to_str().is_some_and(|n| missing.remove(n).is_some());
            if !known {
                fs::remove_file(entry.path()).map_err(failed)?;
                deleted += 1;
            }
        }
        Ok(Swept {
            deleted,
            missing: missing.into_values().cloned().collect(),
        })
    }
}

/// What a sweep found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::service) struct Swept {
    pub(in crate::service) deleted: usize,
    pub(in crate::service) missing: Vec<ExtentId>,
}

impl Readers {
    /// Takes out what no reader can still want.
    pub(super) fn take_free(&mut self) -> Vec<ExtentId> {
        let oldest = self.active.first().copied().unwrap_or(u64::MAX);
        let free = self
            .waiting
            .iter()
            .take_while(|(number, _)| *number <= oldest);
        let count = free.count();
        self.waiting
            .drain(..count)
            .map(|(_, extent)| extent)
            .collect()
    }
}

impl Store {
    pub(super) fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn path(&self, extent: &ExtentId) -> PathBuf {
        // Ids are ours, but come back from a file: none may lead out of the folder.
        let name: String = extent
            .0
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        self.folder.join(name)
    }

    pub(super) fn remove(&self, extent: &ExtentId) -> Result<(), ExtentError> {
        let path = self.path(extent);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ExtentError::Delete { path, source })
            }
            _ => Ok(()),
        }
    }
}
