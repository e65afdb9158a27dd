//! The way to the driver from any thread.

use std::sync::{Arc, OnceLock, mpsc};

use tokio::sync::oneshot;

use crate::service::core::command::{Answer, BatchCommand};
use crate::service::core::effect::Report;
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply};

/// What waits at the driver's door.
#[derive(Debug)]
pub(super) enum Message {
    Batch(Box<BatchCommand>, oneshot::Sender<Answer>),
    Blob(
        Box<BlobCommand>,
        oneshot::Sender<Result<BlobReply, BlobRefusal>>,
    ),
    /// From a node, which is gone with whatever was not written down.
    NodeBlob(
        Box<BlobCommand>,
        oneshot::Sender<Result<BlobReply, BlobRefusal>>,
    ),
    Report(Report),
    Stop,
}

/// The driver has stopped: the service is going down, or its records can no longer be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the local service has stopped{}", .why.as_ref().map(|w| format!(": {w}")).unwrap_or_default())]
pub(in crate::service) struct Stopped {
    why: Option<String>,
}

#[derive(Debug, Clone)]
pub(in crate::service) struct DriverHandle {
    pub(super) inbox: mpsc::Sender<Message>,
    /// Why the driver stopped by itself.
    pub(super) end: Arc<OnceLock<String>>,
}

impl DriverHandle {
    /// Puts a request to the Batch service.
    pub(in crate::service) async fn batch(&self, command: BatchCommand) -> Result<Answer, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Batch(Box::new(command), reply))?;
        answer.await.map_err(|_| self.stopped())
    }

    /// Puts a request to the Blob service.
    pub(in crate::service) async fn ask_blob(
        &self,
        command: BlobCommand,
    ) -> Result<Result<BlobReply, BlobRefusal>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Blob(Box::new(command), reply))?;
        answer.await.map_err(|_| self.stopped())
    }

    /// The same for the work of a node, whose end is written down with it or later: the answer does not wait.
    pub(in crate::service) async fn ask_blob_for_node(
        &self,
        command: BlobCommand,
    ) -> Result<Result<BlobReply, BlobRefusal>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::NodeBlob(Box::new(command), reply))?;
        answer.await.map_err(|_| self.stopped())
    }

    /// Tells what happened on a node; lost when the driver has stopped.
    pub(in crate::service) fn report(&self, report: Report) {
        let _ = self.send(Message::Report(report));
    }

    /// Asks the driver to stop once it has answered what came before.
    pub(in crate::service) fn stop(&self) {
        let _ = self.send(Message::Stop);
    }

    fn send(&self, message: Message) -> Result<(), Stopped> {
        self.inbox.send(message).map_err(|_| self.stopped())
    }

    fn stopped(&self) -> Stopped {
        Stopped {
            why: self.end.get().cloned(),
        }
    }
}
