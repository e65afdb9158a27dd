//! The complete intended state: exact request bodies, every derived name, a digest per task. Nothing is left to
//! choose but the SAS URLs of the moment, which `apply` hands in through [`Access`]. Pure.

mod access;
mod body;
mod command;
mod compile;
mod dependencies;
mod digest;
mod gather;
mod identity;
mod items;
mod job;
mod job_tasks;
mod logs;
mod many_inputs;
mod parts;
mod pool;
mod problems;
mod render;
mod scaling;
mod schedule;
mod sources;
mod surroundings;
mod tasks;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::ids::{BlobName, ContainerName, JobId, PoolId, TaskId};
use crate::wire::batch::command::OutputFileUploadCondition;
use crate::wire::batch::job::JobCreate;
use crate::wire::batch::job_schedule::Schedule;
use crate::wire::batch::pool::{PoolCreate, PoolLifetimeOption};
use crate::wire::batch::task::TaskCreate;

pub use access::OwnSignature;
pub use body::Urls;
pub use compile::{compile, compile_footprint};
pub use dependencies::task_dependencies;
pub use digest::{NotAPart, Part};
pub use job_tasks::JobFiles;
pub use logs::Logs;
pub use scaling::{CALL_MINUTES, EVALUATION_MINUTES, IDLE_MINUTES, Size};
pub use sources::{lists, sources};

pub use crate::manifest::Prices;

use compile::{marks, wire_duration};

/// Metadata key on pools, jobs and containers: the manifest that made them.
pub const OWNER_KEY: &str = "batchflow_manifest";
/// Metadata key on pools, jobs and output blobs: a digest of what was asked for.
pub const DIGEST_KEY: &str = "batchflow_digest";
/// Metadata key on output blobs: the task that wrote them.
pub const TASK_KEY: &str = "batchflow_task";
/// Environment setting of each task: its digest.
pub const DIGEST_SETTING: &str = "BATCHFLOW_DIGEST";
/// Environment setting of each task: until when it may read and write storage.
pub const ACCESS_SETTING: &str = "BATCHFLOW_ACCESS_ENDS";

/// Everything a manifest asks for.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The manifest's name: the value of [`OWNER_KEY`].
    pub name: String,
    pub containers: Vec<Container>,
    /// In order of container and blob name.
    pub uploads: Vec<Upload>,
    pub pool: Pool,
    pub job: Job,
    /// In the order they are added.
    pub tasks: Vec<Task>,
    pub download: Option<Download>,
    /// Some: each task leaves its logs in a container.
    pub logs: Option<Logs>,
    pub cleanup: Cleanup,
    /// What a node costs, where the manifest says so.
    pub prices: Option<Prices>,
}

/// A blob container.
#[derive(Debug, Clone)]
pub struct Container {
    pub name: ContainerName,
    /// Including the mark of ownership.
    pub metadata: BTreeMap<String, String>,
    /// Nothing but logs go into it: what it holds decides nothing.
    pub is_for_logs: bool,
}

/// A file that is to be a blob.
#[derive(Debug, Clone)]
pub struct Upload {
    pub container: ContainerName,
    pub blob: BlobName,
    pub path: PathBuf,
    /// Bytes.
    pub length: u64,
    pub md5: [u8; 16],
}

/// The pool.
#[derive(Debug, Clone)]
pub struct Pool {
    pub id: PoolId,
    /// Everything but the start task's resource files and, when it is to be looked up, the node agent SKU.
    pub template: PoolCreate,
    /// Some: nodes without work go, and this many come when there is some. None: a formula of the manifest's sizes the
    /// pool, or its nodes stay until it is deleted, which the service does with an auto pool when its job is over.
    pub while_needed: Option<Size>,
    pub start_task_inputs: Vec<Input>,
    /// None: looked up among the images that the account supports.
    pub node_agent_sku: Option<String>,
    /// Some: the service makes it with the job, and deletes it when that is over.
    pub auto: Option<PoolLifetimeOption>,
    /// Over everything the manifest says about the pool.
    pub digest: String,
}

/// The job.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: JobId,
    /// Everything but the files of its preparation, release and manager task. With `onAllTasksComplete` none: `apply`
    /// patches it once all tasks are in.
    pub template: JobCreate,
    pub files: JobFiles,
    /// Some: the service makes jobs like this one by it.
    pub schedule: Option<Schedule>,
    /// Whether the job ends when all its tasks are completed.
    pub ends_with_tasks: bool,
    /// Over everything the manifest says about the job.
    pub digest: String,
}

