//! Commands, environment, inputs and outputs of start tasks and tasks.

use std::ops::Range;

use super::problems::Problems;
use super::{Input, InputSource, Output};
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::BlobName;
use crate::manifest::template::quote;
use crate::manifest::{
    Bindings, CommandLine, Environment, OutputFile, ResourceFile, ResourceSource, Template,
    UploadCondition,
};
use crate::wire::batch::command::{EnvironmentSetting, OutputFileUploadCondition};

/// Renders a template; what cannot be rendered is reported and gives `None`.
pub(super) fn render(
    template: &Template,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<String> {
    match template.render(bindings) {
        Ok(text) => Some(text),
        Err(fault) if fault.missing().is_some() => {
            let name = fault.missing().unwrap_or_default();
            problems.report(
                Diagnostic::error(
                    codes::UNDEFINED_VARIABLE,
                    format!("`{name}` is not defined for every item"),
                )
                .label(
                    fault.span.clone(),
                    format!("undefined for {}", bindings.item()),
                ),
            );
            None
        }
        Err(fault) => {
            let reason =
                std::error::Error::source(&fault).map_or_else(String::new, ToString::to_string);
            problems.report(
                Diagnostic::error(codes::TEMPLATE_SYNTAX, fault.to_string())
                    .label(fault.span, reason),
            );
            None
        }
    }
}

/// The same, for a key that may be absent.
pub(super) fn render_option(
    template: Option<&Template>,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<Option<String>> {
    match template {
        Some(template) => render(template, bindings, problems).map(Some),
        None => Some(None),
    }
}

/// The node's agent splits a command line as a shell splits words and runs the program: lines for a shell become one
/// word for `/bin/sh -c`.
pub(super) fn command_line(
    command: &CommandLine,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<String> {
    match command {
        CommandLine::Raw(template) => render(template, bindings, problems),
        CommandLine::Shell(lines) => {
            let mut script = String::from("set -e");
            for line in lines {
                script.push('\n');
                script.push_str(&render(line, bindings, problems)?);
            }
            Some(format!("/bin/sh -c {}", quote(&script)))
        }
    }
}

pub(super) fn environment(
    settings: &Environment,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<Vec<EnvironmentSetting>> {
    settings
        .iter()
        .map(|(name, template)| {
            let value = render(template, bindings, problems)?;
            Some(EnvironmentSetting {
                name: name.clone(),
                value: Some(value),
            })
        })
        .collect()
}

/// The reason why a relative path would leave its folder.
fn leaves_folder(path: &str) -> Option<&'static str> {
    if path.starts_with('/') {
        Some("it is absolute")
    } else if path.split('/').any(|part| part == "..") {
        Some("it goes up with `..`")
    } else {
        None
    }
}

fn blob_name(name: String, span: Range<usize>, problems: &mut Problems) -> Option<BlobName> {
    match BlobName::new(name) {
        Ok(blob) => Some(blob),
        Err(invalid) => {
            problems.report(
                Diagnostic::error(codes::INVALID_BLOB_NAME, invalid.message)
                    .label(span, "not allowed")
                    .help(invalid.help),
            );
            None
        }
    }
}

/// A file staged under its blob name, so that `file.name` is its path for the command.
pub(super) fn staged(
    source: InputSource,
    path: &str,
    span: Range<usize>,
    problems: &mut Problems,
) -> Option<Input> {
    checked(
        Input {
            source,
            file_path: Some(path.to_owned()),
            file_mode: None,
            identity: None,
        },
        span,
        problems,
    )
}

fn checked(input: Input, span: Range<usize>, problems: &mut Problems) -> Option<Input> {
    let path = input.file_path.as_deref().unwrap_or_default();
    let names_nothing =
        path.ends_with('/') && !matches!(input.source, InputSource::Container { .. });
    let reason = leaves_folder(path).or(names_nothing.then_some("it ends in `/`"));
    let Some(reason) = reason else {
        return Some(input);
    };
    problems.report(
        Diagnostic::error(
            codes::INVALID_FILE_PATH,
            format!("`{path}` cannot be a path in the task's folder: {reason}"),
        )
        .label(span, "this file"),
    );
    None
}

pub(super) fn input(
    file: &ResourceFile,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<Input> {
    let file_path = render_option(file.file_path.as_ref(), bindings, problems)?;
    let (source, default_path) = match &file.source {
        ResourceSource::Container { container, prefix } => {
            let prefix = render_option(prefix.as_ref(), bindings, problems)?;
            let source = InputSource::Container {
                container: container.value.clone(),
                prefix: prefix.filter(|p| !p.is_empty()),
            };
            (source, None)
        }
        ResourceSource::Blob { container, blob } => {
            let blob = blob_name(render(blob, bindings, problems)?, blob.span(), problems)?;
            let path = blob.to_string();
            let source = InputSource::Blob {
                container: container.value.clone(),
                blob,
            };
            (source, Some(path))
        }
        ResourceSource::Url(url) => (InputSource::Url(render(url, bindings, problems)?), None),
    };
    let span = file
        .file_path
        .as_ref()
        .map_or(file.span.clone(), Template::span);
    let input = Input {
        source,
        file_path: file_path.filter(|p| !p.is_empty()).or(default_path),
        file_mode: file.file_mode.clone(),
        identity: file.identity.clone(),
    };
    checked(input, span, problems)
}

pub(super) fn output(
    file: &OutputFile,
    bindings: &Bindings,
    problems: &mut Problems,
) -> Option<Output> {
    let pattern = render(&file.pattern, bindings, problems)?;
    let path = render_option(file.path.as_ref(), bindings, problems)?.filter(|p| !p.is_empty());
    let wild = pattern.contains(['*', '?', '[']);
    let span = file
        .path
        .as_ref()
        .map_or(file.pattern.span(), Template::span);
    // The service would name a single file by its last part too; said here, it is known before the task runs.
    let path = path.or_else(|| {
        let last = pattern.rsplit('/').next().unwrap_or(&pattern);
        (!wild && !last.contains(['$', '%'])).then(|| last.to_owned())
    });
    if let Some(path) = &path {
        if let Some(reason) = leaves_folder(path) {
            problems.report(
                Diagnostic::error(
                    codes::ESCAPES_DOWNLOAD_FOLDER,
                    format!("the output `{path}` would leave the download folder: {reason}"),
                )
                .label(span, "this path")
                .help("an output's path is relative to its container"),
            );
            return None;
        }
        if !wild {
            blob_name(path.clone(), span, problems)?;
        }
    }
    Some(Output {
        pattern,
        container: file.container.value.clone(),
        path,
        condition: match file.upload_condition {
            UploadCondition::TaskSuccess => OutputFileUploadCondition::TaskSuccess,
            UploadCondition::TaskFailure => OutputFileUploadCondition::TaskFailure,
            UploadCondition::TaskCompletion => OutputFileUploadCondition::TaskCompletion,
        },
        identity: file.identity.clone(),
    })
}
