//! What the core asks the world to do, and what nodes report back. Values only: the driver performs the
//! effects, tests compare them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::wire::batch::command::{EnvironmentSetting, OutputFile, ResourceFile, TaskFailureInfo};
use crate::wire::secret::Secret;
use crate::wire::time::Time;

/// One execution of one command line on one node. A number is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::service) struct RunId(pub(in crate::service) u64);

/// A node of a pool, by the ids as they were created.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::service) struct NodeRef {
    pub(in crate::service) pool: String,
    pub(in crate::service) node: String,
}

/// What a command line runs as; decides its directory and its environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::service) enum Role {
    StartTask,
    Task { job: String, task: String },
}

/// Everything a node needs to run a command line.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Launch {
    pub(in crate::service) run: RunId,
    pub(in crate::service) node: NodeRef,
    pub(in crate::service) role: Role,
    /// The id of the job's preparation task, whose directory the others may look into.
    pub(in crate::service) preparation: Option<String>,
    /// Whether the node is dedicated, which tasks can ask for.
    pub(in crate::service) dedicated: bool,
    pub(in crate::service) command_line: String,
    /// In order; a later setting of the same name wins.
    pub(in crate::service) environment: Vec<EnvironmentSetting>,
    pub(in crate::service) resource_files: Vec<ResourceFile>,
    pub(in crate::service) output_files: Vec<OutputFile>,
    /// Set for each run of a multi-instance task.
    pub(in crate::service) instance: Option<Box<Instance>>,
}

/// A multi-instance task on one of its nodes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Instance {
    /// 0 is the primary; the others are subtasks and run nothing but the coordination command.
    pub(in crate::service) id: u16,
    pub(in crate::service) coordination_command_line: String,
    pub(in crate::service) common_resource_files: Vec<ResourceFile>,
    /// Of the nodes, the primary's first.
    pub(in crate::service) addresses: Vec<Ipv4Addr>,
}

/// Why a run is stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum StopReason {
    /// Its `maxWallClockTime` passed: output files for a failure are still uploaded.
    WallClock,
    /// Somebody terminated it: as above.
    Terminated,
    /// The node goes or the run is requeued: nothing more is uploaded and nothing reported.
    Abandoned,
}

/// Something to be done outside the core.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum Effect {
    /// Make the node's directory tree; answered by [`Report::NodePrepared`].
    PrepareNode(NodeRef),
    /// Stage the files and run the command; answered by [`Report::RunStarted`] and [`Report::RunEnded`].
    Launch(Box<Launch>),
    /// The coordination command succeeded on every node: the primary may run its command line.
    Proceed(RunId),
    /// Kill the run's whole process group.
    Stop { run: RunId, reason: StopReason },
    /// Abandon whatever runs on the node and delete its tree.
    RemoveNode(NodeRef),
    /// Put what there is to read about a node into a container.
    UploadLogs(Box<LogUpload>),
    /// Delete the directory of a task that is no more.
    DeleteTaskDirectory {
        node: NodeRef,
        job: String,
        task: String,
    },
    /// Delete a file of blob content that nothing refers to any longer.
    DeleteExtent(ExtentId),
}

impl Effect {
    /// Whether it may come before the records: a restart kills every run and places its task anew.
    pub(in crate::service) fn is_undone_by_restart(&self) -> bool {
        matches!(self, Self::Launch(_))
    }
}

/// Logs of a node on their way into a container.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct LogUpload {
    pub(in crate::service) node: NodeRef,
    /// With its signature.
    pub(in crate::service) container_url: Secret,
    /// What the names of the blobs begin with.
    pub(in crate::service) folder: String,
    /// What the service knows of the node.
    pub(in crate::service) report: String,
    pub(in crate::service) has_start_task: bool,
}

impl LogUpload {
    /// Files of the node that are sent, by their path below its root; the first is the report.
    pub(in crate::service) fn files(&self) -> &'static [&'static str] {
        const FILES: [&str; 3] = ["node.json", "startup/stdout.txt", "startup/stderr.txt"];
        if self.has_start_task {
            &FILES
        } else {
            &FILES[..1]
        }
    }
}

/// A file of blob content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::service) struct ExtentId(pub(in crate::service) String);

/// What a node tells the core.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum Report {
    NodePrepared {
        node: NodeRef,
        /// Why the directories could not be made; the node is then unusable.
        error: Option<String>,
    },
    /// The files are staged and the process exists.
    RunStarted { run: RunId, at: Time },
    /// The coordination command of a multi-instance task succeeded. What it left in the background goes on until
    /// the run is stopped.
    RunCoordinated { run: RunId, at: Time },
    /// The run is over and its output files have been dealt with.
    RunEnded { run: RunId, end: RunEnd },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct RunEnd {
    pub(in crate::service) at: Time,
    /// None when no process was started. A process killed by signal n has 128 + n.
    pub(in crate::service) exit_code: Option<i32>,
    /// Set when staging, launching or uploading failed; not for a mere non-zero exit.
    pub(in crate::service) failure: Option<Failure>,
}

/// A failure besides the exit code.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Failure {
    pub(in crate::service) stage: FailureStage,
    pub(in crate::service) info: TaskFailureInfo,
}

/// When it failed; exit conditions tell these apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum FailureStage {
    PreProcessing,
    FileUpload,
}
