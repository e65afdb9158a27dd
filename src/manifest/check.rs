//! What every section's check uses: where problems go, what templates may name, which containers there are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};

use super::at::{At, Scalar};
use super::template::{Bindings, Quoting, Scope, Template};
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::ids::{ContainerName, InvalidName};
use crate::wire::autoscale::Formula;
use crate::wire::secret::Secret;

pub(super) struct Checker<'a> {
    text: &'a str,
    bindings: Bindings,
    /// Declared names, of variables with an unusable value too: those were reported already.
    var_names: BTreeSet<String>,
    containers: BTreeSet<String>,
    /// Whether the document had the right shape: what was wrong is cut out, and its absence is no second problem.
    pub(super) whole: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        text: &'a str,
        bindings: Bindings,
        var_names: BTreeSet<String>,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        Self {
            text,
            bindings,
            var_names,
            containers: BTreeSet::new(),
            whole: diagnostics.is_empty(),
            diagnostics,
        }
    }

    pub(super) fn declare_container(&mut self, name: &str) {
        self.containers.insert(name.to_owned());
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: &Range<usize>,
        label: &str,
    ) {
        self.report(Diagnostic::error(code, message).label(span.clone(), label));
    }

    /// Compiles a string that may hold a template, and checks every name in it.
    pub(super) fn template(
        &mut self,
        raw: &At<String>,
        scope: Scope<'_>,
        quoting: Quoting,
    ) -> Option<Template> {
        Template::compile(
            raw,
            self.text,
            scope,
            quoting,
            &self.var_names,
            &mut self.diagnostics,
        )
    }

    /// A string whose templates know only `vars` and `name`: rendered here and now.
    pub(super) fn text(&mut self, raw: &At<String>) -> Option<At<String>> {
        let template = self.template(raw, Scope::Manifest, Quoting::None)?;
        match template.render(&self.bindings) {
            Ok(text) => Some(raw.with(text)),
            // The variable exists and its value was reported.
            Err(_) => None,
        }
    }

    pub(super) fn opt_text(&mut self, raw: Option<&At<String>>) -> Option<At<String>> {
        raw.and_then(|raw| self.text(raw))
    }

    /// The same, without its place.
    pub(super) fn string(&mut self, raw: &At<String>) -> Option<String> {
        self.text(raw).map(|text| text.value)
    }

    pub(super) fn opt_string(&mut self, raw: Option<&At<String>>) -> Option<String> {
        raw.and_then(|raw| self.string(raw))
    }

    pub(super) fn strings(&mut self, raw: &[At<String>]) -> Vec<String> {
        raw.iter().filter_map(|raw| self.string(raw)).collect()
    }

    /// A password or key.
    pub(super) fn secret(&mut self, raw: &At<String>) -> Option<Secret> {
        let text = self.text(raw)?;
        if text.value.is_empty() {
            self.report(
                Diagnostic::error(codes::MISSING_KEY, "this secret is empty")
                    .label(raw.span.clone(), "a password or key belongs here")
                    .help("write \"{{vars.NAME}}\" and give it with `--var NAME=…`"),
            );
            return None;
        }
        Some(Secret::new(text.value))
    }

    /// A name checked by one of the rules in [`crate::ids`].
    pub(super) fn name<T>(
        &mut self,
        raw: &At<String>,
        code: &'static str,
        rule: fn(String) -> Result<T, InvalidName>,
    ) -> Option<At<T>> {
        let text = self.text(raw)?;
        match rule(text.value) {
            Ok(name) => Some(raw.with(name)),
            Err(invalid) => {
                self.report(
                    Diagnostic::error(code, invalid.message)
                        .label(raw.span.clone(), "not allowed")
                        .help(invalid.help),
                );
                None
            }
        }
    }

    /// A reference to a container that `[containers]` declares.
    pub(super) fn container(&mut self, raw: &At<String>) -> Option<At<ContainerName>> {
        let name = self.text(raw)?;
        if self.containers.contains(name.as_str()) {
            return ContainerName::new(name.value).ok().map(|c| raw.with(c));
        }
        let help = match nearest(name.as_str(), self.containers.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("declare it with a line `[containers.{}]`", name.as_str()),
        };
        self.report(
            Diagnostic::error(
                codes::UNKNOWN_CONTAINER,
                format!("there is no container \"{}\"", name.as_str()),
            )
            .label(raw.span.clone(), "not declared in `[containers]`")
            .help(help),
        );
        None
    }

    pub(super) fn duration(&mut self, raw: Option<&At<String>>) -> Option<At<Duration>> {
        let text = self.opt_text(raw)?;
        match super::duration::parse(text.as_str()) {
            Some(duration) => Some(text.with(duration)),
            None => {
                self.report(
                    Diagnostic::error(
                        codes::INVALID_DURATION,
                        format!("\"{}\" is not a duration", text.as_str()),
                    )
                    .label(text.span, "not a duration")
                    .help("write \"15m\", \"1h 30m\", \"7d\", or ISO 8601 such as \"PT15M\""),
                );
                None
            }
        }
    }

    /// Reads an autoscale formula; each problem points into it where it stands as it is in the manifest.
    pub(super) fn formula(&mut self, formula: &At<String>, raw: &At<String>) {
        let Err(problems) = Formula::parse(formula.as_str()) else {
            return;
        };
        let place = self.text.get(raw.span.clone()).unwrap_or_default();
        let start = place
            .find(formula.as_str())
            .map(|offset| raw.span.start + offset);
        for problem in problems {
            let span = match start {
                Some(start) => start + problem.span.start..start + problem.span.end,
                None => raw.span.clone(),
            };
            let message = format!("in the autoscale formula: {problem}");
            self.report(Diagnostic {
                help: problem.help,
                ..Diagnostic::error(codes::INVALID_FORMULA, message).label(span, "here")
            });
        }
    }

    /// A pattern over blob or file names, where only `**` crosses a `/`.
    pub(super) fn glob(&mut self, pattern: &At<String>) -> Option<At<GlobMatcher>> {
        let glob = GlobBuilder::new(pattern.as_str())
            .literal_separator(true)
            .build();
        match glob {
            Ok(glob) => Some(pattern.with(glob.compile_matcher())),
            Err(invalid) => {
                let reason = invalid.kind().to_string();
                let message = format!("\"{}\" is not a pattern", pattern.as_str());
                self.error(codes::INVALID_GLOB, message, &pattern.span, &reason);
                None
            }
        }
    }

    /// A table of metadata: names as they stand, values rendered.
    pub(super) fn metadata(
        &mut self,
        raw: &BTreeMap<At<String>, At<String>>,
        azure_storage: bool,
    ) -> BTreeMap<String, String> {
        let mut metadata = BTreeMap::new();
        for (name, value) in raw {
            let lower = name.value.to_ascii_lowercase();
            if lower.starts_with("batchflow_") {
                self.error(
                    codes::RESERVED_NAME,
                    format!("the metadata name `{}` is reserved", name.value),
                    &name.span,
                    "names that begin with `batchflow_` are batchflow's own marks",
                );
                continue;
            }
            if azure_storage && !is_identifier(&name.value) {
                self.error(
                    codes::INVALID_NAME,
                    format!(
                        "`{}` cannot be the name of a container's metadata",
                        name.value
                    ),
                    &name.span,
                    "letters, digits and `_`, not a digit first",
                );
                continue;
            }
            if let Some(value) = self.text(value) {
                metadata.insert(name.value.clone(), value.value);
            }
        }
        metadata
    }

    /// A table of environment settings.
    pub(super) fn environment(
        &mut self,
        raw: &BTreeMap<At<String>, At<Scalar>>,
        scope: Scope<'_>,
    ) -> Vec<(String, Template)> {
        let mut settings = Vec::new();
        for (name, value) in raw {
            let upper = name.value.to_ascii_uppercase();
            if upper.starts_with("AZ_BATCH_") || upper.starts_with("BATCHFLOW_") {
                self.error(
                    codes::RESERVED_NAME,
                    format!("the environment variable `{}` is reserved", name.value),
                    &name.span,
                    "names that begin with `AZ_BATCH_` or `BATCHFLOW_` cannot be set",
                );
                continue;
            }
            if name.value.is_empty() || name.value.contains(['=', '\0']) {
                self.error(
                    codes::INVALID_NAME,
                    format!(
                        "`{}` cannot be the name of an environment variable",
                        name.value
                    ),
                    &name.span,
                    "a name is not empty and has no `=`",
                );
                continue;
            }
            let text = value.with(value.value.to_string());
            if let Some(template) = self.template(&text, scope, Quoting::None) {
                settings.push((name.value.clone(), template));
            }
        }
        settings
    }
}

/// The rule of blob storage for metadata names: those of C# identifiers, in ASCII.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
