//! The job a manifest asks for.

use super::command::environment;
use super::digest::Canon;
use super::problems::Problems;
use super::{DIGEST_KEY, Job, marks, wire_duration};
use crate::manifest::{self, Bindings, OnTaskFailure};
use crate::wire::batch::command::MetadataItem;
use crate::wire::batch::job::{self, JobConstraints, JobCreate};
use crate::wire::batch::pool::PoolInfo;

pub(super) fn compile(
    manifest: &manifest::Manifest,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<Job> {
    let job = &manifest.job;
    let constraints = JobConstraints {
        max_wall_clock_time: job.max_wall_clock_time.as_ref().map(wire_duration),
        max_task_retry_count: job.max_task_retry_count,
    };
    let mut body = JobCreate {
        id: job.id.value.to_string(),
        display_name: job.display_name.clone(),
        uses_task_dependencies: None,
        priority: job.priority,
        allow_task_preemption: None,
        max_parallel_tasks: job.max_parallel_tasks,
        constraints: (constraints != JobConstraints::default()).then_some(constraints),
        job_manager_task: None,
        job_preparation_task: None,
        job_release_task: None,
        common_environment_settings: environment(
            &job.common_environment_settings,
            bindings,
            problems,
        )?,
        pool_info: PoolInfo {
            pool_id: Some(manifest.pool.id.value.to_string()),
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
    canon.field("body", serde_json::to_vec(&body).unwrap_or_default());
    let digest = canon.finish();
    body.metadata.push(MetadataItem {
        name: DIGEST_KEY.to_owned(),
        value: digest.clone(),
    });
    Some(Job {
        id: job.id.value.clone(),
        body,
        digest,
    })
}
