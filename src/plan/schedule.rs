//! The job schedule against what the manifest asks.

use super::action::{Action, FieldChange, Reason};
use super::job::JobPlan;
use super::refused::Refused;
use crate::desired::{DIGEST_KEY, Desired};
use crate::observed::{Observed, owner};
use crate::wire::batch::command::MetadataItem;
use crate::wire::batch::job_schedule::JobScheduleState;

pub(super) fn schedule(desired: &Desired, observed: &Observed) -> Result<JobPlan, Refused> {
    let plan = |action, reason| {
        Ok(JobPlan {
            action,
            reason,
            enable: false,
        })
    };
    let Some(live) = &observed.schedule else {
        return plan(Action::Create, Reason::Absent);
    };
    if live.state == JobScheduleState::Deleting {
        return plan(Action::Create, Reason::BeingDeleted);
    }
    if owner(&live.metadata) != Some(&desired.name) {
        return Err(Refused::NotOurs {
            kind: "job schedule",
            id: desired.job.id.to_string(),
            owner: owner(&live.metadata).map(str::to_owned),
            differs: None,
        });
    }
    let digest = |items: &[MetadataItem]| {
        let item = items.iter().find(|m| m.name == DIGEST_KEY);
        item.map(|m| m.value.clone())
    };
    if digest(&live.metadata) == digest(&desired.job.template.metadata) {
        return plan(Action::Keep, Reason::Matches);
    }
    plan(
        Action::Replace,
        Reason::Differs(vec![FieldChange {
            field: "schedule or job".to_owned(),
            before: "other".to_owned(),
            after: "as in the manifest".to_owned(),
            forces_replacement: true,
        }]),
    )
}
