//! Job schedules.

use futures::Stream;
use serde::de::DeserializeOwned;

use super::super::Create;
use super::super::error::ClientError;
use super::pool::created;
use super::{Batch, ListOptions};
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

    pub fn list_job_schedules<T: DeserializeOwned + Send + 'static>(
        &self,
        options: &ListOptions,
    ) -> impl Stream<Item = Result<T, ClientError>> + Send + Unpin + use<T> {
        self.list(Operation::ListJobSchedules, &[], &[], options)
    }

    /// Starts the deletion, of its jobs as well; no schedule, or one being deleted, is fine.
    pub async fn delete_job_schedule(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::DeleteJobSchedule, &[id]);
        call.ensure_gone(&["JobScheduleBeingDeleted"]).await
    }
}
