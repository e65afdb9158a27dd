//! The tasks a manifest asks for: every `for_each` run through, every template rendered, every digest taken.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::command::{command_line, environment, input, output, render, render_option, staged};
use super::dependencies::{Ask, Directory, Order, fits, task_dependencies};
use super::digest::{Canon, Contents};
use super::gather;
use super::items::{Item, ItemFile, items};
use super::many_inputs;
use super::pool::user_identity;
use super::problems::Problems;
use super::surroundings::{application_packages, container_settings, multi_instance};
use super::{DIGEST_SETTING, DigestParts, Input, InputSource, Job, Output, Task, wire_duration};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::{ContainerName, TaskId};
use crate::inputs::snapshot::Snapshot;
use crate::manifest::{Bindings, Factory};
use crate::wire::batch::command::EnvironmentSetting;
use crate::wire::batch::task::{AffinityInfo, TaskConstraints, TaskCreate};

pub(super) struct Compiler<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) contents: Contents<'a>,
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
            let mut bindings = bindings.clone();
            let items = &all[entry];
            tasks.reserve(items.len());
            ids.reserve(items.len());
            outputs.reserve(items.len() * factory.output_files.len());
            for (index, item) in items.iter().enumerate() {
                item.bind(&mut bindings);
                bindings.set_index(index);
                let Some(task) = self.task(factory, item, &mut bindings) else {
                    continue;
                };
                asks.extend(self.ask(tasks.len(), factory, &bindings));
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
                tasks.push(task);
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

    /// What a task waits for, by name; None: nothing.
    fn ask(&mut self, task: usize, factory: &'a Factory, bindings: &Bindings) -> Option<Ask<'a>> {
        if factory.depends_on.is_empty() && factory.gather.is_empty() {
            return None;
        }
        let templates = factory.depends_on.task_ids.iter();
        let ids = templates.map(|t| render(t, bindings, self.problems));
        Some(Ask {
            task,
            factory,
            ids: ids.collect::<Option<_>>()?,
        })
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
        for index in order.tasks {
            let (mut digest, parts) = self.digest(&tasks[index]);
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
            task.template.environment_settings.push(EnvironmentSetting {
                name: DIGEST_SETTING.to_owned(),
                value: Some(digest.clone()),
            });
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

    fn task(
        &mut self,
        factory: &Factory,
        item: &Item<'a>,
        bindings: &mut Bindings,
    ) -> Option<Task> {
        let problems = &mut *self.problems;
        let id = render(&factory.id, bindings, problems)?;
        let id = match TaskId::new(id) {
            Ok(id) => id,
            Err(invalid) => {
                let help = format!("{}; {{{{id …}}}} makes an id of any text", invalid.help);
                problems.report(
                    Diagnostic::error(codes::INVALID_ID, invalid.message)
                        .label(factory.id.span(), format!("for {}", item.origin()))
                        .help(help),
                );
                return None;
            }
        };
        bindings.set_task_id(id.as_str());
        let command_line = command_line(&factory.command_line, bindings, problems)?;
        let display_name = render_option(factory.display_name.as_ref(), bindings, problems)?;
        let own = environment(&factory.environment_settings, bindings, problems)?;
        let mut inputs = Vec::with_capacity(factory.resource_files.len() + 1);
        if let (Some(ItemFile::Blob(file)), true) = (item.file, factory.stage_input) {
            let source = InputSource::Blob {
                container: file.container.clone(),
                blob: file.blob.clone(),
            };
            inputs.push(staged(
                source,
                file.blob.as_str(),
                factory.span.clone(),
                problems,
            )?);
        }
        for file in &factory.resource_files {
            inputs.push(input(file, bindings, problems)?);
        }
        let outputs: Option<Vec<Output>> = factory
            .output_files
            .iter()
            .map(|file| output(file, bindings, problems))
            .collect();
        let outputs = outputs?;
        let affinity_id = render_option(factory.affinity_id.as_ref(), bindings, problems)?;
        let container = match &factory.container_settings {
            Some(settings) => Some(container_settings(settings, bindings, problems)?),
            None => None,
        };
        let (multi_instance, common_inputs) = match &factory.multi_instance {
            Some(settings) => {
                let (settings, inputs) = multi_instance(settings, bindings, problems)?;
                (Some(settings), inputs)
            }
            None => (None, Vec::new()),
        };
        let constraints = TaskConstraints {
            max_wall_clock_time: factory.max_wall_clock_time.as_ref().map(wire_duration),
            retention_time: factory.retention_time.as_ref().map(wire_duration),
            max_task_retry_count: factory.max_task_retry_count,
        };
        let template = TaskCreate {
            id: id.to_string(),
            display_name,
            exit_conditions: factory.exit_conditions.clone().map(Box::new),
            command_line,
            container_settings: container.map(Box::new),
            resource_files: Vec::new(),
            output_files: Vec::new(),
            environment_settings: own,
            affinity_info: affinity_id.map(|affinity_id| Box::new(AffinityInfo { affinity_id })),
            constraints: (constraints != TaskConstraints::default()).then_some(constraints),
            required_slots: factory.required_slots,
            user_identity: factory.user_identity.map(user_identity).map(Box::new),
            multi_instance_settings: multi_instance.map(Box::new),
            depends_on: None,
            application_package_references: application_packages(&factory.application_packages),
        };
        Some(Task {
            id,
            digest: String::new(),
            parts: DigestParts::default(),
            span: factory.span.clone(),
            template,
            inputs,
            common_inputs,
            outputs,
            fetched_by_prefix: 0,
            after: Vec::new(),
        })
    }

    /// Over everything that decides what the task writes. Limits of time and retries are left out: they decide whether
    /// it succeeds, not with what, and raising one must not run a hundred thousand finished tasks again.
    fn digest(&mut self, task: &Task) -> (String, DigestParts) {
        let mut canon = Canon::new("task");
        canon.field("base", &self.base);
        canon.field("command line", &task.template.command_line);
        let mut parts = DigestParts {
            node: part(self.base.as_bytes()),
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
            canon.input(input, &mut self.contents);
            part_of.input(input, &mut self.contents);
        }
        for input in &task.inputs {
            canon.input(input, &mut self.contents);
            part_of.input(input, &mut self.contents);
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

fn part(bytes: &[u8]) -> String {
    let mut canon = Canon::new("part");
    canon.field("bytes", bytes);
    canon.start()
}
