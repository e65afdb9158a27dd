//! Reading the disk: which files the patterns match, and what is in them.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::cache::Cache;
use super::digest::{DigestFault, Stamp, digest, in_parallel};
use super::pattern::{Below, Pattern, normal};
use super::snapshot::{File, Snapshot, Source};
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::ids::BlobName;

/// A pattern over a broken tree reports this many problems of a kind.
const MOST_REPORTED: usize = 10;

/// A file some pattern matched.
struct Match<'a> {
    source: &'a Source,
    blob: BlobName,
    path: PathBuf,
    span: &'a Range<usize>,
}

/// Finds and reads the files of all sources. Patterns are relative to `folder`, the manifest's. `cache` is the file
/// that remembers digests; `now` the time, taken before the call.
pub fn scan(
    sources: &[Source],
    folder: &Path,
    cache: Option<&Path>,
    now: jiff::Timestamp,
) -> (Snapshot, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let folder = normal(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    let mut matches = Vec::new();
    for source in sources {
        for (pattern, span) in &source.patterns {
            find(
                source,
                pattern,
                span,
                &folder,
                &mut matches,
                &mut diagnostics,
            );
        }
    }
    let matches = without_duplicates(matches, &folder, &mut diagnostics);
    let files = read(matches, cache, now, &folder, &mut diagnostics);
    (Snapshot::new(files), diagnostics)
}

fn find<'a>(
    source: &'a Source,
    text: &str,
    span: &'a Range<usize>,
    folder: &Path,
    matches: &mut Vec<Match<'a>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut report = |code, message: String, label: &str, help: Option<&str>| {
        let diagnostic = Diagnostic::error(code, message).label(span.clone(), label);
        diagnostics.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    };
    let pattern = match Pattern::new(text, folder) {
        Ok(pattern) => pattern,
        Err(error) => {
            return report(
                codes::INVALID_GLOB,
                format!("\"{text}\" is not a pattern"),
                &error.kind().to_string(),
                None,
            );
        }
    };
    let (base, paths) = match pattern {
        Pattern::File(path) => match fs::metadata(&path) {
            Ok(m) if m.is_file() => (path.parent().unwrap_or(&path).to_owned(), vec![path]),
            Ok(m) if m.is_dir() => {
                let help = Some("write `**` behind it for all of its files");
                return report(
                    codes::MISSING_FILE,
                    format!("{} is a folder", shown(&path, folder)),
                    "not a file",
                    help,
                );
            }
            Ok(_) => {
                return report(
                    codes::MISSING_FILE,
                    format!("{} is not a regular file", shown(&path, folder)),
                    "not a file",
                    None,
                );
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return report(
                    codes::MISSING_FILE,
                    format!("there is no file {}", shown(&path, folder)),
                    "not there",
                    similar(&path, folder).as_deref(),
                );
            }
            Err(e) => {
                return report(
                    codes::UNREADABLE_FILE,
                    format!("cannot read {}", shown(&path, folder)),
                    &e.to_string(),
                    None,
                );
            }
        },
        Pattern::Glob { root, below } => {
            if !root.is_dir() {
                if !source.allow_empty {
                    report(
                        codes::MISSING_FILE,
                        format!("there is no folder {}", shown(&root, folder)),
                        "looked for here",
                        similar(&root, folder).as_deref(),
                    );
                }
                return;
            }
            let (paths, faults) = walk(&root, &below, folder);
            let more = faults.len().saturating_sub(MOST_REPORTED);
            let unreadable = !faults.is_empty();
            for (i, fault) in faults.into_iter().take(MOST_REPORTED).enumerate() {
                let tail = if i + 1 == MOST_REPORTED && more > 0 {
                    format!(" (and {more} more)")
                } else {
                    String::new()
                };
                report(
                    codes::UNREADABLE_FILE,
                    format!("cannot read what the pattern matches{tail}"),
                    &fault,
                    None,
                );
            }
            if paths.is_empty() && !unreadable && !source.allow_empty {
                let help = Some("set `allow_empty = true` if that is all right");
                let message = format!("\"{text}\" matches no file in {}", shown(&root, folder));
                report(codes::EMPTY_GLOB, message, "matches nothing", help);
            }
            (root, paths)
        }
    };
    let base = match &source.base {
        Some(base) => normal(&folder.join(base)),
        None => base,
    };
    let mut refused: Option<(PathBuf, String, usize)> = None;
    for path in paths {
        match blob_name(&path, &base, &source.prefix, folder) {
            Ok(blob) => matches.push(Match {
                source,
                blob,
                path,
                span,
            }),
            Err(reason) => refused.get_or_insert((path, reason, 0)).2 += 1,
        }
    }
    if let Some((path, reason, number)) = refused {
        let others = match number {
            1 => String::new(),
            n => format!(" (and {} more like this)", n - 1),
        };
        let message = format!("{} cannot be a blob{others}", shown(&path, folder));
        let help = path.to_str().is_none();
        let help = help.then_some("give it a name in UTF-8, or move it elsewhere");
        report(codes::INVALID_BLOB_NAME, message, &reason, help);
    }
}

/// What lies beside a path that is not there and has nearly its name.
fn similar(path: &Path, folder: &Path) -> Option<String> {
    let entries = fs::read_dir(path.parent()?).ok()?.flatten();
    let names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let name = nearest(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )?;
    Some(format!(
        "did you mean {}?",
        shown(&path.with_file_name(name), folder)
    ))
}

