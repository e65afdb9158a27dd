//! What manifests left in the account, and what becomes of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::quantity::count;
use super::style::{BOLD, DIM, paint, symbol};
use crate::observed::{Belongings, Kind, Marked};
use crate::plan::Action;

/// The plan of a `gc`; styled.
pub fn render(target: &str, all: &BTreeMap<String, Belongings>, containers: bool) -> String {
    let mut out = format!("Target: {target}\n");
    let doomed = left_over(all, containers).len();
    let _ = writeln!(
        out,
        "{}\n",
        match doomed {
            0 => "Nothing is left over.".to_owned(),
            n => format!("Plan: {} to delete.", count(n, "resource")),
        }
    );
    for (manifest, belongings) in all {
        let (action, note) = match &belongings.in_use {
            Some(why) => (Action::Keep, paint(DIM, format!("in use: {why}"))),
            None => (Action::Delete, String::new()),
        };
        let _ = writeln!(out, "{}  {note}", paint(BOLD, manifest));
        for marked in &belongings.resources {
            let (action, note) = match (marked.kind, &marked.note) {
                (Kind::Container, _) if !containers => (Action::Keep, "--containers deletes it"),
                (_, note) => (action, note.as_deref().unwrap_or_default()),
            };
            let line = format!(
                "  {} {} {}  {}",
                symbol(action),
                marked.kind.as_str(),
                marked.name,
                paint(DIM, note)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    out
}

/// What nothing uses. Containers may hold outputs that nobody fetched, so that they are left unless asked for.
pub fn left_over(all: &BTreeMap<String, Belongings>, containers: bool) -> Vec<&Marked> {
    let unused = all.values().filter(|b| b.in_use.is_none());
    let resources = unused.flat_map(|b| &b.resources);
    resources
        .filter(|m| containers || m.kind != Kind::Container)
        .collect()
}
