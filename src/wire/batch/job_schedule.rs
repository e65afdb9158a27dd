//! Job schedules.

use serde::{Deserialize, Serialize};

use super::command::{EnvironmentSetting, MetadataItem};
use super::job::{
    JobConstraints, JobManagerTask, JobNetworkConfiguration, JobPreparationTask, JobReleaseTask,
    OnAllTasksComplete, OnTaskFailure,
};
use super::pool::PoolInfo;
use crate::wire::enumeration::state_enum;
use crate::wire::lenient;
use crate::wire::time::{Duration, Time};

/// A job schedule as the service reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSchedule {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub url: String,
    /// Unquoted: `0x` and the ticks of `lastModified` in upper-case hex.
    #[serde(rename = "eTag")]
    pub etag: String,
    pub last_modified: Time,
    pub creation_time: Time,
    pub state: JobScheduleState,
    pub state_transition_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<JobScheduleState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state_transition_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    pub job_specification: JobSpecification,
    pub execution_info: JobScheduleExecutionInfo,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub metadata: Vec<MetadataItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<JobScheduleStatistics>,
}

/// The body of `POST /jobschedules`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobScheduleCreate {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub schedule: Schedule,
    pub job_specification: JobSpecification,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub metadata: Vec<MetadataItem>,
}

/// The body of `PATCH /jobschedules/{jobScheduleId}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobScheduleUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_specification: Option<JobSpecification>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Vec<MetadataItem>>,
}

/// When jobs are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub do_not_run_until: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub do_not_run_after: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_window: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence_interval: Option<Duration>,
}

/// What a schedule did last and does next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobScheduleExecutionInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_job: Option<RecentBatchJob>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
}

/// Statistics of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobScheduleStatistics {
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
    #[serde(with = "lenient::int64")]
    pub num_succeeded_tasks: i64,
    #[serde(with = "lenient::int64")]
    pub num_failed_tasks: i64,
    #[serde(with = "lenient::int64")]
    pub num_task_retries: i64,
    pub wait_time: Duration,
}

/// The job a schedule makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSpecification {
    /// -1000 to 1000, default 0.
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub priority: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_task_preemption: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_parallel_tasks: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_task_dependencies: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_all_tasks_complete: Option<OnAllTasksComplete>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_task_failure: Option<OnTaskFailure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<JobNetworkConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<JobConstraints>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_manager_task: Option<Box<JobManagerTask>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_preparation_task: Option<Box<JobPreparationTask>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_release_task: Option<Box<JobReleaseTask>>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub common_environment_settings: Vec<EnvironmentSetting>,
    pub pool_info: PoolInfo,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub metadata: Vec<MetadataItem>,
}

/// The job a schedule made last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentBatchJob {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

state_enum! {
    /// State of a schedule.
    pub enum JobScheduleState {
        Active = "active",
        Completed = "completed",
        Disabled = "disabled",
        Terminating = "terminating",
        Deleting = "deleting",
    }
}
