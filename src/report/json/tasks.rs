//! Tasks of a job and files of a task, as documents.

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::observed::LiveTask;
use crate::wire::batch::file::FileEntry;

/// The answer of `batchflow tasks --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskList {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["tasks"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// The id of the job.
    pub job: String,
    /// Those that were asked for, in order of id.
    pub tasks: Vec<LiveTaskInfo>,
}

/// A task in the job.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LiveTask")]
pub struct LiveTaskInfo {
    pub id: String,
    /// As the REST API has it: `active`, `preparing`, `running` or `completed`.
    pub state: &'static str,
    /// When it came into this state, UTC.
    pub since: Option<String>,
    /// Null: it is not completed.
    pub succeeded: Option<bool>,
    /// Of its last try.
    pub exit_code: Option<i32>,
    /// The node it runs or ran on.
    pub node: Option<String>,
    /// Of its last try, UTC.
    pub start_time: Option<String>,
    pub end_time: Option<String>,
    /// How often it was run again because it had failed.
    pub retries: Option<i32>,
    /// How often it was run again because its node was lost.
    pub requeues: Option<i32>,
    pub failure: Option<FailureInfo>,
}

/// The service's words for a failure.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailureInfo {
    /// Whose fault the service says it is: `UserError` or `ServerError`.
    pub category: &'static str,
    /// Such as `FailureExitCode`.
    pub code: Option<String>,
    pub message: Option<String>,
}

/// The answer of `batchflow files --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileList {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["files"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// The id of the job.
    pub job: String,
    /// The id of the task.
    pub task: String,
    pub files: Vec<File>,
}

/// A file or folder that a task has on its node.
#[derive(Debug, Serialize, JsonSchema)]
pub struct File {
    /// Below the task's directory, such as `wd/out.csv`.
    pub name: Option<String>,
    pub is_directory: bool,
    /// Bytes; null for a folder.
    pub length: Option<i64>,
    /// UTC; null for a folder.
    pub last_modified: Option<String>,
}

impl TaskList {
    pub fn new(job: &str, tasks: &[LiveTask]) -> Self {
        Self {
            kind: "tasks",
            version: VERSION,
            job: job.to_owned(),
            tasks: tasks.iter().map(LiveTaskInfo::new).collect(),
        }
    }
}

impl LiveTaskInfo {
    fn new(task: &LiveTask) -> Self {
        let info = task.execution_info.as_ref();
        let failure = info.and_then(|i| i.failure_info.as_ref());
        Self {
            id: task.id.clone(),
            state: task.state.as_str(),
            since: task.state_transition_time.map(|time| time.to_string()),
            succeeded: task.is_completed().then(|| task.succeeded()),
            exit_code: task.exit_code(),
            node: task.node_info.as_ref().and_then(|n| n.node_id.clone()),
            start_time: info.and_then(|i| i.start_time).map(|time| time.to_string()),
            end_time: info.and_then(|i| i.end_time).map(|time| time.to_string()),
            retries: info.map(|i| i.retry_count),
            requeues: info.map(|i| i.requeue_count),
            failure: failure.map(|failure| FailureInfo {
                category: failure.category.as_str(),
                code: failure.code.clone(),
                message: failure.message.clone(),
            }),
        }
    }
}

impl FileList {
    pub fn new(job: &str, task: &str, files: &[FileEntry]) -> Self {
        let one = |file: &FileEntry| {
            let is_directory = file.is_directory.unwrap_or(false);
            let properties = file.properties.as_ref().filter(|_| !is_directory);
            File {
                name: file.name.clone(),
                is_directory,
                length: properties.map(|p| p.content_length),
                last_modified: properties.map(|p| p.last_modified.to_string()),
            }
        };
        Self {
            kind: "files",
            version: VERSION,
            job: job.to_owned(),
            task: task.to_owned(),
            files: files.iter().map(one).collect(),
        }
    }
}
