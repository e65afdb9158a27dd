//! `[download]`: bringing outputs home.

use globset::GlobMatcher;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ids::ContainerName;
use crate::manifest::at::At;
use crate::manifest::check::Checker;

/// Where outputs go on this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "download")]
pub(in crate::manifest) struct RawDownload {
    /// The container to download.
    container: At<String>,
    /// The folder, absolute or relative to the manifest's; made when it is not there.
    to: At<String>,
    /// Only blob names that match; default `**`.
    pattern: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub struct Download {
    pub container: At<ContainerName>,
    /// Absolute, or relative to the manifest's folder.
    pub to: At<String>,
    /// Matched against whole blob names; None: all.
    pub pattern: Option<At<GlobMatcher>>,
}

impl RawDownload {
    /// Where its folder is named.
    pub(in crate::manifest) fn place(&self) -> std::ops::Range<usize> {
        self.to.span.clone()
    }

    pub(in crate::manifest) fn check(&self, checker: &mut Checker<'_>) -> Option<Download> {
        let container = checker.container(&self.container);
        let to = checker.text(&self.to);
        let pattern = match &self.pattern {
            Some(raw) => {
                let pattern = checker.text(raw)?;
                Some(checker.glob(&pattern)?)
            }
            None => None,
        };
        Some(Download {
            container: container?,
            to: to?,
            pattern,
        })
    }
}
