//! Lists of resource files that would not fit into a request: files that are all there is below one prefix of a
//! container are fetched by it.

use std::collections::{BTreeMap, BTreeSet};

use super::problems::Problems;
use super::{Input, InputSource, Task};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::ContainerName;
use crate::inputs::snapshot::Snapshot;

/// Bytes that the resource files of a task may take, of the 1 MiB of a whole request.
const MOST: usize = 900_000;
/// What a file takes besides its names: the account's address, a signature, and the words around them.
const EACH: usize = 400;

/// Makes the list of a task shorter where it has to be; a task for which that is not possible is reported.
pub(super) fn fit(task: &mut Task, snapshot: &Snapshot, problems: &mut Problems) {
    if size(&task.inputs) <= MOST {
        return;
    }
    let before = task.inputs.len();
    by_prefix(&mut task.inputs, snapshot);
    task.fetched_by_prefix = before - task.inputs.len();
    if size(&task.inputs) <= MOST {
        return;
    }
    problems.report(
        Diagnostic::error(
            codes::OUT_OF_RANGE,
            format!(
                "the {before} resource files of task `{}` do not fit into a request",
                task.id
            ),
        )
        .label(task.span.clone(), "a request has 1 MiB at most")
        .help("upload them below a `prefix` that nothing else has, and take them with `container` and `blob_prefix`"),
    );
}

fn size(inputs: &[Input]) -> usize {
    let one = |input: &Input| {
        let source = match &input.source {
            InputSource::Container { prefix, .. } => prefix.as_deref().map_or(0, str::len),
            InputSource::Blob { blob, .. } => encoded(blob.as_str()),
            InputSource::Url(url) => url.len(),
        };
        EACH + source + input.file_path.as_deref().map_or(0, str::len)
    };
    inputs.iter().map(one).sum()
}

/// Bytes of a name in a URL.
fn encoded(name: &str) -> usize {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { 1 } else { 3 };
    name.bytes().map(byte).sum()
}

fn by_prefix(inputs: &mut Vec<Input>, snapshot: &Snapshot) {
    type Key = (ContainerName, Option<String>);
    let mut listed: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for input in inputs.iter() {
        if let Some((container, blob)) = as_it_is(input) {
            let key = (container.clone(), input.identity.clone());
            listed.entry(key).or_default().insert(blob.to_owned());
        }
    }
    for ((container, identity), blobs) in listed {
        let prefix = common_prefix(&blobs);
        let all = snapshot.of_prefix(&container, prefix);
        let are_all =
            all.len() == blobs.len() && all.iter().all(|f| blobs.contains(f.blob.as_str()));
        if !are_all || blobs.len() < 2 {
            continue;
        }
        inputs.retain(|input| {
            as_it_is(input).is_none_or(|(c, _)| *c != container || input.identity != identity)
        });
        inputs.push(Input {
            source: InputSource::Container {
                container,
                prefix: Some(prefix.to_owned()).filter(|p| !p.is_empty()),
            },
            file_path: None,
            file_mode: None,
            identity,
        });
    }
}

/// A blob that comes to lie under its own name, as it does when it is fetched by a prefix.
fn as_it_is(input: &Input) -> Option<(&ContainerName, &str)> {
    match &input.source {
        InputSource::Blob { container, blob } => {
            let same = input.file_path.as_deref() == Some(blob.as_str());
            (same && input.file_mode.is_none()).then_some((container, blob.as_str()))
        }
        _ => None,
    }
}

/// Of the first and the last, and so of all between.
fn common_prefix(blobs: &BTreeSet<String>) -> &str {
    let (Some(first), Some(last)) = (blobs.first(), blobs.last()) else {
        return "";
    };
    let same = first.char_indices().zip(last.chars());
    let end = same.take_while(|((_, a), b)| a == b).last();
    &first[..end.map_or(0, |((at, c), _)| at + c.len_utf8())]
}
