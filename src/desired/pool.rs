//! The pool a manifest asks for.

use super::command::{command_line, environment, input};
use super::digest::{Canon, Contents};
use super::problems::Problems;
use super::{DIGEST_KEY, Input, Job, Pool, Size, marks, wire_duration};
use crate::manifest::{self, AutoUserScope, Bindings, Image, NodeFillType, UserIdentity};
use crate::wire::batch::command as wire;
use crate::wire::batch::machine::{ImageReference, VirtualMachineConfiguration};
use crate::wire::batch::pool::{self, PoolCreate, PoolLifetimeOption, TaskSchedulingPolicy};
use crate::wire::secret::Secret;

pub(super) fn compile(
    manifest: &manifest::Manifest,
    bindings: &Bindings,
    contents: &mut Contents<'_>,
    problems: &mut Problems,
) -> Option<Pool> {
    let pool = &manifest.pool;
    let (start_task, start_task_inputs) = match &pool.start_task {
        None => (None, Vec::new()),
        Some(task) => {
            let inputs: Option<Vec<Input>> = task
                .resource_files
                .iter()
                .map(|file| input(file, bindings, problems))
                .collect();
            (
                Some(Box::new(start_task(task, bindings, problems)?)),
                inputs?,
            )
        }
    };
    let node_agent_sku = pool.node_agent_sku_id.as_ref().map(|s| s.value.clone());
    let auto_scale = pool.auto_scale.as_ref();
    let rest = &pool.machine;
    let mut template = PoolCreate {
        id: pool.id.value.to_string(),
        display_name: pool.display_name.clone(),
        vm_size: pool.vm_size.value.clone(),
        virtual_machine_configuration: Some(Box::new(machine(pool, node_agent_sku.clone()))),
        resize_timeout: pool.resize_timeout.as_ref().map(wire_duration),
        target_dedicated_nodes: auto_scale.is_none().then_some(pool.target_dedicated_nodes),
        target_low_priority_nodes: auto_scale
            .is_none()
            .then_some(pool.target_low_priority_nodes),
        enable_auto_scale: auto_scale.map(|_| true),
        auto_scale_formula: auto_scale.map(|a| a.formula.value.clone()),
        auto_scale_evaluation_interval: auto_scale
            .and_then(|a| a.evaluation_interval.as_ref())
            .map(wire_duration),
        enable_inter_node_communication: pool.enable_inter_node_communication,
        network_configuration: rest.network_configuration.clone().map(Box::new),
        start_task,
        application_package_references: rest.application_package_references.clone(),
        task_slots_per_node: pool.task_slots_per_node,
        task_scheduling_policy: pool.node_fill_type.map(|fill| TaskSchedulingPolicy {
            job_default_order: pool.job_default_order,
            node_fill_type: match fill {
                NodeFillType::Spread => pool::NodeFillType::Spread,
                NodeFillType::Pack => pool::NodeFillType::Pack,
            },
        }),
        user_accounts: rest.user_accounts.clone(),
        metadata: marks(&pool.metadata, manifest),
        mount_configuration: rest.mount_configuration.clone(),
        upgrade_policy: None,
    };
    let ends_with_job = pool.auto_pool == Some(PoolLifetimeOption::Job);
    let while_needed = (auto_scale.is_none() && !pool.keep_idle_nodes && !ends_with_job)
        .then(|| Size::of(&template));
    let mut canon = Canon::new("pool");
    canon.field(
        "body",
        serde_json::to_vec(&without_secrets(&template)).unwrap_or_default(),
    );
    if while_needed.is_some() {
        canon.field("nodes", "while needed");
    }
    for input in &start_task_inputs {
        canon.source(&input.source);
        canon.input(input, contents);
    }
    let digest = canon.finish();
    template.metadata.push(wire::MetadataItem {
        name: DIGEST_KEY.to_owned(),
        value: digest.clone(),
    });
    Some(Pool {
        id: pool.id.value.clone(),
        template,
        while_needed,
        start_task_inputs,
        node_agent_sku,
        auto: pool.auto_pool,
        digest,
    })
}

