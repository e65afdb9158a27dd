//! What to do about a path that is not a manifest: mostly the wrong folder, or a folder instead of a file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::diagnostic::nearest;

/// Manifests that are named as candidates.
const NAMED: usize = 5;

pub(super) fn help(path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::IsADirectory => Some(match listed(&manifests(path)) {
            Some(list) => format!("it is a folder; the manifests in it are {list}"),
            None => "it is a folder; name the manifest".to_owned(),
        }),
        ErrorKind::InvalidData => Some("a manifest is text in UTF-8; save it as that".to_owned()),
        ErrorKind::NotFound => Some(beside(path)),
        _ => None,
    }
}

/// What there is instead.
fn beside(path: &Path) -> String {
    let folder = super::document::folder(path);
    if !folder.is_dir() {
        return format!("there is no folder {}", folder.display());
    }
    let found = manifests(folder);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let names = found.iter().filter_map(|p| p.file_name()?.to_str());
    match (nearest(&name, names), listed(&found)) {
        (Some(name), _) => format!("did you mean {}?", folder.join(name).display()),
        (None, Some(list)) => format!("the manifests there are {list}"),
        (None, None) => {
            "paths are relative to the folder you are in, which has no manifest".to_owned()
        }
    }
}

/// Files that may be manifests, in the order of their names.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml") && path.is_file())
        .collect();
    found.sort();
    found
}

fn listed(paths: &[PathBuf]) -> Option<String> {
    let shown = paths.iter().take(NAMED);
    let shown: Vec<_> = shown.map(|path| path.display().to_string()).collect();
    let more = if paths.len() > NAMED { ", …" } else { "" };
    (!shown.is_empty()).then(|| shown.join(", ") + more)
}
