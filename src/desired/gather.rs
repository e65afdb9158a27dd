//! What a task that gathers takes: every output of a group of tasks, and nothing else.

use std::collections::BTreeMap;
use std::ops::Range;

use super::problems::Problems;
use super::{Input, InputSource, Output, Task};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::{BlobName, ContainerName};
use crate::inputs::snapshot::Snapshot;
use crate::manifest::At;
use crate::wire::batch::command::OutputFileUploadCondition;

/// So many outputs are named one by one; more are fetched by what their names begin with, if that is theirs alone.
const MOST_SINGLE: usize = 64;
/// Above this, the list of files would not fit into a request.
const MOST_LISTED: usize = 1000;

/// What an output can be called.
enum Name<'a> {
    Blob(&'a str),
    /// Any name that begins so.
    Below(String),
}

impl Name<'_> {
    fn prefix(&self) -> &str {
        match self {
            Self::Blob(name) => name,
            Self::Below(prefix) => prefix,
        }
    }

    fn may_begin_with(&self, prefix: &str) -> bool {
        match self {
            Self::Blob(name) => name.starts_with(prefix),
            Self::Below(below) => below.starts_with(prefix) || prefix.starts_with(below.as_str()),
        }
    }
}

fn name(output: &Output) -> Name<'_> {
    match &output.path {
        Some(path) if !output.is_wild() => Name::Blob(path),
        Some(folder) => Name::Below(format!("{}/", folder.trim_end_matches('/'))),
        None => Name::Below(String::new()),
    }
}

/// The inputs that are the outputs of `group`.
pub(super) fn inputs(
    group: Range<usize>,
    asked: &At<String>,
    tasks: &[Task],
    snapshot: &Snapshot,
    problems: &mut Problems,
) -> Vec<Input> {
    let mut found: BTreeMap<&ContainerName, Vec<Name<'_>>> = BTreeMap::new();
    let members = tasks.get(group.clone()).unwrap_or_default();
    for output in members.iter().flat_map(|t| &t.outputs) {
        if output.condition != OutputFileUploadCondition::TaskFailure {
            found
                .entry(&output.container)
                .or_default()
                .push(name(output));
        }
    }
    if found.is_empty() && !members.is_empty() {
        problems.report(
            Diagnostic::error(
                codes::UNCLEAR_GATHER,
                format!("the tasks of \"{}\" have no outputs", asked.value),
            )
            .label(asked.span.clone(), "nothing to gather")
            .help("give them `output_files`, or wait for them with `depends_on`"),
        );
    }
    let mut inputs = Vec::new();
    for (container, names) in found {
        match of_container(container, &names, &group, tasks, snapshot) {
            Some(found) => inputs.extend(found),
            None => problems.report(
                Diagnostic::error(
                    codes::UNCLEAR_GATHER,
                    format!(
                        "the outputs of \"{}\" cannot be told from the other blobs of \"{container}\"",
                        asked.value
                    ),
                )
                .label(asked.span.clone(), "these are to be gathered")
                .help("give their `output_files` a folder of their own with `path`, such as \"parts/{{task.id}}\""),
            ),
        }
    }
    inputs
}

fn of_container(
    container: &ContainerName,
    names: &[Name<'_>],
    group: &Range<usize>,
    tasks: &[Task],
    snapshot: &Snapshot,
) -> Option<Vec<Input>> {
    let blobs: Option<Vec<&str>> = names
        .iter()
        .map(|n| match n {
            Name::Blob(name) => Some(*name),
            Name::Below(_) => None,
        })
        .collect();
    if let Some(blobs) = blobs.as_ref().filter(|b| b.len() <= MOST_SINGLE) {
        return listed(container, blobs);
    }
    let prefix = common_prefix(names);
    let others = tasks
        .iter()
        .enumerate()
        .filter(|(index, _)| !group.contains(index))
        .flat_map(|(_, task)| &task.outputs)
        .filter(|output| output.container == *container);
    let alone = snapshot.of_prefix(container, prefix).is_empty()
        && !others.map(name).any(|n| n.may_begin_with(prefix));
    if alone {
        return Some(vec![Input {
            source: InputSource::Container {
                container: container.clone(),
                prefix: Some(prefix.to_owned()).filter(|p| !p.is_empty()),
            },
            file_path: None,
            file_mode: None,
            identity: None,
        }]);
    }
    listed(container, &blobs.filter(|b| b.len() <= MOST_LISTED)?)
}

fn listed(container: &ContainerName, blobs: &[&str]) -> Option<Vec<Input>> {
    let input = |blob: &&str| {
        Some(Input {
            source: InputSource::Blob {
                container: container.clone(),
                blob: BlobName::new((*blob).to_owned()).ok()?,
            },
            file_path: Some((*blob).to_owned()),
            file_mode: None,
            identity: None,
        })
    };
    blobs.iter().map(input).collect()
}

fn common_prefix<'a>(names: &'a [Name<'_>]) -> &'a str {
    let mut names = names.iter().map(Name::prefix);
    let mut common = names.next().unwrap_or_default();
    for name in names {
        let same = common.char_indices().zip(name.chars());
        let end = same
            .take_while(|((_, a), b)| a == b)
            .last()
            .map_or(0, |((at, c), _)| at + c.len_utf8());
        common = &common[..end];
    }
    common
}
