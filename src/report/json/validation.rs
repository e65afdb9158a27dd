//! What is wrong with a manifest, as a document.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::diagnostic::{Diagnostic, Severity};

/// The answer of `batchflow validate --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Validation {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["validation"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// The manifest, as it was named.
    pub file: String,
    /// Whether it can be applied: there is no error.
    pub valid: bool,
    /// Every problem, in the order of their places.
    pub diagnostics: Vec<Problem>,
}

/// One problem.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// What `batchflow explain` takes.
    pub code: &'static str,
    #[schemars(extend("enum" = ["error", "warning"]))]
    pub severity: &'static str,
    pub message: String,
    /// What can be done.
    pub help: Option<String>,
    /// Places in the file; the first is the main one.
    pub labels: Vec<Place>,
}

/// A place in the file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Place {
    /// What is said about it.
    pub text: String,
    pub start: Position,
    /// The first position after it.
    pub end: Position,
}

/// A position in the file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// From the start of the file, from 0.
    pub byte: usize,
}

impl Validation {
    pub fn new(file: &str, text: &str, diagnostics: &[Diagnostic]) -> Self {
        let problems = diagnostics.iter().map(|diagnostic| Problem {
            code: diagnostic.code,
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            labels: diagnostic
                .labels
                .iter()
                .map(|label| place(&label.span, &label.text, text))
                .collect(),
        });
        Self {
            kind: "validation",
            version: VERSION,
            file: file.to_owned(),
            valid: !diagnostics.iter().any(Diagnostic::is_error),
            diagnostics: problems.collect(),
        }
    }
}

fn place(span: &Range<usize>, said: &str, text: &str) -> Place {
    Place {
        text: said.to_owned(),
        start: position(span.start, text),
        end: position(span.end, text),
    }
}

fn position(byte: usize, text: &str) -> Position {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Position {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        byte,
    }
}
