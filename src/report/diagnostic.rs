//! Problems in a manifest, with the lines they point at.

mod narrow;

use std::fmt;

use anstream::adapter::strip_str;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::width::columns;
use crate::diagnostic::{Diagnostic, Severity};

/// Sentences are not made wider than this: long lines are hard to read.
const WIDE: usize = 100;
/// With less room than this, a frame takes too much of it.
const NARROW: usize = 48;

/// All of them, one after the other, each with its place in `text`, which is shown as `source_name`. None: the lines
/// of the text may be as wide as they are.
pub fn render(
    diagnostics: &[Diagnostic],
    source_name: &str,
    text: &str,
    color: bool,
    width: Option<usize>,
) -> String {
    let theme = if color {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width.unwrap_or(WIDE).min(WIDE))
        .with_links(false);
    let source = NamedSource::new(source_name, without_secrets(text));
    let mut out = String::new();
    for diagnostic in diagnostics {
        let shown = Shown {
            diagnostic,
            source: &source,
            length: text.len(),
        };
        if !out.is_empty() {
            out.push('\n');
        }
        let room = width.unwrap_or(usize::MAX);
        let mut report = String::new();
        let is_framed = room >= NARROW && handler.render_report(&mut report, &shown).is_ok();
        if !is_framed || report.lines().any(|line| columns(line) > room) {
            report = narrow::render(diagnostic, source_name, source.inner(), room);
        }
        out.push_str(&match color {
            true => report,
            false => strip_str(&report).to_string(),
        });
    }
    out
}

/// Keys whose values are passwords and the like.
const SECRETS: &[&str] = &["password", "account_key", "sas_key", "ssh_private_key"];

/// The text with its secrets starred out, every other byte at its place: a report shows the lines around a
/// problem as well, and ends up in logs.
fn without_secrets(text: &str) -> String {
    let mut shown = text.to_owned();
    for key in SECRETS {
        let mut from = 0;
        while let Some(found) = shown[from..].find(key) {
            from += found + key.len();
            let rest = shown[from..].trim_start();
            let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
                continue;
            };
            let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let start = shown.len() - value.len() + 1;
            let line = shown[start..].find('\n').unwrap_or(shown.len() - start);
            let length = shown[start..start + line].find(quote).unwrap_or(line);
            if !shown[start..start + length].starts_with("{{") {
                shown.replace_range(start..start + length, &"*".repeat(length));
            }
            from = start + length;
        }
    }
    shown
}

struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: &'a NamedSource<String>,
    length: usize,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic
            .help
            .as_ref()
            .map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.diagnostic.labels.is_empty()).then_some(self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.diagnostic.labels.iter().enumerate().map(|(i, label)| {
            let start = label.span.start.min(self.length);
            let length = label.span.end.clamp(start, self.length) - start;
            let text = Some(label.text.clone());
            if i == 0 {
                LabeledSpan::new_primary_with_span(text, (start, length))
            } else {
                LabeledSpan::new_with_span(text, (start, length))
            }
        });
        Some(Box::new(labels))
    }
}
