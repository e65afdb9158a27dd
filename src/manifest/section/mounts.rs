//! `[[pool.mount_configuration]]`: file systems that every node mounts.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::codes;
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::batch::command::NodeIdentityReference;
use crate::wire::batch::network as wire;

/// One file system: exactly one of the four.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "mount_configuration")]
pub(in crate::manifest) struct RawMount {
    /// A blob container, mounted with blobfuse.
    azure_blob_file_system_configuration: Option<RawBlobMount>,
    /// A share of Azure Files.
    azure_file_share_configuration: Option<RawFileShare>,
    /// An NFS share.
    nfs_mount_configuration: Option<RawNfs>,
    /// A CIFS share.
    cifs_mount_configuration: Option<RawCifs>,
}

/// A blob container, mounted with blobfuse.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "azure_blob_file_system_configuration")]
pub(in crate::manifest) struct RawBlobMount {
    /// The storage account.
    account_name: At<String>,
    /// The container.
    container_name: At<String>,
    /// Where, below `$AZ_BATCH_NODE_MOUNTS_DIR`.
    relative_mount_path: At<String>,
    /// The account's key; excludes `sas_key` and `identity_reference`. Give it with `--var`.
    account_key: Option<At<String>>,
    /// A SAS of the container. Give it with `--var`.
    sas_key: Option<At<String>>,
    /// A managed identity of the pool.
    identity_reference: Option<RawIdentity>,
    /// Options for blobfuse.
    blobfuse_options: Option<At<String>>,
}

/// A managed identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "identity_reference")]
pub(in crate::manifest) struct RawIdentity {
    /// Its resource id. The pool must have it.
    resource_id: At<String>,
}

/// A share of Azure Files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "azure_file_share_configuration")]
pub(in crate::manifest) struct RawFileShare {
    /// The storage account.
    account_name: At<String>,
    /// The share, `https://ACCOUNT.file.core.windows.net/SHARE`.
    azure_file_url: At<String>,
    /// The account's key. Give it with `--var`.
    account_key: At<String>,
    /// Where, below `$AZ_BATCH_NODE_MOUNTS_DIR`.
    relative_mount_path: At<String>,
    /// Options for mount.
    mount_options: Option<At<String>>,
}

/// An NFS share.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "nfs_mount_configuration")]
pub(in crate::manifest) struct RawNfs {
    /// What is mounted, such as `10.0.0.4:/share`.
    source: At<String>,
    /// Where, below `$AZ_BATCH_NODE_MOUNTS_DIR`.
    relative_mount_path: At<String>,
    /// Options for mount.
    mount_options: Option<At<String>>,
}

/// A CIFS share.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "cifs_mount_configuration")]
pub(in crate::manifest) struct RawCifs {
    /// What is mounted, such as `//server/share`.
    source: At<String>,
    /// Where, below `$AZ_BATCH_NODE_MOUNTS_DIR`.
    relative_mount_path: At<String>,
    /// The user.
    username: At<String>,
    /// The password. Give it with `--var`.
    password: At<String>,
    /// Options for mount.
    mount_options: Option<At<String>>,
}

impl RawMount {
    pub(super) fn check(
        raw: &At<Self>,
        checker: &mut Checker<'_>,
    ) -> Option<wire::MountConfiguration> {
        let mount = &raw.value;
        let count = [
            mount.azure_blob_file_system_configuration.is_some(),
            mount.azure_file_share_configuration.is_some(),
            mount.nfs_mount_configuration.is_some(),
            mount.cifs_mount_configuration.is_some(),
        ];
        if count.into_iter().filter(|there| *there).count() != 1 && checker.whole {
            checker.error(
                codes::CONFLICTING_KEYS,
                "a mount is exactly one file system",
                &(raw.span.start..raw.span.start + 1),
                "a blob container, a share of Azure Files, NFS or CIFS",
            );
        }
        let mut checked = wire::MountConfiguration::default();
        if let Some(blob) = &mount.azure_blob_file_system_configuration {
            checked.azure_blob_file_system_configuration = Some(blob.check(checker)?);
        }
        if let Some(share) = &mount.azure_file_share_configuration {
            checked.azure_file_share_configuration = Some(wire::AzureFileShareConfiguration {
                account_name: checker.string(&share.account_name)?,
                account_key: checker.secret(&share.account_key)?,
                azure_file_url: checker.string(&share.azure_file_url)?,
                relative_mount_path: path(&share.relative_mount_path, checker)?,
                mount_options: checker.opt_string(share.mount_options.as_ref()),
            });
        }
        if let Some(nfs) = &mount.nfs_mount_configuration {
            checked.nfs_mount_configuration = Some(wire::NfsMountConfiguration {
                source: checker.string(&nfs.source)?,
                relative_mount_path: path(&nfs.relative_mount_path, checker)?,
                mount_options: checker.opt_string(nfs.mount_options.as_ref()),
            });
        }
        if let Some(cifs) = &mount.cifs_mount_configuration {
            checked.cifs_mount_configuration = Some(wire::CifsMountConfiguration {
                username: checker.string(&cifs.username)?,
                source: checker.string(&cifs.source)?,
                relative_mount_path: path(&cifs.relative_mount_path, checker)?,
                mount_options: checker.opt_string(cifs.mount_options.as_ref()),
                password: checker.secret(&cifs.password)?,
            });
        }
        Some(checked)
    }
}

impl RawBlobMount {
    fn check(&self, checker: &mut Checker<'_>) -> Option<wire::AzureBlobFileSystemConfiguration> {
        let keys = [
            self.account_key.is_some(),
            self.sas_key.is_some(),
            self.identity_reference.is_some(),
        ];
        if keys.into_iter().filter(|there| *there).count() != 1 && checker.whole {
            checker.error(
                codes::CONFLICTING_KEYS,
                "exactly one of `account_key`, `sas_key` and `identity_reference` opens the container",
                &self.container_name.span,
                "this container",
            );
        }
        let account_key = self.account_key.as_ref().map(|k| checker.secret(k));
        let sas_key = self.sas_key.as_ref().map(|k| checker.secret(k));
        Some(wire::AzureBlobFileSystemConfiguration {
            account_name: checker.string(&self.account_name)?,
            container_name: checker.string(&self.container_name)?,
            account_key: account_key.flatten(),
            sas_key: sas_key.flatten(),
            blobfuse_options: checker.opt_string(self.blobfuse_options.as_ref()),
            relative_mount_path: path(&self.relative_mount_path, checker)?,
            identity_reference: match &self.identity_reference {
                Some(identity) => Some(identity.check(checker)?),
                None => None,
            },
        })
    }
}

impl RawIdentity {
    pub(super) fn check(&self, checker: &mut Checker<'_>) -> Option<NodeIdentityReference> {
        Some(NodeIdentityReference {
            resource_id: Some(checker.string(&self.resource_id)?),
        })
    }

    /// The resource id of one that need not be there.
    pub(super) fn id(raw: Option<&Self>, checker: &mut Checker<'_>) -> Option<String> {
        raw?.check(checker)?.resource_id
    }
}

fn path(raw: &At<String>, checker: &mut Checker<'_>) -> Option<String> {
    let path = checker.text(raw)?;
    let leaves = path.value.starts_with('/') || path.value.split('/').any(|part| part == "..");
    if leaves || path.value.is_empty() {
        checker.error(
            codes::INVALID_FILE_PATH,
            format!("`{}` cannot be a path to mount at", path.value),
            &path.span,
            "relative to the node's folder of mounts, and not empty",
        );
    }
    Some(path.value)
}
