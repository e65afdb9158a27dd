//! Tasks.

use serde::{Deserialize, Serialize};

use super::command::{
    ApplicationPackageReference, EnvironmentSetting, ExecutionResult, OutputFile, ResourceFile,
    TaskContainerExecutionInfo, TaskContainerSettings, TaskFailureInfo, UserIdentity,
};
use super::error_body::ErrorBody;
use super::node::NodeInfo;
use crate::wire::enumeration::option_enum;
use crate::wire::enumeration::state_enum;
use crate::wire::lenient;
use crate::wire::time::{Duration, Time};

/// A task as the service reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub url: String,
    /// Unquoted: `0x` and the ticks of `lastModified` in upper-case hex.
    #[serde(rename = "eTag")]
    pub etag: String,
    pub last_modified: Time,
    pub creation_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_conditions: Option<Box<ExitConditions>>,
    pub state: TaskState,
    pub state_transition_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<TaskState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state_transition_time: Option<Time>,
    pub command_line: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_settings: Option<Box<TaskContainerSettings>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub resource_files: Vec<ResourceFile>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub output_files: Vec<OutputFile>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub environment_settings: Vec<EnvironmentSetting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_info: Option<Box<AffinityInfo>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<TaskConstraints>,
    /// Default 1.
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub required_slots: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_identity: Option<Box<UserIdentity>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_info: Option<TaskExecutionInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_info: Option<NodeInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_instance_settings: Option<Box<MultiInstanceSettings>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Box<TaskStatistics>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Box<TaskDependencies>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub application_package_references: Vec<ApplicationPackageReference>,
}

/// A task as it is added.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCreate {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_conditions: Option<Box<ExitConditions>>,
    pub command_line: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_settings: Option<Box<TaskContainerSettings>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub resource_files: Vec<ResourceFile>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub output_files: Vec<OutputFile>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub environment_settings: Vec<EnvironmentSetting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_info: Option<Box<AffinityInfo>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<TaskConstraints>,
    /// Default 1.
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub required_slots: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_identity: Option<Box<UserIdentity>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_instance_settings: Option<Box<MultiInstanceSettings>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Box<TaskDependencies>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub application_package_references: Vec<ApplicationPackageReference>,
}

/// The body of `POST /jobs/{jobId}/addtaskcollection`: at most 100 tasks and 1 MiB.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCollection {
    #[serde(default, deserialize_with = "lenient::list")]
    pub value: Vec<TaskCreate>,
}

/// One result for each task, in no promised order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCollectionResult {
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub value: Vec<TaskAddResult>,
}

/// What became of one task of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskAddResult {
    pub status: TaskAddStatus,
    pub task_id: String,
    /// Unquoted: `0x` and the ticks of `lastModified` in upper-case hex.
    #[serde(rename = "eTag", default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Limits of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskConstraints {
    /// None or [`Duration::INFINITE`]: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wall_clock_time: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_time: Option<Duration>,
    /// 0: run once; -1: retry without limit.
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_task_retry_count: Option<i32>,
}

/// How a task ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskExecutionInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_info: Option<TaskContainerExecutionInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_info: Option<TaskFailureInfo>,
    #[serde(deserialize_with = "lenient::int")]
    pub retry_count: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_retry_time: Option<Time>,
    #[serde(deserialize_with = "lenient::int")]
    pub requeue_count: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_requeue_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ExecutionResult>,
}

/// Tasks and slots of a job by state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCountsResult {
    pub task_counts: TaskCounts,
    pub task_slot_counts: TaskSlotCounts,
}

/// Tasks of a job by state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCounts {
    #[serde(deserialize_with = "lenient::int")]
    pub active: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub running: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub completed: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub succeeded: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub failed: i32,
}

/// Task slots of a job by state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSlotCounts {
    #[serde(deserialize_with = "lenient::int")]
    pub active: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub running: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub completed: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub succeeded: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub failed: i32,
}

/// What must be done before a task runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDependencies {
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub task_ids: Vec<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub task_id_ranges: Vec<TaskIdRange>,
}

/// A range of integer task ids, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskIdRange {
    #[serde(deserialize_with = "lenient::int")]
    pub start: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub end: i32,
}

/// What follows from how a task ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitConditions {
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub exit_codes: Vec<ExitCodeMapping>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub exit_code_ranges: Vec<ExitCodeRangeMapping>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_processing_error: Option<ExitOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_upload_error: Option<ExitOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<ExitOptions>,
}

/// What follows from one way of ending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_action: Option<JobAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency_action: Option<DependencyAction>,
}

/// What follows from one exit code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitCodeMapping {
    #[serde(deserialize_with = "lenient::int")]
    pub code: i32,
    pub exit_options: ExitOptions,
}

/// What follows from a range of exit codes, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitCodeRangeMapping {
    #[serde(deserialize_with = "lenient::int")]
    pub start: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub end: i32,
    pub exit_options: ExitOptions,
}

/// A task that runs on several nodes at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultiInstanceSettings {
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub number_of_instances: Option<i32>,
    pub coordination_command_line: String,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub common_resource_files: Vec<ResourceFile>,
}

/// Where a task would like to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AffinityInfo {
    pub affinity_id: String,
}

/// Statistics of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatistics {
    pub url: String,
    pub start_time: Time,
    pub last_update_time: Time,
    #[serde(rename = "userCPUTime")]
    pub user_cpu_time: Duration,
    #[serde(rename = "kernelCPUTime")]
    pub kernel_cpu_time: Duration,
    pub wall_clock_time: Duration,
    #[serde(rename = "readIOps", with = "lenient::int64")]
    pub read_iops: i64,
    #[serde(rename = "writeIOps", with = "lenient::int64")]
    pub write_iops: i64,
    #[serde(rename = "readIOGiB")]
    pub read_i_o_gib: f64,
    #[serde(rename = "writeIOGiB")]
    pub write_i_o_gib: f64,
    pub wait_time: Duration,
}

/// One part of a multi-instance task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subtask {
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub id: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_info: Option<NodeInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_info: Option<TaskContainerExecutionInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_info: Option<TaskFailureInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SubtaskState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_transition_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<SubtaskState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state_transition_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ExecutionResult>,
}

state_enum! {
    /// The state of a task.
    pub enum TaskState {
        Active = "active",
        Preparing = "preparing",
        Running = "running",
        Completed = "completed",
    }
}

state_enum! {
    /// State of a subtask.
    pub enum SubtaskState {
        Preparing = "preparing",
        Running = "running",
        Completed = "completed",
    }
}

state_enum! {
    /// Whether one task of a collection was added.
    pub enum TaskAddStatus {
        Success = "Success",
        ClientError = "ClientError",
        ServerError = "ServerError",
    }
}

option_enum! {
    /// What a way of ending does to the job.
    pub enum JobAction {
        None = "none",
        Disable = "disable",
        Terminate = "terminate",
    }
}

option_enum! {
    /// What a way of ending does to dependent tasks.
    pub enum DependencyAction {
        Satisfy = "satisfy",
        Block = "block",
    }
}
