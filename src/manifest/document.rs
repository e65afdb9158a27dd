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
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim();
        let diagnostic = if message.starts_with("duplicate key") {
            let key = text.get(span.clone()).unwrap_or_default();
            Diagnostic::error(
                codes::DUPLICATE_KEY,
                format!("the key `{key}` stands twice"),
            )
            .label(span, "it is set before")
        } else {
            usable = false;
            Diagnostic::error(codes::SYNTAX, format!("not TOML: {}", first_line(message)))
                .label(span, "here")
                .help("the format is described at https://toml.io")
        };
        diagnostics.push(diagnostic);
    }
    Document { table, usable }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
