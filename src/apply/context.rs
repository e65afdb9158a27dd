//! A plan and all it takes to carry it out: what every step gets.

use std::path::PathBuf;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::error::ApplyError;
use crate::client::Client;
use crate::desired::Desired;
use crate::event::{Event, Sink};
use crate::observed::Receipt;
use crate::plan::{Plan, StepKind};

/// Things that are worked on at once. How many requests are under way is the client's to decide.
pub(super) const PARALLEL: usize = crate::client::pace::MOST;

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

    /// The id of the pool that the job runs on; None: there is none yet.
    pub(super) async fn pool_id(&self, step: StepKind) -> Result<Option<String>, ApplyError> {
        if self.desired.pool.auto.is_none() {
            return Ok(Some(self.desired.pool.id.to_string()));
        }
        let job = self
            .client
            .batch
            .get_job(self.desired.job.id.as_str())
            .await;
        let job = job.map_err(ApplyError::at(step))?;
        Ok(job.and_then(|j| j.execution_info?.pool_id))
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

    /// Does some work for each item, several at once. After an error or an interrupt nothing new is started, but
    /// what was sent gets its answer: a request that is dropped half way may or may not have had its effect.
    pub(super) async fn each<I, T, Fut>(
        &self,
        items: I,
        work: impl Fn(I::Item) -> Fut,
    ) -> Result<Vec<T>, ApplyError>
    where
        I: IntoIterator,
        Fut: Future<Output = Result<T, ApplyError>>,
    {
        let mut items = items.into_iter();
        let mut under_way = FuturesUnordered::new();
        let mut done = Vec::new();
        let mut first_error = None;
        loop {
            while first_error.is_none()
                && !self.cancel.is_cancelled()
                && under_way.len() < PARALLEL
                && let Some(item) = items.next()
            {
                under_way.push(work(item));
            }
            match under_way.next().await {
                Some(Ok(one)) => done.push(one),
                Some(Err(error)) => first_error = first_error.or(Some(error)),
                None => break,
            }
        }
        match first_error {
            Some(error) => Err(error),
            None if items.next().is_some() => Err(ApplyError::Interrupted),
            None => Ok(done),
        }
    }

    pub(super) fn interrupted(&self) -> Result<(), ApplyError> {
        if self.cancel.is_cancelled() {
            return Err(ApplyError::Interrupted);
        }
        Ok(())
    }
}
