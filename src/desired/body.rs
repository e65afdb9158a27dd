//! Request bodies with the SAS URLs of the moment.

use super::{Access, DIGEST_KEY, Input, InputSource, Job, Output, Pool, TASK_KEY, Task};
use crate::wire::batch::command::{
    OutputFile, OutputFileBlobContainerDestination, OutputFileDestination,
    OutputFileUploadConfiguration, OutputFileUploadHeader, ResourceFile,
};
use crate::wire::batch::job::JobCreate;
use crate::wire::batch::pool::PoolCreate;
use crate::wire::batch::task::TaskCreate;

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

impl Job {
    /// The body that creates the job.
    pub fn body(&self, urls: &Urls<'_>) -> JobCreate {
        let mut body = self.template.clone();
        let files = &self.files;
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
            task.output_files = outputs.map(|o| o.body(Vec::new(), urls)).collect();
        }
        body
    }
}

impl Task {
    /// The body that adds the task.
    pub fn body(&self, urls: &Urls<'_>) -> TaskCreate {
        let mut body = self.template.clone();
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
            ..ResourceFile::default()
        };
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
                    container_url: urls(Access::WriteContainer(&self.container)),
                    identity_reference: None,
                    upload_headers: marks,
                }),
            },
            upload_options: OutputFileUploadConfiguration {
                upload_condition: self.condition,
            },
        }
    }
}
