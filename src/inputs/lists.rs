//! Lists that lie on this disk: files that match patterns, and the rows of CSV and JSON Lines files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::pattern::{Pattern, normal};
use super::scan::{shown, walk};
use super::snapshot::{List, ListKind, Lists};
use crate::diagnostic::{Diagnostic, codes};

/// Reads the lists. Paths and patterns are relative to `folder`, the manifest's.
pub fn read_lists(lists: &[List], folder: &Path) -> (Lists, Vec<Diagnostic>) {
    let folder = normal(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    let mut read = Lists::default();
    let mut diagnostics = Vec::new();
    for list in lists {
        match list.kind {
            ListKind::Files => match files(list, &folder) {
                Ok(names) => read.add_files(list.path.clone(), names),
                Err(problem) => diagnostics.push(*problem),
            },
            ListKind::Rows => match rows(list, &folder) {
                Ok(rows) => read.add_rows(list.path.clone(), rows),
                Err(problem) => diagnostics.push(*problem),
            },
        }
    }
    (read, diagnostics)
}

fn problem(list: &List, code: &'static str, message: String, label: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, message).label(list.span.clone(), label))
}

/// Names relative to the part before the first wildcard, in order.
fn files(list: &List, folder: &Path) -> Result<Vec<String>, Box<Diagnostic>> {
    let pattern = Pattern::new(&list.path, folder).map_err(|error| {
        let message = format!("\"{}\" is not a pattern", list.path);
        problem(
            list,
            codes::INVALID_GLOB,
            message,
            &error.kind().to_string(),
        )
    })?;
    let (root, paths) = match pattern {
        Pattern::File(path) if path.is_file() => {
            (path.parent().unwrap_or(&path).to_owned(), vec![path])
        }
        Pattern::File(path) => {
            let message = format!("there is no file {}", shown(&path, folder));
            return Err(problem(list, codes::MISSING_FILE, message, "not there"));
        }
        // That nothing matches is the factory's business.
        Pattern::Glob { root, .. } if !root.is_dir() => return Ok(Vec::new()),
        Pattern::Glob { root, below } => {
            let (paths, faults) = walk(&root, &below, folder);
            if let Some(fault) = faults.first() {
                let message = "cannot read what the pattern matches".to_owned();
                return Err(problem(list, codes::UNREADABLE_FILE, message, fault));
            }
            (root, paths)
        }
    };
    let name = |path: PathBuf| {
        let relative = path.strip_prefix(&root).unwrap_or(&path);
        relative.to_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("the name of {} is not UTF-8", shown(&path, folder));
            problem(list, codes::UNREADABLE_FILE, message, "matched by this")
        })
    };
    paths.into_iter().map(name).collect()
}

fn rows(list: &List, folder: &Path) -> Result<Vec<Map<String, Value>>, Box<Diagnostic>> {
    let path = normal(&folder.join(&list.path));
    let bytes = fs::read(&path).map_err(|error| {
        let (code, message) = if error.kind() == io::ErrorKind::NotFound {
            (codes::MISSING_FILE, "there is no file")
        } else {
            (codes::UNREADABLE_FILE, "cannot read")
        };
        let message = format!("{message} {}", shown(&path, folder));
        problem(list, code, message, &error.to_string())
    })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let separator = match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => Some(b','),
        Some("tsv") => Some(b'\t'),
        _ => None,
    };
    let rows = match separator {
        Some(separator) => table(bytes, separator),
        None => lines(bytes),
    };
    rows.map_err(|fault| {
        let message = format!("cannot read the rows of {}", shown(&path, folder));
        problem(list, codes::INVALID_ROWS, message, &fault)
    })
}

/// The first line names the columns; every value is a string.
fn table(bytes: &[u8], separator: u8) -> Result<Vec<Map<String, Value>>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .from_reader(bytes);
    let columns = reader.headers().map_err(|e| e.to_string())?.clone();
    let mut seen = BTreeSet::new();
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            return Err(format!(
                "column {} has no name in the first line",
                index + 1
            ));
        }
        if !seen.insert(column) {
            return Err(format!("two columns have the name \"{column}\""));
        }
    }
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|e| e.to_string())?;
        let cells = columns.iter().zip(record.iter());
        Ok(cells.map(|(c, v)| (c.to_owned(), v.into())).collect())
    };
    reader.records().map(row).collect()
}

/// Each line that is not blank is an object.
fn lines(bytes: &[u8]) -> Result<Vec<Map<String, Value>>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_they_are_meant() {
        let rows = table(b"a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n2,\n", b',').unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["b"], "x, \"y\"\nz");
        assert_eq!((&rows[1]["a"], &rows[1]["b"]), (&"2".into(), &"".into()));
        for (text, fault) in [
            ("a,a\n1,2\n", "two columns have the name \"a\""),
            ("a,\n1,2\n", "column 2 has no name"),
            ("a,b\n1\n", "line: 2"),
        ] {
            let said = table(text.as_bytes(), b',').unwrap_err();
            assert!(said.contains(fault), "{said}");
        }
    }

    #[test]
    fn lines_are_objects() {
        let rows = lines(b"{\"a\":1}\n\n{\"a\":{\"b\":2}}\n").unwrap();
        assert_eq!(rows[1]["a"]["b"], 2);
        for (text, fault) in [("{}\n[1]\n", "line 2"), ("{}\n\n{", "line 3")] {
            let said = lines(text.as_bytes()).unwrap_err();
            assert!(said.contains(fault), "{said}");
        }
    }
}
