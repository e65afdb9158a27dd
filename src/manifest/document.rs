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
        let yaml = is_yaml(text);
        diagnostics.push(
            Diagnostic::error(codes::SYNTAX, format!("not TOML: {}", first_line(message)))
                .label(span, "here")
                .help(if yaml {
                    "this looks like YAML; a manifest is TOML: `key = \"value\"`, tables begin with `[name]`"
                } else {
                    "the format is described at https://toml.io"
                }),
        );
        if yaml {
            break;
        }
    }
    Document { table, usable }
}

/// Whether the first line that says anything is `key:` or `key: value`, or the mark that opens a YAML document.
fn is_yaml(text: &str) -> bool {
    let first = text
        .lines()
        .map(str::trim_end)
        .find(|l| !l.is_empty() && !l.starts_with('#'));
    first.is_some_and(|line| {
        line == "---"
            || line.split_once(':').is_some_and(|(key, rest)| {
                !key.contains(['=', '"', '[', ' ']) && (rest.is_empty() || rest.starts_with(' '))
            })
    })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
