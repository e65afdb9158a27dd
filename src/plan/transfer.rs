//! Containers and uploads.

use super::Change;
use super::action::{Action, Reason};
use super::options::Options;
use crate::desired::{Desired, Task, Upload};
use crate::observed::{LiveContainer, Observed};

/// Every container exists.
///
/// A container is also used when it is not ours: then it is never deleted.
pub(super) fn containers(
    desired: &Desired,
    observed: &Observed,
    options: &Options,
) -> Vec<Change<usize>> {
    let live = |i: usize| observed.containers.get(desired.containers[i].name.as_str());
    (0..desired.containers.len())
        .map(|i| match live(i) {
            None => Change::new(i, Action::Create, Reason::Absent),
            Some(live) if live.owner.is_none() && options.adopt => {
                Change::new(i, Action::Update, Reason::Adopted(Vec::new()))
            }
            Some(_) => Change::new(i, Action::Keep, Reason::Matches),
        })
        .collect()
}

/// Every file that the start task, what the job runs besides its tasks, or one of `running` reads is a blob with the same content; so is every file
/// that nothing in the manifest reads by name, since commands may know it by other ways.
pub(super) fn uploads(
    desired: &Desired,
    observed: &Observed,
    running: &[&Task],
) -> Vec<Change<usize>> {
    let needs = Needs::new(desired, running);
    desired
        .uploads
        .iter()
        .enumerate()
        .filter(|(_, upload)| needs.include(upload))
        .map(|(i, upload)| {
            compare(
                i,
                upload,
                observed.containers.get(upload.container.as_str()),
            )
        })
        .collect()
}

fn compare(i: usize, upload: &Upload, container: Option<&LiveContainer>) -> Change<usize> {
    match container.and_then(|c| c.blobs.get(upload.blob.as_str())) {
        None => Change::new(i, Action::Create, Reason::Absent),
        Some(blob) if blob.length == upload.length && blob.md5 == Some(upload.md5) => {
            Change::new(i, Action::Keep, Reason::Matches)
        }
        Some(_) => Change::new(i, Action::Update, Reason::ContentDiffers),
    }
}

/// Which blobs are read by name, by whom. Names are indexed so that a hundred thousand tasks with a file each
/// stay linear.
struct Needs<'a> {
    needed: Sources<'a>,
    known: Sources<'a>,
}

#[derive(Default)]
struct Sources<'a> {
    blobs: std::collections::HashSet<(&'a str, &'a str)>,
    prefixes: std::collections::BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Needs<'a> {
    fn new(desired: &'a Desired, running: &[&'a Task]) -> Self {
        let mut needed = Sources::default();
        needed.extend(&desired.pool.start_task_inputs);
        needed.extend(desired.job.files.inputs());
        for task in running {
            needed.extend(&task.inputs);
            needed.extend(&task.common_inputs);
        }
        let mut known = Sources::default();
        known.extend(&desired.pool.start_task_inputs);
        known.extend(desired.job.files.inputs());
        for task in &desired.tasks {
            known.extend(&task.inputs);
            known.extend(&task.common_inputs);
        }
        Self { needed, known }
    }

    fn include(&self, upload: &Upload) -> bool {
        self.needed.contain(upload) || !self.known.contain(upload)
    }
}

impl<'a> Sources<'a> {
    fn extend(&mut self, inputs: impl IntoIterator<Item = &'a crate::desired::Input>) {
        use crate::desired::InputSource::{Blob, Container, Url};
        for input in inputs {
            match &input.source {
                Blob { container, blob } => {
                    self.blobs.insert((container.as_str(), blob.as_str()));
                }
                Container { container, prefix } => {
                    self.prefixes
                        .insert((container.as_str(), prefix.as_deref().unwrap_or("")));
                }
                Url(_) => {}
            }
        }
    }

    fn contain(&self, upload: &Upload) -> bool {
        let (container, blob) = (upload.container.as_str(), upload.blob.as_str());
        self.blobs.contains(&(container, blob))
            || self
                .prefixes
                .iter()
                .any(|(c, p)| *c == container && blob.starts_with(p))
    }
}
