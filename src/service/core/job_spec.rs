//! What a job may be: its defaults, and what is refused.

use super::auto_pool;
use super::check;
use super::limits;
use super::preparation::{preparation_id, release_id};
use crate::wire::batch::command::{EnvironmentSetting, ResourceFile, UserIdentity};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::{
    JobConstraints, JobCreate, JobManagerTask, OnAllTasksComplete, OnTaskFailure,
};
use crate::wire::batch::task::TaskCreate;
use crate::wire::time::{Duration, Time};

/// Fills in what the caller left out [rec].
pub(super) fn fill_defaults(spec: &mut JobCreate) {
    spec.priority.get_or_insert(0);
    spec.max_parallel_tasks.get_or_insert(-1);
    spec.allow_task_preemption.get_or_insert(false);
    spec.uses_task_dependencies.get_or_insert(false);
    let constraints = spec.constraints.get_or_insert_with(JobConstraints::default);
    constraints
        .max_wall_clock_time
        .get_or_insert(Duration::INFINITE);
    constraints.max_task_retry_count.get_or_insert(0);
    spec.on_all_tasks_complete
        .get_or_insert(OnAllTasksComplete::NoAction);
    spec.on_task_failure.get_or_insert(OnTaskFailure::NoAction);
    if let Some(task) = &mut spec.job_preparation_task {
        let id = preparation_id(task).to_owned();
        task.id = Some(id);
        task.wait_for_success.get_or_insert(true);
        task.rerun_on_node_reboot_after_success.get_or_insert(true);
    }
    if let Some(task) = &mut spec.job_release_task {
        let id = release_id(task).to_owned();
        task.id = Some(id);
        task.max_wall_clock_time
            .get_or_insert(limits::MAX_RELEASE_TIME);
        task.retention_time.get_or_insert(limits::DEFAULT_RETENTION);
    }
}

fn check_preparation(spec: &JobCreate) -> Result<(), Refusal> {
    if let Some(task) = spec.job_preparation_task.as_deref() {
        check_chore(
            "jobPreparationTask",
            preparation_id(task),
            &task.command_line,
            task.container_settings.is_some(),
            task.user_identity.as_ref(),
            &task.resource_files,
            &task.environment_settings,
        )?;
        if let Some(c) = &task.constraints {
            let at = "jobPreparationTask.constraints.maxTaskRetryCount";
            check::retry_count(at, c.max_task_retry_count)?;
        }
    }
    let Some(task) = spec.job_release_task.as_deref() else {
        return Ok(());
    };
    if spec.job_preparation_task.is_none() {
        return Err(Refusal::property(
            "jobReleaseTask",
            release_id(task),
            "A job release task needs a job preparation task",
        ));
    }
    check_chore(
        "jobReleaseTask",
        release_id(task),
        &task.command_line,
        task.container_settings.is_some(),
        task.user_identity.as_ref(),
        &task.resource_files,
        &task.environment_settings,
    )?;
    let at_most = limits::MAX_RELEASE_TIME;
    match task
        .max_wall_clock_time
        .filter(|d| *d <= Duration::ZERO || *d > at_most)
    {
        Some(d) => Err(Refusal::property(
            "jobReleaseTask.maxWallClockTime",
            d.to_string(),
            "The value is more than 0 and at most 15 minutes",
        )),
        None => Ok(()),
    }
}

fn check_chore(
    at: &str,
    id: &str,
    command_line: &str,
    in_container: bool,
    user: Option<&UserIdentity>,
    files: &[ResourceFile],
    settings: &[EnvironmentSetting],
) -> Result<(), Refusal> {
    crate::ids::check_batch_id(id)
        .map_err(|e| Refusal::property(&format!("{at}.id"), id, e.to_string()))?;
    check::command_line(&format!("{at}.commandLine"), command_line)?;
    let container = format!("{at}.containerSettings");
    check::refuse_if(in_container, &container, "container tasks")?;
    check::user_identity(&format!("{at}.userIdentity"), user)?;
    check::resource_files(&format!("{at}.resourceFiles"), files)?;
    check::environment(&format!("{at}.environmentSettings"), settings)
}

/// The job manager as a task of the job.
pub(super) fn manager_task(manager: &JobManagerTask) -> TaskCreate {
    let of = manager.clone();
    TaskCreate {
        id: of.id,
        display_name: of.display_name,
        exit_conditions: None,
        command_line: of.command_line,
        container_settings: of.container_settings.map(Box::new),
        resource_files: of.resource_files,
        output_files: of.output_files,
        environment_settings: of.environment_settings,
        affinity_info: None,
        constraints: of.constraints,
        required_slots: of.required_slots,
        user_identity: of.user_identity.map(Box::new),
        multi_instance_settings: None,
        depends_on: None,
        application_package_references: of.application_package_references,
    }
}

/// Checks a job as it would be after a creation or a change.
pub(super) fn check_spec(spec: &JobCreate, now: Time) -> Result<(), Refusal> {
    check::display_name(spec.display_name.as_deref())?;
    auto_pool::check_pool_info(&spec.pool_info, now)?;
    check::refuse_if(
        spec.allow_task_preemption == Some(true),
        "allowTaskPreemption",
        "task preemption",
    )?;
    check_preparation(spec)?;
    let priority = spec.priority.unwrap_or(0);
    if !limits::PRIORITIES.contains(&priority) {
        return Err(Refusal::new(Code::OutOfRangePriority)
            .with("PropertyName", "priority")
            .with("PropertyValue", priority.to_string()));
    }
    let parallel = spec.max_parallel_tasks.unwrap_or(-1);
    if parallel == 0 || parallel < -1 {
        return Err(Refusal::property(
            "maxParallelTasks",
            parallel.to_string(),
            "The value is -1 or more than 0",
        ));
    }
    if let Some(c) = &spec.constraints {
        check::retry_count("constraints.maxTaskRetryCount", c.max_task_retry_count)?;
        if let Some(d) = c.max_wall_clock_time.filter(|d| *d <= Duration::ZERO) {
            return Err(Refusal::property(
                "constraints.maxWallClockTime",
                d.to_string(),
                "The duration is not positive",
            ));
        }
    }
    check::environment(
        "commonEnvironmentSettings",
        &spec.common_environment_settings,
    )?;
    check::metadata(&spec.metadata)
}
