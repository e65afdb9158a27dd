//! A plan in a file, to be carried out later just as it was shown. The file holds no secret, and no value of a
//! variable, which may be one: only names, and digests of what the plan was made from and of its parts.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::args::{ApplyArgs, ChoiceArgs, ManifestArgs, TargetArgs};
use super::target::whole;
use crate::desired::Desired;
use crate::plan::Plan;

const FORMAT: &str = "batchflow plan";
const VERSION: u32 = 1;

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedPlan {
    format: String,
    version: u32,
    /// Where it is carried out.
    target: String,
    /// For people.
    summary: String,
    manifest: PathBuf,
    /// Names of the variables that were set on the command line.
    variables: Vec<String>,
    local: bool,
    state_dir: Option<PathBuf>,
    adopt: bool,
    force: bool,
    rerun_failed: bool,
    tasks: Vec<String>,
    /// A digest for each part of the plan.
    parts: BTreeMap<String, String>,
    /// Over everything above.
    checksum: String,
}

/// Why a saved plan cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SavedPlanError {
    #[error("cannot write the plan to {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} exists and is not a plan", .0.display())]
    Foreign(PathBuf),
    #[error("{} is not a whole plan", .path.display())]
    Corrupt {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the plan {} was edited or damaged", .0.display())]
    Edited(PathBuf),
    #[error("the plan {} has version {found}, this batchflow carries out version {VERSION}", .path.display())]
    Version { path: PathBuf, found: u64 },
    #[error("a saved plan is carried out as it is: {0} goes to `batchflow plan`")]
    Option(&'static str),
    #[error("the plan was made with {}; give the same again", variables(.0))]
    Variables(Vec<String>),
    #[error("the world is not what it was when the plan was made; changed since: {}", .0.join(", "))]
    Stale(Vec<String>),
    #[error("the plan is for another target: {planned}")]
    Target { planned: String },
}

fn variables(names: &[String]) -> String {
    match names {
        [] => "no --var".to_owned(),
        names => {
            let each: Vec<String> = names.iter().map(|n| format!("--var {n}=…")).collect();
            each.join(" ")
        }
    }
}

impl SavedPlanError {
    pub(super) fn help(&self) -> Option<&'static str> {
        match self {
            Self::Stale(_) | Self::Edited(_) | Self::Corrupt { .. } | Self::Version { .. } => {
                Some("make a new one with `batchflow plan --out`")
            }
            Self::Foreign(_) => Some("choose another name for the plan"),
            Self::Target { .. } => Some("set the environment as it was for `batchflow plan`"),
            _ => None,
        }
    }
}

/// What a plan was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) manifest: &'a ManifestArgs,
    pub(super) target: &'a TargetArgs,
    pub(super) choice: &'a ChoiceArgs,
}

