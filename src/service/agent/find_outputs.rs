//! Which files a pattern means, and what each is called in the container. Nothing outside the node is found.

use std::collections::{BTreeMap, HashSet};
use std::fs::FileType;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::pattern::{Pattern, Segment};

/// What a pattern matched.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Blob name to file, in the order of the names.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// Files that a wildcard matched but that are not uploaded, with the reason.
    pub(super) skipped: Vec<String>,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FindError {
    #[error("`{0}` is outside the node's root directory")]
    Outside(String),
    #[error("cannot look for `{pattern}`")]
    Look {
        pattern: String,
        #[source]
        source: std::io::Error,
    },
}

/// Looks for a pattern (its variables already replaced) from a working directory.
///
/// Without a wildcard `path` is the blob's name, or empty for the file's; with one it is the directory of the
/// names, which are relative to the pattern's part before the wildcard. A pattern that matches nothing is no
/// error [inf].
pub(super) fn find(
    pattern: &str,
    path: &str,
    working: &Path,
    node_root: &Path,
) -> Result<Found, FindError> {
    let look = |source| FindError::Look {
        pattern: pattern.to_owned(),
        source,
    };
    let compiled = Pattern::new(pattern);
    let base = normalise(&working.join(&compiled.fixed));
    if !base.starts_with(node_root) {
        return Err(FindError::Outside(pattern.to_owned()));
    }
    let real_root = node_root.canonicalize().map_err(look)?;
    let real_base = match base.canonicalize() {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Found::default());
        }
        other => other.map_err(look)?,
    };
    if !real_base.starts_with(&real_root) {
        return Err(FindError::Outside(pattern.to_owned()));
    }
    let path = path.trim_matches('/');
    if compiled.is_literal() {
        let mut found = Found::default();
        let file_name = base.file_name().and_then(|name| name.to_str());
        if real_base.is_file()
            && let Some(file_name) = file_name
        {
            let name = if path.is_empty() { file_name } else { path };
            found.files.insert(name.to_owned(), base);
        }
        return Ok(found);
    }
    let mut walk = Walk {
        segments: &compiled.wild,
        real_root: &real_root,
        prefix: path,
        found: Found::default(),
    };
    walk.walk(base).map_err(look)?;
    Ok(walk.found)
}

/// Without `.` and `..`, by the letters alone.
fn normalise(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

struct Walk<'a> {
    segments: &'a [Segment],
    real_root: &'a Path,
    prefix: &'a str,
    found: Found,
}

