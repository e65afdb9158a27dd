//! TOML with recovery: several syntax errors in one pass.

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, codes};

/// The table, and whether it is whole enough to be looked at further.
pub(super) struct Document<'a> {
    pub(super) table: Spanned<DeTable<'a>>,
    pub(super) usable: bool,
}

/// Reads TOML. A key that stands twice leaves a usable table; any other error would only cause follow-on messages.
pub(super) fn parse<'a>(text: &'a str, diagnostics: &mut Vec<Diagnostic>) -> Document<'a> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut usable = true;
    let mut line = None;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim();
        if message.starts_with("duplicate key") {
            let key = text.get(span.clone()).unwrap_or_default();
            diagnostics.push(
                Diagnostic::error(
                    codes::DUPLICATE_KEY,
                    format!("the key `{key}` stands twice"),
                )
                .label(span, "it is set before"),
            );
            continue;
        }
        usable = false;
        // The second error of a line mostly follows from the first.
        let at = text
            .get(..span.start)
            .map(|before| before.matches('\n').count());
        if line.replace(at) == Some(at) {
            continue;
        }
        let other = other_language(text);
        diagnostics.push(
            Diagnostic::error(codes::SYNTAX, format!("not TOML: {}", first_line(message)))
                .label(span.clone(), "here")
                .help(help(other, message, line_of(text, span.start))),
        );
        if other.is_some() {
            break;
        }
    }
    Document { table, usable }
}

fn help(other: Option<&str>, message: &str, line: &str) -> String {
    if let Some(other) = other {
        return format!(
            "this looks like {other}; a manifest is TOML: `key = \"value\"`, tables begin with `[name]`"
        );
    }
    if message.contains("escaped value") {
        return "in \"…\" a backslash begins an escape; '…' holds text as it is".to_owned();
    }
    if line.trim_start().starts_with("//") {
        return "a comment begins with `#`".to_owned();
    }
    "the format is described at https://toml.io".to_owned()
}

fn line_of(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n'));
    let rest = text.get(start.map_or(0, |newline| newline + 1)..);
    rest.and_then(|rest| rest.lines().next())
        .unwrap_or_default()
}

/// What the first line that says anything looks like: `{` opens JSON; `---`, `key:` and `key: value` are YAML.
fn other_language(text: &str) -> Option<&'static str> {
    let first = text
        .lines()
        .map(str::trim_end)
        .find(|l| !l.is_empty() && !l.starts_with('#'))?;
    let is_pair = first.split_once(':').is_some_and(|(key, rest)| {
        !key.contains(['=', '"', '[', ' ']) && (rest.is_empty() || rest.starts_with(' '))
    });
    if first.starts_with('{') {
        Some("JSON")
    } else if first == "---" || is_pair {
        Some("YAML")
    } else {
        None
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
