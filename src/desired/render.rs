//! The tasks of a part of the items: every template rendered.

use super::command::{command_line, environment, input, output, render, render_option, staged};
use super::items::{Item, ItemFile};
use super::pool::user_identity;
use super::problems::Problems;
use super::surroundings::{application_packages, container_settings, multi_instance};
use super::{DigestParts, InputSource, Output, Task, wire_duration};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::TaskId;
use crate::manifest::{Bindings, Factory};
use crate::wire::batch::task::{AffinityInfo, TaskConstraints, TaskCreate};

/// What became of consecutive items.
pub(super) struct Rendered {
    pub(super) tasks: Vec<Task>,
    /// For each task the index of its item: what cannot be rendered is missing.
    pub(super) made_for: Vec<usize>,
    /// Which of the tasks wait for others, and the ids they name.
    pub(super) asks: Vec<(usize, Vec<String>)>,
    pub(super) problems: Problems,
}

impl Rendered {
    /// `from`: the index of the first item.
    pub(super) fn of(
        factory: &Factory,
        from: usize,
        items: &[Item<'_>],
        bindings: &Bindings,
    ) -> Self {
        let mut bindings = bindings.clone();
        let mut rendered = Self {
            tasks: Vec::with_capacity(items.len()),
            made_for: Vec::with_capacity(items.len()),
            asks: Vec::new(),
            problems: Problems::default(),
        };
        for (index, item) in (from..).zip(items) {
            item.bind(&mut bindings);
            bindings.set_index(index);
            let problems = &mut rendered.problems;
            let Some(task) = render_task(factory, item, &mut bindings, problems) else {
                continue;
            };
            if let Some(ids) = waits_for(factory, &bindings, problems) {
                rendered.asks.push((rendered.tasks.len(), ids));
            }
            rendered.tasks.push(task);
            rendered.made_for.push(index);
        }
        rendered
    }
}

/// The ids of the tasks that this one waits for; None: it waits for nothing.
fn waits_for(
    factory: &Factory,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    if factory.depends_on.is_empty() && factory.gather.is_empty() {
        return None;
    }
    let templates = factory.depends_on.task_ids.iter();
    templates.map(|t| render(t, bindings, problems)).collect()
}

fn render_task(
    factory: &Factory,
    item: &Item<'_>,
    bindings: &mut Bindings,
    problems: &mut Problems,
) -> Option<Task> {
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
