//! State as the REST API shows it.

use super::fields::result;
use super::job::Job;
use super::key::Key;
use super::multi_instance::Subtask;
use super::node::Node;
use super::pool::Pool;
use super::preparation::{OnNode, release_id};
use super::task::Task;
use super::world::World;
use crate::wire::batch::command::{
    AutoUserScope, AutoUserSpecification, ElevationLevel, ExecutionResult, UserIdentity,
};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job;
use crate::wire::batch::job_schedule::{JobSchedule, JobScheduleExecutionInfo, RecentBatchJob};
use crate::wire::batch::machine::VirtualMachineInfo;
use crate::wire::batch::node::{self, NodeInfo, NodeState, SchedulingState, TaskInfo};
use crate::wire::batch::operation::Operation;
use crate::wire::batch::pool::{self, NodeCounts, PoolNodeCounts};
use crate::wire::batch::task::{self, TaskConstraints, TaskCreate, TaskExecutionInfo};

impl World {
    fn url(&self, operation: Operation, parameters: &[&str]) -> String {
        format!("{}{}", self.site.batch_endpoint, operation.path(parameters))
    }

    pub(super) fn view_pool(&self, key: &Key) -> Result<pool::Pool, Refusal> {
        let pool = self.pools.get(key).ok_or(Code::PoolNotFound)?;
        let spec = pool.spec.as_ref().clone();
        let mut machine = spec.virtual_machine_configuration;
        if let Some(machine) = &mut machine {
            machine
                .image_reference
                .version
                .get_or_insert_with(|| "latest".to_owned());
        }
        let mut users = spec.user_accounts;
        for user in &mut users {
            user.password = None;
            if let Some(linux) = &mut user.linux_user_configuration {
                linux.ssh_private_key = None;
            }
        }
        let mut start_task = spec.start_task;
        if let Some(task) = &mut start_task {
            task.user_identity.get_or_insert_with(default_user);
            task.max_task_retry_count.get_or_insert(0);
            task.wait_for_success.get_or_insert(true);
        }
        let current = |dedicated: bool| {
            let counted = pool
                .nodes
                .values()
                .filter(|n| n.dedicated == dedicated && n.state != NodeState::Creating);
            i32::try_from(counted.count()).unwrap_or(i32::MAX)
        };
        let auto = pool.auto.as_deref();
        Ok(pool::Pool {
            url: self.url(Operation::GetPool, &[&spec.id]),
            id: spec.id,
            display_name: spec.display_name,
            etag: pool.modified.etag(),
            last_modified: pool.modified,
            creation_time: pool.created,
            state: pool.state,
            state_transition_time: pool.since,
            allocation_state: Some(pool.allocation),
            allocation_state_transition_time: Some(pool.allocation_since),
            vm_size: spec.vm_size,
            virtual_machine_configuration: machine,
            resize_timeout: Some(pool.resize_timeout),
            resize_errors: pool.resize_errors.clone(),
            current_dedicated_nodes: current(true),
            current_low_priority_nodes: current(false),
            target_dedicated_nodes: Some(pool.targets.dedicated),
            target_low_priority_nodes: Some(pool.targets.low_priority),
            enable_auto_scale: spec.enable_auto_scale,
            auto_scale_formula: auto.map(|a| a.formula.clone()),
            auto_scale_evaluation_interval: auto.map(|a| a.interval),
            auto_scale_run: auto.and_then(|a| a.run.clone()).map(Box::new),
            enable_inter_node_communication: spec.enable_inter_node_communication,
            network_configuration: spec.network_configuration,
            start_task,
            application_package_references: spec.application_package_references,
            task_slots_per_node: spec.task_slots_per_node,
            task_scheduling_policy: spec.task_scheduling_policy,
            user_accounts: users,
            metadata: spec.metadata,
            stats: None,
            mount_configuration: spec.mount_configuration,
            identity: None,
            upgrade_policy: spec.upgrade_policy,
        })
    }

    pub(super) fn view_node_counts(pool: &Pool) -> PoolNodeCounts {
        PoolNodeCounts {
            pool_id: pool.spec.id.clone(),
            dedicated: Some(count(pool.nodes.values().filter(|n| n.dedicated))),
            low_priority: Some(count(pool.nodes.values().filter(|n| !n.dedicated))),
        }
    }

