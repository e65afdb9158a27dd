//! `$filter`: the part of OData that the Batch service understands, and which fields each list can be filtered
//! by. Values compare without regard to case; property names do not.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::wire::time::Time;

/// How deep parentheses may nest.
const MAX_DEPTH: u32 = 32;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Time,
    Integer,
    Boolean,
}

/// A field that a list can be filtered by.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    kind: Kind,
    operators: &'static [Operator],
    startswith: bool,
}

const EQUALITY: &[Operator] = &[Operator::Eq, Operator::Ne];
const ORDER: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::Gt,
    Operator::Ge,
    Operator::Lt,
    Operator::Le,
];

const fn field(
    name: &'static str,
    kind: Kind,
    operators: &'static [Operator],
    startswith: bool,
) -> Field {
    Field {
        name,
        kind,
        operators,
        startswith,
    }
}

const fn id(name: &'static str) -> Field {
    field(name, Kind::Text, ORDER, true)
}

const fn text(name: &'static str) -> Field {
    field(name, Kind::Text, EQUALITY, false)
}

const fn time(name: &'static str) -> Field {
    field(name, Kind::Time, ORDER, false)
}

const fn integer(name: &'static str) -> Field {
    field(name, Kind::Integer, ORDER, false)
}

const fn boolean(name: &'static str) -> Field {
    field(name, Kind::Boolean, EQUALITY, false)
}

/// The filterable fields of each list.
pub mod lists {
    use super::{EQUALITY, Field, Kind, boolean, field, id, integer, text, time};

    pub const POOLS: &[Field] = &[
        id("id"),
        text("state"),
        text("allocationState"),
        time("stateTransitionTime"),
        time("allocationStateTransitionTime"),
        time("creationTime"),
        time("lastModified"),
        boolean("enableAutoScale"),
        boolean("enableInterNodeCommunication"),
        text("vmSize"),
    ];
    pub const JOBS: &[Field] = &[
        id("id"),
        text("state"),
        time("stateTransitionTime"),
        time("creationTime"),
        time("lastModified"),
        time("executionInfo/startTime"),
        time("executionInfo/endTime"),
        id("executionInfo/poolId"),
    ];
    pub const JOB_SCHEDULES: &[Field] = &[
        id("id"),
        text("state"),
        time("stateTransitionTime"),
        time("creationTime"),
        time("lastModified"),
        time("executionInfo/endTime"),
        time("schedule/doNotRunUntil"),
        time("schedule/doNotRunAfter"),
    ];
    /// Not in the REST reference [inf].
    pub const PREPARATIONS: &[Field] = &[
        id("nodeId"),
        id("poolId"),
        text("jobPreparationTaskExecutionInfo/state"),
        integer("jobPreparationTaskExecutionInfo/exitCode"),
        text("jobPreparationTaskExecutionInfo/result"),
        time("jobPreparationTaskExecutionInfo/startTime"),
        time("jobPreparationTaskExecutionInfo/endTime"),
        text("jobReleaseTaskExecutionInfo/state"),
        integer("jobReleaseTaskExecutionInfo/exitCode"),
        text("jobReleaseTaskExecutionInfo/result"),
        time("jobReleaseTaskExecutionInfo/startTime"),
        time("jobReleaseTaskExecutionInfo/endTime"),
    ];
    /// The REST reference says `lastModifiedTime` here; the property is `lastModified`.
    pub const TASKS: &[Field] = &[
        id("id"),
        text("state"),
        time("stateTransitionTime"),
        time("creationTime"),
        time("lastModifiedTime"),
        time("lastModified"),
        time("executionInfo/startTime"),
        time("executionInfo/endTime"),
        integer("executionInfo/exitCode"),
        text("executionInfo/result"),
    ];
    pub const NODES: &[Field] = &[
        id("id"),
        text("state"),
        time("stateTransitionTime"),
        time("lastBootTime"),
        time("allocationTime"),
        text("startTaskInfo/state"),
        text("startTaskInfo/result"),
        integer("startTaskInfo/exitCode"),
        time("startTaskInfo/startTime"),
        time("startTaskInfo/endTime"),
    ];
    pub const NODE_COUNTS: &[Field] = &[field("poolId", Kind::Text, EQUALITY, false)];
    pub const FILES: &[Field] = &[id("name")];
    pub const SUPPORTED_IMAGES: &[Field] = &[
        text("osType"),
        text("verificationType"),
        text("nodeAgentSKUId"),
    ];
}

/// The value of a field of one resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand<'a> {
    Text(Cow<'a, str>),
    Time(Time),
    Integer(i64),
    Boolean(bool),
}

impl<'a> From<&'a str> for Operand<'a> {
    fn from(v: &'a str) -> Self {
        Self::Text(Cow::Borrowed(v))
    }
}

impl From<Time> for Operand<'_> {
    fn from(v: Time) -> Self {
        Self::Time(v)
    }
}

impl From<bool> for Operand<'_> {
    fn from(v: bool) -> Self {
        Self::Boolean(v)
    }
}

impl From<i32> for Operand<'_> {
    fn from(v: i32) -> Self {
        Self::Integer(i64::from(v))
    }
}

