//! The patterns of output files: `*`, `?`, `[abc]`, `[a-c]`, `[!abc]` within a name, `**` for any depth.
//! A name that starts with a dot is matched only where the pattern spells the dot out.

/// A pattern, taken apart: where to look, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The directory before the first wildcard, or the whole path when there is none. May be absolute or
    /// contain `..`; ends without a slash.
    pub(super) fixed: String,
    /// Below the fixed directory; empty when there is no wildcard.
    pub(super) wild: Vec<Segment>,
}

/// One component of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// `**`: this directory and any below it.
    AnyDepth,
    Name(NamePattern),
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let Some(wildcard) = text.find(['*', '?', '[']) else {
            return Self {
                fixed: text.to_owned(),
                wild: Vec::new(),
            };
        };
        let (fixed, wild) = match text[..wildcard].rfind('/') {
            // `/*` looks into the root directory.
            Some(0) => ("/", &text[1..]),
            Some(slash) => (&text[..slash], &text[slash + 1..]),
            None => ("", text),
        };
        let mut segments: Vec<Segment> = wild
            .split('/')
            .filter(|s| !s.is_empty() && *s != ".")
            .map(|s| match s {
                "**" => Segment::AnyDepth,
                name => Segment::Name(NamePattern::new(name)),
            })
            .collect();
        // `out/**` means every file below `out`.
        if segments.last() == Some(&Segment::AnyDepth) {
            segments.push(Segment::Name(NamePattern::new("*")));
        }
        Self {
            fixed: fixed.to_owned(),
            wild: segments,
        }
    }

    pub(super) fn is_literal(&self) -> bool {
        self.wild.is_empty()
    }
}

/// A pattern for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamePattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Char(char),
    One,
    Many,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl NamePattern {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            pieces.push(match c {
                '?' => Piece::One,
                '*' if pieces.last() == Some(&Piece::Many) => continue,
                '*' => Piece::Many,
                '[' => match class(rest.as_str()) {
                    Some((class, after)) => {
                        rest = after.chars();
                        class
                    }
                    None => Piece::Char('['),
                },
                c => Piece::Char(c),
            });
        }
        Self(pieces)
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        if name.starts_with('.') && self.0.first() != Some(&Piece::Char('.')) {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        let (mut p, mut n) = (0, 0);
        // Where the last `*` stands and how far the name was eaten when it took one character more.
        let mut retry: Option<(usize, usize)> = None;
        while n < name.len() {
            match self.0.get(p) {
                Some(Piece::Many) => {
                    retry = Some((p, n));
                    p += 1;
                }
                Some(piece) if piece.matches(name[n]) => {
                    p += 1;
                    n += 1;
                }
                _ => match retry {
                    Some((star, eaten)) => {
                        retry = Some((star, eaten + 1));
                        p = star + 1;
                        n = eaten + 1;
                    }
                    None => return false,
                },
            }
        }
        self.0[p..].iter().all(|piece| *piece == Piece::Many)
    }
}

impl Piece {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => c == *wanted,
            Self::One => true,
            Self::Many => false,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// What follows `[`, up to its `]`; a `]` right at the start is a member.
fn class(text: &str) -> Option<(Piece, &str)> {
    let (negated, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let first = text.chars().next()?.len_utf8();
    let end = first + text[first..].find(']')?;
    let members: Vec<char> = text[..end].chars().collect();
    let mut ranges = Vec::new();
    let mut rest = members.as_slice();
    while let [from, tail @ ..] = rest {
        rest = match tail {
            ['-', to, tail @ ..] => {
                ranges.push((*from, *to));
                tail
            }
            tail => {
                ranges.push((*from, *from));
                tail
            }
        };
    }
    Some((Piece::Class { negated, ranges }, &text[end + 1..]))
}

/// `$NAME` and `${NAME}` replaced where the name is given; everything else is left as it is.
pub(super) fn expand<'a>(text: &str, value_of: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, next) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some((name, next)) => (name, next),
            None => {
                let end = after
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                after.split_at(end)
            }
        };
        match value_of(name) {
            Some(value) => {
                out.push_str(value);
                rest = next;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, yes, no) in [
            ("*", &["a", "a.b", "é"][..], &[".a"][..]),
            (
                "*.txt",
                &["a.txt", "a.b.txt"],
                &["a.txt2", ".txt", ".a.txt", "txt"],
            ),
            (".*", &[".a", "."], &["a"]),
            (".*.gif", &[".a.gif"], &["a.gif"]),
            ("abc*", &["abc", "abcdef"], &["ab", "xabc"]),
            ("?.t", &["a.t", "ü.t"], &["ab.t", ".t", "..t"]),
            ("[ab]x", &["ax", "bx"], &["cx", "x"]),
            ("[a-c]x", &["bx"], &["dx", "-x"]),
            ("[!a-c]x", &["dx"], &["ax", ".x"]),
            ("[]]", &["]"], &["["]),
            ("[a-]", &["a", "-"], &["b"]),
            ("abc[*]", &["abc*"], &["abcd"]),
            ("a[b", &["a[b"], &["ab"]),
            ("a*b*c", &["abc", "aXbYc", "abbc"], &["acb", "ab"]),
            ("**.log", &["x.log"], &["x.lo"]),
            (
                "*a*a*a*a*a*a*b",
                &[],
                &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
            ),
        ] {
            let compiled = NamePattern::new(pattern);
            for name in yes {
                assert!(compiled.matches(name), "{pattern} should match {name}");
            }
            for name in no {
                assert!(!compiled.matches(name), "{pattern} should not match {name}");
            }
        }
    }

    #[test]
    fn taken_apart() {
        for (text, fixed, segments) in [
            ("a.txt", "a.txt", 0),
            ("../stdout.txt", "../stdout.txt", 0),
            ("*.txt", "", 1),
            ("../std*.txt", "..", 1),
            ("out/a/*.txt", "out/a", 1),
            ("out/a?/b", "out", 2),
            ("/n/x/*", "/n/x", 1),
            ("/*", "/", 1),
            ("**/*.txt", "", 2),
            ("out/**", "out", 2),
            ("a//*//b", "a/", 2),
        ] {
            let pattern = Pattern::new(text);
            assert_eq!(
                (pattern.fixed.as_str(), pattern.wild.len()),
                (fixed, segments),
                "{text}"
            );
        }
    }

    #[test]
    fn variables() {
        let value_of = |name: &str| match name {
            "AZ_BATCH_TASK_DIR" => Some("/t"),
            "AZ_BATCH_TASK_ID" => Some("x"),
            _ => None,
        };
        for (text, expanded) in [
            ("$AZ_BATCH_TASK_DIR/a", "/t/a"),
            ("${AZ_BATCH_TASK_ID}_$AZ_BATCH_TASK_ID.txt", "x_x.txt"),
            (
                "$AZ_BATCH_TASK_IDS ${HOME} $ ${ $",
                "$AZ_BATCH_TASK_IDS ${HOME} $ ${ $",
            ),
            ("$$AZ_BATCH_TASK_ID", "$x"),
        ] {
            assert_eq!(expand(text, value_of), expanded);
        }
    }
}