/// What of a pool and its job decides the outputs of the tasks: the image, its agent if it is named, the start task
/// and the preparation task.
pub(super) fn task_base(pool: &Pool, job: Option<&Job>, contents: &mut Contents<'_>) -> String {
    let mut canon = Canon::new("node");
    if let Some(machine) = &pool.template.virtual_machine_configuration {
        canon.field(
            "image",
            serde_json::to_vec(&machine.image_reference).unwrap_or_default(),
        );
    }
    canon.option("agent", pool.node_agent_sku.as_deref());
    if let Some(task) = &pool.template.start_task {
        canon.field("command line", &task.command_line);
        canon.field(
            "user",
            serde_json::to_vec(&task.user_identity).unwrap_or_default(),
        );
        for setting in &task.environment_settings {
            canon.field(&setting.name, setting.value.as_deref().unwrap_or_default());
        }
    }
    for input in &pool.start_task_inputs {
        canon.input(input, contents);
    }
    let preparation = job.and_then(|j| Some((j, j.template.job_preparation_task.as_deref()?)));
    if let Some((job, task)) = preparation {
        canon.field("preparation", &task.command_line);
        for setting in &task.environment_settings {
            canon.field(&setting.name, setting.value.as_deref().unwrap_or_default());
        }
        for input in &job.files.preparation_inputs {
            canon.input(input, contents);
        }
    }
    canon.finish()
}

/// The digest is for everybody to read, and short passwords are soon guessed from one.
fn without_secrets(template: &PoolCreate) -> PoolCreate {
    let mut plain = template.clone();
    for user in &mut plain.user_accounts {
        user.password = None;
        if let Some(linux) = &mut user.linux_user_configuration {
            linux.ssh_private_key = None;
        }
    }
    for mount in &mut plain.mount_configuration {
        if let Some(blob) = &mut mount.azure_blob_file_system_configuration {
            blob.account_key = None;
            blob.sas_key = None;
        }
        if let Some(share) = &mut mount.azure_file_share_configuration {
            share.account_key = Secret::new("");
        }
        if let Some(cifs) = &mut mount.cifs_mount_configuration {
            cifs.password = Secret::new("");
        }
    }
    if let Some(machine) = &mut plain.virtual_machine_configuration {
        for extension in &mut machine.extensions {
            extension.protected_settings.clear();
        }
        if let Some(containers) = &mut machine.container_configuration {
            for registry in &mut containers.container_registries {
                registry.password = None;
            }
        }
    }
    plain
}

fn machine(pool: &manifest::Pool, node_agent_sku: Option<String>) -> VirtualMachineConfiguration {
    let rest = &pool.machine;
    let image_reference = match &pool.image {
        Image::Marketplace {
            publisher,
            offer,
            sku,
            version,
        } => ImageReference {
            publisher: Some(publisher.value.clone()),
            offer: Some(offer.value.clone()),
            sku: Some(sku.value.clone()),
            version: Some(
                version
                    .as_ref()
                    .map_or_else(|| "latest".to_owned(), |v| v.value.clone()),
            ),
            ..ImageReference::default()
        },
        Image::Custom {
            virtual_machine_image_id,
        } => ImageReference {
            virtual_machine_image_id: Some(virtual_machine_image_id.value.clone()),
            ..ImageReference::default()
        },
    };
    VirtualMachineConfiguration {
        image_reference,
        node_agent_sku_id: node_agent_sku.unwrap_or_default(),
        windows_configuration: None,
        data_disks: rest.data_disks.clone(),
        license_type: rest.license_type.clone(),
        container_configuration: rest.container_configuration.clone(),
        disk_encryption_configuration: rest.disk_encryption_configuration.clone(),
        node_placement_configuration: rest.node_placement_configuration.clone(),
        extensions: rest.extensions.clone(),
        os_disk: None,
        security_profile: None,
        service_artifact_reference: None,
    }
}

pub(super) fn user_identity(user: UserIdentity) -> wire::UserIdentity {
    wire::UserIdentity {
        username: None,
        auto_user: Some(wire::AutoUserSpecification {
            scope: user.scope.map(|s| match s {
                AutoUserScope::Task => wire::AutoUserScope::Task,
                AutoUserScope::Pool => wire::AutoUserScope::Pool,
            }),
            elevation_level: user.elevation_level.map(Into::into),
        }),
    }
}

fn start_task(
    task: &manifest::StartTask,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<wire::StartTask> {
    Some(wire::StartTask {
        command_line: command_line(&task.command_line, bindings, problems)?,
        container_settings: None,
        resource_files: Vec::new(),
        environment_settings: environment(&task.environment_settings, bindings, problems)?,
        user_identity: task.user_identity.map(user_identity),
        max_task_retry_count: task.max_task_retry_count,
        // The service's own default differs between versions; a task must not run on a node that is not prepared.
        wait_for_success: Some(task.wait_for_success.unwrap_or(true)),
    })
}