    pub(super) fn view_node(&self, pool: &Pool, node: &Node) -> node::Node {
        let id = node.name.as_str();
        let running = i32::try_from(node.runs.len()).unwrap_or(i32::MAX);
        node::Node {
            id: id.to_owned(),
            url: self.url(Operation::GetNode, &[&pool.spec.id, id]),
            state: node.state,
            scheduling_state: Some(if node.disabled {
                SchedulingState::Disabled
            } else {
                SchedulingState::Enabled
            }),
            state_transition_time: node.since,
            last_boot_time: node.booted,
            allocation_time: node.allocated,
            ip_address: pool.address(node).to_string(),
            ipv6_address: "::1".to_owned(),
            affinity_id: format!("TVM:{id}"),
            vm_size: pool.spec.vm_size.clone(),
            total_tasks_run: node.tasks_run,
            running_tasks_count: Some(running),
            running_task_slots_count: i32::try_from(node.used_slots()).ok(),
            total_tasks_succeeded: Some(node.tasks_succeeded),
            recent_tasks: self.recent_tasks(node),
            start_task: node.start_task.clone(),
            start_task_info: node.start_info.as_deref().cloned(),
            errors: node.errors.clone(),
            is_dedicated: Some(node.dedicated),
            endpoint_configuration: super::network::endpoints(pool),
            node_agent_info: Some(node::NodeAgentInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                last_update_time: node.booted,
            }),
            virtual_machine_info: VirtualMachineInfo {
                image_reference: pool
                    .spec
                    .virtual_machine_configuration
                    .as_ref()
                    .map(|m| m.image_reference.clone()),
                scale_set_vm_resource_id: None,
            },
        }
    }

    fn recent_tasks(&self, node: &Node) -> Vec<TaskInfo> {
        let key = node.name.key();
        let task = |job: &str, task: &str| {
            let owner = self.jobs.get(&Key::of(job))?;
            let found = owner.tasks.get(&Key::of(task))?;
            let team = found.attempt.as_ref().and_then(|a| a.team.as_deref());
            let mut subtasks = team.iter().flat_map(|team| team.numbered());
            let subtask = subtasks.find(|(_, subtask)| subtask.node.key() == key);
            Some(TaskInfo {
                task_url: Some(self.url(Operation::GetTask, &[job, task])),
                job_id: Some(job.to_owned()),
                task_id: Some(task.to_owned()),
                subtask_id: subtask.map(|(id, _)| i32::from(id)),
                task_state: found.phase.state(),
                execution_info: Some(execution_info(found)),
            })
        };
        node.recent
            .iter()
            .filter_map(|(j, t)| task(j.as_str(), t.as_str()))
            .collect()
    }

    pub(super) fn view_job(&self, key: &Key) -> Result<job::Job, Refusal> {
        let job = self.jobs.get(key).ok_or(Code::JobNotFound)?;
        let spec = job.spec.as_ref().clone();
        Ok(job::Job {
            url: self.url(Operation::GetJob, &[&spec.id]),
            id: spec.id,
            display_name: spec.display_name,
            uses_task_dependencies: spec.uses_task_dependencies,
            etag: job.modified.etag(),
            last_modified: job.modified,
            creation_time: job.created,
            state: job.state,
            state_transition_time: job.since,
            previous_state: job.previous.map(|(state, _)| state),
            previous_state_transition_time: job.previous.map(|(_, since)| since),
            priority: spec.priority,
            allow_task_preemption: spec.allow_task_preemption,
            max_parallel_tasks: spec.max_parallel_tasks,
            constraints: spec.constraints,
            job_manager_task: spec.job_manager_task,
            job_preparation_task: spec.job_preparation_task,
            job_release_task: spec.job_release_task,
            common_environment_settings: spec.common_environment_settings,
            execution_info: Some(job::JobExecutionInfo {
                start_time: job.created,
                end_time: job.end,
                pool_id: job.pool_id().map(str::to_owned),
                scheduling_error: job.scheduling_error.as_deref().cloned(),
                terminate_reason: job.terminate_reason.clone(),
            }),
            pool_info: spec.pool_info,
            on_all_tasks_complete: spec.on_all_tasks_complete,
            on_task_failure: spec.on_task_failure,
            network_configuration: spec.network_configuration,
            metadata: spec.metadata,
            stats: None,
        })
    }

    pub(super) fn view_preparation(
        &self,
        job: &Job,
        here: &OnNode,
    ) -> job::JobPreparationAndReleaseTaskStatus {
        let (pool, node) = (here.pool.as_str(), here.node.as_str());
        let place = |id: &str| {
            let directory = task_root_directory(&job.spec.id, id);
            let url = self.url(Operation::DownloadNodeFile, &[pool, node, &directory]);
            (Some(directory), Some(url))
        };
        let preparation = &here.preparation;
        let (directory, url) = place(&job.preparation_id().unwrap_or_default());
        let release = here.release.as_ref().map(|chore| {
            let id = job.spec.job_release_task.as_deref().map(release_id);
            let (directory, url) = place(id.unwrap_or_default());
            job::JobReleaseTaskExecutionInfo {
                start_time: chore.start,
                end_time: chore.end,
                state: match chore.end {
                    Some(_) => job::JobReleaseTaskState::Completed,
                    None => job::JobReleaseTaskState::Running,
                },
                task_root_directory: directory,
                task_root_directory_url: url,
                exit_code: chore.exit_code,
                container_info: None,
                failure_info: chore.failure.clone(),
                result: chore.result(),
            }
        });
        job::JobPreparationAndReleaseTaskStatus {
            pool_id: Some(pool.to_owned()),
            node_id: Some(node.to_owned()),
            node_url: Some(self.url(Operation::GetNode, &[pool, node])),
            job_preparation_task_execution_info: Some(job::JobPreparationTaskExecutionInfo {
                start_time: preparation.start,
                end_time: preparation.end,
                state: match preparation.end {
                    Some(_) => job::JobPreparationTaskState::Completed,
                    None => job::JobPreparationTaskState::Running,
                },
                task_root_directory: directory,
                task_root_directory_url: url,
                exit_code: preparation.exit_code,
                container_info: None,
                failure_info: preparation.failure.clone(),
                retry_count: preparation.retries,
                last_retry_time: preparation.last_retry,
                result: preparation.result(),
            }),
            job_release_task_execution_info: release,
        }
    }

    pub(super) fn view_schedule(&self, key: &Key) -> Result<JobSchedule, Refusal> {
        let schedule = self.schedules.get(key).ok_or(Code::JobScheduleNotFound)?;
        let spec = schedule.spec.as_ref().clone();
        Ok(JobSchedule {
            url: self.url(Operation::GetJobSchedule, &[&spec.id]),
            id: spec.id,
            display_name: spec.display_name,
            etag: schedule.modified.etag(),
            last_modified: schedule.modified,
            creation_time: schedule.created,
            state: schedule.state,
            state_transition_time: schedule.since,
            previous_state: schedule.previous.map(|(state, _)| state),
            previous_state_transition_time: schedule.previous.map(|(_, since)| since),
            schedule: Some(spec.schedule),
            job_specification: spec.job_specification,
            execution_info: JobScheduleExecutionInfo {
                next_run_time: schedule.next_run,
                recent_job: schedule.recent.as_ref().map(|job| RecentBatchJob {
                    id: Some(job.as_str().to_owned()),
                    url: Some(self.url(Operation::GetJob, &[job.as_str()])),
                }),
                end_time: schedule.end,
            },
            metadata: spec.metadata,
            stats: None,
        })
    }

    pub(super) fn view_task(&self, job: &Job, task: &Task, body: TaskCreate) -> task::Task {
        task::Task {
            url: self.url(Operation::GetTask, &[&job.spec.id, &body.id]),
            node_info: self.node_info(job, task, 0),
            id: body.id,
            display_name: body.display_name,
            etag: task.modified.etag(),
            last_modified: task.modified,
            creation_time: task.created,
            exit_conditions: body.exit_conditions,
            state: task.phase.state(),
            state_transition_time: task.since,
            previous_state: task.previous.map(|(state, _)| state),
            previous_state_transition_time: task.previous.map(|(_, since)| since),
            command_line: body.command_line,
            container_settings: body.container_settings,
            resource_files: body.resource_files,
            output_files: body.output_files,
            environment_settings: body.environment_settings,
            affinity_info: body.affinity_info,
            constraints: Some(TaskConstraints {
                max_wall_clock_time: Some(task.limits.wall_clock),
                retention_time: Some(task.limits.retention),
                max_task_retry_count: Some(task.limits.max_retries),
            }),
            required_slots: Some(i32::from(task.limits.slots)),
            user_identity: body
                .user_identity
                .or_else(|| Some(Box::new(default_user()))),
            execution_info: Some(execution_info(task)),
            multi_instance_settings: body.multi_instance_settings,
            stats: None,
            depends_on: body.depends_on,
            application_package_references: body.application_package_references,
        }
    }

    pub(super) fn view_subtasks(&self, job: &Job, task: &Task) -> Vec<task::Subtask> {
        let team = task.attempt.as_ref().and_then(|a| a.team.as_deref());
        let view = |(id, subtask): (u16, &Subtask)| task::Subtask {
            id: Some(i32::from(id)),
            node_info: self.node_info(job, task, id),
            start_time: subtask.start,
            end_time: subtask.end,
            exit_code: subtask.exit_code,
            container_info: None,
            failure_info: subtask.failure.as_deref().cloned(),
            state: Some(subtask.state),
            state_transition_time: Some(subtask.since),
            previous_state: subtask.previous.map(|(state, _)| state),
            previous_state_transition_time: subtask.previous.map(|(_, since)| since),
            result: subtask.end.map(|_| match subtask.failure {
                None => ExecutionResult::Success,
                Some(_) => ExecutionResult::Failure,
            }),
        };
        team.iter().flat_map(|t| t.numbered()).map(view).collect()
    }

    /// Where the task is, or one of its subtasks.
    fn node_info(&self, job: &Job, task: &Task, instance: u16) -> Option<NodeInfo> {
        let attempt = task.attempt.as_deref()?;
        let (pool, node) = (attempt.pool.as_str(), attempt.node_of(instance)?.as_str());
        if node.is_empty() {
            return None;
        }
        let mut directory = task_root_directory(&job.spec.id, task.name.as_str());
        if instance > 0 {
            directory.push_str(&format!("/{instance}"));
        }
        let file = Operation::DownloadNodeFile;
        Some(NodeInfo {
            affinity_id: Some(format!("TVM:{node}")),
            node_url: Some(self.url(Operation::GetNode, &[pool, node])),
            pool_id: Some(pool.to_owned()),
            node_id: Some(node.to_owned()),
            task_root_directory_url: Some(self.url(file, &[pool, node, &directory])),
            task_root_directory: Some(directory),
        })
    }
}

