//! Networks and mounted file systems of a pool.

use serde::{Deserialize, Serialize};

use super::command::NodeIdentityReference;
use crate::wire::enumeration::option_enum;
use crate::wire::lenient;
use crate::wire::secret::Secret;

/// The network of a pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    #[serde(
        rename = "dynamicVNetAssignmentScope",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub dynamic_vnet_assignment_scope: Option<DynamicVNetAssignmentScope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_configuration: Option<PoolEndpointConfiguration>,
    #[serde(
        rename = "publicIPAddressConfiguration",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub public_ip_address_configuration: Option<PublicIpAddressConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_accelerated_networking: Option<bool>,
}

/// Ports of nodes opened to the outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolEndpointConfiguration {
    #[serde(
        rename = "inboundNATPools",
        default,
        deserialize_with = "lenient::list"
    )]
    pub inbound_nat_pools: Vec<InboundNatPool>,
}

/// One node port opened to the outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundNatPool {
    pub name: String,
    pub protocol: InboundEndpointProtocol,
    #[serde(deserialize_with = "lenient::int")]
    pub backend_port: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub frontend_port_range_start: i32,
    #[serde(deserialize_with = "lenient::int")]
    pub frontend_port_range_end: i32,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub network_security_group_rules: Vec<NetworkSecurityGroupRule>,
}

/// Who may reach an opened port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkSecurityGroupRule {
    /// -1000 to 1000, default 0.
    #[serde(deserialize_with = "lenient::int")]
    pub priority: i32,
    pub access: NetworkSecurityGroupRuleAccess,
    pub source_address_prefix: String,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub source_port_ranges: Vec<String>,
}

/// Public addresses of a pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicIpAddressConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision: Option<IpAddressProvisioningType>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ip_families: Vec<IPFamily>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ip_address_ids: Vec<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ip_tags: Vec<IPTag>,
}

/// A tag on a public address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IPTag {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_tag_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// One file system mounted on each node: exactly one of the four.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_blob_file_system_configuration: Option<AzureBlobFileSystemConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs_mount_configuration: Option<NfsMountConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cifs_mount_configuration: Option<CifsMountConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_file_share_configuration: Option<AzureFileShareConfiguration>,
}

/// A blob container mounted with blobfuse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureBlobFileSystemConfiguration {
    pub account_name: String,
    pub container_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_key: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sas_key: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blobfuse_options: Option<String>,
    pub relative_mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<NodeIdentityReference>,
}

/// An Azure Files share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureFileShareConfiguration {
    pub account_name: String,
    pub account_key: Secret,
    pub azure_file_url: String,
    pub relative_mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_options: Option<String>,
}

/// A CIFS share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CifsMountConfiguration {
    pub username: String,
    pub source: String,
    pub relative_mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_options: Option<String>,
    pub password: Secret,
}

/// An NFS share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NfsMountConfiguration {
    pub source: String,
    pub relative_mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_options: Option<String>,
}

option_enum! {
    /// Whether jobs bring their own network.
    pub enum DynamicVNetAssignmentScope {
        None = "none",
        Job = "job",
    }
}

option_enum! {
    /// Protocol of an opened port.
    pub enum InboundEndpointProtocol {
        Tcp = "tcp",
        Udp = "udp",
    }
}

option_enum! {
    /// Allow or deny.
    pub enum NetworkSecurityGroupRuleAccess {
        Allow = "allow",
        Deny = "deny",
    }
}

option_enum! {
    /// Who makes the public addresses.
    pub enum IpAddressProvisioningType {
        BatchManaged = "batchmanaged",
        UserManaged = "usermanaged",
        NoPublicIpAddresses = "nopublicipaddresses",
    }
}

option_enum! {
    /// Version of the internet protocol.
    pub enum IPFamily {
        Ipv4 = "IPv4",
        Ipv6 = "IPv6",
    }
}
