//! What a task runs in: its container, its application packages, and the other nodes it runs on.

use super::Input;
use super::command::{command_line, input, render, render_option};
use super::problems::Problems;
use crate::manifest::{
    ApplicationPackage, Bindings, ContainerSettings, MultiInstance, WorkingDirectory,
};
use crate::wire::batch::command::{
    ApplicationPackageReference, ContainerWorkingDirectory, NodeIdentityReference,
    TaskContainerSettings,
};
use crate::wire::batch::machine::ContainerRegistryReference;
use crate::wire::batch::task::MultiInstanceSettings;

pub(super) fn container_settings(
    settings: &ContainerSettings,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<TaskContainerSettings> {
    Some(TaskContainerSettings {
        container_run_options: render_option(
            settings.container_run_options.as_ref(),
            bindings,
            problems,
        )?,
        image_name: render(&settings.image_name, bindings, problems)?,
        registry: settings
            .registry
            .as_ref()
            .map(|r| ContainerRegistryReference {
                registry_server: r.registry_server.clone(),
                identity_reference: r
                    .identity_reference
                    .as_ref()
                    .map(|id| NodeIdentityReference {
                        resource_id: Some(id.clone()),
                    }),
                ..ContainerRegistryReference::default()
            }),
        working_directory: settings.working_directory.map(|d| match d {
            WorkingDirectory::TaskWorkingDirectory => {
                ContainerWorkingDirectory::TaskWorkingDirectory
            }
            WorkingDirectory::ContainerImageDefault => {
                ContainerWorkingDirectory::ContainerImageDefault
            }
        }),
        container_host_batch_bind_mounts: Vec::new(),
    })
}

/// The settings without the files that every node needs, and those files.
pub(super) fn multi_instance(
    settings: &MultiInstance,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<(MultiInstanceSettings, Vec<Input>)> {
    let body = MultiInstanceSettings {
        number_of_instances: settings.number_of_instances,
        coordination_command_line: command_line(
            &settings.coordination_command,
            bindings,
            problems,
        )?,
        common_resource_files: Vec::new(),
    };
    let files = settings.common_resource_files.iter();
    let inputs: Option<Vec<Input>> = files.map(|f| input(f, bindings, problems)).collect();
    Some((body, inputs?))
}

pub(super) fn application_packages(
    packages: &[ApplicationPackage],
) -> Vec<ApplicationPackageReference> {
    let reference = |package: &ApplicationPackage| ApplicationPackageReference {
        application_id: package.application_id.clone(),
        version: package.version.clone(),
    };
    packages.iter().map(reference).collect()
}
