//! What a person may ask for beyond the manifest.

use crate::desired::Desired;

/// What a person may ask for beyond the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Resources of the manifest's names that carry nobody's mark are taken for ours. Those of other manifests are
    /// not.
    pub adopt: bool,
    /// Tasks run although they are up to date.
    pub force: bool,
    /// Only tasks that ran and failed run.
    pub rerun_failed: bool,
    /// Only these tasks; empty: all.
    pub tasks: Vec<String>,
}

impl Options {
    /// Whether a task is among those asked for by name.
    pub(super) fn names(&self, task: &str) -> bool {
        self.tasks.is_empty() || self.tasks.iter().any(|t| t.eq_ignore_ascii_case(task))
    }

    /// Names of tasks that the manifest does not have.
    pub(super) fn unknown<'a>(&'a self, desired: &'a Desired) -> impl Iterator<Item = &'a String> {
        let known = |name: &str| {
            let mut tasks = desired.tasks.iter();
            tasks.any(|t| t.id.as_str().eq_ignore_ascii_case(name))
        };
        self.tasks.iter().filter(move |name| !known(name))
    }
}
