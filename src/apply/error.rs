//! How an apply fails: a variant for each thing that can go wrong, with its subject.

use std::io;
use std::path::PathBuf;

use crate::client::{ClientError, Refused};
use crate::observed::ReceiptError;
use crate::plan::StepKind;
use crate::wire::batch::quota;

/// Why an apply stopped.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("step {} ({}) failed", .step.number(), .step.title())]
    Client { step: StepKind, source: ClientError },
    #[error("the service refused {} of the tasks; the first is `{}`: {}", .0.len(), .0[0].id, .0[0].refused)]
    TasksRefused(Vec<RefusedTask>),
    #[error("the start task of pool `{pool}` failed on every node{}", start_task_end(.node.as_deref(), *.exit_code))]
    StartTask {
        pool: String,
        node: Option<String>,
        exit_code: Option<i32>,
        /// The end of what it wrote to stderr on one node.
        stderr_tail: Option<String>,
    },
    #[error("the preparation task of job `{job}` failed on every node{}", start_task_end(Some(node), *.exit_code))]
    Preparation {
        job: String,
        node: String,
        exit_code: Option<i32>,
        /// The end of what it wrote to stderr on that node.
        stderr_tail: Option<String>,
    },
    #[error("pool `{pool}` has no usable node: {code}: {message}")]
    Allocation {
        pool: String,
        code: String,
        message: String,
    },
    #[error("waited {} seconds until {what}", .waited.as_secs())]
    TookTooLong {
        what: String,
        waited: std::time::Duration,
    },
    #[error("the {kind} `{id}` appeared while we were about to make it, and it is not ours")]
    AppearedForeign { kind: &'static str, id: String },
    #[error("the job `{0}` disappeared while its tasks were running")]
    JobGone(String),
    #[error("the file {} changed while it was uploaded", .0.display())]
    FileChanged(PathBuf),
    #[error("the blob `{blob}` would be written outside the download folder")]
    EscapesFolder { blob: String },
    #[error("{} exists and was not written by batchflow", .0.display())]
    ForeignFile(PathBuf),
    #[error("the folder {} is a link, and may lead out of the download folder", .0.display())]
    LinkedFolder(PathBuf),
    #[error("cannot use the folder {}", .path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("the receipt could not be kept")]
    Receipt(#[source] ReceiptError),
    #[error("interrupted")]
    Interrupted,
}

/// A task the service did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedTask {
    pub id: String,
    pub refused: Refused,
}

fn start_task_end(node: Option<&str>, exit_code: Option<i32>) -> String {
    match (node, exit_code) {
        (Some(node), Some(code)) => format!(", with exit code {code} on {node}"),
        (Some(node), None) => format!(", before it could run on {node}"),
        (None, _) => String::new(),
    }
}

impl ApplyError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Client { source, .. } => source.hint().map(|h| h.to_string()),
            Self::StartTask { .. } => Some(
                "correct [pool.start_task] and apply again; the pool is made anew then".to_owned(),
            ),
            Self::Preparation { .. } => Some(
                "correct [job.job_preparation_task] and apply again; the job is made anew then"
                    .to_owned(),
            ),
            Self::Allocation { code, .. } => Some(
                quota::advice(code)
                    .unwrap_or("ask for fewer nodes or another vm_size")
                    .to_owned(),
            ),
            Self::TookTooLong { .. } | Self::JobGone(_) | Self::AppearedForeign { .. } => {
                Some("apply again: it goes on from what exists".to_owned())
            }
            Self::FileChanged(_) => {
                Some("apply again when nothing writes to the input files".to_owned())
            }
            Self::EscapesFolder { .. } => Some("choose another `path` for the output".to_owned()),
            Self::ForeignFile(_) => {
                Some("move it away or choose another download folder, then apply again".to_owned())
            }
            Self::LinkedFolder(_) => Some(
                "put a folder in its place, or let `download.to` name where it leads".to_owned(),
            ),
            Self::Folder { .. } => Some("check the permissions of the download folder".to_owned()),
            Self::Receipt(source) => Some(source.help().to_owned()),
            Self::TasksRefused(_) | Self::Interrupted => None,
        }
    }

    pub(super) fn at(step: StepKind) -> impl Fn(ClientError) -> Self {
        move |source| Self::Client { step, source }
    }
}
