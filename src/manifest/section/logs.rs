//! `[logs]`: whether what tasks write to stdout and stderr outlives their nodes.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, codes};
use crate::ids::ContainerName;
use crate::manifest::at::At;
use crate::manifest::check::Checker;

/// What tasks write to stdout and stderr, kept in blob storage.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "logs")]
pub(in crate::manifest) struct RawLogs {
    /// Whether each task uploads `stdout.txt` and `stderr.txt` when it ends, however it ends; default `true`. They
    /// become the blobs `JOB/TASK/stdout.txt` and `JOB/TASK/stderr.txt`. With a `[schedule]` nothing is kept.
    keep: Option<bool>,
    /// The container for them, which need not be declared; default: the manifest's name and `-logs`.
    container: Option<At<String>>,
}

/// Where logs are kept, if they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    pub keep: bool,
    /// None: derived from the manifest's name.
    pub container: Option<ContainerName>,
}

impl RawLogs {
    pub(in crate::manifest) fn check(&self, checker: &mut Checker<'_>) -> Logs {
        let container = checker.opt_text(self.container.as_ref()).and_then(|name| {
            match ContainerName::new(name.value) {
                Ok(name) => Some(name),
                Err(invalid) => {
                    checker.report(
                        Diagnostic::error(codes::INVALID_CONTAINER_NAME, invalid.message)
                            .label(name.span, "not allowed")
                            .help(invalid.help),
                    );
                    None
                }
            }
        });
        Logs {
            keep: self.keep.unwrap_or(true),
            container,
        }
    }
}
