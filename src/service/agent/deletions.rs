//! Task directories on their way out. Those of a job lie in one place, where many threads would only wait for each
//! other, and each is gone sooner than a thread has been woken for it: a few go through all that wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::directories::RunDirectories;
use super::lanes::Turn;
use super::trees;

/// Directories deleted at once.
const AT_ONCE: usize = 2;

/// One directory, whose turn it is.
pub(super) struct Deletion {
    pub(super) run: RunDirectories,
    pub(super) turn: Turn,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Deletion>,
    at_work: usize,
}

/// What waits to be deleted.
#[derive(Clone, Default)]
pub(super) struct Deletions(Arc<Mutex<Queue>>);

impl Deletions {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines up. Some: work for a thread of its own, until nothing waits any more; None when there are enough.
    pub(super) fn push(&self, deletion: Deletion) -> Option<impl FnOnce() + Send + 'static> {
        let mut queue = self.lock();
        queue.waiting.push_back(deletion);
        if queue.at_work >= AT_ONCE {
            return None;
        }
        queue.at_work += 1;
        let deletions = self.clone();
        Some(move || deletions.work())
    }

    fn work(&self) {
        while let Some(Deletion { run, turn }) = self.next() {
            if let Err(e) = trees::remove_run(&run) {
                tracing::warn!("a task directory could not be deleted: {e}");
            }
            drop(turn);
        }
    }

    fn next(&self) -> Option<Deletion> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        if next.is_none() {
            queue.at_work -= 1;
        }
        next
    }
}
