//! What start tasks and tasks share: the command, environment, resource files and output files.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mounts::RawIdentity;
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::ContainerName;
use crate::manifest::at::{At, OneOrMany, Scalar};
use crate::manifest::check::Checker;
use crate::manifest::template::{Quoting, Scope, Template};

/// Environment variables by name.
pub(in crate::manifest) type RawEnvironment = BTreeMap<At<String>, At<Scalar>>;
/// Environment variables in the order of their names.
pub type Environment = Vec<(String, Template)>;

/// How a task's program is given.
#[derive(Debug, Clone)]
pub enum CommandLine {
    /// Lines of POSIX sh; a line that fails ends the task. Insertions are quoted.
    Shell(Vec<Template>),
    /// A command line as it is: no shell unless it names one.
    Raw(Template),
}

pub(super) fn command_line(
    commands: Option<&At<OneOrMany>>,
    command_line: Option<&At<String>>,
    owner: &Range<usize>,
    scope: Scope<'_>,
    checker: &mut Checker<'_>,
) -> Option<CommandLine> {
    match (commands, command_line) {
        (Some(lines), None) => {
            let lines: Vec<_> = lines
                .items()
                .iter()
                .map(|line| checker.template(line, scope, Quoting::Shell))
                .collect();
            Some(CommandLine::Shell(
                lines.into_iter().collect::<Option<_>>()?,
            ))
        }
        (None, Some(raw)) => checker
            .template(raw, scope, Quoting::None)
            .map(CommandLine::Raw),
        (Some(commands), Some(raw)) => {
            checker.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`commands` and `command_line` exclude each other",
                )
                .label(raw.span.clone(), "a command line as it is")
                .label(commands.span.clone(), "lines for the shell"),
            );
            None
        }
        (None, None) => {
            checker.report(
                Diagnostic::error(codes::MISSING_KEY, "there is no command")
                    .label(
                        owner.clone(),
                        "`commands` or `command_line` must be set here",
                    )
                    .help("`commands` is a list of shell lines; `command_line` is run as it is"),
            );
            None
        }
    }
}

/// Files put on the node before a task runs: from a container (by prefix), one blob of it, or a URL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "resource_file")]
pub(in crate::manifest) struct RawResourceFile {
    /// A container of this manifest; all of its blobs, those of a `blob_prefix`, or one `blob`.
    container: Option<At<String>>,
    /// Only blobs whose names begin so.
    blob_prefix: Option<At<String>>,
    /// One blob.
    blob: Option<At<String>>,
    /// A URL the node can read.
    http_url: Option<At<String>>,
    /// Where on the node, relative to the task's directory: a folder for a container, a file for a blob or URL.
    file_path: Option<At<String>>,
    /// Permissions in octal; default 0770.
    file_mode: Option<At<String>>,
    /// The node reads as this managed identity of the pool; the URL is not signed. Default: `pool.identity_reference`
    /// for what is in a container.
    identity_reference: Option<RawIdentity>,
}

/// Where resource files come from.
#[derive(Debug, Clone)]
pub enum ResourceSource {
    Container {
        container: At<ContainerName>,
        prefix: Option<Template>,
    },
    Blob {
        container: At<ContainerName>,
        blob: Template,
    },
    Url(Template),
}

#[derive(Debug, Clone)]
pub struct ResourceFile {
    pub source: ResourceSource,
    /// A folder for a container, a file for a blob or URL.
    pub file_path: Option<Template>,
    pub file_mode: Option<String>,
    /// The resource id of a managed identity.
    pub identity: Option<String>,
    pub span: Range<usize>,
}

