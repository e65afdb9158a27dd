//! What lists can be filtered by, read straight from the state.

use super::job::Job;
use super::job_schedule::JobSchedule;
use super::node::Node;
use super::pool::Pool;
use super::preparation::OnNode;
use super::task::{Phase, Task};
use crate::wire::batch::command::ExecutionResult;
use crate::wire::batch::machine::SupportedImage;
use crate::wire::batch::pool::PoolNodeCounts;
use crate::wire::filter::{Filterable, Operand};

impl Filterable for Pool {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        Some(match field {
            "id" => self.spec.id.as_str().into(),
            "state" => self.state.as_str().into(),
            "allocationState" => self.allocation.as_str().into(),
            "stateTransitionTime" => self.since.into(),
            "allocationStateTransitionTime" => self.allocation_since.into(),
            "creationTime" => self.created.into(),
            "lastModified" => self.modified.into(),
            "enableAutoScale" => self.spec.enable_auto_scale?.into(),
            "enableInterNodeCommunication" => self.spec.enable_inter_node_communication?.into(),
            "vmSize" => self.spec.vm_size.as_str().into(),
            _ => return None,
        })
    }
}

impl Filterable for Node {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        let info = self.start_info.as_deref();
        Some(match field {
            "id" => self.name.as_str().into(),
            "state" => self.state.as_str().into(),
            "stateTransitionTime" => self.since.into(),
            "lastBootTime" => self.booted.into(),
            "allocationTime" => self.allocated.into(),
            "startTaskInfo/state" => info?.state.as_str().into(),
            "startTaskInfo/result" => info?.result?.as_str().into(),
            "startTaskInfo/exitCode" => info?.exit_code?.into(),
            "startTaskInfo/startTime" => info?.start_time.into(),
            "startTaskInfo/endTime" => info?.end_time?.into(),
            _ => return None,
        })
    }
}

impl Filterable for Job {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        Some(match field {
            "id" => self.spec.id.as_str().into(),
            "state" => self.state.as_str().into(),
            "stateTransitionTime" => self.since.into(),
            "creationTime" | "executionInfo/startTime" => self.created.into(),
            "lastModified" => self.modified.into(),
            "executionInfo/endTime" => self.end?.into(),
            "executionInfo/poolId" => self.pool_id()?.into(),
            _ => return None,
        })
    }
}

impl Filterable for JobSchedule {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        let schedule = &self.spec.schedule;
        Some(match field {
            "id" => self.spec.id.as_str().into(),
            "state" => self.state.as_str().into(),
            "stateTransitionTime" => self.since.into(),
            "creationTime" => self.created.into(),
            "lastModified" => self.modified.into(),
            "executionInfo/endTime" => self.end?.into(),
            "schedule/doNotRunUntil" => schedule.do_not_run_until?.into(),
            "schedule/doNotRunAfter" => schedule.do_not_run_after?.into(),
            _ => return None,
        })
    }
}

impl Filterable for OnNode {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        let (chore, field) = match field.split_once('/') {
            None => {
                return match field {
                    "poolId" => Some(self.pool.as_str().into()),
                    "nodeId" => Some(self.node.as_str().into()),
                    _ => None,
                };
            }
            Some(("jobPreparationTaskExecutionInfo", field)) => (&self.preparation, field),
            Some((_, field)) => (self.release.as_ref()?, field),
        };
        Some(match field {
            "state" if chore.end.is_some() => "completed".into(),
            "state" => "running".into(),
            "exitCode" => chore.exit_code?.into(),
            "result" => chore.result()?.as_str().into(),
            "startTime" => chore.start.into(),
            "endTime" => chore.end?.into(),
            _ => return None,
        })
    }
}

impl Filterable for Task {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        let attempt = self.attempt.as_deref();
        Some(match field {
            "id" => self.name.as_str().into(),
            "state" => self.phase.state().as_str().into(),
            "stateTransitionTime" => self.since.into(),
            "creationTime" => self.created.into(),
            "lastModified" | "lastModifiedTime" => self.modified.into(),
            "executionInfo/startTime" => attempt?.start?.into(),
            "executionInfo/endTime" => attempt?.end?.into(),
            "executionInfo/exitCode" => attempt?.exit_code?.into(),
            "executionInfo/result" => result(self.phase)?.as_str().into(),
            _ => return None,
        })
    }
}

/// The result of a completed task.
pub(super) fn result(phase: Phase) -> Option<ExecutionResult> {
    match phase {
        Phase::Completed { succeeded: true } => Some(ExecutionResult::Success),
        Phase::Completed { succeeded: false } => Some(ExecutionResult::Failure),
        _ => None,
    }
}

/// The wire's own types, when the list is made before it is filtered.
pub(super) struct Listed<'a, T>(pub(super) &'a T);

impl Filterable for Listed<'_, PoolNodeCounts> {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        (field == "poolId").then(|| self.0.pool_id.as_str().into())
    }
}

impl Filterable for Listed<'_, SupportedImage> {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        Some(match field {
            "osType" => self.0.os_type.as_str().into(),
            "verificationType" => self.0.verification_type.as_str().into(),
            "nodeAgentSKUId" => self.0.node_agent_sku_id.as_str().into(),
            _ => return None,
        })
    }
}
