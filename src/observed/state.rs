//! What exists, as data: enough for the plan to compare, no more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::receipt::Receipt;
use super::strays::Strays;
use crate::desired::{ACCESS_SETTING, DIGEST_SETTING, OWNER_KEY};
use crate::wire::batch::command::{EnvironmentSetting, ExecutionResult};
use crate::wire::batch::job::Job;
use crate::wire::batch::job_schedule::JobSchedule;
use crate::wire::batch::node::NodeInfo;
use crate::wire::batch::pool::Pool;
use crate::wire::batch::task::{Task, TaskExecutionInfo, TaskState};
use crate::wire::time::Time;

/// Everything observed for one manifest.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The manifest's containers that exist, by name.
    pub containers: BTreeMap<String, LiveContainer>,
    pub pool: Option<Pool>,
    pub job: Option<Job>,
    /// What is ours and not in the manifest any more.
    pub strays: Strays,
    /// Looked at when the manifest has one.
    pub schedule: Option<JobSchedule>,
    /// Tasks of the job, by lower-cased id.
    pub tasks: BTreeMap<String, LiveTask>,
    /// What earlier runs brought home.
    pub receipt: Receipt,
    /// The state of the receipt's files on this disk, by path relative to the download folder.
    pub outputs: BTreeMap<String, LocalOutput>,
    /// Files in the download folder that a task is about to write and that no earlier run has noted: somebody else's.
    /// Relative to the folder; only outputs whose names are known before their tasks run.
    pub foreign: BTreeSet<String>,
    /// Other jobs that use the pool.
    pub pool_users: Vec<String>,
    /// The node agent for the pool's image, when the manifest leaves it to be looked up.
    pub node_agent_sku: Option<String>,
    /// When Batch stops to support the pool's image, as far as the account says so.
    pub image_support_ends: Option<Time>,
    /// The account says that nobody tried the pool's image with its node agent.
    pub image_is_unverified: bool,
}

impl Observed {
    /// Nothing exists anywhere.
    pub fn nothing(receipt: Receipt) -> Self {
        Self {
            containers: BTreeMap::new(),
            pool: None,
            job: None,
            strays: Strays::default(),
            schedule: None,
            tasks: BTreeMap::new(),
            receipt,
            outputs: BTreeMap::new(),
            foreign: BTreeSet::new(),
            pool_users: Vec::new(),
            node_agent_sku: None,
            image_support_ends: None,
            image_is_unverified: false,
        }
    }
}

/// A container and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveContainer {
    /// The manifest that made it, if one did.
    pub owner: Option<String>,
    pub blobs: BTreeMap<String, LiveBlob>,
}

/// A blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBlob {
    /// Bytes.
    pub length: u64,
    /// As the service keeps it; not every blob has one.
    pub md5: Option<[u8; 16]>,
    /// The digest of the task that wrote it.
    pub digest: Option<String>,
}

/// A file of the receipt on this disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalOutput {
    /// Length and SHA-256 are those of the receipt.
    Intact,
    Missing,
    Edited,
}

/// What is asked for of a task: the fields of `$select`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveTask {
    pub id: String,
    pub state: TaskState,
    #[serde(default)]
    pub creation_time: Option<Time>,
    #[serde(default)]
    pub state_transition_time: Option<Time>,
    #[serde(default)]
    pub execution_info: Option<TaskExecutionInfo>,
    #[serde(default)]
    pub node_info: Option<NodeInfo>,
    #[serde(default)]
    pub environment_settings: Vec<EnvironmentSetting>,
}

impl LiveTask {
    /// The `$select` that fills this type.
    pub const SELECT: &str = "id,state,executionInfo,nodeInfo,environmentSettings";

    /// As much of a whole task, without its environment.
    pub fn of(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            state: task.state,
            creation_time: Some(task.creation_time),
            state_transition_time: Some(task.state_transition_time),
            execution_info: task.execution_info.clone(),
            node_info: task.node_info.clone(),
            environment_settings: Vec::new(),
        }
    }

    /// The digest it was added with.
    pub fn digest(&self) -> Option<&str> {
        self.environment_settings
            .iter()
            .find(|s| s.name == DIGEST_SETTING)
            .and_then(|s| s.value.as_deref())
    }

    /// Until when it may read and write storage, as far as it says so.
    pub fn access_ends(&self) -> Option<Time> {
        let mut settings = self.environment_settings.iter();
        let setting = settings.find(|s| s.name == ACCESS_SETTING);
        setting.and_then(|s| s.value.as_deref()?.parse().ok())
    }

    pub fn is_completed(&self) -> bool {
        self.state == TaskState::Completed
    }

    /// Completed with success: exit code 0 and no failure before or after.
    pub fn succeeded(&self) -> bool {
        self.is_completed()
            && self.execution_info.as_ref().is_some_and(|e| {
                e.failure_info.is_none()
                    && match e.result {
                        Some(result) => result == ExecutionResult::Success,
                        None => e.exit_code == Some(0),
                    }
            })
    }

    pub fn exit_code(&self) -> Option<i32> {
        self.execution_info.as_ref().and_then(|e| e.exit_code)
    }
}

/// The owner that metadata names.
pub fn owner(metadata: &[crate::wire::batch::command::MetadataItem]) -> Option<&str> {
    metadata
        .iter()
        .find(|m| m.name == OWNER_KEY)
        .map(|m| m.value.as_str())
}
