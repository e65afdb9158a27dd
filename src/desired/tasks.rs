//! The tasks a manifest asks for: every `for_each` run through, every template rendered, every digest taken.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::dependencies::{Ask, Directory, Order, fits, task_dependencies};
use super::digest::{Canon, Contents, Part};
use super::gather;
use super::items::{Item, items};
use super::many_inputs;
use super::parts::in_parts;
use super::problems::Problems;
use super::render::Rendered;
use super::{DigestParts, Input, Job, Task};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::ContainerName;
use crate::inputs::snapshot::Snapshot;
use crate::manifest::{Bindings, Factory};

pub(super) struct Compiler<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The digest of what all tasks share.
    pub(super) base: String,
    pub(super) job: Option<&'a Job>,
    pub(super) problems: &'a mut Problems,
}

/// Where an id or an output was first asked for: the place, and by which item of which entry.
type Claim = (Range<usize>, (usize, usize));

impl<'a> Compiler<'a> {
    pub(super) fn compile(&mut self, factories: &'a [Factory], bindings: &Bindings) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut ids: HashMap<String, Claim> = HashMap::new();
        let mut outputs: HashMap<(ContainerName, String), Claim> = HashMap::new();
        let mut asks = Vec::new();
        let mut groups = Vec::with_capacity(factories.len());
        let all: Vec<Vec<Item<'a>>> = factories
            .iter()
            .map(|f| items(f, self.snapshot, self.problems))
            .collect();
        for (entry, factory) in factories.iter().enumerate() {
            let first = tasks.len();
            let items = &all[entry];
            tasks.reserve(items.len());
            ids.reserve(items.len());
            outputs.reserve(items.len() * factory.output_files.len());
            let parts = in_parts(items, |from, part| {
                Rendered::of(factory, from, part, bindings)
            });
            let mut made_for = Vec::with_capacity(items.len());
            for mut part in parts {
                let start = tasks.len();
                let asking = part.asks.into_iter().map(|(at, ids)| Ask {
                    task: start + at,
                    factory,
                    ids,
                });
                asks.extend(asking);
                tasks.append(&mut part.tasks);
                made_for.append(&mut part.made_for);
                self.problems.merge(part.problems);
            }
            for (task, index) in tasks[first..].iter().zip(made_for) {
                let key = task.id.as_str().to_ascii_lowercase();
                self.claim(
                    &all,
                    &mut ids,
                    key,
                    (factory.id.span(), (entry, index)),
                    || {
                        let message = format!("two tasks have the id `{}`", task.id);
                        Diagnostic::error(codes::DUPLICATE_TASK_ID, message)
                    },
                );
                for (output, asked) in task.outputs.iter().zip(&factory.output_files) {
                    if let Some(path) = output.path.as_ref().filter(|_| !output.is_wild()) {
                        let key = (output.container.clone(), path.clone());
                        self.claim(
                            &all,
                            &mut outputs,
                            key,
                            (asked.span.clone(), (entry, index)),
                            || {
                                let container = &output.container;
                                let message = format!(
                                    "two outputs would be the blob `{path}` of \"{container}\""
                                );
                                Diagnostic::error(codes::DUPLICATE_OUTPUT, message)
                                    .help("let each have a `path` of its own, such as `path = \"{{task.id}}/out.txt\"`")
                            },
                        );
                    }
                }
            }
            groups.push(first..tasks.len());
        }
        if self.problems.is_empty() {
            self.connect(factories, &groups, &asks, &mut tasks);
        }
        for task in &mut tasks {
            many_inputs::fit(task, self.snapshot, self.problems);
        }
        if self.problems.is_empty() {
            self.sign(&mut tasks);
        }
        tasks
    }

