//! Who may touch which directory when: what is asked for first is done first, per directory, and what concerns
//! a whole node waits for, and holds up, everything on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::service::core::effect::{NodeRef, Role};

/// The queue of each directory, as the last in line: what comes next waits for that.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    nodes: Arc<Mutex<HashMap<NodeRef, Lane>>>,
}

#[derive(Debug, Default)]
struct Lane {
    last_id: u64,
    whole: Option<Last>,
    parts: HashMap<Role, Last>,
}

#[derive(Debug)]
struct Last {
    id: u64,
    done: CancellationToken,
}

/// A place in line; dropping it lets the next one go.
#[derive(Debug)]
pub(super) struct Turn {
    lanes: Lanes,
    node: NodeRef,
    part: Option<Role>,
    id: u64,
    before: Vec<CancellationToken>,
    done: CancellationToken,
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, HashMap<NodeRef, Lane>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines up for the directory of one command line.
    pub(super) fn enter(&self, node: &NodeRef, part: &Role) -> Turn {
        self.line_up(node, Some(part.clone()))
    }

    /// Lines up for the whole node.
    pub(super) fn enter_node(&self, node: &NodeRef) -> Turn {
        self.line_up(node, None)
    }

    fn line_up(&self, node: &NodeRef, part: Option<Role>) -> Turn {
        let mut nodes = self.lock();
        let lane = nodes.entry(node.clone()).or_default();
        lane.last_id += 1;
        let id = lane.last_id;
        let done = CancellationToken::new();
        let last = Last {
            id,
            done: done.clone(),
        };
        let before: Vec<Last> = match &part {
            Some(part) => {
                let before = lane.parts.insert(part.clone(), last);
                // Who was before us in this part has itself waited for the whole node.
                match (before, &lane.whole) {
                    (Some(before), _) => vec![before],
                    (None, Some(whole)) => vec![Last {
                        id: whole.id,
                        done: whole.done.clone(),
                    }],
                    (None, None) => Vec::new(),
                }
            }
            None => {
                let parts = lane.parts.drain().map(|(_, last)| last);
                parts.chain(lane.whole.replace(last)).collect()
            }
        };
        Turn {
            lanes: self.clone(),
            node: node.clone(),
            part,
            id,
            before: before.into_iter().map(|last| last.done).collect(),
            done,
        }
    }
}

impl Turn {
    /// Until everything asked for before has been done.
    pub(super) async fn come(&self) {
        for before in &self.before {
            before.cancelled().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.done.cancel();
        let mut nodes = self.lanes.lock();
        let Some(lane) = nodes.get_mut(&self.node) else {
            return;
        };
        match &self.part {
            Some(part) if lane.parts.get(part).is_some_and(|last| last.id == self.id) => {
                lane.parts.remove(part);
            }
            None if lane.whole.as_ref().is_some_and(|last| last.id == self.id) => {
                lane.whole = None;
            }
            _ => {}
        }
        if lane.whole.is_none() && lane.parts.is_empty() {
            nodes.remove(&self.node);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn task(name: &str) -> Role {
        Role::Task {
            job: "j".into(),
            task: name.into(),
        }
    }

    fn has_come(turn: &Turn) -> bool {
        turn.come().now_or_never().is_some()
    }

    #[test]
    fn the_order_of_a_node() {
        let lanes = Lanes::default();
        let node = NodeRef {
            pool: "p".into(),
            node: "n".into(),
        };
        let prepare = lanes.enter_node(&node);
        let (a1, b) = (
            lanes.enter(&node, &task("a")),
            lanes.enter(&node, &task("b")),
        );
        let a2 = lanes.enter(&node, &task("a"));
        let remove = lanes.enter_node(&node);
        let again = lanes.enter(&node, &task("a"));
        let turns = |expected: [bool; 5]| {
            let now = [&a1, &b, &a2, &remove, &again].map(has_come);
            assert_eq!(now, expected);
        };
        assert!(has_come(&prepare));
        turns([false; 5]);
        drop(prepare);
        turns([true, true, false, false, false]);
        drop(a1);
        assert!(has_come(&a2) && !has_come(&remove));
        drop(a2);
        assert!(!has_come(&remove));
        drop(b);
        assert!(has_come(&remove) && !has_come(&again));
        drop(remove);
        assert!(has_come(&again));
        drop(again);
        assert!(lanes.lock().is_empty());
    }
}
