//! The loop itself, on a thread of its own.

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

use super::cores::Cores;
use super::handle::{DriverHandle, Message};
use crate::clock;
use crate::service::core::Input;
use crate::service::core::command::Answer;
use crate::service::core::effect::Effect;
use crate::service::core::storage::{BlobRefusal, BlobReply};
use crate::service::store::{Store, StoreError};
use crate::wire::time::{Duration, Time};

/// Inputs taken together at most: bounds how long the first of them waits.
const GROUP: usize = 512;
/// How long what nobody asked for may wait to be written down. A restart makes it again.
const WRITTEN_AFTER: std::time::Duration = std::time::Duration::from_millis(10);
/// How long the loop sleeps when nothing is due.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Performs an effect without waiting for its end.
pub(in crate::service) type Perform = Box<dyn FnMut(Effect) + Send>;

/// The loop before it runs.
pub(in crate::service) struct Driver {
    cores: Cores,
    store: Option<Store>,
    inbox: mpsc::Receiver<Message>,
    handle: DriverHandle,
}

/// An answer that waits for the records.
enum Pending {
    Batch(oneshot::Sender<Answer>, Answer),
    Blob(
        oneshot::Sender<Result<BlobReply, BlobRefusal>>,
        Result<BlobReply, BlobRefusal>,
    ),
}

impl Driver {
    /// Without a store the state lives as long as the thread.
    pub(in crate::service) fn new(cores: Cores, store: Option<Store>) -> Self {
        let (sender, inbox) = mpsc::channel();
        Self {
            cores,
            store,
            inbox,
            handle: DriverHandle {
                inbox: sender,
                end: Arc::default(),
            },
        }
    }

    pub(in crate::service) fn handle(&self) -> DriverHandle {
        self.handle.clone()
    }

    /// Starts the thread. It ends after [`DriverHandle::stop`], or with an error when records cannot be written:
    /// what it knows then differs from what is on disk, and only a restart brings the two together.
    pub(in crate::service) fn start(
        self,
        perform: Perform,
    ) -> std::io::Result<thread::JoinHandle<Result<(), StoreError>>> {
        let Self {
            cores,
            store,
            inbox,
            handle,
        } = self;
        // The thread must not keep its own inbox open.
        let end = Arc::clone(&handle.end);
        drop(handle);
        let mut running = Running {
            cores,
            store,
            perform,
            now: clock::now().into(),
            advanced: clock::monotonic(),
            unwritten: None,
        };
        thread::Builder::new()
            .name("driver".to_owned())
            .spawn(move || {
                let ended = running.run(&inbox);
                if let Err(error) = &ended {
                    let cause = error.source().map(|c| format!(": {c}"));
                    let why = format!("{error}{}", cause.unwrap_or_default());
                    tracing::error!("the local service stops: {why}");
                    let _ = end.set(why);
                }
                ended
            })
    }
}

struct Running {
    cores: Cores,
    store: Option<Store>,
    perform: Perform,
    now: Time,
    /// When `now` was last set.
    advanced: Instant,
    /// Since when something waits to be written down.
    unwritten: Option<Instant>,
}

impl Running {
    fn run(&mut self, inbox: &mpsc::Receiver<Message>) -> Result<(), StoreError> {
        let mut effects = Vec::new();
        self.advance();
        self.cores.recover(self.now, &mut effects);
        self.commit(true)?;
        self.perform_all(&mut effects);
        loop {
            let first = match inbox.recv_timeout(self.sleep()) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            self.advance();
            let mut pending = Vec::new();
            let mut stop = false;
            self.cores.tick(self.now, &mut effects);
            for message in first.into_iter().chain(inbox.try_iter().take(GROUP)) {
                if matches!(message, Message::Stop) {
                    stop = true;
                    break;
                }
                self.take(message, &mut pending, &mut effects);
            }
            self.cores.world.settle(self.now, &mut effects);
            #[cfg(debug_assertions)]
            self.check();
            // The next tasks start while the last are written down; a task nobody was told of does not.
            if pending.is_empty() && effects.iter().all(Effect::is_undone_by_restart) {
                self.perform_all(&mut effects);
            }
            self.commit(!(pending.is_empty() && effects.is_empty()))?;
            for answer in pending {
                answer.send();
            }
            self.perform_all(&mut effects);
            if stop {
                return self.commit_all();
            }
        }
    }

