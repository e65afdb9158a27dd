//! Jobs.

use futures::Stream;
use serde::de::DeserializeOwned;

use super::super::Create;
use super::super::error::ClientError;
use super::pool::created;
use super::{Batch, ListOptions};
use crate::wire::batch::job::{
    Job, JobCreate, JobPreparationAndReleaseTaskStatus, JobTerminate, JobUpdate,
};
use crate::wire::batch::operation::Operation;
use crate::wire::batch::task::TaskCountsResult;

impl Batch {
    pub async fn create_job(&self, job: &JobCreate) -> Result<Create, ClientError> {
        let call = self.call(Operation::CreateJob, &[]).on(&job.id);
        created(call.json(job).send().await, "JobExists")
    }

    pub async fn get_job(&self, id: &str) -> Result<Option<Job>, ClientError> {
        match self.call(Operation::GetJob, &[id]).find().await? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    pub fn list_jobs<T: DeserializeOwned + Send + 'static>(
        &self,
        options: &ListOptions,
    ) -> impl Stream<Item = Result<T, ClientError>> + Send + Unpin + use<T> {
        self.list(Operation::ListJobs, &[], &[], options)
    }

    /// Changes the properties given; with `if_match`, only if nobody changed the job since.
    pub async fn patch_job(
        &self,
        id: &str,
        update: &JobUpdate,
        if_match: Option<&str>,
    ) -> Result<(), ClientError> {
        let call = self.call(Operation::UpdateJob, &[id]);
        call.if_match(if_match).json(update).ensure(&[]).await
    }

    /// Ends the job and its running tasks; a job that is ending or has ended is fine.
    pub async fn terminate_job(&self, id: &str, reason: Option<&str>) -> Result<(), ClientError> {
        let body = JobTerminate {
            terminate_reason: reason.map(str::to_owned),
        };
        let call = self.call(Operation::TerminateJob, &[id]).json(&body);
        call.ensure(&["JobCompleted", "JobBeingTerminated", "JobBeingDeleted"])
            .await
    }

    /// Lets a disabled job go on.
    pub async fn enable_job(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::EnableJob, &[id]);
        call.ensure(&[]).await
    }

    /// Starts the deletion; no job, or one being deleted, is fine.
    pub async fn delete_job(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::DeleteJob, &[id]);
        call.ensure_gone(&["JobBeingDeleted"]).await
    }

    /// How the preparation and release tasks went, node by node.
    pub fn preparation_and_release(
        &self,
        job: &str,
        options: &ListOptions,
    ) -> impl Stream<Item = Result<JobPreparationAndReleaseTaskStatus, ClientError>> + Send + Unpin + use<>
    {
        let operation = Operation::ListJobPreparationAndReleaseTaskStatus;
        self.list(operation, &[job], &[], options)
    }

    /// How many tasks are in which state. The real service may lag a little behind.
    pub async fn task_counts(&self, job: &str) -> Result<TaskCountsResult, ClientError> {
        let call = self
            .call(Operation::GetJobTaskCounts, &[job])
            .attempting(format!("count the tasks of job `{job}`"));
        call.send().await?.json()
    }
}
