//! Holds the direction between the rooms: which room may use which is said here once, and checked against every
//! `crate::room` path in `src`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("clock", &[]),
    ("page", &[]),
    ("diagnostic", &[]),
    ("wire", &["ids"]),
    ("manifest", &["ids", "diagnostic", "wire"]),
    ("inputs", &["ids", "diagnostic"]),
    (
        "desired",
        &["manifest", "inputs", "wire", "ids", "diagnostic"],
    ),
    ("client", &["wire", "ids", "clock"]),
    ("observed", &["wire", "ids", "client", "desired", "inputs"]),
    ("plan", &["desired", "observed", "wire", "ids"]),
    ("event", &["plan", "ids"]),
    (
        "apply",
        &[
            "plan", "event", "client", "inputs", "clock", "wire", "ids", "desired", "observed",
        ],
    ),
    (
        "report",
        &[
            "event",
            "plan",
            "diagnostic",
            "ids",
            "desired",
            "clock",
            "observed",
            "wire",
            "page",
        ],
    ),
    ("service", &["wire", "ids", "clock", "page"]),
];

/// Lines of code a file may have without its tests; long tables are listed by name.
const LONGEST_FILE: usize = 600;

/// The files of a folder; unit tests in files of their own are left out.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "tests") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs")
            && !path.to_string_lossy().ends_with("tests.rs")
        {
            found.push(path);
        }
    }
}

/// The code of a file: comments and inline tests left out.
fn code(text: &str) -> String {
    let text = match text.find("\n#[cfg(test)]\nmod tests {") {
        Some(end) => &text[..end],
        None => text,
    };
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms that `crate::…` paths name, also inside `use crate::{a, b}`.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let word = |s: &str| -> String {
        s.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => {
                used.insert(word(rest));
            }
            Some(list) => {
                let mut depth = 0;
                let mut item_start = true;
                for (i, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => item_start = true,
                        c if depth == 0 && item_start && c.is_alphabetic() => {
                            used.insert(word(&list[i..]));
                            item_start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    used
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn rooms_only_use_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut files = Vec::new();
    sources(&src(), &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(src()).unwrap().to_owned();
        let first = relative
            .iter()
            .next()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let room = first.trim_end_matches(".rs");
        if matches!(room, "lib" | "main" | "cli") {
            continue;
        }
        let Some(may) = allowed.get(room) else {
            wrong.push(format!(
                "{}: the room `{room}` is not in the table",
                relative.display()
            ));
            continue;
        };
        for used in rooms_used(&code(&fs::read_to_string(&file).unwrap())) {
            if used != room && allowed.contains_key(used.as_str()) && !may.contains(&used.as_str())
            {
                wrong.push(format!(
                    "{}: `{room}` may not use `{used}`",
                    relative.display()
                ));
            }
            assert_ne!(used, "cli", "{}: nothing may use `cli`", relative.display());
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_has_no_cycle() {
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    let mut left: Vec<_> = ROOMS.to_vec();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(room, uses)| {
            let free = uses.iter().all(|u| settled.contains(u));
            if free {
                settled.insert(room);
            }
            !free
        });
        assert!(left.len() < before, "a cycle among {left:?}");
    }
}

#[test]
fn files_stay_small_and_rooms_say_what_they_are() {
    let mut files = Vec::new();
    sources(&src(), &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines = code(&text).lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{}: {lines} lines of code", file.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!(
                "{}: no sentence about what it is for",
                file.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_topic_is_in_the_binary() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(tests.join("main.rs")).unwrap();
    for entry in fs::read_dir(&tests).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let module = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").exists();
        if module && stem != "main" {
            assert!(
                main.contains(&format!("mod {stem};")),
                "tests/it/main.rs lacks `mod {stem};`"
            );
        }
    }
}
