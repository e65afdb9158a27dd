//! What the nodes of `[pool]` are made of besides their image: containers, disks, extensions, packages.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::mounts::RawIdentity;
use super::words::words;
use crate::diagnostic::codes;
use crate::manifest::at::{At, Scalar};
use crate::manifest::check::Checker;
use crate::wire::batch::command::ApplicationPackageReference;
use crate::wire::batch::machine as wire;

/// The container runtime of the nodes, and the images they hold from the start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "container_configuration")]
pub(in crate::manifest) struct RawContainers {
    /// The runtime; default `docker_compatible`.
    r#type: Option<ContainerType>,
    /// Images that every node pulls when it starts.
    #[serde(default)]
    container_image_names: Vec<At<String>>,
    /// Registries that ask who pulls.
    #[serde(default)]
    container_registries: Vec<At<RawRegistry>>,
}

words! {
    /// A container runtime.
    ContainerType as "container_type" => wire::ContainerType {
        DockerCompatible = "docker_compatible",
        CriCompatible = "cri_compatible",
    }
}

/// A registry that asks who pulls: a user with a password, or a managed identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "container_registry")]
pub(in crate::manifest) struct RawRegistry {
    /// Default `docker.io`.
    registry_server: Option<At<String>>,
    /// The user.
    username: Option<At<String>>,
    /// The password. Give it with `--var`.
    password: Option<At<String>>,
    /// A managed identity of the pool.
    identity_reference: Option<RawIdentity>,
}

impl RawContainers {
    pub(super) fn check(&self, checker: &mut Checker<'_>) -> wire::ContainerConfiguration {
        let kind = self.r#type.unwrap_or(ContainerType::DockerCompatible);
        let registries = self.container_registries.iter();
        wire::ContainerConfiguration {
            r#type: kind.into(),
            container_registries: registries.map(|r| RawRegistry::check(r, checker)).collect(),
            container_image_names: checker.strings(&self.container_image_names),
        }
    }
}

impl RawRegistry {
    fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> wire::ContainerRegistryReference {
        let registry = &raw.value;
        let by_password = registry.username.is_some() && registry.password.is_some();
        let by_identity = registry.identity_reference.is_some();
        let any = registry.username.is_some() || registry.password.is_some();
        if checker.whole && (by_identity == by_password || (any && !by_password)) {
            checker.error(
                codes::CONFLICTING_KEYS,
                "a registry is asked with `username` and `password`, or with `identity_reference`",
                &(raw.span.start..raw.span.start + 1),
                "this registry",
            );
        }
        let password = registry.password.as_ref();
        wire::ContainerRegistryReference {
            username: checker.opt_string(registry.username.as_ref()),
            password: password.and_then(|p| checker.secret(p)),
            registry_server: checker.opt_string(registry.registry_server.as_ref()),
            identity_reference: registry
                .identity_reference
                .as_ref()
                .and_then(|i| i.check(checker)),
        }
    }
}

/// An empty disk attached to each node; the start task formats and mounts it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "data_disk")]
pub(in crate::manifest) struct RawDataDisk {
    /// Its number, different from those of the other disks.
    #[schemars(range(min = 0, max = 63))]
    lun: At<i32>,
    /// Its size in GB.
    #[schemars(range(min = 1))]
    disk_size_gb: i32,
    /// What the host caches; default `none`.
    caching: Option<Caching>,
    /// What it lies on.
    managed_disk: Option<RawManagedDisk>,
}

/// What a disk lies on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "managed_disk")]
pub(in crate::manifest) struct RawManagedDisk {
    /// The kind of storage.
    storage_account_type: StorageType,
}

words! {
    /// What the host caches of a disk.
    Caching as "caching_type" => wire::CachingType {
        None = "none",
        ReadOnly = "read_only",
        ReadWrite = "read_write",
    }
}

words! {
    /// The kind of storage of a disk.
    StorageType as "storage_account_type" => wire::StorageAccountType {
        StandardLrs = "standard_lrs",
        PremiumLrs = "premium_lrs",
        StandardSsdLrs = "standard_ssd_lrs",
    }
}

