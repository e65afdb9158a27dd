//! What a node is made of: image, disks, security, extensions, containers, upgrades.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::NodeIdentityReference;
use super::pool_usage::PoolIdentityReference;
use crate::wire::enumeration::option_enum;
use crate::wire::enumeration::state_enum;
use crate::wire::lenient;
use crate::wire::secret::Secret;
use crate::wire::time::{Duration, Time};

/// The image and agent a pool is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineConfiguration {
    pub image_reference: ImageReference,
    #[serde(rename = "nodeAgentSKUId")]
    pub node_agent_sku_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows_configuration: Option<WindowsConfiguration>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub data_disks: Vec<DataDisk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_configuration: Option<ContainerConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_encryption_configuration: Option<DiskEncryptionConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_placement_configuration: Option<NodePlacementConfiguration>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub extensions: Vec<VMExtension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_disk: Option<OsDisk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<Box<SecurityProfile>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_artifact_reference: Option<ServiceArtifactReference>,
}

/// A marketplace, gallery or custom image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageReference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine_image_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_gallery_image_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community_gallery_image_id: Option<String>,
}

/// The image a node runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_reference: Option<ImageReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_set_vm_resource_id: Option<String>,
}

/// An image that the Batch service supports and the agent it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupportedImage {
    #[serde(rename = "nodeAgentSKUId")]
    pub node_agent_sku_id: String,
    pub image_reference: ImageReference,
    pub os_type: OSType,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub capabilities: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_support_end_of_life: Option<Time>,
    pub verification_type: ImageVerificationType,
}

/// Windows settings of a pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowsConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_automatic_updates: Option<bool>,
}

/// An empty disk attached to each node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataDisk {
    #[serde(deserialize_with = "lenient::int")]
    pub lun: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caching: Option<CachingType>,
    #[serde(rename = "diskSizeGB", deserialize_with = "lenient::int")]
    pub disk_size_gb: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_disk: Option<ManagedDisk>,
}

/// Storage and encryption of a disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedDisk {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_encryption_set: Option<DiskEncryptionSetParameters>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_account_type: Option<StorageAccountType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<VmDiskSecurityProfile>,
}

/// A customer managed disk encryption set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskEncryptionSetParameters {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Encryption of a confidential disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VmDiskSecurityProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_encryption_type: Option<SecurityEncryptionTypes>,
}

/// The system disk of each node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OsDisk {
    #[serde(
        rename = "ephemeralOSDiskSettings",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub ephemeral_os_disk_settings: Option<DiffDiskSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caching: Option<CachingType>,
    #[serde(
        rename = "diskSizeGB",
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub disk_size_gb: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_disk: Option<ManagedDisk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_accelerator_enabled: Option<bool>,
}

/// Where an ephemeral system disk lives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffDiskSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<DiffDiskPlacement>,
}

/// Which disks of a node are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskEncryptionConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_managed_key: Option<DiskCustomerManagedKey>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub targets: Vec<DiskEncryptionTarget>,
}

/// The key a disk is encrypted with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskCustomerManagedKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<PoolIdentityReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_to_latest_key_version_enabled: Option<bool>,
}

/// Regional or zonal placement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePlacementConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<NodePlacementPolicyType>,
}

/// Container runtime of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerConfiguration {
    pub r#type: ContainerType,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub container_image_names: Vec<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub container_registries: Vec<ContainerRegistryReference>,
}

/// A registry to pull from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRegistryReference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<NodeIdentityReference>,
}

/// An extension installed on each node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VMExtension {
    pub name: String,
    pub publisher: String,
    pub r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_handler_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_upgrade_minor_version: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_automatic_upgrade: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub protected_settings: BTreeMap<String, Secret>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub provision_after_extensions: Vec<String>,
}

/// What an extension reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VMExtensionInstanceView {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub statuses: Vec<InstanceViewStatus>,
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub sub_statuses: Vec<InstanceViewStatus>,
}

/// One status of an extension.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceViewStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<StatusLevelTypes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

/// An extension on one node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeVMExtension {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_extension: Option<VMExtension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_view: Option<VMExtensionInstanceView>,
}

