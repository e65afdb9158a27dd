//! What commands around a run did or would do, as documents.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::observed::Belongings;

/// The answer of `batchflow account --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountCheck {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["account"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Which account, for people.
    pub target: String,
    /// Where the credentials come from, by what they are for; never their values.
    pub credentials: BTreeMap<&'static str, String>,
    pub rights: Vec<Right>,
}

/// Something that apply has to be allowed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Right {
    pub right: &'static str,
    /// The role of Azure that gives it.
    pub role: &'static str,
    pub allowed: bool,
    /// Why not, for people.
    pub error: Option<String>,
}

/// The answer of `batchflow gc --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Leftovers {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["gc"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Which account, for people.
    pub target: String,
    /// Every manifest that left something.
    pub manifests: Vec<Left>,
}

/// What one manifest left.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Left {
    /// The name of the manifest.
    pub manifest: String,
    /// Why it is kept; null: nothing uses it.
    pub in_use: Option<String>,
    pub resources: Vec<LeftResource>,
}

/// Something that a manifest made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeftResource {
    #[schemars(extend("enum" = ["schedule", "job", "pool", "container"]))]
    pub kind: &'static str,
    pub name: String,
    /// For people.
    pub note: Option<String>,
}

/// The answer of `batchflow cancel --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cancelled {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["cancel"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Where it ran, for people.
    pub target: String,
    /// The id of the job.
    pub job: String,
    /// Whether the job was ended now; false: it was completed already, or single tasks were named.
    pub job_ended: bool,
    /// The tasks that were named and are ended now; those that were completed already are left out.
    pub tasks_ended: Vec<String>,
}

/// The answer of `batchflow download --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Downloaded {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["download"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Where it ran, for people.
    pub target: String,
    /// The folder on this machine.
    pub to: String,
    /// Files that came now.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
}

/// The answer of `batchflow destroy --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Destroyed {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["destroy"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Where it was, for people.
    pub target: String,
    /// How many schedules, jobs, pools and containers are deleted.
    pub resources: usize,
}

impl AccountCheck {
    pub fn new(target: &str, credentials: &[(&'static str, String)], rights: Vec<Right>) -> Self {
        Self {
            kind: "account",
            version: VERSION,
            target: target.to_owned(),
            credentials: credentials.iter().cloned().collect(),
            rights,
        }
    }
}

impl Leftovers {
    pub fn new(target: &str, all: &BTreeMap<String, Belongings>) -> Self {
        let manifests = all.iter().map(|(manifest, belongings)| Left {
            manifest: manifest.clone(),
            in_use: belongings.in_use.clone(),
            resources: belongings
                .resources
                .iter()
                .map(|marked| LeftResource {
                    kind: marked.kind.as_str(),
                    name: marked.name.clone(),
                    note: marked.note.clone(),
                })
                .collect(),
        });
        Self {
            kind: "gc",
            version: VERSION,
            target: target.to_owned(),
            manifests: manifests.collect(),
        }
    }
}

impl Cancelled {
    pub fn new(target: &str, job: &str, job_ended: bool, tasks_ended: Vec<String>) -> Self {
        Self {
            kind: "cancel",
            version: VERSION,
            target: target.to_owned(),
            job: job.to_owned(),
            job_ended,
            tasks_ended,
        }
    }
}

impl Downloaded {
    pub fn new(target: &str, to: &str, files: usize, bytes: u64) -> Self {
        Self {
            kind: "download",
            version: VERSION,
            target: target.to_owned(),
            to: to.to_owned(),
            files,
            bytes,
        }
    }
}

impl Destroyed {
    pub fn new(target: &str, resources: usize) -> Self {
        Self {
            kind: "destroy",
            version: VERSION,
            target: target.to_owned(),
            resources,
        }
    }
}
