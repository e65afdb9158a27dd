//! What a job runs besides its tasks: preparation, release and manager.

use super::command::{command_line, environment, input, output};
use super::digest::{Canon, Contents};
use super::pool::user_identity;
use super::problems::Problems;
use super::{Input, Output, wire_duration};
use crate::manifest::{self, Bindings, Chore};
use crate::wire::batch::job::{JobManagerTask, JobPreparationTask, JobReleaseTask};
use crate::wire::batch::task::TaskConstraints;

/// Files that go with the tasks of a job.
#[derive(Debug, Clone, Default)]
pub struct JobFiles {
    pub preparation_inputs: Vec<Input>,
    pub release_inputs: Vec<Input>,
    pub manager_inputs: Vec<Input>,
    pub manager_outputs: Vec<Output>,
}

impl JobFiles {
    /// Everything that is fetched.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        let lists = [
            &self.preparation_inputs,
            &self.release_inputs,
            &self.manager_inputs,
        ];
        lists.into_iter().flatten()
    }

    /// Takes the files into a digest: by name, and by what they hold.
    pub(super) fn digest(&self, canon: &mut Canon, contents: &mut Contents<'_>) {
        let lists = [
            ("preparation", &self.preparation_inputs),
            ("release", &self.release_inputs),
            ("manager", &self.manager_inputs),
        ];
        for (name, inputs) in lists {
            for input in inputs {
                canon.field("of", name);
                canon.source(&input.source);
                canon.input(input, contents);
            }
        }
        for output in &self.manager_outputs {
            canon.output(output);
        }
    }
}

fn inputs(chore: &Chore, bindings: &Bindings, problems: &mut Problems) -> Option<Vec<Input>> {
    let files = chore.resource_files.iter();
    files.map(|file| input(file, bindings, problems)).collect()
}

fn constraints(of: &manifest::Constraints) -> Option<TaskConstraints> {
    let constraints = TaskConstraints {
        max_wall_clock_time: of.max_wall_clock_time.as_ref().map(wire_duration),
        retention_time: of.retention_time.as_ref().map(wire_duration),
        max_task_retry_count: of.max_task_retry_count,
    };
    (constraints != TaskConstraints::default()).then_some(constraints)
}

pub(super) fn preparation(
    task: &manifest::PreparationTask,
    bindings: &Bindings,
    files: &mut JobFiles,
    problems: &mut Problems,
) -> Option<JobPreparationTask> {
    files.preparation_inputs = inputs(&task.chore, bindings, problems)?;
    Some(JobPreparationTask {
        id: task.id.as_ref().map(|id| id.value.to_string()),
        command_line: command_line(&task.chore.command_line, bindings, problems)?,
        container_settings: None,
        resource_files: Vec::new(),
        environment_settings: environment(&task.chore.environment_settings, bindings, problems)?,
        constraints: constraints(&task.constraints),
        // A task must not run on a node that is not prepared, whatever a version's default is.
        wait_for_success: Some(task.wait_for_success.unwrap_or(true)),
        user_identity: task.chore.user_identity.map(user_identity),
        rerun_on_node_reboot_after_success: task.rerun_on_node_reboot_after_success,
    })
}

pub(super) fn release(
    task: &manifest::ReleaseTask,
    bindings: &Bindings,
    files: &mut JobFiles,
    problems: &mut Problems,
) -> Option<JobReleaseTask> {
    files.release_inputs = inputs(&task.chore, bindings, problems)?;
    Some(JobReleaseTask {
        id: task.id.as_ref().map(|id| id.value.to_string()),
        command_line: command_line(&task.chore.command_line, bindings, problems)?,
        container_settings: None,
        resource_files: Vec::new(),
        environment_settings: environment(&task.chore.environment_settings, bindings, problems)?,
        max_wall_clock_time: task.max_wall_clock_time.as_ref().map(wire_duration),
        retention_time: task.retention_time.as_ref().map(wire_duration),
        user_identity: task.chore.user_identity.map(user_identity),
    })
}

/// With `has_tasks`, the job outlives its manager unless the manifest says otherwise: its tasks would be killed.
pub(super) fn manager(
    task: &manifest::ManagerTask,
    has_tasks: bool,
    bindings: &Bindings,
    files: &mut JobFiles,
    problems: &mut Problems,
) -> Option<JobManagerTask> {
    files.manager_inputs = inputs(&task.chore, bindings, problems)?;
    let outputs = task.output_files.iter();
    files.manager_outputs = outputs
        .map(|file| output(file, bindings, problems))
        .collect::<Option<_>>()?;
    Some(JobManagerTask {
        id: task.id.value.to_string(),
        display_name: task.display_name.clone(),
        command_line: command_line(&task.chore.command_line, bindings, problems)?,
        container_settings: None,
        resource_files: Vec::new(),
        output_files: Vec::new(),
        environment_settings: environment(&task.chore.environment_settings, bindings, problems)?,
        constraints: constraints(&task.constraints),
        required_slots: task.required_slots.as_ref().map(|n| n.value),
        kill_job_on_completion: Some(task.kill_job_on_completion.unwrap_or(!has_tasks)),
        user_identity: task.chore.user_identity.map(user_identity),
        run_exclusive: task.run_exclusive,
        application_package_references: Vec::new(),
        allow_low_priority_node: task.allow_low_priority_node,
    })
}