impl Walk<'_> {
    fn walk(&mut self, base: PathBuf) -> std::io::Result<()> {
        let mut visited = HashSet::new();
        let mut pending = vec![(base, String::new(), 0)];
        while let Some((directory, relative, index)) = pending.pop() {
            if !visited.insert((relative.clone(), index)) {
                continue;
            }
            let Some(segment) = self.segments.get(index) else {
                continue;
            };
            if *segment == Segment::AnyDepth {
                pending.push((directory.clone(), relative.clone(), index + 1));
            }
            let is_last = index + 1 == self.segments.len();
            for entry in std::fs::read_dir(&directory)? {
                let entry = entry?;
                let file_name = entry.file_name();
                let Some(name) = file_name.to_str() else {
                    let shown = entry.path().display().to_string();
                    self.skip(&shown, "its name is not UTF-8");
                    continue;
                };
                let below = match relative.as_str() {
                    "" => name.to_owned(),
                    relative => format!("{relative}/{name}"),
                };
                // Of the entry itself: a link is not followed into a directory.
                let kind = entry.file_type()?;
                let is_directory = kind.is_dir();
                match segment {
                    Segment::AnyDepth if is_directory && !name.starts_with('.') => {
                        pending.push((entry.path(), below, index));
                    }
                    Segment::Name(wanted) if wanted.matches(name) => {
                        if is_directory {
                            pending.push((entry.path(), below, index + 1));
                        } else if is_last {
                            self.take(entry.path(), kind, &below);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Only a link can lead out of the node: no other was followed on the way.
    fn take(&mut self, file: PathBuf, kind: FileType, name: &str) {
        if !kind.is_symlink() {
            return match kind.is_file() {
                true => self.keep(file, name),
                false => self.skip(name, "it is not a file"),
            };
        }
        match file.canonicalize() {
            Ok(real) if !real.starts_with(self.real_root) => {
                self.skip(name, "it is a link that leads outside the node");
            }
            Ok(real) if !real.is_file() => self.skip(name, "it is not a file"),
            Ok(_) => self.keep(file, name),
            Err(e) => self.skip(name, &e.to_string()),
        }
    }

    fn keep(&mut self, file: PathBuf, name: &str) {
        let name = match self.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        };
        self.found.files.insert(name, file);
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.found.skipped.push(format!("{name}: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node with a task `t`, and a file beside the node.
    fn node() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("node");
        let working = root.join("workitems/j/job-1/t/wd");
        for directory in ["sub/deep/.git", "out", "[x]"] {
            std::fs::create_dir_all(working.join(directory)).unwrap();
        }
        let files = [
            "a.txt",
            "b.log",
            ".hidden.txt",
            "sub/c.txt",
            "sub/deep/d.txt",
            "sub/deep/.git/e.txt",
            "out/r1.csv",
            "out/r2.csv",
            "[x]/f.txt",
            "../stdout.txt",
            "../stderr.txt",
        ];
        for file in files {
            std::fs::write(working.join(file), file).unwrap();
        }
        std::fs::write(dir.path().join("secret.txt"), "s").unwrap();
        let link = std::os::unix::fs::symlink::<PathBuf, PathBuf>;
        link(dir.path().join("secret.txt"), working.join("out/leak.txt")).unwrap();
        link(dir.path().to_owned(), working.join("up")).unwrap();
        link("../a.txt".into(), working.join("out/same.txt")).unwrap();
        link("..".into(), working.join("sub/loop")).unwrap();
        (dir, root, working)
    }

    #[test]
    fn files_and_their_names() {
        let (_dir, root, working) = node();
        let absolute = format!("{}/../std*.txt", working.display());
        for (pattern, path, names) in [
            ("a.txt", "", &["a.txt"][..]),
            ("./sub/../a.txt", "x/y.z", &["x/y.z"]),
            ("sub/c.txt", "", &["c.txt"]),
            ("../stdout.txt", "/logs/t.txt", &["logs/t.txt"]),
            ("none.txt", "", &[]),
            ("a.txt/none", "", &[]),
            ("sub", "", &[]),
            ("none/*.txt", "", &[]),
            ("*.txt", "", &["a.txt"]),
            (".*.txt", "", &[".hidden.txt"]),
            ("*", "p", &["p/a.txt", "p/b.log"]),
            ("out/*.csv", "p/", &["p/r1.csv", "p/r2.csv"]),
            ("../std*.txt", "", &["stderr.txt", "stdout.txt"]),
            (&absolute, "l", &["l/stderr.txt", "l/stdout.txt"]),
            (
                "**/*.txt",
                "",
                &[
                    "[x]/f.txt",
                    "a.txt",
                    "out/same.txt",
                    "sub/c.txt",
                    "sub/deep/d.txt",
                ],
            ),
            ("sub/**", "s", &["s/c.txt", "s/deep/d.txt"]),
            ("**/**/d.*", "", &["sub/deep/d.txt"]),
            ("sub/*/?.txt", "", &["deep/d.txt"]),
            ("s[a-z]b/*.txt", "", &["sub/c.txt"]),
            ("[[]x]/*", "", &["[x]/f.txt"]),
            ("sub/loop/*.txt", "", &["a.txt"]),
        ] {
            let found = find(pattern, path, &working, &root).unwrap();
            let found: Vec<_> = found.files.keys().map(String::as_str).collect();
            assert_eq!(found, names, "{pattern}");
        }
    }

    #[test]
    fn nothing_outside_the_node() {
        let (_dir, root, working) = node();
        for pattern in [
            "/etc/passwd",
            "/etc/*",
            "/*",
            "../../../../../../secret.txt",
            "../../../../../../*.txt",
            "out/leak.txt",
            "up/secret.txt",
            "up/*.txt",
        ] {
            let found = find(pattern, "", &working, &root);
            assert!(
                matches!(found, Err(FindError::Outside(_))),
                "{pattern}: {found:?}"
            );
        }
        let found = find("out/*.txt", "", &working, &root).unwrap();
        assert_eq!(found.files.keys().collect::<Vec<_>>(), ["same.txt"]);
        assert_eq!(
            found.skipped,
            ["leak.txt: it is a link that leads outside the node"]
        );
    }
}
