//! Values and how they are shown.

use std::fmt;

use super::history::Metric;
use crate::wire::time::{Duration, Time};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Vector(Vec<f64>),
    Text(String),
    Time(Time),
    Interval(Duration),
    /// A variable that samples are taken of; as a value it is all of them.
    Samples(Metric),
}

impl Value {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "double",
            Self::Vector(_) | Self::Samples(_) => "doubleVec",
            Self::Text(_) => "string",
            Self::Time(_) => "timestamp",
            Self::Interval(_) => "timeinterval",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Number(if value { 1.0 } else { 0.0 })
    }
}

impl fmt::Display for Value {
    /// As the results of an evaluation have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Vector(v) => {
                f.write_str("[")?;
                for (at, n) in v.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}{n}")?;
                }
                f.write_str("]")
            }
            Self::Text(text) => f.write_str(text),
            Self::Time(time) => write!(f, "{time}"),
            Self::Interval(interval) => write!(f, "{interval}"),
            Self::Samples(metric) => f.write_str(metric.as_str()),
        }
    }
}

/// A word that stands for something.
pub(super) fn constant(name: &str) -> Option<Value> {
    const SECOND: i64 = 10_000_000;
    const DAY: i64 = 86_400 * SECOND;
    let ticks = match name {
        "TimeInterval_Zero" => 0,
        "TimeInterval_100ns" => 1,
        "TimeInterval_Microsecond" => 10,
        "TimeInterval_Millisecond" => 10_000,
        "TimeInterval_Second" => SECOND,
        "TimeInterval_Minute" => 60 * SECOND,
        "TimeInterval_Hour" => 3600 * SECOND,
        "TimeInterval_Day" => DAY,
        "TimeInterval_Week" => 7 * DAY,
        "TimeInterval_Year" => 365 * DAY,
        "requeue" | "terminate" | "taskcompletion" | "retaineddata" => {
            return Some(Value::Text(name.to_owned()));
        }
        _ => return None,
    };
    Some(Value::Interval(Duration::from_ticks(ticks)))
}
