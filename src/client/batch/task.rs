//! Tasks, one at a time; for many see `add_tasks`.

use futures::Stream;
use serde::de::DeserializeOwned;

use super::super::error::ClientError;
use super::{Batch, ListOptions};
use crate::wire::batch::operation::Operation;
use crate::wire::batch::task::Task;

impl Batch {
    pub async fn get_task(&self, job: &str, task: &str) -> Result<Option<Task>, ClientError> {
        let call = self.call(Operation::GetTask, &[job, task]);
        match call.find().await? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    /// The tasks of a job, each as much of it as `T` and `select` say; pages are fetched as the stream is read.
    pub fn list_tasks<T: DeserializeOwned + Send + 'static>(
        &self,
        job: &str,
        options: &ListOptions,
    ) -> impl Stream<Item = Result<T, ClientError>> + Send + Unpin + use<T> {
        self.list(Operation::ListTasks, &[job], &[], options)
    }

    /// No such task is fine, and so is no such job.
    pub async fn delete_task(&self, job: &str, task: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::DeleteTask, &[job, task]);
        call.ensure_gone(&[]).await
    }

    /// Runs a failed task again; one that is not completed is fine. One that succeeded refuses (`TaskSucceeded`).
    pub async fn reactivate_task(&self, job: &str, task: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::ReactivateTask, &[job, task]);
        call.ensure(&["TaskNotCompleted"]).await
    }

    /// A completed task is fine.
    pub async fn terminate_task(&self, job: &str, task: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::TerminateTask, &[job, task]);
        call.ensure(&["TaskCompleted"]).await
    }
}
