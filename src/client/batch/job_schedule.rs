//! Job schedules.

use super::super::Create;
use super::super::error::ClientError;
use super::Batch;
use super::pool::created;
use crate::wire::batch::job_schedule::{JobSchedule, JobScheduleCreate};
use crate::wire::batch::operation::Operation;

impl Batch {
    pub async fn create_job_schedule(
        &self,
        schedule: &JobScheduleCreate,
    ) -> Result<Create, ClientError> {
        let call = self
            .call(Operation::CreateJobSchedule, &[])
            .on(&schedule.id);
        created(call.json(schedule).send().await, "JobScheduleExists")
    }

    pub async fn get_job_schedule(&self, id: &str) -> Result<Option<JobSchedule>, ClientError> {
        match self.call(Operation::GetJobSchedule, &[id]).find().await? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    /// Starts the deletion, of its jobs as well; no schedule, or one being deleted, is fine.
    pub async fn delete_job_schedule(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::DeleteJobSchedule, &[id]);
        call.ensure_gone(&["JobScheduleBeingDeleted"]).await
    }
}
