//! Files of tasks and of nodes.

use std::ops::Range;

use bytes::Bytes;
use futures::Stream;

use super::super::error::ClientError;
use super::{Batch, ListOptions};
use crate::wire::batch::file::FileEntry;
use crate::wire::batch::operation::Operation;

/// The end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    pub bytes: Bytes,
    /// Length of the whole file when it was looked at.
    pub file_length: u64,
}

impl Tail {
    /// Whether there is more of the file before these bytes.
    pub fn is_cut(&self) -> bool {
        (self.bytes.len() as u64) < self.file_length
    }
}

impl Batch {
    /// Bytes of a file of a task, such as `stdout.txt` or `wd/out.txt`; None when there is no such file.
    /// Without a range it comes whole and into memory. An empty range is an empty answer.
    pub async fn task_file(
        &self,
        job: &str,
        task: &str,
        path: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, ClientError> {
        let parameters = [job, task, path];
        self.file(Operation::DownloadTaskFile, &parameters, range)
            .await
    }

    /// Bytes of a file of a node, such as `startup/stderr.txt`; None when there is no such file.
    pub async fn node_file(
        &self,
        pool: &str,
        node: &str,
        path: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, ClientError> {
        let parameters = [pool, node, path];
        self.file(Operation::DownloadNodeFile, &parameters, range)
            .await
    }

    /// The last bytes of a file of a task; None when there is no such file.
    pub async fn tail(
        &self,
        job: &str,
        task: &str,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<Tail>, ClientError> {
        self.tail_of(
            Operation::GetTaskFileProperties,
            Operation::DownloadTaskFile,
            &[job, task, path],
            max_bytes,
        )
        .await
    }

    /// The last bytes of a file of a node; None when there is no such file.
    pub async fn node_tail(
        &self,
        pool: &str,
        node: &str,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<Tail>, ClientError> {
        self.tail_of(
            Operation::GetNodeFileProperties,
            Operation::DownloadNodeFile,
            &[pool, node, path],
            max_bytes,
        )
        .await
    }

    pub fn list_task_files(
        &self,
        job: &str,
        task: &str,
        recursive: bool,
    ) -> impl Stream<Item = Result<FileEntry, ClientError>> + Send + Unpin + use<> {
        let recursive = [("recursive", if recursive { "true" } else { "false" })];
        let options = ListOptions::default();
        self.list(Operation::ListTaskFiles, &[job, task], &recursive, &options)
    }

    pub fn list_node_files(
        &self,
        pool: &str,
        node: &str,
        recursive: bool,
    ) -> impl Stream<Item = Result<FileEntry, ClientError>> + Send + Unpin + use<> {
        let recursive = [("recursive", if recursive { "true" } else { "false" })];
        let options = ListOptions::default();
        self.list(
            Operation::ListNodeFiles,
            &[pool, node],
            &recursive,
            &options,
        )
    }

    async fn file(
        &self,
        operation: Operation,
        parameters: &[&str; 3],
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, ClientError> {
        if range.as_ref().is_some_and(Range::is_empty) {
            return Ok(Some(Bytes::new()));
        }
        let call = self.call(operation, parameters).range(range.as_ref());
        Ok(call.find().await?.map(|answer| answer.into_bytes()))
    }

    async fn tail_of(
        &self,
        properties: Operation,
        download: Operation,
        parameters: &[&str; 3],
        max_bytes: u64,
    ) -> Result<Option<Tail>, ClientError> {
        let Some(found) = self.call(properties, parameters).find().await? else {
            return Ok(None);
        };
        let length = found.header("content-length").and_then(|l| l.parse().ok());
        let file_length: u64 = length.unwrap_or(0);
        let range = file_length.saturating_sub(max_bytes)..file_length;
        let bytes = self.file(download, parameters, Some(range)).await?;
        Ok(bytes.map(|bytes| Tail { bytes, file_length }))
    }
}
