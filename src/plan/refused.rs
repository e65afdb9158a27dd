//! Why there can be no plan.

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
}

impl Refused {
    /// What a person can do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NotOurs { kind, .. } => {
                format!(
                    "choose another {kind} id in the manifest, or delete that {kind} if nobody needs it"
                )
            }
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
