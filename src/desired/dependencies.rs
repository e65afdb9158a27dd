//! Which tasks wait for which: names to tasks, the order in which they can be done, and what the service is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::Task;
use super::problems::Problems;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::manifest::Factory;
use crate::wire::batch::task::{TaskDependencies, TaskIdRange};

/// Characters of all ids that one task may depend on.
const MOST_CHARACTERS: usize = 64_000;
/// Ranges that one task may depend on; Azure publishes no limit, the local service takes so many.
const MOST_RANGES: usize = 1000;
/// Misspelt ids are compared with no more than so many.
const MOST_COMPARED: usize = 2000;

/// A task that waits for others, and the ids it names, in the order of its templates.
pub(super) struct Ask<'a> {
    pub(super) task: usize,
    pub(super) factory: &'a Factory,
    pub(super) ids: Vec<String>,
}

/// Finds what names, ids and numbers stand for.
pub(super) struct Directory<'a> {
    groups: HashMap<&'a str, Range<usize>>,
    ids: HashMap<String, usize>,
    numbers: BTreeMap<i32, Vec<usize>>,
}

impl<'a> Directory<'a> {
    /// `groups`: the tasks of each factory.
    pub(super) fn new(factories: &'a [Factory], groups: &[Range<usize>], tasks: &[Task]) -> Self {
        let named = factories.iter().zip(groups);
        let mut directory = Self {
            groups: named
                .filter_map(|(f, tasks)| Some((f.name.as_ref()?.as_str(), tasks.clone())))
                .collect(),
            ids: HashMap::with_capacity(tasks.len()),
            numbers: BTreeMap::new(),
        };
        for (index, task) in tasks.iter().enumerate() {
            let id = task.id.as_str();
            directory.ids.insert(id.to_ascii_lowercase(), index);
            if let Ok(number) = id.parse() {
                directory.numbers.entry(number).or_default().push(index);
            }
        }
        directory
    }

    pub(super) fn group(&self, name: &str) -> Range<usize> {
        self.groups.get(name).cloned().unwrap_or_default()
    }

    /// The tasks that one waits for.
    pub(super) fn resolve(&self, ask: &Ask<'_>, problems: &mut Problems) -> Vec<Range<usize>> {
        let depends_on = &ask.factory.depends_on;
        let named = depends_on.tasks.iter().chain(&ask.factory.gather);
        let mut after: Vec<Range<usize>> = named.map(|n| self.group(n.as_str())).collect();
        let mut single = BTreeSet::new();
        for (id, template) in ask.ids.iter().zip(&depends_on.task_ids) {
            match self.ids.get(&id.to_ascii_lowercase()) {
                Some(task) => {
                    single.insert(*task);
                }
                None => {
                    let diagnostic = unknown(id).label(template.span(), "it would wait for ever");
                    problems.report(match self.near(id) {
                        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                        None => diagnostic,
                    });
                }
            }
        }
        for range in &depends_on.task_id_ranges {
            let (start, end) = range.value;
            let mut next = i64::from(start);
            for (number, tasks) in self.numbers.range(start..=end) {
                if i64::from(*number) != next {
                    break;
                }
                next += 1;
                single.extend(tasks);
            }
            if next <= i64::from(end) {
                problems.report(
                    unknown(&next.to_string())
                        .label(range.span.clone(), "it would wait for ever")
                        .help("every number from `start` to `end` must be the id of a task"),
                );
            }
        }
        after.extend(runs(single));
        after.retain(|r| !r.is_empty());
        after.sort_by_key(|r| (r.start, r.end));
        after.dedup();
        after
    }

    fn near(&self, id: &str) -> Option<&str> {
        let known = self.ids.keys().take(MOST_COMPARED);
        nearest(id, known.map(String::as_str))
    }
}

fn unknown(id: &str) -> Diagnostic {
    Diagnostic::error(
        codes::UNKNOWN_TASK,
        format!("the manifest makes no task `{id}`"),
    )
}

/// Neighbours put together.
fn runs(indices: BTreeSet<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in indices {
        match runs.last_mut().filter(|r| r.end == index) {
            Some(run) => run.end += 1,
            None => runs.push(index..index + 1),
        }
    }
    runs
}