/// Where a task's files lie below the root of its node; jobs of a schedule lie below the schedule [rec].
pub(in crate::service) fn task_root_directory(job: &str, task: &str) -> String {
    match job.split_once(super::job_schedule::SEPARATOR) {
        Some((schedule, number)) => format!("workitems/{schedule}/{number}/{task}"),
        None => format!("workitems/{job}/job-1/{task}"),
    }
}

/// What runs a command when nothing is said [rec].
fn default_user() -> UserIdentity {
    UserIdentity {
        username: None,
        auto_user: Some(AutoUserSpecification {
            scope: Some(AutoUserScope::Pool),
            elevation_level: Some(ElevationLevel::NonAdmin),
        }),
    }
}

fn execution_info(task: &Task) -> TaskExecutionInfo {
    let attempt = task.attempt.as_deref();
    TaskExecutionInfo {
        start_time: attempt.and_then(|a| a.start),
        end_time: attempt.and_then(|a| a.end),
        exit_code: attempt.and_then(|a| a.exit_code),
        container_info: None,
        failure_info: attempt.and_then(|a| a.failure.as_deref().cloned()),
        retry_count: task.retries,
        last_retry_time: task.last_retry,
        requeue_count: task.requeues,
        last_requeue_time: task.last_requeue,
        result: result(task.phase),
    }
}