/// Security of the virtual machines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_at_host: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_agent_settings: Option<ProxyAgentSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_type: Option<SecurityTypes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uefi_settings: Option<UefiSettings>,
}

/// The metadata security protocol proxy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyAgentSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imds: Option<HostEndpointSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_server: Option<HostEndpointSettings>,
}

/// Access control of one host endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostEndpointSettings {
    #[serde(
        rename = "inVMAccessControlProfileReferenceId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub in_vm_access_control_profile_reference_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<HostEndpointSettingsModeTypes>,
}

/// Secure boot and virtual TPM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UefiSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_boot_enabled: Option<bool>,
    #[serde(
        rename = "vTpmEnabled",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub vtpm_enabled: Option<bool>,
}

/// A service artifact that pins image versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceArtifactReference {
    pub id: String,
}

/// How nodes get system upgrades.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradePolicy {
    pub mode: UpgradeMode,
    #[serde(
        rename = "automaticOSUpgradePolicy",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub automatic_os_upgrade_policy: Option<AutomaticOsUpgradePolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_upgrade_policy: Option<RollingUpgradePolicy>,
}

/// Automatic system upgrades.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutomaticOsUpgradePolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_automatic_rollback: Option<bool>,
    #[serde(
        rename = "enableAutomaticOSUpgrade",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_automatic_os_upgrade: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_rolling_upgrade_policy: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_rolling_upgrade_deferral: Option<bool>,
}

/// Pace of rolling upgrades.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpgradePolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_cross_zone_upgrade: Option<bool>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_batch_instance_percent: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_unhealthy_instance_percent: Option<i32>,
    #[serde(
        default,
        deserialize_with = "lenient::opt_int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_unhealthy_upgraded_instance_percent: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_time_between_batches: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prioritize_unhealthy_instances: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_failed_instances_on_policy_breach: Option<bool>,
}

state_enum! {
    /// Operating system of an image.
    pub enum OSType {
        Linux = "linux",
        Windows = "windows",
    }
}

state_enum! {
    /// Whether an image is verified to work with its agent.
    pub enum ImageVerificationType {
        Verified = "verified",
        Unverified = "unverified",
    }
}

option_enum! {
    /// Host caching of a disk.
    pub enum CachingType {
        None = "none",
        ReadOnly = "readonly",
        ReadWrite = "readwrite",
    }
}

option_enum! {
    /// Storage a disk is on.
    pub enum StorageAccountType {
        StandardLrs = "standard_lrs",
        PremiumLrs = "premium_lrs",
        StandardSsdLrs = "standardssd_lrs",
    }
}

option_enum! {
    /// What of a disk is encrypted.
    pub enum SecurityEncryptionTypes {
        DiskWithVMGuestState = "DiskWithVMGuestState",
        NonPersistedTPM = "NonPersistedTPM",
        VMGuestStateOnly = "VMGuestStateOnly",
    }
}

option_enum! {
    /// Security type of a virtual machine.
    pub enum SecurityTypes {
        TrustedLaunch = "trustedLaunch",
        ConfidentialVm = "confidentialvm",
    }
}

option_enum! {
    /// Where an ephemeral disk lives.
    pub enum DiffDiskPlacement {
        CacheDisk = "cachedisk",
    }
}

option_enum! {
    /// A disk that can be encrypted.
    pub enum DiskEncryptionTarget {
        OsDisk = "osdisk",
        TemporaryDisk = "temporarydisk",
    }
}

option_enum! {
    /// Whether nodes may be in any zone.
    pub enum NodePlacementPolicyType {
        Regional = "regional",
        Zonal = "zonal",
    }
}

option_enum! {
    /// Container runtime.
    pub enum ContainerType {
        DockerCompatible = "dockerCompatible",
        CriCompatible = "criCompatible",
    }
}

option_enum! {
    /// Whether access rules are enforced.
    pub enum HostEndpointSettingsModeTypes {
        Audit = "Audit",
        Enforce = "Enforce",
    }
}

state_enum! {
    /// Level of an extension status.
    pub enum StatusLevelTypes {
        Error = "Error",
        Info = "Info",
        Warning = "Warning",
    }
}

option_enum! {
    /// Who starts an upgrade.
    pub enum UpgradeMode {
        Automatic = "automatic",
        Manual = "manual",
        Rolling = "rolling",
    }
}
