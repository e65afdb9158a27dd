//! Why there can be no plan.

use std::path::PathBuf;

/// Why there can be no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the {kind} `{id}` exists and was not made by this manifest{}", explain(.owner, .differs))]
    NotOurs {
        kind: &'static str,
        id: String,
        /// The manifest that made it, if one did.
        owner: Option<String>,
        /// How it differs from what is wanted.
        differs: Option<String>,
    },
    #[error("{} exists and was not written by batchflow; task `{task}` would overwrite it", .path.display())]
    ForeignFile { path: PathBuf, task: String },
    #[error("there is no task `{id}`")]
    NoSuchTask {
        id: String,
        /// Ids that are like it.
        near: Vec<String>,
    },
}

impl Refused {
    /// What a person can do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NotOurs {
                kind, owner: None, ..
            } => {
                format!(
                    "choose another {kind} id in the manifest, delete that {kind} if nobody needs it, or take it over with --adopt"
                )
            }
            Self::NotOurs { kind, .. } => {
                format!(
                    "choose another {kind} id in the manifest, or destroy the manifest that made it"
                )
            }
            Self::ForeignFile { .. } => {
                "move it away or choose another download folder, then apply again".to_owned()
            }
            Self::NoSuchTask { near, .. } if near.is_empty() => {
                "`batchflow plan --verbose` lists every task".to_owned()
            }
            Self::NoSuchTask { near, .. } => format!("there are {}", near.join(", ")),
        }
    }
}

fn explain(owner: &Option<String>, differs: &Option<String>) -> String {
    let owner = owner
        .as_ref()
        .map(|o| format!(", but by `{o}`"))
        .unwrap_or_default();
    let differs = differs
        .as_ref()
        .map(|d| format!("; it differs: {d}"))
        .unwrap_or_default();
    format!("{owner}{differs}")
}
