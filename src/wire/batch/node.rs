//! Compute nodes.

use serde::{Deserialize, Serialize};

use super::command::{
    ExecutionResult, NameValuePair, NodeIdentityReference, StartTask, TaskContainerExecutionInfo,
    TaskFailureInfo,
};
use super::machine::VirtualMachineInfo;
use super::network::InboundEndpointProtocol;
use super::pool::NodeDeallocationOption;
use super::task::{TaskExecutionInfo, TaskState};
use crate::wire::enumeration::option_enum;
use crate::wire::enumeration::state_enum;
use crate::wire::lenient;
use crate::wire::secret::Secret;
use crate::wire::time::{Duration, Time};

/// A compute node as the service reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    pub id: String,
    pub url: String,
    pub state: NodeState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_state: Option<SchedulingState>,
    pub state_transition_time: Time,
    pub last_boot_time: Time,
    pub allocation_time: Time,
    pub ip_address: String,
    pub ipv6_address: String,
    pub affinity_id: String,
    pub vm_size: String,
    #[serde(deserialize_with = "lenient::int")]
    pub total_tasks_run: i32,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub running_tasks_count: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub running_task_slots_count: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_tasks_succeeded: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub recent_tasks: Vec<TaskInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task: Option<Box<StartTask>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task_info: Option<StartTaskInfo>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub errors: Vec<NodeError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_dedicated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_configuration: Option<NodeEndpointConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_agent_info: Option<NodeAgentInfo>,
    pub virtual_machine_info: VirtualMachineInfo,
}

/// How the start task of a node went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartTaskInfo {
    pub state: StartTaskState,
    pub start_time: Time,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ExecutionResult>,
}

/// A recent task of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub subtask_id: Option<i32>,
    pub task_state: TaskState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_info: Option<TaskExecutionInfo>,
}

/// Where a task runs or ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_root_directory: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_root_directory_url: Option<String>,
}

/// A fault of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeError {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub error_details: Vec<NameValuePair>,
}

/// The agent on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeAgentInfo {
    pub version: String,
    pub last_update_time: Time,
}

/// Ports of a node seen from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeEndpointConfiguration {
    #[serde(default, deserialize_with = "lenient::list")]
    pub inbound_endpoints: Vec<InboundEndpoint>,
}

/// One port of a node seen from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundEndpoint {
    pub name: String,
    pub protocol: InboundEndpointProtocol,
    #[serde(rename = "publicIPAddress")]
    pub public_ip_address: String,
    #[serde(rename = "publicFQDN")]
    pub public_fqdn: String,
    #[serde(deserialize_with = "lenient::int")]
    pub frontend_port: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub backend_port: i32,
}

/// The body of `…/reboot`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReboot {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_reboot_option: Option<NodeRebootOption>,
}

/// The body of `…/reimage`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReimage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_reimage_option: Option<NodeReimageOption>,
}

/// The body of `…/deallocate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDeallocate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_deallocate_option: Option<NodeDeallocateOption>,
}

/// The body of `…/removenodes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRemove {
    #[serde(default, deserialize_with = "lenient::list")]
    pub node_list: Vec<String>,
    /// At least 5 minutes; 15 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_deallocation_option: Option<NodeDeallocationOption>,
}

/// The body of `…/disablescheduling`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDisableScheduling {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_disable_scheduling_option: Option<NodeDisableSchedulingOption>,
}

/// The body of `POST …/users`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeUserCreate {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_admin: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_public_key: Option<String>,
}

/// The body of `PUT …/users/{userName}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeUserReplace {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_public_key: Option<String>,
}

/// Where to log in to a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRemoteLoginSettings {
    #[serde(
        rename = "ipv6RemoteLoginIPAddress",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub ipv6_remote_login_ip_address: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub ipv6_remote_login_port: Option<i32>,
    #[serde(rename = "remoteLoginIPAddress")]
    pub remote_login_ip_address: String,
    #[serde(deserialize_with = "lenient::int")]
    pub remote_login_port: i32,
}

/// The body of `…/uploadbatchservicelogs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadBatchServiceLogs {
    pub container_url: String,
    pub start_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<NodeIdentityReference>,
}

/// What was uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadBatchServiceLogsResult {
    pub virtual_directory_name: String,
    #[serde(deserialize_with = "lenient::int")]
    pub number_of_files_uploaded: i32,
}

state_enum! {
    /// The state of a compute node.
    pub enum NodeState {
        Idle = "idle",
        Rebooting = "rebooting",
        Reimaging = "reimaging",
        Running = "running",
        Unusable = "unusable",
        Creating = "creating",
        Starting = "starting",
        WaitingForStartTask = "waitingforstarttask",
        StartTaskFailed = "starttaskfailed",
        Unknown = "unknown",
        LeavingPool = "leavingpool",
        Offline = "offline",
        Preempted = "preempted",
        UpgradingOs = "upgradingos",
        Deallocated = "deallocated",
        Deallocating = "deallocating",
    }
}

state_enum! {
    /// Whether a node takes new tasks.
    pub enum SchedulingState {
        Enabled = "enabled",
        Disabled = "disabled",
    }
}

state_enum! {
    /// The state of a start task.
    pub enum StartTaskState {
        Running = "running",
        Completed = "completed",
    }
}

option_enum! {
    /// What happens to tasks when a node reboots.
    pub enum NodeRebootOption {
        Requeue = "requeue",
        Terminate = "terminate",
        TaskCompletion = "taskcompletion",
        RetainedData = "retaineddata",
    }
}

option_enum! {
    /// What happens to tasks when a node is reimaged.
    pub enum NodeReimageOption {
        Requeue = "requeue",
        Terminate = "terminate",
        TaskCompletion = "taskcompletion",
        RetainedData = "retaineddata",
    }
}

option_enum! {
    /// What happens to tasks when a node is deallocated.
    pub enum NodeDeallocateOption {
        Requeue = "requeue",
        Terminate = "terminate",
        TaskCompletion = "taskcompletion",
        RetainedData = "retaineddata",
    }
}

option_enum! {
    /// What happens to tasks when a node stops taking new ones.
    pub enum NodeDisableSchedulingOption {
        Requeue = "requeue",
        Terminate = "terminate",
        TaskCompletion = "taskcompletion",
    }
}
