//! When the core wants to be woken, and for what. Each pool, node, job and task has at most one timer, which follows
//! from its state; states that the service only passes through have one that is due at once.

use std::collections::BTreeSet;

use super::key::Key;
use crate::wire::time::Time;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Pool(Key),
    /// Pool and node.
    Node(Key, Key),
    Job(Key),
    Schedule(Key),
    Task(Key, Key),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Timers(BTreeSet<(Time, Timer)>);

impl Timers {
    /// Sets, moves or removes a timer. `armed` is its owner's note of when it is set for.
    pub(super) fn arm(
        &mut self,
        armed: &mut Option<Time>,
        at: Option<Time>,
        timer: impl Fn() -> Timer,
    ) {
        if *armed == at {
            return;
        }
        if let Some(old) = armed.take() {
            self.0.remove(&(old, timer()));
        }
        if let Some(at) = at {
            self.0.insert((at, timer()));
        }
        *armed = at;
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.0.first().map(|(at, _)| *at)
    }

    /// The timers that are due. They stay set: the owners' new states move them.
    pub(super) fn due(&self, now: Time) -> Vec<Timer> {
        self.0
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, timer)| timer.clone())
            .collect()
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn contains(&self, at: Time, timer: Timer) -> bool {
        self.0.contains(&(at, timer))
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
