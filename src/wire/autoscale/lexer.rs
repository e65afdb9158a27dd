//! Text to tokens, each with its place.

use super::problem::{Problem, Span};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    /// The text between double quotes.
    Text(String),
    /// A variable, function, method or word, with its `$` if it has one.
    Name(String),
    /// An operator or punctuation.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 20] = [
    "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "<", ">", "!", "?", ":", "=", "(", ")",
    ",", ";",
];

/// All tokens; what is none of them becomes a problem and is passed over. The last is always [`Token::End`].
pub(super) fn lex(text: &str) -> (Vec<(Token, Span)>, Vec<Problem>) {
    let mut tokens = Vec::new();
    let mut problems = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (token, length) = next(rest);
        let span = Span::new(at, at + length);
        match token {
            Ok(Some(token)) => tokens.push((token, span)),
            Ok(None) => {}
            Err(message) => problems.push(Problem::new(span, message)),
        }
        at += length;
    }
    tokens.push((Token::End, Span::new(text.len(), text.len())));
    (tokens, problems)
}

/// The first token of a text that is not empty, or None for space and comments, and its length in bytes.
fn next(rest: &str) -> (Result<Option<Token>, String>, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    let take =
        |wanted: &dyn Fn(char) -> bool| rest.find(|c: char| !wanted(c)).unwrap_or(rest.len());
    if first.is_whitespace() {
        return (Ok(None), take(&char::is_whitespace));
    }
    if rest.starts_with("//") {
        return (Ok(None), rest.find('\n').unwrap_or(rest.len()));
    }
    if first.is_ascii_digit() || first == '.' && second(rest).is_some_and(|c| c.is_ascii_digit()) {
        return number(rest);
    }
    if first == '.' {
        return (Ok(Some(Token::Sign("."))), 1);
    }
    if first == '$' || first == '_' || first.is_ascii_alphabetic() {
        let tail = &rest[1..];
        let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let length = 1 + tail.find(|c| !is_part(c)).unwrap_or(tail.len());
        if length == 1 && first == '$' {
            return (Err("a name follows `$`".to_owned()), 1);
        }
        return (Ok(Some(Token::Name(rest[..length].to_owned()))), length);
    }
    if first == '"' {
        return match rest[1..].find(['"', '\n']) {
            Some(end) if rest.as_bytes()[1 + end] == b'"' => {
                let text = rest[1..1 + end].to_owned();
                (Ok(Some(Token::Text(text))), end + 2)
            }
            end => {
                let length = end.map_or(rest.len(), |end| 1 + end);
                (Err("the string has no end".to_owned()), length)
            }
        };
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => (Ok(Some(Token::Sign(sign))), sign.len()),
        None => (
            Err(format!("`{first}` means nothing here")),
            first.len_utf8(),
        ),
    }
}

fn second(rest: &str) -> Option<char> {
    rest.chars().nth(1)
}

fn number(rest: &str) -> (Result<Option<Token>, String>, usize) {
    let digits = |from: usize| {
        let tail = &rest[from..];
        from + tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len())
    };
    let mut end = digits(0);
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if rest[end + 1 + sign..].starts_with(|c: char| c.is_ascii_digit()) {
            end = digits(end + 1 + sign);
        }
    }
    match rest[..end].parse::<f64>() {
        Ok(number) if number.is_finite() => (Ok(Some(Token::Number(number))), end),
        _ => (Err(format!("`{}` is not a number", &rest[..end])), end),
    }
}