/// The order in which tasks can be done. Tasks that wait for the same others share one set, so that a hundred
/// thousand tasks that wait for a hundred thousand others are not ten billion pairs.
pub(super) struct Order {
    /// Each after those it waits for.
    pub(super) tasks: Vec<usize>,
    /// Tasks that wait for each other in a circle; empty: none do.
    pub(super) cycle: Vec<usize>,
}

impl Order {
    pub(super) fn of(tasks: &[Task]) -> Self {
        let mut sets: HashMap<&Range<usize>, usize> = HashMap::new();
        let mut members: Vec<&Range<usize>> = Vec::new();
        let mut waiting: Vec<Vec<usize>> = Vec::new();
        for (index, task) in tasks.iter().enumerate() {
            for range in &task.after {
                let set = *sets.entry(range).or_insert_with(|| {
                    members.push(range);
                    waiting.push(Vec::new());
                    members.len() - 1
                });
                waiting[set].push(index);
            }
        }
        let mut sets_of: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
        for (set, range) in members.iter().enumerate() {
            for task in (*range).clone() {
                sets_of[task].push(set);
            }
        }
        let mut unmet: Vec<usize> = tasks.iter().map(|t| t.after.len()).collect();
        let mut undone: Vec<usize> = members.iter().map(|r| r.len()).collect();
        let mut order: Vec<usize> = (0..tasks.len()).filter(|i| unmet[*i] == 0).collect();
        let mut next = 0;
        while let Some(task) = order.get(next).copied() {
            next += 1;
            for set in &sets_of[task] {
                undone[*set] -= 1;
                if undone[*set] > 0 {
                    continue;
                }
                for waiter in &waiting[*set] {
                    unmet[*waiter] -= 1;
                    if unmet[*waiter] == 0 {
                        order.push(*waiter);
                    }
                }
            }
        }
        let cycle = match unmet.iter().position(|left| *left > 0) {
            Some(stuck) => circle(tasks, &unmet, stuck),
            None => Vec::new(),
        };
        Self {
            tasks: order,
            cycle,
        }
    }
}

/// Follows tasks that wait until one comes up again.
fn circle(tasks: &[Task], unmet: &[usize], start: usize) -> Vec<usize> {
    let mut path = vec![start];
    let mut at = start;
    loop {
        let mut upstream = tasks[at].after.iter().cloned().flatten();
        let Some(next) = upstream.find(|t| unmet[*t] > 0) else {
            return path;
        };
        if let Some(first) = path.iter().position(|t| *t == next) {
            return path.split_off(first);
        }
        path.push(next);
        at = next;
    }
}

/// What the service is told: ids, or when these are too long together, ranges of those that are numbers.
pub fn task_dependencies<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> TaskDependencies {
    if ids.clone().map(|id| id.chars().count()).sum::<usize>() <= MOST_CHARACTERS {
        return TaskDependencies {
            task_ids: ids.map(str::to_owned).collect(),
            task_id_ranges: Vec::new(),
        };
    }
    let mut numbers = BTreeSet::new();
    let mut task_ids = Vec::new();
    for id in ids {
        match id.parse::<i32>() {
            Ok(number) => {
                numbers.insert(number);
            }
            Err(_) => task_ids.push(id.to_owned()),
        }
    }
    let mut task_id_ranges: Vec<TaskIdRange> = Vec::new();
    for number in numbers {
        let last = task_id_ranges.last_mut();
        match last.filter(|r| r.end.checked_add(1) == Some(number)) {
            Some(range) => range.end = number,
            None => task_id_ranges.push(TaskIdRange {
                start: number,
                end: number,
            }),
        }
    }
    TaskDependencies {
        task_ids,
        task_id_ranges,
    }
}

/// Whether the service takes so many.
pub(super) fn fits(dependencies: &TaskDependencies) -> bool {
    let ids = dependencies.task_ids.iter();
    ids.map(|id| id.chars().count()).sum::<usize>() <= MOST_CHARACTERS
        && dependencies.task_id_ranges.len() <= MOST_RANGES
}