    /// Ties tasks to those they wait for.
    fn connect(
        &mut self,
        factories: &[Factory],
        groups: &[Range<usize>],
        asks: &[Ask<'_>],
        tasks: &mut [Task],
    ) {
        if asks.is_empty() {
            return;
        }
        let directory = Directory::new(factories, groups, tasks);
        let mut too_many: HashMap<Vec<Range<usize>>, bool> = HashMap::new();
        let mut gathered: HashMap<&str, Vec<Input>> = HashMap::new();
        for ask in asks {
            let after = directory.resolve(ask, self.problems);
            let fits = *too_many.entry(after.clone()).or_insert_with(|| {
                let indices = after.iter().cloned().flatten();
                fits(&task_dependencies(indices.map(|i| tasks[i].id.as_str())))
            });
            if !fits {
                self.problems.report(
                    Diagnostic::error(
                        codes::OUT_OF_RANGE,
                        "the ids of the tasks it waits for are too long together",
                    )
                    .label(ask.factory.span.clone(), "at most 64000 characters")
                    .help("make the ids they have whole numbers, such as `id = \"{{index}}\"`: these are told as ranges"),
                );
            }
            for name in &ask.factory.gather {
                let inputs = gathered.entry(name.as_str()).or_insert_with(|| {
                    let group = directory.group(name.as_str());
                    gather::inputs(group, name, tasks, self.snapshot, self.problems)
                });
                tasks[ask.task].inputs.extend(inputs.iter().cloned());
            }
            tasks[ask.task].after = after;
        }
    }

    /// Gives every task its digest, each after those it waits for: what changes them changes it.
    fn sign(&mut self, tasks: &mut [Task]) {
        let order = Order::of(tasks);
        if let Some(first) = order.cycle.first() {
            let shown = order.cycle.iter().chain([first]).take(6);
            let ids: Vec<&str> = shown.map(|i| tasks[*i].id.as_str()).collect();
            self.problems.report(
                Diagnostic::error(codes::DEPENDENCY_CYCLE, "these tasks wait for each other")
                    .label(
                        tasks[*first].span.clone(),
                        format!("{} could never run", ids[0]),
                    )
                    .help(format!("the circle is {}", ids.join(" → "))),
            );
            return;
        }
        let mut sets: HashMap<Range<usize>, String> = HashMap::new();
        let node = part(self.base.as_bytes());
        let own = in_parts(tasks, |_, part| {
            let mut contents = Contents::new(self.snapshot);
            let digests = part.iter().map(|t| self.digest(t, node, &mut contents));
            digests.collect::<Vec<_>>()
        });
        let mut own: Vec<(String, DigestParts)> = own.into_iter().flatten().collect();
        for index in order.tasks {
            let (mut digest, parts) = std::mem::take(&mut own[index]);
            if !tasks[index].after.is_empty() {
                let mut canon = Canon::new("task after others");
                canon.field("own", &digest);
                for range in &tasks[index].after {
                    let upstream = sets.entry(range.clone()).or_insert_with(|| {
                        let mut canon = Canon::new("tasks");
                        for task in &tasks[range.clone()] {
                            canon.field(task.id.as_str(), &task.digest);
                        }
                        canon.finish()
                    });
                    canon.field("after", upstream);
                }
                digest = canon.finish();
            }
            let task = &mut tasks[index];
            task.digest = digest;
            task.parts = parts;
        }
    }

    fn claim<K: Eq + std::hash::Hash>(
        &mut self,
        items: &[Vec<Item<'a>>],
        claims: &mut HashMap<K, Claim>,
        key: K,
        (span, item): Claim,
        problem: impl FnOnce() -> Diagnostic,
    ) {
        let (first_span, first) = match claims.entry(key) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((span, item));
                return;
            }
            std::collections::hash_map::Entry::Occupied(taken) => taken.get().clone(),
        };
        let origin = |(entry, index): (usize, usize)| items[entry][index].origin();
        let (first, item) = (origin(first), origin(item));
        let diagnostic = problem();
        self.problems.report(if first_span == span {
            diagnostic.label(span, format!("for {first} and for {item}"))
        } else {
            diagnostic
                .label(span, format!("for {item}"))
                .label(first_span, format!("for {first}"))
        });
    }

    /// Over everything that decides what the task writes. Limits of time and retries are left out: they decide whether
    /// it succeeds, not with what, and raising one must not run a hundred thousand finished tasks again.
    fn digest(
        &self,
        task: &Task,
        node: Part,
        contents: &mut Contents<'_>,
    ) -> (String, DigestParts) {
        let mut canon = Canon::new("task");
        canon.field("base", &self.base);
        canon.field("command line", &task.template.command_line);
        let mut parts = DigestParts {
            node,
            command: part(task.template.command_line.as_bytes()),
            ..DigestParts::default()
        };
        let common = self
            .job
            .map(|j| j.template.common_environment_settings.as_slice())
            .unwrap_or_default();
        let settings: BTreeMap<&str, &str> = common
            .iter()
            .chain(&task.template.environment_settings)
            .map(|s| (s.name.as_str(), s.value.as_deref().unwrap_or_default()))
            .collect();
        let mut part_of = Canon::new("environment");
        for (name, value) in settings {
            for canon in [&mut canon, &mut part_of] {
                canon.field("variable", name);
                canon.field("value", value);
            }
        }
        let template = &task.template;
        if let Some(settings) = &template.multi_instance_settings {
            canon.field(
                "instances",
                serde_json::to_vec(settings).unwrap_or_default(),
            );
        }
        if let Some(settings) = &template.container_settings {
            canon.field(
                "container",
                serde_json::to_vec(settings).unwrap_or_default(),
            );
        }
        if let Some(user) = &template.user_identity {
            canon.field("user", serde_json::to_vec(user).unwrap_or_default());
        }
        for package in &template.application_package_references {
            canon.field("application", &package.application_id);
            canon.option("version", package.version.as_deref());
        }
        parts.environment = part_of.start();
        let mut part_of = Canon::new("inputs");
        for input in &task.common_inputs {
            canon.input(input, contents);
            part_of.input(input, contents);
        }
        for input in &task.inputs {
            canon.input(input, contents);
            part_of.input(input, contents);
        }
        parts.inputs = part_of.start();
        let mut part_of = Canon::new("outputs");
        for output in &task.outputs {
            canon.output(output);
            part_of.output(output);
        }
        parts.outputs = part_of.start();
        (canon.finish(), parts)
    }
}

fn part(bytes: &[u8]) -> Part {
    let mut canon = Canon::new("part");
    canon.field("bytes", bytes);
    canon.start()
}
