//! From text to a checked expression.

use std::borrow::Cow;

use super::lists::{Field, Kind};
use super::{Expression, InvalidFilter, Operand, Operator};
use crate::wire::time::Time;

/// How deep parentheses may nest.
const MAX_DEPTH: u32 = 32;

/// Reads a filter for a list with these fields.
pub(super) fn parse(text: &str, fields: &'static [Field]) -> Result<Expression, InvalidFilter> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        fields,
    };
    let expression = parser.or()?;
    match parser.next() {
        None => Ok(expression),
        Some(token) => Err(InvalidFilter(format!("unexpected {}", token.describe()))),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Word(String),
    Text(String),
    Time(Time),
    Integer(i64),
}

impl Token {
    fn describe(&self) -> String {
        match self {
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Word(w) => format!("`{w}`"),
            Self::Text(t) => format!("'{t}'"),
            Self::Time(t) => format!("DateTime'{t}'"),
            Self::Integer(i) => i.to_string(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, InvalidFilter> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '(' => {
                tokens.push(Token::Open);
                after
            }
            ')' => {
                tokens.push(Token::Close);
                after
            }
            ',' => {
                tokens.push(Token::Comma);
                after
            }
            '\'' => {
                let (value, after) = quoted(after)?;
                tokens.push(Token::Text(value));
                after
            }
            '-' | '0'..='9' => {
                let end = after
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(after.len());
                let number = &rest[..1 + end];
                let value = number
                    .parse()
                    .map_err(|_| InvalidFilter(format!("`{number}` is not a whole number")))?;
                tokens.push(Token::Integer(value));
                &after[end..]
            }
            c if c.is_ascii_alphabetic() => {
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_')))
                    .unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                match after.strip_prefix('\'') {
                    Some(after) if word.eq_ignore_ascii_case("datetime") => {
                        let (value, after) = quoted(after)?;
                        tokens.push(Token::Time(instant(&value)?));
                        after
                    }
                    _ => {
                        tokens.push(Token::Word(word.to_owned()));
                        after
                    }
                }
            }
            c => return Err(InvalidFilter(format!("unexpected character {c:?}"))),
        }
        .trim_start();
    }
    Ok(tokens)
}

/// The text up to the closing quote, two quotes standing for one.
fn quoted(text: &str) -> Result<(String, &str), InvalidFilter> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once('\'') else {
            return Err(InvalidFilter("a quote is not closed".to_owned()));
        };
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return Ok((value, after)),
        }
    }
}

fn instant(text: &str) -> Result<Time, InvalidFilter> {
    text.parse()
        .ok()
        .or_else(|| Time::from_rfc1123(text))
        .or_else(|| format!("{text}Z").parse().ok())
        .ok_or_else(|| InvalidFilter(format!("'{text}' is not a time")))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    fields: &'static [Field],
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), InvalidFilter> {
        match self.next() {
            Some(token) if token == *wanted => Ok(()),
            found => Err(expected(&wanted.describe(), found)),
        }
    }

    fn or(&mut self) -> Result<Expression, InvalidFilter> {
        let mut parts = vec![self.and()?];
        while self.take_word("or") {
            parts.push(self.and()?);
        }
        Ok(single(parts, Expression::Or))
    }

    fn and(&mut self) -> Result<Expression, InvalidFilter> {
        let mut parts = vec![self.term()?];
        while self.take_word("and") {
            parts.push(self.term()?);
        }
        Ok(single(parts, Expression::And))
    }

    fn term(&mut self) -> Result<Expression, InvalidFilter> {
        match self.next() {
            Some(Token::Open) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(InvalidFilter("parentheses nest too deep".to_owned()));
                }
                let inner = self.or()?;
                self.expect(&Token::Close)?;
                self.depth -= 1;
                Ok(inner)
            }
            Some(Token::Word(word)) if word == "startswith" => self.starts_with(),
            Some(Token::Word(word)) => self.comparison(&word),
            found => Err(expected("a property", found)),
        }
    }

    fn field(&self, name: &str) -> Result<&'static Field, InvalidFilter> {
        self.fields.iter().find(|f| f.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.fields.iter().map(|f| f.name).collect();
            InvalidFilter(format!(
                "cannot filter by `{name}`, only by {}",
                known.join(", ")
            ))
        })
    }

    fn starts_with(&mut self) -> Result<Expression, InvalidFilter> {
        self.expect(&Token::Open)?;
        let field = match self.next() {
            Some(Token::Word(name)) => self.field(&name)?,
            found => return Err(expected("a property", found)),
        };
        if !field.startswith {
            return Err(InvalidFilter(format!(
                "startswith does not apply to `{}`",
                field.name
            )));
        }
        self.expect(&Token::Comma)?;
        let prefix = match self.next() {
            Some(Token::Text(prefix)) => prefix,
            found => return Err(expected("a quoted text", found)),
        };
        self.expect(&Token::Close)?;
        Ok(Expression::StartsWith(field.name, prefix))
    }

    fn comparison(&mut self, name: &str) -> Result<Expression, InvalidFilter> {
        let field = self.field(name)?;
        let operator = match self.next() {
            Some(Token::Word(word)) => match word.as_str() {
                "eq" => Operator::Eq,
                "ne" => Operator::Ne,
                "gt" => Operator::Gt,
                "ge" => Operator::Ge,
                "lt" => Operator::Lt,
                "le" => Operator::Le,
                _ => return Err(InvalidFilter(format!("`{word}` is not an operator"))),
            },
            found => return Err(expected("an operator", found)),
        };
        if !field.operators.contains(&operator) {
            return Err(InvalidFilter(format!(
                "`{name}` can only be compared with eq and ne"
            )));
        }
        let value = match (field.kind, self.next()) {
            (Kind::Text, Some(Token::Text(v))) => Operand::Text(Cow::Owned(v)),
            (Kind::Time, Some(Token::Time(v))) => Operand::Time(v),
            (Kind::Time, Some(Token::Text(v))) => Operand::Time(instant(&v)?),
            (Kind::Integer, Some(Token::Integer(v))) => Operand::Integer(v),
            (Kind::Boolean, Some(Token::Word(w))) if w == "true" => Operand::Boolean(true),
            (Kind::Boolean, Some(Token::Word(w))) if w == "false" => Operand::Boolean(false),
            (kind, found) => {
                let wanted = match kind {
                    Kind::Text => "a quoted text",
                    Kind::Time => "a time such as DateTime'2026-01-31T12:00:00Z'",
                    Kind::Integer => "a whole number",
                    Kind::Boolean => "true or false",
                };
                return Err(expected(wanted, found));
            }
        };
        Ok(Expression::Compare(field.name, operator, value))
    }
}

fn single(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        join(parts)
    }
}

fn expected(wanted: &str, found: Option<Token>) -> InvalidFilter {
    InvalidFilter(match found {
        Some(token) => format!("expected {wanted}, found {}", token.describe()),
        None => format!("expected {wanted}, found the end"),
    })
}
