//! A plan and all it takes to carry it out: what every step gets.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::error::ApplyError;
use crate::client::Client;
use crate::desired::Desired;
use crate::event::{Event, Sink};
use crate::observed::Receipt;
use crate::plan::{Plan, StepKind};

/// Requests of one kind in flight at once.
pub(super) const PARALLEL: usize = 16;

/// A plan and all it takes to carry it out.
pub struct Run<'a> {
    pub desired: &'a Desired,
    pub plan: &'a Plan,
    pub client: &'a Client,
    pub events: Sink,
    /// First interrupt: stop starting things.
    pub cancel: CancellationToken,
    /// Where the receipt lies.
    pub receipt_folder: PathBuf,
    /// What the receipt said when the plan was made.
    pub receipt: Receipt,
}

impl Run<'_> {
    pub(super) fn changed(&self, step: StepKind, change: &'static str, address: impl Into<String>) {
        self.events.emit(Event::Changed {
            step,
            change,
            address: address.into(),
        });
    }

    /// Runs one step between its events.
    pub(super) async fn step<T>(
        &self,
        step: StepKind,
        total: usize,
        work: impl Future<Output = Result<T, ApplyError>>,
    ) -> Result<T, ApplyError> {
        self.interrupted()?;
        self.events.emit(Event::StepStarted {
            step,
            total: total as u64,
        });
        let result = work.await?;
        self.events.emit(Event::StepFinished { step });
        Ok(result)
    }

    pub(super) fn interrupted(&self) -> Result<(), ApplyError> {
        if self.cancel.is_cancelled() {
            return Err(ApplyError::Interrupted);
        }
        Ok(())
    }
}
