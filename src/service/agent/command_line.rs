//! A command line into a program and its arguments, as a POSIX shell splits words, and nothing else a shell
//! does: no variables, no patterns, no redirection.

/// Why a command line has no program and arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SplitError {
    #[error("the command line is empty")]
    Empty,
    #[error("the command line has a {0} that is not closed")]
    Unterminated(char),
    #[error("the command line ends in a backslash")]
    TrailingBackslash,
}

pub(super) fn split(line: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    // None between words: `''` is a word, a space is not.
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => quoted(&mut chars, c, word.get_or_insert_default())?,
            '"' => quoted(&mut chars, c, word.get_or_insert_default())?,
            '\\' => match chars.next() {
                None => return Err(SplitError::TrailingBackslash),
                Some('\n') => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if words.is_empty() {
        return Err(SplitError::Empty);
    }
    Ok(words)
}

fn quoted(
    chars: &mut std::str::Chars<'_>,
    quote: char,
    word: &mut String,
) -> Result<(), SplitError> {
    loop {
        match chars.next() {
            None => return Err(SplitError::Unterminated(quote)),
            Some(c) if c == quote => return Ok(()),
            Some('\\') if quote == '"' => match chars.next() {
                None => return Err(SplitError::Unterminated(quote)),
                Some('\n') => {}
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
            },
            Some(c) => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let cases: &[(&str, &[&str])] = &[
            ("/bin/true", &["/bin/true"]),
            ("  a \t b\nc ", &["a", "b", "c"]),
            (r#"/bin/sh -c 'a b "c"'"#, &["/bin/sh", "-c", r#"a b "c""#]),
            (r"sh -c 'it'\''s'", &["sh", "-c", "it's"]),
            (
                r#"sh -c "echo \"a\" \$X \\ \n 'q'""#,
                &["sh", "-c", r#"echo "a" $X \ \n 'q'"#],
            ),
            (r"a\ b c\'d", &["a b", "c'd"]),
            (r#"a"b c"d'e f'g"#, &["ab cde fg"]),
            (r#"x '' "" y"#, &["x", "", "", "y"]),
            ("'a\nb' \"c\\\nd\" e\\\nf", &["a\nb", "cd", "ef"]),
            (
                "echo $HOME *.txt > out | wc # no",
                &["echo", "$HOME", "*.txt", ">", "out", "|", "wc", "#", "no"],
            ),
            ("ä 'ö ü'", &["ä", "ö ü"]),
            (r"'a\b'", &[r"a\b"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), *words, "{line}");
        }
    }

    #[test]
    fn no_words() {
        for (line, error) in [
            ("", SplitError::Empty),
            (" \n", SplitError::Empty),
            ("a 'b", SplitError::Unterminated('\'')),
            ("a \"b'", SplitError::Unterminated('"')),
            ("a \"b\\\"", SplitError::Unterminated('"')),
            ("a \"b\\", SplitError::Unterminated('"')),
            ("a \\", SplitError::TrailingBackslash),
        ] {
            assert_eq!(split(line), Err(error), "{line}");
        }
    }
}