/// What decides the outputs of a task, kind by kind, so that a change can be told by its kind: each the start of a
/// digest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestParts {
    /// Image, node agent, start task and what it reads.
    pub node: Part,
    pub command: Part,
    pub environment: Part,
    pub inputs: Part,
    pub outputs: Part,
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    pub id: TaskId,
    /// Lower-case hex SHA-256 of everything that decides its outputs.
    pub digest: String,
    pub parts: DigestParts,
    /// Where the manifest asks for it.
    pub span: Range<usize>,
    /// Everything but resource and output files and [`DIGEST_SETTING`].
    pub template: TaskCreate,
    pub inputs: Vec<Input>,
    /// What every node of a multi-instance task needs.
    pub common_inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    /// How many files of its list became fewer because they are fetched by what their names begin with.
    pub fetched_by_prefix: usize,
    /// The tasks that must be done before it runs: indices of [`Desired::tasks`].
    pub after: Vec<Range<usize>>,
}

/// Files a node fetches before a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub source: InputSource,
    /// A file name for a blob or URL, a directory for a container.
    pub file_path: Option<String>,
    /// Octal.
    pub file_mode: Option<String>,
    /// The resource id of the managed identity that the node reads as. None: by a signed URL, or as the user's own says.
    pub identity: Option<String>,
}

/// Where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputSource {
    Container {
        container: ContainerName,
        prefix: Option<String>,
    },
    Blob {
        container: ContainerName,
        blob: BlobName,
    },
    /// Given by the user as it is.
    Url(String),
}

/// Files a node uploads after a command ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub pattern: String,
    pub container: ContainerName,
    /// A blob name, or a prefix when the pattern has a wildcard.
    pub path: Option<String>,
    pub condition: OutputFileUploadCondition,
    /// The resource id of the managed identity that the node writes as. None: by a signed URL.
    pub identity: Option<String>,
}

/// A right to something in storage, to be made into a SAS URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// Read and list.
    ReadContainer(&'a ContainerName),
    ReadBlob(&'a ContainerName, &'a BlobName),
    /// Create and write.
    WriteContainer(&'a ContainerName),
}

/// What is brought home.
#[derive(Debug, Clone)]
pub struct Download {
    pub container: ContainerName,
    /// The folder.
    pub to: PathBuf,
    /// Over blob names; None: all.
    pub pattern: Option<globset::GlobMatcher>,
}

/// When things are deleted.
#[derive(Debug, Clone, Copy)]
pub struct Cleanup {
    pub containers: When,
    pub job: When,
    pub pool: When,
}

/// A cleanup policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When every task succeeded and its outputs are here.
    OnSuccess,
    /// However the run ends.
    Always,
    Never,
}

impl Output {
    /// Whether the pattern can match several files.
    pub fn is_wild(&self) -> bool {
        self.pattern.contains(['*', '?', '['])
    }
}

impl Download {
    /// Whether a blob is to come home.
    pub fn includes(&self, blob: &str) -> bool {
        self.pattern.as_ref().is_none_or(|p| p.is_match(blob))
    }
}

impl Task {
    /// Names below the download folder of what this task writes, as far as they are known before it runs.
    pub fn known_files<'a>(&'a self, download: &'a Download) -> impl Iterator<Item = &'a str> {
        let here = |output: &&Output| {
            output.container == download.container && !output.pattern.contains(['*', '?', '['])
        };
        let paths = self.outputs.iter().filter(here);
        let paths = paths.filter_map(|output| output.path.as_deref());
        paths.filter(|path| download.includes(path))
    }
}

impl InputSource {
    /// Whether this reads the given blob.
    pub fn reads(&self, container: &ContainerName, blob: &BlobName) -> bool {
        match self {
            Self::Container {
                container: c,
                prefix,
            } => {
                c == container
                    && prefix
                        .as_deref()
                        .is_none_or(|p| blob.as_str().starts_with(p))
            }
            Self::Blob {
                container: c,
                blob: b,
            } => c == container && b == blob,
            Self::Url(_) => false,
        }
    }
}
