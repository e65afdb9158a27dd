//! What a task wrote to stdout or stderr: from its node while that is there, from blob storage afterwards.

use bytes::Bytes;

use crate::client::{Client, ClientError};
use crate::desired::{Desired, Logs};

/// Bytes of a kept log that are read at most; longer ones are for a download.
const MOST: u64 = 256 << 20;

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// The name of its file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Stdout => "stdout.txt",
            Self::Stderr => "stderr.txt",
        }
    }
}

/// Reads what a task has written from byte `from` on; None when it is nowhere.
pub async fn read_log(
    desired: &Desired,
    client: &Client,
    job: &str,
    task: &str,
    stream: Stream,
    from: u64,
) -> Result<Option<Bytes>, ClientError> {
    match node_log(client, job, task, stream, from).await {
        Ok(None) => {}
        // The node is gone, or not to be reached; so it may be when no task has run.
        Err(error) if matches!(error.status(), Some(404 | 409)) => {}
        found => return found,
    }
    match &desired.logs {
        Some(logs) => kept_log(logs, client, job, task, stream, from).await,
        None => Ok(None),
    }
}

/// The same from the node alone.
async fn node_log(
    client: &Client,
    job: &str,
    task: &str,
    stream: Stream,
    from: u64,
) -> Result<Option<Bytes>, ClientError> {
    let tail = client.batch.tail(job, task, stream.file(), 0).await?;
    let Some(tail) = tail else { return Ok(None) };
    let range = from..tail.file_length.max(from);
    let batch = &client.batch;
    batch.task_file(job, task, stream.file(), Some(range)).await
}

async fn kept_log(
    logs: &Logs,
    client: &Client,
    job: &str,
    task: &str,
    stream: Stream,
    from: u64,
) -> Result<Option<Bytes>, ClientError> {
    let blob = logs.blob(job, task, stream.file());
    let container = logs.container.as_str();
    let whole = client.blob.read_small(container, &blob, MOST).await?;
    Ok(whole.map(|bytes| {
        let from = usize::try_from(from).map_or(bytes.len(), |from| from.min(bytes.len()));
        bytes.slice(from..)
    }))
}