/// Something that a list filters.
pub trait Filterable {
    /// The value of a field named as in [`lists`]; None when the resource has none now.
    fn operand(&self, field: &str) -> Option<Operand<'_>>;
}

/// A checked `$filter`.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Expression);

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare(&'static str, Operator, Operand<'static>),
    StartsWith(&'static str, String),
}

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFilter(String);

impl Filter {
    /// Reads a filter for a list with these fields.
    pub fn parse(text: &str, fields: &'static [Field]) -> Result<Self, InvalidFilter> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
            fields,
        };
        let expression = parser.or()?;
        match parser.next() {
            None => Ok(Self(expression)),
            Some(token) => Err(InvalidFilter(format!("unexpected {}", token.describe()))),
        }
    }

    /// Whether a resource passes. A field that the resource does not have differs from every value.
    pub fn matches(&self, resource: &impl Filterable) -> bool {
        self.0.matches(resource)
    }
}

impl Expression {
    fn matches(&self, resource: &impl Filterable) -> bool {
        match self {
            Self::And(all) => all.iter().all(|e| e.matches(resource)),
            Self::Or(any) => any.iter().any(|e| e.matches(resource)),
            Self::StartsWith(field, prefix) => match resource.operand(field) {
                Some(Operand::Text(value)) => {
                    value.len() >= prefix.len()
                        && value
                            .as_bytes()
                            .iter()
                            .zip(prefix.as_bytes())
                            .all(|(a, b)| a.eq_ignore_ascii_case(b))
                }
                _ => false,
            },
            Self::Compare(field, operator, wanted) => match resource.operand(field) {
                None => *operator == Operator::Ne,
                Some(value) => order(&value, wanted).is_some_and(|o| match operator {
                    Operator::Eq => o == Ordering::Equal,
                    Operator::Ne => o != Ordering::Equal,
                    Operator::Gt => o == Ordering::Greater,
                    Operator::Ge => o != Ordering::Less,
                    Operator::Lt => o == Ordering::Less,
                    Operator::Le => o != Ordering::Greater,
                }),
            },
        }
    }
}

fn order(a: &Operand<'_>, b: &Operand<'_>) -> Option<Ordering> {
    match (a, b) {
        (Operand::Text(a), Operand::Text(b)) => {
            let lower = |c: u8| c.to_ascii_lowercase();
            Some(a.bytes().map(lower).cmp(b.bytes().map(lower)))
        }
        (Operand::Time(a), Operand::Time(b)) => Some(a.cmp(b)),
        (Operand::Integer(a), Operand::Integer(b)) => Some(a.cmp(b)),
        (Operand::Boolean(a), Operand::Boolean(b)) => Some(a.cmp(b)),
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing;

    impl Filterable for Thing {
        fn operand(&self, field: &str) -> Option<Operand<'_>> {
            Some(match field {
                "id" => "Task-7".into(),
                "state" => "completed".into(),
                "stateTransitionTime" => "2026-01-02T03:04:05.5Z".parse::<Time>().ok()?.into(),
                "executionInfo/exitCode" => 3.into(),
                _ => return None,
            })
        }
    }

    #[test]
    fn filters_select_what_they_say() {
        for (filter, passes) in [
            ("id eq 'task-7'", true),
            ("startswith(id,'TASK')", true),
            ("startswith(id, 'x')", false),
            ("state eq 'Completed' and executionInfo/exitCode ne 0", true),
            (
                "state eq 'active' or (id gt 'task-6' and id lt 'task-8')",
                true,
            ),
            ("state eq 'active' or state eq 'running'", false),
            (
                "stateTransitionTime ge DateTime'2026-01-02T03:04:05Z'",
                true,
            ),
            (
                "stateTransitionTime gt datetime'Fri, 02 Jan 2026 03:04:06 GMT'",
                false,
            ),
            ("executionInfo/result eq 'failure'", false),
            ("executionInfo/result ne 'failure'", true),
            ("executionInfo/exitCode le -1", false),
            ("id eq 'it''s'", false),
        ] {
            let parsed = Filter::parse(filter, lists::TASKS).expect(filter);
            assert_eq!(parsed.matches(&Thing), passes, "{filter}");
        }
    }

    #[test]
    fn bad_filters_say_why() {
        for (filter, why) in [
            ("", "expected a property, found the end"),
            ("state like 'x'", "`like` is not an operator"),
            (
                "state gt 'x'",
                "`state` can only be compared with eq and ne",
            ),
            ("colour eq 'x'", "cannot filter by `colour`"),
            ("id eq 'x", "a quote is not closed"),
            ("id eq 'x' id", "unexpected `id`"),
            ("(id eq 'x'", "expected `)`, found the end"),
            (
                "executionInfo/exitCode eq 'x'",
                "expected a whole number, found 'x'",
            ),
            (
                "stateTransitionTime gt DateTime'soon'",
                "'soon' is not a time",
            ),
            ("id eq \u{e4}", "unexpected character"),
        ] {
            let error = Filter::parse(filter, lists::TASKS).expect_err(filter);
            assert!(error.to_string().starts_with(why), "{filter}: {error}");
        }
        let deep = "(".repeat(5000) + "id eq 'x'" + &")".repeat(5000);
        assert!(Filter::parse(&deep, lists::TASKS).is_err());
    }
}