pub(super) fn disks(raw: &[RawDataDisk], checker: &mut Checker<'_>) -> Vec<wire::DataDisk> {
    let mut seen = BTreeSet::new();
    for disk in raw {
        if !seen.insert(disk.lun.value) {
            checker.error(
                codes::DUPLICATE_NAME,
                "two disks have one `lun`",
                &disk.lun.span,
                "taken by a disk before",
            );
        }
    }
    let disks = raw.iter().map(|disk| wire::DataDisk {
        lun: disk.lun.value,
        caching: disk.caching.map(Into::into),
        disk_size_gb: disk.disk_size_gb,
        managed_disk: disk.managed_disk.as_ref().map(|managed| wire::ManagedDisk {
            storage_account_type: Some(managed.storage_account_type.into()),
            ..wire::ManagedDisk::default()
        }),
    });
    disks.collect()
}

/// An extension of the virtual machines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "extension")]
pub(in crate::manifest) struct RawExtension {
    /// A name of your own.
    name: At<String>,
    /// Who made it, such as `Microsoft.Azure.KeyVault`.
    publisher: At<String>,
    /// Its type, such as `KeyVaultForLinux`.
    r#type: At<String>,
    /// Its version, such as `3.0`.
    type_handler_version: Option<At<String>>,
    /// Whether a newer minor version is taken when the node is made.
    auto_upgrade_minor_version: Option<bool>,
    /// Whether newer versions are taken later on.
    enable_automatic_upgrade: Option<bool>,
    /// Its settings by name.
    #[serde(default)]
    settings: BTreeMap<At<String>, At<Scalar>>,
    /// Settings that nobody is shown. Give the values with `--var`.
    #[serde(default)]
    protected_settings: BTreeMap<At<String>, At<Scalar>>,
    /// Names of extensions that go before it.
    #[serde(default)]
    provision_after_extensions: Vec<At<String>>,
}

impl RawExtension {
    pub(super) fn check(&self, checker: &mut Checker<'_>) -> Option<wire::VMExtension> {
        let protected = self.protected_settings.iter();
        let protected = protected.map(|(name, value)| {
            let value = checker.secret(&value.with(value.value.to_string()))?;
            Some((name.value.clone(), value))
        });
        let protected_settings = protected.collect::<Option<BTreeMap<_, _>>>();
        let settings = self.settings.iter().map(|(name, value)| {
            let value = checker.string(&value.with(value.value.to_string()))?;
            Some((name.value.clone(), value))
        });
        let settings = settings.collect::<Option<BTreeMap<_, _>>>();
        Some(wire::VMExtension {
            name: checker.string(&self.name)?,
            publisher: checker.string(&self.publisher)?,
            r#type: checker.string(&self.r#type)?,
            type_handler_version: checker.opt_string(self.type_handler_version.as_ref()),
            auto_upgrade_minor_version: self.auto_upgrade_minor_version,
            enable_automatic_upgrade: self.enable_automatic_upgrade,
            settings: settings?,
            protected_settings: protected_settings?,
            provision_after_extensions: checker.strings(&self.provision_after_extensions),
        })
    }
}

/// A package of the account that every node unpacks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "application_package_reference")]
pub(in crate::manifest) struct RawPackage {
    /// The application.
    application_id: At<String>,
    /// Its version; default: the application's default version.
    version: Option<At<String>>,
}

impl RawPackage {
    pub(super) fn check(&self, checker: &mut Checker<'_>) -> Option<ApplicationPackageReference> {
        Some(ApplicationPackageReference {
            application_id: checker.string(&self.application_id)?,
            version: checker.opt_string(self.version.as_ref()),
        })
    }
}

/// Where in the region the nodes are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "node_placement_configuration")]
pub(in crate::manifest) struct RawPlacement {
    /// `regional` anywhere, or `zonal` balanced over its zones.
    pub(super) policy: Placement,
}

words! {
    /// Where in the region nodes are.
    Placement as "node_placement_policy" => wire::NodePlacementPolicyType {
        Regional = "regional",
        Zonal = "zonal",
    }
}

/// Which disks of the nodes are encrypted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "disk_encryption_configuration")]
pub(in crate::manifest) struct RawDiskEncryption {
    /// The disks.
    pub(super) targets: Vec<EncryptionTarget>,
}

words! {
    /// A disk that can be encrypted.
    EncryptionTarget as "disk_encryption_target" => wire::DiskEncryptionTarget {
        OsDisk = "os_disk",
        TemporaryDisk = "temporary_disk",
    }
}
