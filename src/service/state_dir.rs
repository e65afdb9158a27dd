//! The directory a service keeps its state in: one service at a time, closed to other users.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::spread::spread;
use crate::wire::secret::Secret;

const LOCK: &str = "lock";
const KEY: &str = "account.key";
const ENDPOINTS: &str = "endpoints.json";
/// Bytes of an account key, as many as the real service's have.
const KEY_LENGTH: usize = 64;
/// Former endpoints that are remembered.
const MAX_FORMER: usize = 100;

/// Why a directory cannot hold the state.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    #[error("the state directory {} belongs to a running service{}", .path.display(), owner(.pid))]
    InUse { path: PathBuf, pid: Option<u32> },
    #[error("the directory {} holds something else than the state of a local service", .path.display())]
    Foreign { path: PathBuf },
    #[error("cannot write to the state directory {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl StateDirError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::InUse { .. } => Some("wait until it ends, or give this one another --state-dir"),
            Self::Foreign { .. } => {
                Some("give another --state-dir; nothing in this one was touched")
            }
            Self::Write { .. } | Self::Read { .. } => {
                Some("check its permissions, or give another --state-dir")
            }
        }
    }
}

fn owner(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

/// A directory that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    /// Holds the lock.
    _lock: Option<File>,
    temporary: bool,
}

/// Where the service listened; signed URLs in stored tasks point there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Endpoints {
    pub(super) batch_port: u16,
    pub(super) blob_port: u16,
    pub(super) blob: String,
    /// Of earlier starts, other than `blob`.
    pub(super) former_blob: Vec<String>,
}

impl Endpoints {
    /// The same after a start at these ports.
    pub(super) fn moved(self, batch_port: u16, blob_port: u16, blob: String) -> Self {
        let mut former_blob = self.former_blob;
        former_blob.push(self.blob);
        former_blob.retain(|f| !f.is_empty() && *f != blob);
        let surplus = former_blob.len().saturating_sub(MAX_FORMER);
        former_blob.drain(..surplus);
        Self {
            batch_port,
            blob_port,
            blob,
            former_blob,
        }
    }
}

impl StateDir {
    /// Takes a directory, and makes it when it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, StateDirError> {
        let write = |source| StateDirError::Write {
            path: path.to_owned(),
            source,
        };
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(write)?;
        let path = path.canonicalize().map_err(write)?;
        spread(&path);
        let is_ours = path.join(LOCK).exists();
        let is_empty = || fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
        if !is_ours && !is_empty() {
            return Err(StateDirError::Foreign { path });
        }
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(write)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = lock.read_to_string(&mut text);
                let pid = text.trim().parse().ok();
                return Err(StateDirError::InUse { path, pid });
            }
            Err(TryLockError::Error(source)) => return Err(write(source)),
        }
        let mut take = || {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        take().map_err(write)?;
        Ok(Self {
            path,
            _lock: Some(lock),
            temporary: false,
        })
    }

    /// A directory that goes with the service.
    pub(super) fn temporary() -> Result<Self, StateDirError> {
        let name = format!("batchflow-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| StateDirError::Write {
                path: path.clone(),
                source,
            })?;
        spread(&path);
        Ok(Self {
            path,
            _lock: None,
            temporary: true,
        })
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join("state.db")
    }

    pub(super) fn extents(&self) -> PathBuf {
        self.path.join("extents")
    }

    pub(super) fn nodes(&self) -> PathBuf {
        self.path.join("nodes")
    }

    /// The key of the account, made at the first start.
    pub(super) fn key(&self) -> Result<Secret, StateDirError> {
        let path = self.path.join(KEY);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Secret::new(text.trim())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let key = new_key().map_err(|source| StateDirError::Read {
                    path: PathBuf::from(RANDOM),
                    source,
                })?;
                self.replace(KEY, key.expose().as_bytes())?;
                Ok(key)
            }
            Err(source) => Err(StateDirError::Read { path, source }),
        }
    }

    /// Where the service listened last time; a file that cannot be read counts as none.
    pub(super) fn endpoints(&self) -> Endpoints {
        Self::endpoints_of(&self.path)
    }

    /// The same, of a directory that another process may hold.
    pub(super) fn endpoints_of(path: &Path) -> Endpoints {
        let text = fs::read(path.join(ENDPOINTS)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Where the key lies.
    pub(super) fn key_of(path: &Path) -> PathBuf {
        path.join(KEY)
    }

    pub(super) fn set_endpoints(&self, endpoints: &Endpoints) -> Result<(), StateDirError> {
        let text = serde_json::to_vec(endpoints).unwrap_or_default();
        self.replace(ENDPOINTS, &text)
    }

    /// A file of the service that is kept here.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file as a whole or not at all, for its owner only.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), StateDirError> {
        let path = self.path.join(name);
        let draft = self.path.join(format!("{name}.new"));
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|source| StateDirError::Write {
            path: path.clone(),
            source,
        })
    }
}

impl Drop for StateDir {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

const RANDOM: &str = "/dev/urandom";

fn new_key() -> io::Result<Secret> {
    let mut bytes = [0; KEY_LENGTH];
    File::open(RANDOM)?.read_exact(&mut bytes)?;
    Ok(Secret::new(STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = StateDir::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        match StateDir::open(&path) {
            Err(StateDirError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(StateDir::open(&path).is_ok());
    }

    #[test]
    fn a_directory_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "").unwrap();
        let refused = StateDir::open(folder.path());
        assert!(matches!(refused, Err(StateDirError::Foreign { .. })));
        let file = folder.path().join("thesis.txt");
        assert!(matches!(
            StateDir::open(&file),
            Err(StateDirError::Write { .. })
        ));
    }

    #[test]
    fn the_key_is_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        let key = dir.key().unwrap();
        assert_eq!(STANDARD.decode(key.expose()).unwrap().len(), 64);
        assert_eq!(dir.key().unwrap(), key);
        let mode = fs::metadata(folder.path().join(KEY))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn former_endpoints_are_remembered_once() {
        let at = |port: u16| format!("http://127.0.0.1:{port}/a");
        let mut endpoints = Endpoints::default();
        for port in [1, 2, 2, 1, 3] {
            endpoints = endpoints.moved(9, port, at(port));
        }
        assert_eq!(endpoints.blob, at(3));
        assert_eq!(endpoints.former_blob, [at(2), at(1)]);
    }

    #[test]
    fn a_temporary_one_goes() {
        let dir = StateDir::temporary().unwrap();
        let path = dir.nodes();
        fs::create_dir(&path).unwrap();
        drop(dir);
        assert!(!path.exists());
    }
}
