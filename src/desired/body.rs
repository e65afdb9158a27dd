//! Request bodies with the SAS URLs of the moment.

use super::{
    Access, DIGEST_KEY, DIGEST_SETTING, Desired, Input, InputSource, Output, Pool, TASK_KEY, Task,
};
use crate::wire::batch::command::{
    EnvironmentSetting, NodeIdentityReference, OutputFile, OutputFileBlobContainerDestination,
    OutputFileDestination, OutputFileUploadConfiguration, OutputFileUploadHeader, ResourceFile,
};
use crate::wire::batch::job::JobCreate;
use crate::wire::batch::pool::{AutoPoolSpecification, PoolCreate, PoolInfo, PoolSpecification};
use crate::wire::batch::task::TaskCreate;
use crate::wire::time::Time;

/// Makes a SAS URL for a right.
pub type Urls<'a> = dyn Fn(Access<'_>) -> String + Sync + 'a;

impl Pool {
    /// The body that creates the pool.
    pub fn body(&self, node_agent_sku: &str, urls: &Urls<'_>) -> PoolCreate {
        let mut body = self.template.clone();
        if let Some(machine) = &mut body.virtual_machine_configuration {
            machine.node_agent_sku_id = node_agent_sku.to_owned();
        }
        if let Some(start_task) = &mut body.start_task {
            start_task.resource_files = self
                .start_task_inputs
                .iter()
                .map(|i| i.body(urls))
                .collect();
        }
        body
    }
}

impl Desired {
    /// The body that creates the job, with the pool that goes with it.
    pub fn job_body(&self, node_agent_sku: &str, now: Time, urls: &Urls<'_>) -> JobCreate {
        let mut body = self.job.template.clone();
        if let Some(pool_lifetime_option) = self.pool.auto {
            let mut pool = self.pool.body(node_agent_sku, urls);
            if let Some(size) = self.pool.while_needed {
                size.put_into(&mut pool, now);
            }
            body.pool_info = PoolInfo {
                pool_id: None,
                auto_pool_specification: Some(Box::new(AutoPoolSpecification {
                    auto_pool_id_prefix: Some(self.pool.id.to_string()),
                    pool_lifetime_option,
                    keep_alive: Some(false),
                    pool: Some(Box::new(specification(pool))),
                })),
            };
        }
        let files = &self.job.files;
        let inputs =
            |list: &[Input]| -> Vec<ResourceFile> { list.iter().map(|i| i.body(urls)).collect() };
        if let Some(task) = &mut body.job_preparation_task {
            task.resource_files = inputs(&files.preparation_inputs);
        }
        if let Some(task) = &mut body.job_release_task {
            task.resource_files = inputs(&files.release_inputs);
        }
        if let Some(task) = &mut body.job_manager_task {
            task.resource_files = inputs(&files.manager_inputs);
            let outputs = files.manager_outputs.iter();
            let logs = self.logs.as_ref();
            let logs = logs.map(|logs| logs.output_file(&body.id, &task.id, urls));
            let outputs = outputs.map(|o| o.body(Vec::new(), urls));
            task.output_files = outputs.chain(logs).collect();
        }
        body
    }
}

fn specification(pool: PoolCreate) -> PoolSpecification {
    PoolSpecification {
        display_name: pool.display_name,
        vm_size: pool.vm_size,
        virtual_machine_configuration: pool.virtual_machine_configuration,
        task_slots_per_node: pool.task_slots_per_node,
        task_scheduling_policy: pool.task_scheduling_policy,
        resize_timeout: pool.resize_timeout,
        target_dedicated_nodes: pool.target_dedicated_nodes,
        target_low_priority_nodes: pool.target_low_priority_nodes,
        enable_auto_scale: pool.enable_auto_scale,
        auto_scale_formula: pool.auto_scale_formula,
        auto_scale_evaluation_interval: pool.auto_scale_evaluation_interval,
        enable_inter_node_communication: pool.enable_inter_node_communication,
        network_configuration: pool.network_configuration,
        start_task: pool.start_task,
        application_package_references: pool.application_package_references,
        user_accounts: pool.user_accounts,
        metadata: pool.metadata,
        mount_configuration: pool.mount_configuration,
        upgrade_policy: pool.upgrade_policy,
    }
}

impl Task {
    /// The body that adds the task.
    pub fn body(&self, urls: &Urls<'_>) -> TaskCreate {
        let mut body = self.template.clone();
        body.environment_settings.push(EnvironmentSetting {
            name: DIGEST_SETTING.to_owned(),
            value: Some(self.digest.clone()),
        });
        body.resource_files = self.inputs.iter().map(|i| i.body(urls)).collect();
        if let Some(settings) = &mut body.multi_instance_settings {
            settings.common_resource_files =
                self.common_inputs.iter().map(|i| i.body(urls)).collect();
        }
        body.output_files = self
            .outputs
            .iter()
            .map(|o| o.body(self.marks(), urls))
            .collect();
        body
    }

    /// What the blobs of its outputs are marked with.
    fn marks(&self) -> Vec<OutputFileUploadHeader> {
        let header = |key: &str, value: &str| OutputFileUploadHeader {
            name: format!("x-ms-meta-{key}"),
            value: Some(value.to_owned()),
        };
        vec![
            header(TASK_KEY, self.id.as_str()),
            header(DIGEST_KEY, &self.digest),
        ]
    }
}

impl Input {
    fn body(&self, urls: &Urls<'_>) -> ResourceFile {
        let mut file = ResourceFile {
            file_path: self.file_path.clone(),
            file_mode: self.file_mode.clone(),
            identity_reference: reference(self.identity.as_deref()),
            ..ResourceFile::default()
        };
        let urls = |access| address(urls(access), self.identity.as_deref());
        match &self.source {
            InputSource::Container { container, prefix } => {
                file.storage_container_url = Some(urls(Access::ReadContainer(container)));
                file.blob_prefix = prefix.clone();
            }
            InputSource::Blob { container, blob } => {
                file.http_url = Some(urls(Access::ReadBlob(container, blob)));
            }
            InputSource::Url(url) => file.http_url = Some(url.clone()),
        }
        file
    }
}

impl Output {
    pub(super) fn body(&self, marks: Vec<OutputFileUploadHeader>, urls: &Urls<'_>) -> OutputFile {
        OutputFile {
            file_pattern: self.pattern.clone(),
            destination: OutputFileDestination {
                container: Some(OutputFileBlobContainerDestination {
                    path: self.path.clone(),
                    container_url: address(
                        urls(Access::WriteContainer(&self.container)),
                        self.identity.as_deref(),
                    ),
                    identity_reference: reference(self.identity.as_deref()),
                    upload_headers: marks,
                }),
            },
            upload_options: OutputFileUploadConfiguration {
                upload_condition: self.condition,
            },
        }
    }
}

fn reference(identity: Option<&str>) -> Option<NodeIdentityReference> {
    identity.map(|id| NodeIdentityReference {
        resource_id: Some(id.to_owned()),
    })
}

/// Without its signature where an identity has the right.
fn address(mut url: String, identity: Option<&str>) -> String {
    if let (Some(_), Some(query)) = (identity, url.find('?')) {
        url.truncate(query);
    }
    url
}
