//! How wide text is on a terminal, and text that is no wider than there is room.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How far the lines after the first stand in.
const HANG: usize = 2;

/// The columns that a text takes; styles take none.
pub fn columns(text: &str) -> usize {
    match text.contains('\u{1b}') {
        true => anstream::adapter::strip_str(text).to_string().width(),
        false => text.width(),
    }
}

/// Unstyled text, its end left out when it is wider.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = width.saturating_sub(1);
    for letter in text.chars() {
        let columns = letter.width().unwrap_or(0);
        if columns > left {
            break;
        }
        left -= columns;
        kept.push(letter);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// An unstyled name, its middle left out when it is wider: names that begin alike differ at their ends.
pub fn cut_name(name: &str, width: usize) -> String {
    if columns(name) <= width || name.contains(' ') {
        return cut(name, width);
    }
    let end = width / 2;
    let head = cut(name, width - end);
    let mut left = end;
    let letters = name.chars().rev().take_while(|letter| {
        let columns = letter.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    });
    let tail: Vec<char> = letters.collect();
    head.chars().chain(tail.into_iter().rev()).collect()
}

/// Styled text with its long lines broken between words. A word that is wider stands on a line of its own.
pub fn fold(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        if columns(line) <= width {
            out.push_str(line);
        } else {
            fold_line(line, width, &mut out);
        }
        out.push_str(end);
    }
    out
}

fn fold_line(line: &str, width: usize, out: &mut String) {
    let words = line.trim_start_matches(' ');
    let indent = (line.len() - words.len()).min(width / 3);
    let hang = (indent + HANG).min(width / 3);
    out.push_str(&" ".repeat(indent));
    let mut at = indent;
    let mut spaces = 0;
    let mut is_first = true;
    for word in words.split(' ') {
        let columns = columns(word);
        if word.is_empty() {
            spaces += 1;
            continue;
        }
        if !is_first && at + spaces + columns > width {
            out.push('\n');
            out.push_str(&" ".repeat(hang));
            at = hang;
        } else {
            out.push_str(&" ".repeat(spaces));
            at += spaces;
        }
        out.push_str(word);
        at += columns;
        is_first = false;
        spaces = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::{RED, paint};

    #[test]
    fn lines_are_broken_between_words() {
        let text = "  + one two  three\nshort\n\nunbreakable-word and more";
        assert_eq!(
            fold(text, 12),
            "  + one two\n    three\nshort\n\nunbreakable-word\n  and more"
        );
        assert_eq!(fold(text, 80), text);
        let styled = format!("{} is red", paint(RED, "this word"));
        assert_eq!(columns(&styled), 16);
        let folded = anstream::adapter::strip_str(&fold(&styled, 9)).to_string();
        assert_eq!(folded, "this word\n  is red");
        assert_eq!(fold("日本語 日本語", 7), "日本語\n  日本語");
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("a", 0), "");
        assert_eq!(cut_name("a-long-name-17", 14), "a-long-name-17");
        assert_eq!(cut_name("a-long-name-17", 9), "a-lo…e-17");
        assert_eq!(cut_name("日本語の名前", 7), "日…前");
        assert_eq!(cut_name("some words", 6), "some …");
        assert_eq!(cut_name("name", 1), "…");
        assert_eq!(cut_name("name", 0), "");
    }
}