    /// A large state would take longer to check than to change.
    #[cfg(debug_assertions)]
    fn check(&self) {
        if self.cores.world.is_small()
            && let Err(broken) = self.cores.world.check_invariants()
        {
            tracing::error!("the state of the local service contradicts itself: {broken}");
        }
    }

    fn advance(&mut self) {
        let nanoseconds = self.advanced.elapsed().as_nanos();
        let elapsed = Duration::from_ticks(i64::try_from(nanoseconds / 100).unwrap_or(i64::MAX));
        self.advanced += elapsed.to_std();
        self.now = next(self.now, elapsed, clock::now().into());
    }

    fn sleep(&self) -> std::time::Duration {
        let sleep = match self.cores.next_deadline() {
            Some(at) => at.since(self.now).min(LONGEST_SLEEP),
            None => LONGEST_SLEEP,
        };
        match self.unwritten {
            Some(since) => sleep
                .to_std()
                .min(WRITTEN_AFTER.saturating_sub(since.elapsed())),
            None => sleep.to_std(),
        }
    }

    fn take(&mut self, message: Message, pending: &mut Vec<Pending>, effects: &mut Vec<Effect>) {
        let Cores { world, storage } = &mut self.cores;
        match message {
            Message::Batch(command, reply) => {
                let answer = world.handle(Input::Batch(command), self.now, effects);
                pending.push(Pending::Batch(reply, answer));
            }
            Message::Blob(command, reply) => {
                let answer = storage.handle(*command, self.now, effects);
                pending.push(Pending::Blob(reply, answer));
            }
            Message::NodeBlob(command, reply) => {
                let answer = storage.handle(*command, self.now, effects);
                let _ = reply.send(answer);
            }
            Message::Report(report) => {
                let _ = world.handle(Input::Report(report), self.now, effects);
            }
            Message::Stop => {}
        }
    }

    /// Writes down what may not be lost, and with it all else that changed: at once when that is told or acted upon.
    fn commit(&mut self, at_once: bool) -> Result<(), StoreError> {
        if !self.cores.has_pressing_changes() {
            self.unwritten = None;
            return Ok(());
        }
        let since = *self.unwritten.get_or_insert_with(clock::monotonic);
        if !at_once && since.elapsed() < WRITTEN_AFTER {
            return Ok(());
        }
        self.unwritten = None;
        self.commit_all()
    }

    fn commit_all(&mut self) -> Result<(), StoreError> {
        let changes = self.cores.take_changes();
        match &mut self.store {
            Some(store) if !changes.is_empty() => store.commit(&changes),
            _ => Ok(()),
        }
    }

    fn perform_all(&mut self, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            (self.perform)(effect);
        }
    }
}

/// The core's next moment. Its time never goes back nor stands still, whatever the system clock does: when that is
/// set back, it goes on from where it was, so that what is due comes in time.
fn next(before: Time, elapsed: Duration, clock: Time) -> Time {
    before.plus(elapsed).max(clock)
}

impl Pending {
    /// A caller that has gone away does not want to know.
    fn send(self) {
        match self {
            Self::Batch(reply, answer) => {
                let _ = reply.send(answer);
            }
            Self::Blob(reply, answer) => {
                let _ = reply.send(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps() {
        let at = |seconds: i64| Time::from_ticks(seconds * 10_000_000);
        for (what, before, elapsed, clock, next_moment) in [
            ("as ever", 1000, 2, 1002, 1002),
            ("set forward, or the machine slept", 1000, 2, 5000, 5000),
            ("set back", 1000, 2, 10, 1002),
            ("still behind", 1002, 3, 13, 1005),
            ("caught up with", 1000, 1, 1001, 1001),
        ] {
            let found = next(at(before), Duration::from_secs(elapsed), at(clock));
            assert_eq!(found, at(next_moment), "{what}");
        }
    }
}
