//! One table in one SQLite file, written by one thread in groups.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// The layout of the table. A higher number on disk was written by a newer version.
const SCHEMA_VERSION: i64 = 1;

/// An open file of records.
#[derive(Debug)]
pub(in crate::service) struct Store {
    connection: Connection,
    path: PathBuf,
}

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot create the state file {}", .path.display())]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open the state file {}", .path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error(
        "the state file {} has layout {found}, but this version of batchflow knows only up to {SCHEMA_VERSION}",
        .path.display()
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("cannot read the state file {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("cannot write the state file {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
}

impl Store {
    /// Opens the file, and makes it when it is not there.
    pub(in crate::service) fn open(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        // SQLite gives the files beside this one the same mode: tasks may hold signed URLs.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| StoreError::Create {
                path: path.to_owned(),
                source,
            })?;
        let connection = Connection::open(path).map_err(open)?;
        // WAL with NORMAL survives a killed process; only a power cut can lose the last moments. Rare
        // checkpoints keep updates in random order fast.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = NORMAL;
                 PRAGMA wal_autocheckpoint = 20000;",
            )
            .map_err(open)?;
        let found: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(open)?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        connection
            .execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
                 PRAGMA user_version = {SCHEMA_VERSION};"
            ))
            .map_err(open)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    fn read_error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Read {
            path: self.path.clone(),
            source,
        }
    }

    /// Every record.
    pub(in crate::service) fn load(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let load = || {
            let mut statement = self.connection.prepare("SELECT key, value FROM record")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        load().map_err(|source| self.read_error(source))
    }

    /// Writes and deletes records, all or none.
    pub(in crate::service) fn commit(
        &mut self,
        changes: &[(String, Option<Vec<u8>>)],
    ) -> Result<(), StoreError> {
        self.write(changes).map_err(|source| StoreError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn write(&mut self, changes: &[(String, Option<Vec<u8>>)]) -> Result<(), rusqlite::Error> {
        let transaction = self.connection.transaction()?;
        {
            let mut put = transaction
                .prepare_cached("INSERT OR REPLACE INTO record (key, value) VALUES (?1, ?2)")?;
            let mut delete = transaction.prepare_cached("DELETE FROM record WHERE key = ?1")?;
            for (key, value) in changes {
                match value {
                    Some(value) => put.execute((key, value))?,
                    None => delete.execute([key])?,
                };
            }
        }
        transaction.commit()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn sorted(store: &Store) -> Vec<(String, Vec<u8>)> {
        let mut all = store.load().unwrap();
        all.sort();
        all
    }

    #[test]
    fn records_are_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let put = |k: &str, v: &str| (k.to_owned(), Some(v.as_bytes().to_vec()));
        let mut store = Store::open(&path).unwrap();
        store
            .commit(&[put("a", "1"), put("b/x\0y", "2"), put("c", "3")])
            .unwrap();
        store
            .commit(&[put("a", "4"), ("c".to_owned(), None)])
            .unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let want = [("a", "4"), ("b/x\0y", "2")];
        let want = want.map(|(k, v)| (k.to_owned(), v.as_bytes().to_vec()));
        assert_eq!(sorted(&store), want);
    }

    #[test]
    fn only_the_owner_can_read_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("state.db")).unwrap();
        store
            .commit(&[("a".to_owned(), Some(b"1".to_vec()))])
            .unwrap();
        let modes: Vec<(String, u32)> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().permissions().mode() & 0o777)
            })
            .collect();
        assert!(modes.len() >= 2, "the file and its journal: {modes:?}");
        assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
    }

    #[test]
    fn a_file_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(Store::open(&path).unwrap());
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch("PRAGMA user_version = 99").unwrap();
        drop(raw);
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains("has layout 99"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(&path, "not a database, certainly not one of ours").unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Open { .. })));
    }
}
