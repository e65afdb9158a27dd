//! A failed task, as a person wants to read it.

use std::fmt::Write;

use super::cause::kind;
use super::style::{BOLD, DIM, RED, paint};
use crate::event::TaskFailure;

/// Id, exit code, node, the service's words, and the end of stderr; styled.
pub fn render(failure: &TaskFailure) -> String {
    let how = match failure.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "did not start".to_owned(),
    };
    let node = failure
        .node
        .as_ref()
        .map(|n| format!(" on {n}"))
        .unwrap_or_default();
    let mut out = format!(
        "{} task {}: {how}{node}\n",
        paint(RED, "failed"),
        paint(BOLD, &failure.task)
    );
    let words = [&failure.code, &failure.message];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    if !words.is_empty() {
        let _ = writeln!(out, "  {}, {}", kind(failure.cause), words.join(": "));
    }
    tail(&mut out, failure.stderr_tail.as_deref());
    out
}

/// The end of a stderr, set off from our own words.
pub fn tail(out: &mut String, stderr: Option<&str>) {
    match stderr {
        None => {
            let _ = writeln!(out, "  {}", paint(DIM, "it wrote nothing to stderr"));
        }
        Some(text) => {
            let _ = writeln!(out, "  {}", paint(DIM, "the end of its stderr:"));
            for line in text.lines() {
                let _ = writeln!(out, "  {} {line}", paint(DIM, "│"));
            }
        }
    }
}
