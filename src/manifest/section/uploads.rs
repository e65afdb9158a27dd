//! `[[uploads]]`: which files become blobs.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::ids::ContainerName;
use crate::manifest::at::{At, OneOrMany};
use crate::manifest::check::Checker;

/// Files that become blobs of a container.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "upload")]
pub(in crate::manifest) struct RawUpload {
    /// The container they go to.
    container: At<String>,
    /// A file or glob pattern (`*`, `?`, `[a-c]`, `{a,b}` within a folder, `**` across folders), or a list of them.
    /// Absolute, or relative to the manifest's folder. Names that begin with a dot have to be spelled out.
    files: At<OneOrMany>,
    /// Put before each blob name, such as `v2/`.
    prefix: Option<At<String>>,
    /// The folder that blob names are relative to; default: the part of the pattern before its first wildcard.
    base: Option<At<String>>,
    /// Whether it is all right when a pattern matches no file; default false.
    #[serde(default)]
    allow_empty: bool,
}

/// Files that become blobs of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub container: At<ContainerName>,
    /// Patterns, absolute or relative to the manifest's folder.
    pub files: Vec<At<String>>,
    pub prefix: Option<At<String>>,
    pub base: Option<At<String>>,
    pub allow_empty: bool,
}

impl RawUpload {
    pub(in crate::manifest) fn check(&self, checker: &mut Checker<'_>) -> Option<Upload> {
        let container = checker.container(&self.container);
        let files: Vec<Option<At<String>>> = self
            .files
            .items()
            .iter()
            .map(|raw| {
                let pattern = checker.text(raw)?;
                checker.glob(&pattern).map(|_| pattern)
            })
            .collect();
        let prefix = checker.opt_text(self.prefix.as_ref());
        let base = checker.opt_text(self.base.as_ref());
        Some(Upload {
            container: container?,
            files: files.into_iter().collect::<Option<_>>()?,
            prefix,
            base,
            allow_empty: self.allow_empty,
        })
    }
}
