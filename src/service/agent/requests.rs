//! The way of requests to the launcher: whoever has one writes it at once, without waiting for another thread. What
//! the pipe does not take is written by a task, in order, when it does.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::unix::pipe;
use tokio::process::ChildStdin;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::protocol::Request;

/// Dropping it ends the launcher's input.
pub(super) struct Requests {
    outgoing: Arc<Outgoing>,
    rest: JoinHandle<()>,
}

struct Outgoing {
    pipe: pipe::Sender,
    /// What the pipe has not taken.
    waiting: Mutex<Vec<u8>>,
    held_up: Notify,
}

impl Requests {
    /// Must be called within a runtime.
    pub(super) fn to(input: ChildStdin) -> io::Result<Self> {
        let outgoing = Arc::new(Outgoing {
            pipe: pipe::Sender::from_owned_fd(input.into_owned_fd()?)?,
            waiting: Mutex::default(),
            held_up: Notify::new(),
        });
        let rest = tokio::spawn(write_rest(outgoing.clone()));
        Ok(Self { outgoing, rest })
    }

    /// Does not wait. A launcher that is gone tells so by the end of its notices.
    pub(super) fn send(&self, request: &Request) {
        let Ok(mut line) = serde_json::to_vec(request) else {
            return;
        };
        line.push(b'\n');
        let mut waiting = self.outgoing.lock();
        let was_held_up = !waiting.is_empty();
        waiting.extend_from_slice(&line);
        if !was_held_up && !self.outgoing.write(&mut waiting) {
            self.outgoing.held_up.notify_one();
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.rest.abort();
    }
}

impl Outgoing {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is left to write, or nobody reads.
    fn write(&self, waiting: &mut Vec<u8>) -> bool {
        while !waiting.is_empty() {
            match self.pipe.try_write(waiting) {
                Ok(written) => drop(waiting.drain(..written)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => waiting.clear(),
            }
        }
        true
    }
}

async fn write_rest(outgoing: Arc<Outgoing>) {
    loop {
        outgoing.held_up.notified().await;
        while outgoing.pipe.writable().await.is_ok() {
            if outgoing.write(&mut outgoing.lock()) {
                break;
            }
        }
    }
}
