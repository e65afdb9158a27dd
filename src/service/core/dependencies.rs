//! Which tasks of a job wait for which others. Follows from the tasks and is kept as they change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::limits;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::task::TaskDependencies;

/// What a task waits for: tasks that need not exist yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Depends {
    /// Each once.
    ids: Vec<Key>,
    /// First and last; ids that are integers, leading zeros do not count.
    ranges: Vec<(i32, i32)>,
}

impl Depends {
    pub(super) fn read(body: &TaskDependencies) -> Result<Self, Refusal> {
        let characters: usize = body.task_ids.iter().map(|id| id.chars().count()).sum();
        if characters > limits::MAX_DEPENDENCY_CHARACTERS {
            return Err(Refusal::new(Code::TaskDependencyListTooLong)
                .with("MaxLimit", limits::MAX_DEPENDENCY_CHARACTERS.to_string()));
        }
        if body.task_id_ranges.len() > limits::MAX_DEPENDENCY_RANGES {
            return Err(Refusal::new(Code::TaskDependencyRangesTooLong)
                .with("MaxLimit", limits::MAX_DEPENDENCY_RANGES.to_string()));
        }
        if let Some(range) = body.task_id_ranges.iter().find(|r| r.start > r.end) {
            return Err(Refusal::property(
                "dependsOn.taskIdRanges",
                format!("{}-{}", range.start, range.end),
                "The start of the range is after its end",
            ));
        }
        let ids: BTreeSet<Key> = body.task_ids.iter().map(|id| Key::of(id)).collect();
        Ok(Self {
            ids: ids.into_iter().collect(),
            ranges: body
                .task_id_ranges
                .iter()
                .map(|r| (r.start, r.end))
                .collect(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.ranges.is_empty()
    }
}

/// The index of a job: who waits for whom, and how much each still waits for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Waiting {
    /// How many ids and numbers each task with dependencies still waits for.
    unmet: BTreeMap<Key, u64>,
    by_id: BTreeMap<Key, BTreeSet<Key>>,
    /// By the start of the range; its end and who waits, as often as it names the range.
    by_range: BTreeMap<i32, BTreeMap<(i32, Key), u32>>,
    met: BTreeSet<Key>,
    /// Numbers of met tasks, with how many tasks have them: `1` and `01` are one number.
    numbers: BTreeMap<i32, u32>,
}

impl Waiting {
    /// Whether nothing keeps a task from running.
    pub(super) fn is_ready(&self, task: &Key) -> bool {
        self.unmet.get(task).is_none_or(|left| *left == 0)
    }

    pub(super) fn add(&mut self, task: &Key, depends: &Depends) {
        if depends.is_empty() {
            return;
        }
        let mut left = 0;
        for id in &depends.ids {
            left += u64::from(!self.met.contains(id));
            self.by_id
                .entry(id.clone())
                .or_default()
                .insert(task.clone());
        }
        for (start, end) in &depends.ranges {
            let length = u64::from(end.abs_diff(*start)) + 1;
            let met = self.numbers.range(start..=end).count();
            left += length - u64::try_from(met).unwrap_or(length);
            let ranges = self.by_range.entry(*start).or_default();
            *ranges.entry((*end, task.clone())).or_default() += 1;
        }
        self.unmet.insert(task.clone(), left);
    }

    pub(super) fn remove(&mut self, task: &Key, depends: &Depends) {
        self.unmet.remove(task);
        for id in &depends.ids {
            if let Some(waiting) = self.by_id.get_mut(id) {
                waiting.remove(task);
                if waiting.is_empty() {
                    self.by_id.remove(id);
                }
            }
        }
        for (start, end) in &depends.ranges {
            if let Some(ranges) = self.by_range.get_mut(start) {
                ranges.remove(&(*end, task.clone()));
                if ranges.is_empty() {
                    self.by_range.remove(start);
                }
            }
        }
    }

    /// Notes whether what waits for a task may go on, and gives back the tasks that became ready or ceased to be.
    pub(super) fn set_met(&mut self, task: &Key, is_met: bool) -> Vec<Key> {
        let changed = if is_met {
            self.met.insert(task.clone())
        } else {
            self.met.remove(task)
        };
        if !changed {
            return Vec::new();
        }
        let mut touched = Vec::new();
        touched.extend(self.by_id.get(task).into_iter().flatten().cloned());
        if let Ok(number) = task.as_str().parse::<i32>()
            && self.count_number(number, is_met)
        {
            for ranges in self.by_range.range(..=number).map(|(_, ranges)| ranges) {
                let around = ranges.iter().filter(|((end, _), _)| *end >= number);
                for ((_, waiting), times) in around {
                    touched.extend((0..*times).map(|_| waiting.clone()));
                }
            }
        }
        touched.retain(|waiting| {
            let Some(left) = self.unmet.get_mut(waiting) else {
                return false;
            };
            let before = *left == 0;
            *left = if is_met {
                left.saturating_sub(1)
            } else {
                left.saturating_add(1)
            };
            before != (*left == 0)
        });
        touched
    }

    /// Whether the number came or went.
    fn count_number(&mut self, number: i32, is_met: bool) -> bool {
        let count = self.numbers.entry(number).or_default();
        if is_met {
            *count += 1;
            return *count == 1;
        }
        *count = count.saturating_sub(1);
        let gone = *count == 0;
        if gone {
            self.numbers.remove(&number);
        }
        gone
    }
}
