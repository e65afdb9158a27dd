//! One pattern: a fixed part, where to look, and a glob for what lies below it.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// What a pattern asks for.
#[derive(Debug)]
pub(super) enum Pattern {
    /// One file by name.
    File(PathBuf),
    Glob {
        /// The folder before the first wildcard.
        root: PathBuf,
        below: Below,
    },
}

/// The part of a pattern from its first wildcard on.
#[derive(Debug)]
pub(super) struct Below {
    matcher: GlobMatcher,
    /// How many folders deep a match can lie; None: any.
    pub(super) depth: Option<usize>,
    /// Whether names that begin with a dot can match: only when the pattern spells a dot out.
    pub(super) hidden: bool,
}

impl Pattern {
    /// Reads a pattern relative to `folder`. A part such as `[old]` that exists under just this name is that folder.
    pub(super) fn new(text: &str, folder: &Path) -> Result<Self, globset::Error> {
        let mut root = if text.starts_with('/') {
            PathBuf::from("/")
        } else {
            folder.to_owned()
        };
        let mut parts = text
            .split('/')
            .filter(|p| !p.is_empty() && *p != ".")
            .peekable();
        while let Some(part) = parts.peek() {
            let wild = part.contains(['*', '?', '\\']);
            let brackets = part.contains(['[', ']', '{', '}']);
            if wild || (brackets && root.join(part).symlink_metadata().is_err()) {
                break;
            }
            root.push(part);
            parts.next();
        }
        let rest: Vec<&str> = parts.collect();
        if rest.is_empty() {
            return Ok(Self::File(normal(&root)));
        }
        let deep = rest.iter().any(|p| p.contains("**") || p.contains('{'));
        let glob = GlobBuilder::new(&rest.join("/"))
            .literal_separator(true)
            .build()?;
        Ok(Self::Glob {
            root: normal(&root),
            below: Below {
                matcher: glob.compile_matcher(),
                depth: (!deep).then_some(rest.len()),
                hidden: rest.iter().any(|p| p.starts_with(['.', '{', '['])),
            },
        })
    }
}

impl Below {
    /// Whether a path relative to the root matches.
    pub(super) fn matches(&self, relative: &Path) -> bool {
        self.matcher.is_match(relative)
    }
}

/// Without `.` and `..`, by name alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_part_ends_at_the_first_wildcard() {
        for (text, root, depth) in [
            ("texts/*.txt", "/m/texts", Some(1)),
            ("../s/./a?/b.txt", "/s", Some(2)),
            ("data/**/*.csv", "/m/data", None),
            ("/abs//x/[ab].txt", "/abs/x", Some(1)),
            ("**", "/m", None),
        ] {
            match Pattern::new(text, Path::new("/m")).unwrap() {
                Pattern::Glob { root: r, below } => {
                    assert_eq!((r, below.depth), (root.into(), depth), "{text}")
                }
                Pattern::File(file) => panic!("{text} is {}", file.display()),
            }
        }
        let file = Pattern::new("../a/b.sh", Path::new("/m")).unwrap();
        assert!(matches!(file, Pattern::File(p) if p == Path::new("/a/b.sh")));
    }

    #[test]
    fn names_are_normal_without_asking_the_disk() {
        for (path, want) in [
            ("/a/../b", "/b"),
            ("/../b", "/b"),
            ("a/./b/..", "a"),
            ("../a", "../a"),
        ] {
            assert_eq!(normal(Path::new(path)), Path::new(want), "{path}");
        }
    }
}