impl RawResourceFile {
    pub(super) fn check(
        raw: &At<Self>,
        scope: Scope<'_>,
        checker: &mut Checker<'_>,
    ) -> Option<ResourceFile> {
        let Self {
            container,
            blob_prefix: prefix,
            blob,
            http_url,
            file_path,
            file_mode,
            identity_reference,
        } = &raw.value;
        let mut template = |t: &Option<At<String>>| match t {
            Some(t) => checker.template(t, scope, Quoting::None).map(Some),
            None => Some(None),
        };
        let (prefix_t, blob_t, url_t, path_t) = (
            template(prefix),
            template(blob),
            template(http_url),
            template(file_path),
        );
        let file_mode = file_mode.as_ref().and_then(|mode| octal(mode, checker));
        let span = raw.span.clone();
        let conflict = |checker: &mut Checker<'_>, message: &str, span: &Range<usize>| {
            checker.error(
                codes::CONFLICTING_KEYS,
                message,
                span,
                "remove this or the other",
            );
        };
        if let (Some(_), Some(blob)) = (prefix, blob) {
            conflict(
                checker,
                "`blob_prefix` and `blob` exclude each other",
                &blob.span,
            );
            return None;
        }
        let source = match (container, http_url) {
            (Some(container), None) => {
                let container = checker.container(container)?;
                match blob_t? {
                    Some(blob) => ResourceSource::Blob { container, blob },
                    None => ResourceSource::Container {
                        container,
                        prefix: prefix_t?,
                    },
                }
            }
            (None, Some(url)) => {
                if let Some(other) = prefix.as_ref().or(blob.as_ref()) {
                    conflict(
                        checker,
                        "`http_url` has no container to look in",
                        &other.span,
                    );
                    return None;
                }
                if !url.value.starts_with("{{") && !super::account::is_url(&url.value) {
                    checker.error(
                        codes::INVALID_URL,
                        format!("\"{}\" is not a URL", url.value),
                        &url.span,
                        "not a URL",
                    );
                    return None;
                }
                if file_path.is_none() {
                    checker.error(
                        codes::MISSING_KEY,
                        "a file from a URL needs a name on the node",
                        &span,
                        "`file_path` must be set here",
                    );
                    return None;
                }
                ResourceSource::Url(url_t??)
            }
            (Some(_), Some(url)) => {
                conflict(
                    checker,
                    "`container` and `http_url` exclude each other",
                    &url.span,
                );
                return None;
            }
            (None, None) => {
                checker.error(
                    codes::MISSING_KEY,
                    "a resource file needs a source",
                    &span,
                    "`container` or `http_url` must be set here",
                );
                return None;
            }
        };
        Some(ResourceFile {
            source,
            file_path: path_t?,
            file_mode,
            identity: RawIdentity::id(identity_reference.as_ref(), checker),
            span,
        })
    }
}

fn octal(mode: &At<String>, checker: &mut Checker<'_>) -> Option<String> {
    let text = &mode.value;
    if (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        return Some(text.clone());
    }
    checker.error(
        codes::INVALID_FILE_MODE,
        format!("\"{text}\" is not a file mode"),
        &mode.span,
        "three or four octal digits, such as \"0755\"",
    );
    None
}

/// When output files are uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "upload_condition")]
pub enum UploadCondition {
    #[default]
    TaskSuccess,
    TaskFailure,
    TaskCompletion,
}

/// Files uploaded when a task ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "output_file")]
pub(in crate::manifest) struct RawOutputFile {
    /// Which files, relative to the task's directory: `*`, `**`, `?`, `[a-c]`; `../std*.txt` for its output streams.
    pattern: At<String>,
    /// The container they go to.
    container: At<String>,
    /// The blob name when the pattern has no wildcard, else the folder in the container.
    path: Option<At<String>>,
    /// When; default `task_success`.
    upload_condition: Option<UploadCondition>,
    /// The node writes as this managed identity of the pool; the URL is not signed. Default: `pool.identity_reference`.
    identity_reference: Option<RawIdentity>,
}

#[derive(Debug, Clone)]
pub struct OutputFile {
    pub pattern: Template,
    pub container: At<ContainerName>,
    pub path: Option<Template>,
    pub upload_condition: UploadCondition,
    /// The resource id of a managed identity.
    pub identity: Option<String>,
    pub span: Range<usize>,
}

impl RawOutputFile {
    pub(super) fn check(
        raw: &At<Self>,
        scope: Scope<'_>,
        checker: &mut Checker<'_>,
    ) -> Option<OutputFile> {
        let pattern = checker.template(&raw.value.pattern, scope, Quoting::None);
        let container = checker.container(&raw.value.container);
        let path = match &raw.value.path {
            Some(path) => Some(checker.template(path, scope, Quoting::None)?),
            None => None,
        };
        Some(OutputFile {
            pattern: pattern?,
            container: container?,
            path,
            upload_condition: raw.value.upload_condition.unwrap_or_default(),
            identity: RawIdentity::id(raw.value.identity_reference.as_ref(), checker),
            span: raw.span.clone(),
        })
    }
}
