//! `$filter`: the part of OData that the Batch service understands, and which fields each list can be filtered
//! by. Values compare without regard to case; property names do not.

pub mod lists;
mod parse;

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::wire::time::Time;

pub use lists::Field;

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
        parse::parse(text, fields).map(Self)
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