/// The files below `root`, in the order of their names, and what could not be read. Links to folders are not
/// followed: they may lead in circles or out of the tree.
pub(super) fn walk(root: &Path, below: &Below, folder: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let mut paths = Vec::new();
    let mut faults = Vec::new();
    let wanted = |e: &DirEntry| {
        below.hidden || e.depth() == 0 || !e.file_name().as_encoded_bytes().starts_with(b".")
    };
    let walk = WalkDir::new(root)
        .min_depth(1)
        .max_depth(below.depth.unwrap_or(usize::MAX))
        .sort_by_file_name();
    for entry in walk.into_iter().filter_entry(wanted) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let reason = error
                    .io_error()
                    .map_or_else(|| "it leads in a circle".to_owned(), ToString::to_string);
                let path = shown(error.path().unwrap_or(root), folder);
                faults.push(format!("{path}: {reason}"));
                continue;
            }
        };
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if entry.file_type().is_dir() || !below.matches(relative) {
            continue;
        }
        let is_file = if entry.path_is_symlink() {
            match fs::metadata(entry.path()) {
                Ok(target) => target.is_file(),
                Err(error) => {
                    faults.push(format!("{}: {error}", shown(entry.path(), folder)));
                    continue;
                }
            }
        } else {
            entry.file_type().is_file()
        };
        if is_file {
            paths.push(entry.into_path());
        }
    }
    (paths, faults)
}

/// A path as a person finds it: relative to the manifest's folder where it lies below it.
pub(super) fn shown(path: &Path, folder: &Path) -> String {
    match path.strip_prefix(folder) {
        Ok(relative) if relative.as_os_str().is_empty() => "the manifest's folder".to_owned(),
        Ok(relative) => relative.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

fn blob_name(path: &Path, base: &Path, prefix: &str, folder: &Path) -> Result<BlobName, String> {
    let relative = path
        .strip_prefix(base)
        .map_err(|_| format!("it does not lie below {}", shown(base, folder)))?;
    let name = relative.to_str().ok_or("its name is not UTF-8")?;
    BlobName::new(format!("{prefix}{name}")).map_err(|invalid| invalid.message)
}

fn without_duplicates<'a>(
    matches: Vec<Match<'a>>,
    folder: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Match<'a>> {
    let mut seen: HashMap<(&str, &str), &Match<'a>> = HashMap::with_capacity(matches.len());
    let mut reported = 0;
    let mut is_first = Vec::with_capacity(matches.len());
    for found in &matches {
        let key = (found.source.container.as_str(), found.blob.as_str());
        let first = *seen.entry(key).or_insert(found);
        is_first.push(std::ptr::eq(first, found));
        if first.path == found.path {
            continue;
        }
        reported += 1;
        if reported > MOST_REPORTED {
            continue;
        }
        diagnostics.push(
            Diagnostic::error(
                codes::DUPLICATE_BLOB,
                format!(
                    "two files would be the blob \"{}\" of \"{}\"",
                    found.blob, found.source.container
                ),
            )
            .label(found.span.clone(), shown(&found.path, folder))
            .label(first.span.clone(), shown(&first.path, folder))
            .help("give one of them a `prefix`, or a `base` further up"),
        );
    }
    let firsts = matches.into_iter().zip(is_first);
    firsts
        .filter_map(|(found, is_first)| is_first.then_some(found))
        .collect()
}

fn read(
    matches: Vec<Match<'_>>,
    cache_file: Option<&Path>,
    now: jiff::Timestamp,
    folder: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<File> {
    let cache = cache_file.map(Cache::load).unwrap_or_default();
    let results = in_parallel(&matches, |found| {
        let known = fs::metadata(&found.path).ok().and_then(|m| {
            let stamp = Stamp::of(&m);
            cache
                .get(&found.path, &stamp)
                .map(|content| (stamp, content))
        });
        match known {
            Some(known) => (true, Ok(known)),
            None => (false, digest(&found.path)),
        }
    });
    if let Some(file) = cache_file
        && results.iter().any(|(known, _)| !known)
    {
        let entries = matches
            .iter()
            .zip(&results)
            .filter_map(|(m, (_, r))| r.as_ref().ok().map(|(s, c)| (m.path.as_path(), s, c)));
        // Without the cache the next run is slower, no more.
        let _ = Cache::store(file, now.as_nanosecond(), entries);
    }
    let mut files = Vec::with_capacity(matches.len());
    let mut reported = 0;
    for (found, (_, result)) in matches.into_iter().zip(results) {
        match result {
            Ok((stamp, content)) => files.push(File {
                container: found.source.container.clone(),
                blob: found.blob,
                path: found.path,
                length: stamp.length,
                md5: content.md5,
                sha256: content.sha256,
            }),
            Err(fault) => {
                reported += 1;
                if reported <= MOST_REPORTED {
                    diagnostics.push(fault_of(&found, &fault, folder));
                }
            }
        }
    }
    files
}

fn fault_of(found: &Match<'_>, fault: &DigestFault, folder: &Path) -> Diagnostic {
    let path = shown(&found.path, folder);
    let (code, label) = match fault {
        DigestFault::Unreadable(source) => (codes::UNREADABLE_FILE, source.to_string()),
        DigestFault::Changed => (codes::FILE_CHANGED, "matched by this".to_owned()),
    };
    Diagnostic::error(code, format!("{path} {fault}")).label(found.span.clone(), label)
}
