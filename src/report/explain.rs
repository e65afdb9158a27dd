//! What a diagnostic code means, for the terminal.

use std::fmt::Write;

use super::style::{BOLD, DIM, paint};
use crate::diagnostic::codes;

/// A page of Markdown under its code: code blocks are indented, the rest is text as it is; styled.
pub fn page(code: &str, markdown: &str) -> String {
    let mut out = format!("{}\n\n", paint(BOLD, code));
    let mut in_code = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code && !line.is_empty() {
            let _ = writeln!(out, "    {line}");
        } else if line.ends_with(':') && !line.contains(' ') {
            let _ = writeln!(out, "{}", paint(BOLD, line));
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

/// Every code with its first sentence.
pub fn list() -> String {
    let width = codes::ALL.iter().map(|(code, _)| code.len()).max();
    let width = width.unwrap_or_default();
    let mut out = String::new();
    for (code, explanation) in codes::ALL {
        let _ = writeln!(out, "{code:width$}  {}", paint(DIM, explanation));
    }
    out
}
