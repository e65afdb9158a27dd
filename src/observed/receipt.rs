//! The receipt: which task digests produced which files here. It lies beside the downloaded outputs and is all
//! that is needed to know that nothing has to run, even when nothing is left in the account.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::desired::DigestParts;

const VERSION: u32 = 1;

/// Where the receipt lies inside a folder.
pub const RECEIPT_PATH: &str = ".batchflow/receipt.json";

/// What earlier runs brought home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    version: u32,
    /// The name of the manifest it belongs to.
    pub manifest: String,
    /// By task id.
    pub tasks: BTreeMap<String, TaskReceipt>,
    /// Every path in the folder that was written or is about to be: what may be overwritten.
    #[serde(default)]
    pub files: BTreeSet<String>,
}

/// A task that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReceipt {
    pub digest: String,
    /// What the digest is made of; absent from receipts of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<DigestParts>,
    pub outputs: Vec<OutputReceipt>,
}

/// A file that a task produced and that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputReceipt {
    /// Relative to the download folder, with `/`. It is the blob's name as well.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// Why a receipt could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error("cannot read the receipt {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the receipt {} is not one that batchflow wrote", .path.display())]
    Corrupt {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the receipt {} has version {found}, this batchflow reads version {VERSION}", .path.display())]
    Version { path: PathBuf, found: u32 },
    #[error("the receipt {} belongs to the manifest `{found}`, not to `{expected}`", .path.display())]
    Foreign {
        path: PathBuf,
        found: String,
        expected: String,
    },
    #[error("cannot write the receipt {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl ReceiptError {
    /// What a person can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::Write { .. } => {
                "check the permissions of the download folder"
            }
            Self::Corrupt { .. } | Self::Version { .. } => {
                "delete it to start from what the account and the download folder hold; outputs are kept"
            }
            Self::Foreign { .. } => "give each manifest a download folder of its own",
        }
    }
}

impl Receipt {
    /// A receipt of nothing.
    pub fn empty(manifest: &str) -> Self {
        Self {
            version: VERSION,
            manifest: manifest.to_owned(),
            tasks: BTreeMap::new(),
            files: BTreeSet::new(),
        }
    }

    /// Reads the receipt in `folder`; an absent one is empty.
    pub fn load(folder: &Path, manifest: &str) -> Result<Self, ReceiptError> {
        let path = folder.join(RECEIPT_PATH);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::empty(manifest)),
            Err(source) => return Err(ReceiptError::Read { path, source }),
        };
        let receipt: Self = match serde_json::from_slice(&text) {
            Ok(receipt) => receipt,
            Err(source) => return Err(ReceiptError::Corrupt { path, source }),
        };
        if receipt.version != VERSION {
            return Err(ReceiptError::Version {
                path,
                found: receipt.version,
            });
        }
        if receipt.manifest != manifest {
            return Err(ReceiptError::Foreign {
                path,
                found: receipt.manifest,
                expected: manifest.to_owned(),
            });
        }
        Ok(receipt)
    }

    /// Writes the receipt under a temporary name and renames it, so that a reader never sees half of one.
    pub fn save(&self, folder: &Path) -> Result<(), ReceiptError> {
        let path = folder.join(RECEIPT_PATH);
        let write = || -> io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let part = path.with_extension("json.part");
            fs::write(&part, serde_json::to_vec_pretty(self)?)?;
            fs::rename(&part, &path)
        };
        write().map_err(|source| ReceiptError::Write {
            path: path.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            Receipt::load(folder.path(), "m").unwrap(),
            Receipt::empty("m")
        );
        let mut receipt = Receipt::empty("m");
        receipt.tasks.insert(
            "t".into(),
            TaskReceipt {
                digest: "d".into(),
                parts: None,
                outputs: vec![OutputReceipt {
                    path: "a/b".into(),
                    length: 3,
                    sha256: "00".into(),
                }],
            },
        );
        receipt.save(folder.path()).unwrap();
        assert_eq!(Receipt::load(folder.path(), "m").unwrap(), receipt);
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Receipt::empty("other").save(folder.path()).unwrap();
        let error = |m: &str| Receipt::load(folder.path(), m).unwrap_err();
        assert!(matches!(error("m"), ReceiptError::Foreign { .. }));
        let path = folder.path().join(RECEIPT_PATH);
        fs::write(&path, r#"{"version":9,"manifest":"m","tasks":{}}"#).unwrap();
        assert!(matches!(error("m"), ReceiptError::Version { found: 9, .. }));
        fs::write(&path, "{").unwrap();
        assert!(matches!(error("m"), ReceiptError::Corrupt { .. }));
    }
}
