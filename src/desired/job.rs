//! The job a manifest asks for.

use super::command::environment;
use super::digest::{Canon, Contents};
use super::job_tasks::{self, JobFiles};
use super::problems::Problems;
use super::{DIGEST_KEY, Job, Pool, marks, schedule, wire_duration};
use crate::manifest::{self, Bindings, OnAllTasksComplete, OnTaskFailure};
use crate::wire::batch::command::MetadataItem;
use crate::wire::batch::job::{self, JobConstraints, JobCreate};
use crate::wire::batch::pool::PoolInfo;
use crate::wire::batch::task::ExitConditions;

pub(super) fn compile(
    manifest: &manifest::Manifest,
    pool: Option<&Pool>,
    bindings: &Bindings,
    contents: &mut Contents<'_>,
    problems: &mut Problems,
) -> Option<Job> {
    let job = &manifest.job;
    let mut files = JobFiles::default();
    let preparation = match &job.preparation {
        Some(task) => Some(job_tasks::preparation(
            task, bindings, &mut files, problems,
        )?),
        None => None,
    };
    let release = match &job.release {
        Some(task) => Some(job_tasks::release(task, bindings, &mut files, problems)?),
        None => None,
    };
    let has_tasks = !manifest.tasks.is_empty();
    let manager = match &job.manager {
        Some(task) => Some(job_tasks::manager(
            task, has_tasks, bindings, &mut files, problems,
        )?),
        None => None,
    };
    let constraints = JobConstraints {
        max_wall_clock_time: job.max_wall_clock_time.as_ref().map(wire_duration),
        max_task_retry_count: job.max_task_retry_count,
    };
    let is_named = manifest.pool.auto_pool.is_none();
    let mut template = JobCreate {
        id: job.id.value.to_string(),
        display_name: job.display_name.clone(),
        uses_task_dependencies: uses_dependencies(manifest).then_some(true),
        priority: job.priority,
        allow_task_preemption: None,
        max_parallel_tasks: job.max_parallel_tasks,
        constraints: (constraints != JobConstraints::default()).then_some(constraints),
        job_manager_task: manager.map(Box::new),
        job_preparation_task: preparation.map(Box::new),
        job_release_task: release.map(Box::new),
        common_environment_settings: environment(
            &job.common_environment_settings,
            bindings,
            problems,
        )?,
        pool_info: PoolInfo {
            pool_id: is_named.then(|| manifest.pool.id.value.to_string()),
            auto_pool_specification: None,
        },
        on_all_tasks_complete: None,
        on_task_failure: job.on_task_failure.map(|action| match action {
            OnTaskFailure::NoAction => job::OnTaskFailure::NoAction,
            OnTaskFailure::PerformExitOptionsJobAction => {
                job::OnTaskFailure::PerformExitOptionsJobAction
            }
        }),
        network_configuration: None,
        metadata: marks(&job.metadata, manifest),
    };
    let mut canon = Canon::new("job");
    canon.field("body", serde_json::to_vec(&template).unwrap_or_default());
    if let Some((pool, lifetime)) = pool.and_then(|p| Some((p, p.auto?))) {
        canon.field("auto pool", &pool.digest);
        canon.field("prefix", pool.id.as_str());
        canon.field("lifetime", lifetime.as_str());
    }
    files.digest(&mut canon, contents);
    let schedule = manifest.schedule.as_ref().map(schedule::compile);
    if let Some(schedule) = &schedule {
        canon.field("schedule", serde_json::to_vec(schedule).unwrap_or_default());
        // There is no empty moment: the manager is there from the start.
        if job.on_all_tasks_complete != Some(OnAllTasksComplete::NoAction) {
            template.on_all_tasks_complete = Some(job::OnAllTasksComplete::TerminateJob);
        }
    }
    let digest = canon.finish();
    template.metadata.push(MetadataItem {
        name: DIGEST_KEY.to_owned(),
        value: digest.clone(),
    });
    let ends_with_tasks =
        schedule.is_none() && job.on_all_tasks_complete != Some(OnAllTasksComplete::NoAction);
    Some(Job {
        id: job.id.value.clone(),
        template,
        files,
        schedule,
        ends_with_tasks,
        digest,
    })
}

/// A job has to say so beforehand.
fn uses_dependencies(manifest: &manifest::Manifest) -> bool {
    manifest.tasks.iter().any(|task| {
        let conditions = task.exit_conditions.as_ref();
        !task.depends_on.is_empty()
            || !task.gather.is_empty()
            || conditions.is_some_and(ExitConditions::have_dependency_action)
    })
}