fn count<'a>(nodes: impl Iterator<Item = &'a Node>) -> NodeCounts {
    let mut counts = NodeCounts {
        creating: 0,
        idle: 0,
        offline: 0,
        preempted: 0,
        rebooting: 0,
        reimaging: 0,
        running: 0,
        starting: 0,
        start_task_failed: 0,
        leaving_pool: 0,
        unknown: 0,
        unusable: 0,
        waiting_for_start_task: 0,
        deallocated: 0,
        deallocating: 0,
        total: 0,
        upgrading_os: 0,
    };
    for node in nodes {
        counts.total += 1;
        *match node.state {
            NodeState::Idle => &mut counts.idle,
            NodeState::Rebooting => &mut counts.rebooting,
            NodeState::Reimaging => &mut counts.reimaging,
            NodeState::Running => &mut counts.running,
            NodeState::Unusable => &mut counts.unusable,
            NodeState::Creating => &mut counts.creating,
            NodeState::Starting => &mut counts.starting,
            NodeState::WaitingForStartTask => &mut counts.waiting_for_start_task,
            NodeState::StartTaskFailed => &mut counts.start_task_failed,
            NodeState::Unknown | NodeState::Unrecognized => &mut counts.unknown,
            NodeState::LeavingPool => &mut counts.leaving_pool,
            NodeState::Offline => &mut counts.offline,
            NodeState::Preempted => &mut counts.preempted,
            NodeState::UpgradingOs => &mut counts.upgrading_os,
            NodeState::Deallocated => &mut counts.deallocated,
            NodeState::Deallocating => &mut counts.deallocating,
        } += 1;
    }
    counts
}
