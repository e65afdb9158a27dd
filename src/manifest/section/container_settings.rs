//! `container_settings` and `application_package_references`: what a task finds on its node.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::manifest::template::{Quoting, Scope, Template};

/// The container a task runs in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "container_settings")]
pub(in crate::manifest) struct RawContainerSettings {
    /// The image, such as `docker.io/library/python:3.13`.
    image_name: At<String>,
    /// More options for the command that starts the container.
    container_run_options: Option<At<String>>,
    /// Where the command starts; default `task_working_directory`.
    working_directory: Option<WorkingDirectory>,
    /// Where the image comes from, when the pool does not say it.
    registry: Option<RawRegistry>,
}

/// A container registry that the pool's identity may read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "registry")]
pub(in crate::manifest) struct RawRegistry {
    /// Default `docker.io`.
    registry_server: Option<At<String>>,
    /// The resource id of a user-assigned identity of the pool.
    identity_reference: Option<At<String>>,
}

/// Where a command starts in its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "working_directory")]
pub enum WorkingDirectory {
    TaskWorkingDirectory,
    ContainerImageDefault,
}

/// An application package of the account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "application_package_reference")]
pub(in crate::manifest) struct RawApplicationPackage {
    /// The application.
    application_id: At<String>,
    /// Its version; default: the one the account makes the default.
    version: Option<At<String>>,
}

/// The container a task runs in.
#[derive(Debug, Clone)]
pub struct ContainerSettings {
    pub image_name: Template,
    pub container_run_options: Option<Template>,
    pub working_directory: Option<WorkingDirectory>,
    pub registry: Option<Registry>,
}

/// A container registry.
#[derive(Debug, Clone)]
pub struct Registry {
    pub registry_server: Option<String>,
    pub identity_reference: Option<String>,
}

/// An application package of the account.
#[derive(Debug, Clone)]
pub struct ApplicationPackage {
    pub application_id: String,
    pub version: Option<String>,
}

impl RawContainerSettings {
    pub(super) fn check(
        &self,
        scope: Scope<'_>,
        checker: &mut Checker<'_>,
    ) -> Option<ContainerSettings> {
        let image_name = checker.template(&self.image_name, scope, Quoting::None);
        let container_run_options = match &self.container_run_options {
            Some(raw) => Some(checker.template(raw, scope, Quoting::None)?),
            None => None,
        };
        let registry = self.registry.as_ref().map(|raw| Registry {
            registry_server: checker
                .opt_text(raw.registry_server.as_ref())
                .map(|t| t.value),
            identity_reference: checker
                .opt_text(raw.identity_reference.as_ref())
                .map(|t| t.value),
        });
        Some(ContainerSettings {
            image_name: image_name?,
            container_run_options,
            working_directory: self.working_directory,
            registry,
        })
    }
}

impl RawApplicationPackage {
    pub(super) fn check(&self, checker: &mut Checker<'_>) -> Option<ApplicationPackage> {
        let version = checker.opt_text(self.version.as_ref()).map(|t| t.value);
        Some(ApplicationPackage {
            application_id: checker.text(&self.application_id)?.value,
            version,
        })
    }
}
