//! Statistics and identities of pools: what the service reports and clients rarely set.

use serde::{Deserialize, Serialize};

use crate::wire::enumeration::state_enum;
use crate::wire::lenient;
use crate::wire::time::{Duration, Time};

/// Statistics of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatistics {
    pub url: String,
    pub start_time: Time,
    pub last_update_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_stats: Option<PoolUsageStatistics>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_stats: Option<PoolResourceStatistics>,
}

/// Core hours of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolUsageStatistics {
    pub start_time: Time,
    pub last_update_time: Time,
    pub dedicated_core_time: Duration,
}

/// Resource use of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolResourceStatistics {
    pub start_time: Time,
    pub last_update_time: Time,
    #[serde(rename = "avgCPUPercentage")]
    pub avg_cpu_percentage: f64,
    #[serde(rename = "avgMemoryGiB")]
    pub avg_memory_gib: f64,
    #[serde(rename = "peakMemoryGiB")]
    pub peak_memory_gib: f64,
    #[serde(rename = "avgDiskGiB")]
    pub avg_disk_gib: f64,
    #[serde(rename = "peakDiskGiB")]
    pub peak_disk_gib: f64,
    #[serde(rename = "diskReadIOps", with = "lenient::int64")]
    pub disk_read_iops: i64,
    #[serde(rename = "diskWriteIOps", with = "lenient::int64")]
    pub disk_write_iops: i64,
    #[serde(rename = "diskReadGiB")]
    pub disk_read_gib: f64,
    #[serde(rename = "diskWriteGiB")]
    pub disk_write_gib: f64,
    #[serde(rename = "networkReadGiB")]
    pub network_read_gib: f64,
    #[serde(rename = "networkWriteGiB")]
    pub network_write_gib: f64,
}

/// Core hours of one pool in one interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolUsageMetrics {
    pub pool_id: String,
    pub start_time: Time,
    pub end_time: Time,
    pub vm_size: String,
    pub total_core_hours: f64,
}

/// The managed identity of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolIdentity {
    pub r#type: PoolIdentityType,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub user_assigned_identities: Vec<UserAssignedIdentity>,
}

/// A managed identity of the pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolIdentityReference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
}

/// One user assigned identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedIdentity {
    pub resource_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
}

state_enum! {
    /// The kind of pool identity.
    pub enum PoolIdentityType {
        UserAssigned = "UserAssigned",
        None = "None",
    }
}
