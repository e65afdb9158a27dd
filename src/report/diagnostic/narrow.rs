//! A problem where there is little room: no frame, and of the line only what is around its place.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::report::style::{BOLD, CYAN, DIM, RED, YELLOW, paint};
use crate::report::width::{columns, cut, fold};

const INDENT: usize = 2;

/// One problem in lines of at most `width` columns; styled.
pub(super) fn render(diagnostic: &Diagnostic, name: &str, text: &str, width: usize) -> String {
    let (style, sign) = match diagnostic.severity {
        Severity::Error => (RED, "×"),
        Severity::Warning => (YELLOW, "⚠"),
    };
    let mut lines = vec![
        paint(style, diagnostic.code),
        format!(
            "{} {}",
            paint(style, sign),
            paint(BOLD, &diagnostic.message)
        ),
    ];
    let room = width.saturating_sub(INDENT).max(1);
    for label in &diagnostic.labels {
        let place = Place::of(&label.span, text);
        lines.push(format!(
            "  {}",
            paint(DIM, format!("{name}:{}:{}", place.line, place.column))
        ));
        if !place.text.trim().is_empty() {
            let (shown, mark) = place.window(room);
            lines.push(format!("  {shown}"));
            let carets = "^".repeat(mark.len());
            let before = " ".repeat(mark.start);
            lines.push(format!("  {before}{}", paint(style, carets)));
        }
        lines.extend(said(label));
    }
    if let Some(help) = &diagnostic.help {
        lines.push(format!("  {} {help}", paint(CYAN, "help:")));
    }
    let folded = lines.iter().map(|line| fold(line, width) + "\n");
    folded.collect()
}

fn said(label: &Label) -> Option<String> {
    (!label.text.is_empty()).then(|| format!("  {}", label.text))
}

/// Where a label begins.
struct Place {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// The whole line, with a space for every tab.
    text: String,
    /// What is meant of it, in bytes.
    span: Range<usize>,
}

impl Place {
    fn of(span: &Range<usize>, text: &str) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let at = (before.len() - start).min(line.len());
        let end = (at + span.len()).min(line.len());
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            text: line.trim_end_matches('\r').replace('\t', " "),
            span: at..end,
        }
    }

    /// What of the line has room, and the columns of it that are meant: at least one.
    fn window(&self, room: usize) -> (String, Range<usize>) {
        let part = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let before = part(0..self.span.start);
        let meant = part(self.span.clone());
        let (mut text, mut start) = (self.text.clone(), columns(before));
        let length = columns(meant).max(1);
        if start + length > room {
            // A third of the room is for what stands before, as it says which key it is.
            let kept = tail(
                before,
                start.min((room / 3).max(room.saturating_sub(length))),
            );
            start = columns(&kept);
            text = kept + self.text.get(self.span.start..).unwrap_or_default();
        }
        let end = (start + length).min(room.max(start + 1));
        (cut(&text, room), start..end)
    }
}

/// The end of a text, no wider than `width`.
fn tail(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let starts = text.char_indices().map(|(at, _)| at);
    let fitting = starts.map(|at| &text[at..]);
    let mut fitting = fitting.skip_while(|end| columns(end) + 1 > width);
    match (width, fitting.next()) {
        (0, _) => String::new(),
        (_, Some(end)) => format!("…{end}"),
        (_, None) => "…".to_owned(),
    }
}
