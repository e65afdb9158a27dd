//! What tasks write to stdout and stderr, kept in blob storage so that it outlives their nodes. No part of any
//! digest: whether it is kept changes no output.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Output;
use super::body::Urls;
use crate::ids::ContainerName;
use crate::manifest::Manifest;
use crate::wire::batch::command::{OutputFile, OutputFileUploadCondition};

/// Characters of a manifest's name that go into the name of its container.
const NAME_LENGTH: usize = 40;

/// Where logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    pub container: ContainerName,
    /// The resource id of the managed identity that nodes write as. None: by a signed URL.
    pub identity: Option<String>,
}

impl Logs {
    /// The blob for a file of a task; `file` is `stdout.txt` or `stderr.txt`.
    pub fn blob(&self, job: &str, task: &str, file: &str) -> String {
        format!("{job}/{task}/{file}")
    }

    /// What lets a task upload its logs however it ends.
    pub fn output_file(&self, job: &str, task: &str, urls: &Urls<'_>) -> OutputFile {
        Output {
            pattern: "../std*.txt".to_owned(),
            container: self.container.clone(),
            path: Some(format!("{job}/{task}")),
            condition: OutputFileUploadCondition::TaskCompletion,
            identity: self.identity.clone(),
        }
        .body(Vec::new(), urls)
    }
}

/// The jobs of a schedule are not known here, and so neither are the places for their logs.
pub(super) fn compile(manifest: &Manifest) -> Option<Logs> {
    if !manifest.logs.keep || manifest.schedule.is_some() {
        return None;
    }
    let named = manifest.logs.container.clone();
    let container = named.or_else(|| derived(&manifest.name.value))?;
    let identity = manifest.pool.identity.clone();
    Some(Logs {
        container,
        identity,
    })
}

/// `NAME-logs` when that may be a container's name; else as much of it as may be, and a hash that keeps two names
/// apart.
fn derived(name: &str) -> Option<ContainerName> {
    if let Ok(container) = ContainerName::new(format!("{name}-logs")) {
        return Some(container);
    }
    let mut derived = String::new();
    for c in name.chars().take(NAME_LENGTH) {
        if c.is_ascii_alphanumeric() {
            derived.push(c.to_ascii_lowercase());
        } else if !derived.is_empty() && !derived.ends_with('-') {
            derived.push('-');
        }
    }
    let mut derived = derived.trim_end_matches('-').to_owned();
    derived.push('-');
    for byte in Sha256::digest(name.as_bytes()).iter().take(4) {
        let _ = write!(derived, "{byte:02x}");
    }
    ContainerName::new(format!("{}-logs", derived.trim_start_matches('-'))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_container_of_its_own() {
        for (name, container) in [
            ("top-n-words", "top-n-words-logs"),
            ("a", "a-logs"),
            ("Top_N", "top-n-006b569f-logs"),
            ("top_n", "top-n-1944af09-logs"),
            ("_", "d2e2adf7-logs"),
        ] {
            let derived = derived(name).map(|c| c.to_string());
            assert_eq!(derived.as_deref(), Some(container), "{name}");
        }
        assert!(derived(&"x_".repeat(32)).is_some());
    }
}
