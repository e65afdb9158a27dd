//! The schedule a manifest asks for: the job's body as what each of its jobs is made from.

use super::body::Urls;
use super::{DIGEST_KEY, Desired, OWNER_KEY, wire_duration};
use crate::manifest;
use crate::wire::batch::job_schedule::{JobScheduleCreate, JobSpecification, Schedule};
use crate::wire::time::Time;

pub(super) fn compile(schedule: &manifest::Schedule) -> Schedule {
    Schedule {
        do_not_run_until: schedule.do_not_run_until,
        do_not_run_after: schedule.do_not_run_after,
        start_window: schedule.start_window.as_ref().map(wire_duration),
        recurrence_interval: schedule.recurrence_interval.as_ref().map(wire_duration),
    }
}

impl Desired {
    /// The body that creates the schedule, where there is one.
    pub fn schedule_body(
        &self,
        node_agent_sku: &str,
        now: Time,
        urls: &Urls<'_>,
    ) -> Option<JobScheduleCreate> {
        let schedule = self.job.schedule.clone()?;
        let job = self.job_body(node_agent_sku, now, urls);
        // Its jobs go with it: none of them is looked after by itself.
        let is_mark = |name: &str| name == OWNER_KEY || name == DIGEST_KEY;
        let unmarked = job.metadata.iter().filter(|m| !is_mark(&m.name));
        Some(JobScheduleCreate {
            id: job.id,
            display_name: job.display_name.clone(),
            schedule,
            metadata: job.metadata.clone(),
            job_specification: JobSpecification {
                priority: job.priority,
                allow_task_preemption: job.allow_task_preemption,
                max_parallel_tasks: job.max_parallel_tasks,
                display_name: job.display_name,
                uses_task_dependencies: job.uses_task_dependencies,
                on_all_tasks_complete: job.on_all_tasks_complete,
                on_task_failure: job.on_task_failure,
                network_configuration: job.network_configuration,
                constraints: job.constraints,
                job_manager_task: job.job_manager_task,
                job_preparation_task: job.job_preparation_task,
                job_release_task: job.job_release_task,
                common_environment_settings: job.common_environment_settings,
                pool_info: job.pool_info,
                metadata: unmarked.cloned().collect(),
            },
        })
    }
}
