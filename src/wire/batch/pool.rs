//! Pools: bodies, states and what they are made of.

use serde::{Deserialize, Serialize};

use super::command::{
    ApplicationPackageReference, MetadataItem, NameValuePair, StartTask, UserAccount,
};
use super::machine::{UpgradePolicy, VirtualMachineConfiguration};
use super::network::{MountConfiguration, NetworkConfiguration};
use super::pool_usage::{PoolIdentity, PoolStatistics};
use crate::wire::enumeration::option_enum;
use crate::wire::enumeration::state_enum;
use crate::wire::lenient;
use crate::wire::time::{Duration, Time};

/// A pool as the service reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub url: String,
    /// Unquoted: `0x` and the ticks of `lastModified` in upper-case hex.
    #[serde(rename = "eTag")]
    pub etag: String,
    pub last_modified: Time,
    pub creation_time: Time,
    pub state: PoolState,
    pub state_transition_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_state: Option<AllocationState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_state_transition_time: Option<Time>,
    pub vm_size: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine_configuration: Option<Box<VirtualMachineConfiguration>>,
    /// At least 5 minutes; 15 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_timeout: Option<Duration>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub resize_errors: Vec<ResizeError>,
    #[serde(deserialize_with = "lenient::int")]
    pub current_dedicated_nodes: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub current_low_priority_nodes: i32,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_dedicated_nodes: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_low_priority_nodes: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_auto_scale: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_formula: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_evaluation_interval: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_run: Option<Box<AutoScaleRun>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_node_communication: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<Box<NetworkConfiguration>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task: Option<Box<StartTask>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub application_package_references: Vec<ApplicationPackageReference>,
    /// 1 to min(4 × cores, 256).
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub task_slots_per_node: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_scheduling_policy: Option<TaskSchedulingPolicy>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub user_accounts: Vec<UserAccount>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub metadata: Vec<MetadataItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Box<PoolStatistics>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub mount_configuration: Vec<MountConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Box<PoolIdentity>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_policy: Option<Box<UpgradePolicy>>,
}

/// The body of `POST /pools`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolCreate {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub vm_size: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine_configuration: Option<Box<VirtualMachineConfiguration>>,
    /// At least 5 minutes; 15 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_timeout: Option<Duration>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_dedicated_nodes: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_low_priority_nodes: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_auto_scale: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_formula: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_evaluation_interval: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_node_communication: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<Box<NetworkConfiguration>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task: Option<Box<StartTask>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub application_package_references: Vec<ApplicationPackageReference>,
    /// 1 to min(4 × cores, 256).
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub task_slots_per_node: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_scheduling_policy: Option<TaskSchedulingPolicy>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub user_accounts: Vec<UserAccount>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub metadata: Vec<MetadataItem>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub mount_configuration: Vec<MountConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_policy: Option<Box<UpgradePolicy>>,
}

/// The body of `PATCH /pools/{poolId}`: each property given replaces the old one as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_size: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_node_communication: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task: Option<Box<StartTask>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_package_references: Option<Vec<ApplicationPackageReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Vec<MetadataItem>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine_configuration: Option<Box<VirtualMachineConfiguration>>,
    /// 1 to min(4 × cores, 256).
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub task_slots_per_node: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_scheduling_policy: Option<TaskSchedulingPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<Box<NetworkConfiguration>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_accounts: Option<Vec<UserAccount>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_configuration: Option<Vec<MountConfiguration>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_policy: Option<Box<UpgradePolicy>>,
}

/// The body of `POST /pools/{poolId}/updateproperties`: properties left out are reset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolReplace {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task: Option<StartTask>,
    pub application_package_references: Vec<ApplicationPackageReference>,
    pub metadata: Vec<MetadataItem>,
}

/// The body of `POST /pools/{poolId}/resize`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolResize {
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_dedicated_nodes: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_low_priority_nodes: Option<i32>,
    /// At least 5 minutes; 15 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_deallocation_option: Option<NodeDeallocationOption>,
}

/// The body of `POST /pools/{poolId}/enableautoscale`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolEnableAutoScale {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_formula: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_evaluation_interval: Option<Duration>,
}

/// The body of `POST /pools/{poolId}/evaluateautoscale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolEvaluateAutoScale {
    pub auto_scale_formula: String,
}

/// The pool that an auto pool is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolSpecification {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub vm_size: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine_configuration: Option<Box<VirtualMachineConfiguration>>,
    /// 1 to min(4 × cores, 256).
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub task_slots_per_node: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_scheduling_policy: Option<TaskSchedulingPolicy>,
    /// At least 5 minutes; 15 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_timeout: Option<Duration>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_dedicated_nodes: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_low_priority_nodes: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_auto_scale: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_formula: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_evaluation_interval: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_node_communication: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<Box<NetworkConfiguration>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_task: Option<Box<StartTask>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub application_package_references: Vec<ApplicationPackageReference>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub user_accounts: Vec<UserAccount>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub metadata: Vec<MetadataItem>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub mount_configuration: Vec<MountConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_policy: Option<Box<UpgradePolicy>>,
}

/// A pool made for one job or one schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoPoolSpecification {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_pool_id_prefix: Option<String>,
    pub pool_lifetime_option: PoolLifetimeOption,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Box<PoolSpecification>>,
}

/// Where a job runs: exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_pool_specification: Option<Box<AutoPoolSpecification>>,
}

/// How tasks spread over the nodes of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSchedulingPolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_default_order: Option<JobDefaultOrder>,
    pub node_fill_type: NodeFillType,
}

/// Why a pool did not reach its target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResizeError {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub values: Vec<NameValuePair>,
}

/// The last evaluation of an autoscale formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoScaleRun {
    pub timestamp: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AutoScaleRunError>,
}

/// Why an autoscale evaluation failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoScaleRunError {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub values: Vec<NameValuePair>,
}

/// Nodes of a pool by state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolNodeCounts {
    pub pool_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedicated: Option<NodeCounts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_priority: Option<NodeCounts>,
}

/// How many nodes are in each state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeCounts {
    #[serde(deserialize_with = "lenient::int")]
    pub creating: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub idle: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub offline: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub preempted: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub rebooting: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub reimaging: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub running: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub starting: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub start_task_failed: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub leaving_pool: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub unknown: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub unusable: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub waiting_for_start_task: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub deallocated: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub deallocating: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub total: i32,
    #[serde(rename = "upgradingOS", deserialize_with = "lenient::int")]
    pub upgrading_os: i32,
}

state_enum! {
    /// The state of a pool.
    pub enum PoolState {
        Active = "active",
        Deleting = "deleting",
    }
}

state_enum! {
    /// Whether a pool is changing size.
    pub enum AllocationState {
        Steady = "steady",
        Resizing = "resizing",
        Stopping = "stopping",
    }
}

option_enum! {
    /// Spread tasks over nodes or fill one first.
    pub enum NodeFillType {
        Spread = "Spread",
        Pack = "Pack",
    }
}

option_enum! {
    /// How jobs of equal priority are ordered.
    pub enum JobDefaultOrder {
        None = "none",
        CreationTime = "creationtime",
    }
}

option_enum! {
    /// What happens to tasks on nodes that leave.
    pub enum NodeDeallocationOption {
        Requeue = "requeue",
        Terminate = "terminate",
        TaskCompletion = "taskcompletion",
        RetainedData = "retaineddata",
    }
}

option_enum! {
    /// What an auto pool lives as long as.
    pub enum PoolLifetimeOption {
        JobSchedule = "jobschedule",
        Job = "job",
    }
}
