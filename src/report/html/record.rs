//! What is kept of a run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{TaskFailure, TaskRun};
use crate::plan::StepKind;

const VERSION: u32 = 1;

/// Everything the report says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The manifest's name.
    pub manifest: String,
    /// Where it was applied, in words.
    pub target: String,
    pub began: Timestamp,
    pub ended: Timestamp,
    pub verdict: Verdict,
    pub totals: Totals,
    /// What bounds the cost, in words; None when it is not known.
    pub cost_bound: Option<String>,
    pub steps: Vec<StepRecord>,
    /// In the order they were seen to be completed.
    pub tasks: Vec<TaskRecord>,
    pub failures: Vec<TaskFailure>,
    pub warnings: Vec<String>,
    pub nodes: Vec<NodeSample>,
    /// The receipt after the run.
    pub outputs: Vec<Output>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Complete,
    /// All tasks are completed, some failed.
    Failures,
    /// Something ended the run before its tasks did.
    CutShort(String),
    /// A step could not be carried out.
    Error(String),
    Interrupted,
}

/// The numbers of the summary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub up_to_date: usize,
    /// Tasks that never ran because one they depend on failed.
    pub blocked: usize,
    pub files_up: usize,
    pub bytes_up: u64,
    pub files_down: usize,
    pub bytes_down: u64,
}

/// A step that began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    pub step: StepKind,
    pub began: Timestamp,
    /// None: the run ended in it.
    pub ended: Option<Timestamp>,
    pub items: u64,
    pub bytes: u64,
}

/// A task that was completed while this run watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    pub id: String,
    pub success: bool,
    pub exit_code: Option<i32>,
    pub run: TaskRun,
}

/// Nodes by state from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSample {
    pub at: Timestamp,
    pub states: Vec<(String, u64)>,
}

/// A file that a task produced and that is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub task: String,
    /// Relative to the download folder.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// Why a record cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("no run is recorded in {}", .0.display())]
    None(PathBuf),
    #[error("cannot read the record {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not the record of a run", .path.display())]
    Corrupt {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the record {} has version {found}, this batchflow reads version {VERSION}", .path.display())]
    Version { path: PathBuf, found: u32 },
    #[error("cannot write {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Record {
    /// A run of which nothing but its beginning is known.
    pub fn new(manifest: &str, target: &str, began: Timestamp) -> Self {
        Self {
            version: VERSION,
            manifest: manifest.to_owned(),
            target: target.to_owned(),
            began,
            ended: began,
            verdict: Verdict::Complete,
            totals: Totals::default(),
            cost_bound: None,
            steps: Vec::new(),
            tasks: Vec::new(),
            failures: Vec::new(),
            warnings: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// # Errors
    /// When there is none, or none of this version.
    pub fn load(path: &Path) -> Result<Self, RecordError> {
        let path = path.to_owned();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(RecordError::None(path)),
            Err(source) => return Err(RecordError::Read { path, source }),
        };
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        match serde_json::from_slice::<Head>(&text) {
            Ok(Head { version: VERSION }) => {}
            Ok(Head { version: found }) => return Err(RecordError::Version { path, found }),
            Err(source) => return Err(RecordError::Corrupt { path, source }),
        }
        serde_json::from_slice(&text).map_err(|source| RecordError::Corrupt { path, source })
    }

    /// Keeps it in a file.
    pub fn save(&self, path: &Path) -> Result<(), RecordError> {
        let text = serde_json::to_vec(self).map_err(|source| RecordError::Write {
            path: path.to_owned(),
            source: source.into(),
        })?;
        write(path, &text)
    }
}

/// Writes a report, or replaces it.
pub fn write(path: &Path, text: &[u8]) -> Result<(), RecordError> {
    replace(path, text).map_err(|source| RecordError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes under a temporary name and renames, so that a reader never sees half a file.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, text)?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.json");
        assert!(matches!(Record::load(&path), Err(RecordError::None(_))));
        let mut record = Record::new("m", "here", "2026-01-31T12:00:00Z".parse().unwrap());
        record.verdict = Verdict::CutShort("the job's end".into());
        record.tasks.push(TaskRecord {
            id: "t".into(),
            success: true,
            exit_code: Some(0),
            run: TaskRun {
                started: Some(record.began),
                ..TaskRun::default()
            },
        });
        record.save(&path).unwrap();
        assert_eq!(Record::load(&path).unwrap(), record);

        fs::write(&path, r#"{"version":9}"#).unwrap();
        let error = Record::load(&path).unwrap_err();
        assert!(matches!(error, RecordError::Version { found: 9, .. }));
        for text in ["", "{}", r#"{"version":1}"#] {
            fs::write(&path, text).unwrap();
            let error = Record::load(&path).unwrap_err();
            assert!(matches!(error, RecordError::Corrupt { .. }), "{text:?}");
        }
    }
}