impl SavedPlan {
    pub(super) fn new(
        asked: Asked<'_>,
        target: &str,
        summary: &str,
        desired: &Desired,
        plan: &Plan,
    ) -> Self {
        let mut saved = Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            target: target.to_owned(),
            summary: summary.to_owned(),
            manifest: whole(&asked.manifest.manifest),
            variables: names(asked.manifest),
            local: asked.target.local,
            state_dir: asked.target.state_dir.as_deref().map(whole),
            adopt: asked.choice.adopt,
            force: asked.choice.force,
            rerun_failed: asked.choice.rerun_failed,
            tasks: asked.choice.tasks.clone(),
            parts: parts(desired, plan),
            checksum: String::new(),
        };
        saved.checksum = saved.sum();
        saved
    }

    /// Whether a file is meant to be a plan: manifests are never JSON.
    fn looks_like_one(path: &Path) -> bool {
        let text = fs::read(path).unwrap_or_default();
        text.trim_ascii_start().starts_with(b"{")
    }

    /// Writes it for its owner alone. Only another plan is overwritten.
    pub(super) fn save(&self, path: &Path) -> Result<(), SavedPlanError> {
        if path.exists() && !Self::looks_like_one(path) {
            return Err(SavedPlanError::Foreign(path.to_owned()));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let write = || -> io::Result<()> {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&part)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            fs::rename(&part, path)
        };
        write().map_err(|source| SavedPlanError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// The plan in a file; None when the file is something else, a manifest for one.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, SavedPlanError> {
        if !Self::looks_like_one(path) {
            return Ok(None);
        }
        let corrupt = |source| SavedPlanError::Corrupt {
            path: path.to_owned(),
            source,
        };
        let text = fs::read(path).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(corrupt)?;
        if value["format"] != FORMAT {
            return Ok(None);
        }
        let found = value["version"].as_u64().unwrap_or_default();
        if found != u64::from(VERSION) {
            return Err(SavedPlanError::Version {
                path: path.to_owned(),
                found,
            });
        }
        let saved: Self = serde_json::from_value(value).map_err(corrupt)?;
        if saved.checksum != saved.sum() {
            return Err(SavedPlanError::Edited(path.to_owned()));
        }
        Ok(Some(saved))
    }

    /// What `apply` has to be told to make the same plan.
    pub(super) fn into_args(self, given: &ApplyArgs) -> Result<ApplyArgs, SavedPlanError> {
        let choice = &given.choice;
        for (is_given, option) in [
            (given.target.local, "--local"),
            (given.target.state_dir.is_some(), "--state-dir"),
            (choice.adopt, "--adopt"),
            (choice.force, "--force"),
            (choice.rerun_failed, "--rerun-failed"),
            (!choice.tasks.is_empty(), "--task"),
        ] {
            if is_given {
                return Err(SavedPlanError::Option(option));
            }
        }
        if names(&given.manifest) != self.variables {
            return Err(SavedPlanError::Variables(self.variables));
        }
        Ok(ApplyArgs {
            manifest: ManifestArgs {
                manifest: self.manifest,
                vars: given.manifest.vars.clone(),
            },
            target: TargetArgs {
                local: self.local,
                state_dir: self.state_dir,
            },
            choice: ChoiceArgs {
                rerun_failed: self.rerun_failed,
                tasks: self.tasks,
                force: self.force,
                adopt: self.adopt,
            },
            yes: true,
            dry_run: given.dry_run,
            ui: given.ui,
            progress: given.progress,
            json: given.json,
        })
    }

    /// Whether a plan made now is this one.
    pub(super) fn check(
        &self,
        target: &str,
        desired: &Desired,
        plan: &Plan,
    ) -> Result<(), SavedPlanError> {
        if self.target != target {
            return Err(SavedPlanError::Target {
                planned: self.target.clone(),
            });
        }
        let now = parts(desired, plan);
        let changed: Vec<String> = now
            .iter()
            .filter(|(name, digest)| self.parts.get(*name) != Some(digest))
            .map(|(name, _)| name.replace('_', " "))
            .collect();
        if changed.is_empty() {
            Ok(())
        } else {
            Err(SavedPlanError::Stale(changed))
        }
    }

    fn sum(&self) -> String {
        let bare = Self {
            checksum: String::new(),
            ..self.clone()
        };
        digest(&bare)
    }
}

fn names(args: &ManifestArgs) -> Vec<String> {
    let mut names: Vec<String> = args.vars.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn parts(desired: &Desired, plan: &Plan) -> BTreeMap<String, String> {
    let files: Vec<_> = desired
        .uploads
        .iter()
        .map(|u| (u.container.as_str(), u.blob.as_str(), u.length, u.md5))
        .collect();
    let tasks: Vec<_> = desired
        .tasks
        .iter()
        .map(|t| (t.id.as_str(), &t.digest))
        .collect();
    let to = desired.download.as_ref().map(|d| whole(&d.to));
    [
        ("input_files", digest(&files)),
        ("tasks_of_the_manifest", digest(&tasks)),
        (
            "manifest",
            digest(&(&desired.name, &desired.pool.digest, &desired.job.digest, to)),
        ),
        ("containers", digest(&plan.containers)),
        ("uploads", digest(&plan.uploads)),
        ("pool", digest(&plan.pool)),
        ("job", digest(&plan.job)),
        ("tasks", digest(&plan.tasks)),
        ("download", digest(&plan.download)),
        ("cleanup", digest(&plan.cleanup)),
    ]
    .map(|(name, digest)| (name.to_owned(), digest))
    .into()
}

fn digest(what: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(what).unwrap_or_default();
    HEXLOWER.encode(&Sha256::digest(bytes))
}
