//! The methods of variables that samples are taken of.

use std::ops::RangeInclusive;

use super::history::{History, Metric, SAMPLE_PERIOD};
use super::value::Value;
use crate::wire::time::Time;

/// Every method with how many arguments it takes.
pub(super) const METHODS: [(&str, RangeInclusive<usize>); 5] = [
    ("GetSample", 1..=3),
    ("GetSamplePercent", 1..=2),
    ("GetSamplePeriod", 0..=0),
    ("Count", 0..=0),
    ("HistoryBeginTime", 0..=0),
];

pub(super) fn call(
    history: &History,
    metric: Metric,
    method: &str,
    arguments: &[Value],
    now: Time,
) -> Result<Value, String> {
    let name = metric.as_str();
    match (method, arguments) {
        ("GetSample", [Value::Number(count)]) => {
            if *count < 1.0 {
                return Err("the number of samples is 1 or more".to_owned());
            }
            let mut last: Vec<f64> = history
                .of(metric)
                .rev()
                // The conversion saturates.
                .take(*count as usize)
                .map(|(_, value)| value)
                .collect();
            last.reverse();
            Ok(Value::Vector(last))
        }
        ("GetSample", [from, rest @ ..]) => {
            let (to, percent) = match rest {
                [] => (None, None),
                [Value::Number(percent)] => (None, Some(*percent)),
                [to] => (Some(to), None),
                [to, Value::Number(percent)] => (Some(to), Some(*percent)),
                _ => return Err("the percentage of samples is a double".to_owned()),
            };
            let window = Window::new(from, to, now)?;
            let (found, there) = window.of(history, metric);
            match percent {
                Some(wanted) if there < wanted => Err(format!(
                    "only {there:.0} % of the samples of `{name}` are there, {wanted} % are asked for"
                )),
                _ => Ok(Value::Vector(found)),
            }
        }
        ("GetSamplePercent", [from, rest @ ..]) => {
            let window = Window::new(from, rest.first(), now)?;
            Ok(Value::Number(window.of(history, metric).1))
        }
        ("GetSamplePeriod", _) => Ok(Value::Interval(SAMPLE_PERIOD)),
        ("Count", _) => Ok(Value::Number(history.of(metric).count() as f64)),
        ("HistoryBeginTime", _) => match history.of(metric).next() {
            Some((at, _)) => Ok(Value::Time(at)),
            None => Err(format!("there are no samples of `{name}` yet")),
        },
        _ => Err(format!("`{method}` does not take these arguments")),
    }
}

/// The time that samples are wanted of.
struct Window {
    from: Time,
    to: Time,
}

impl Window {
    /// Each end is a moment, or how long ago; in either order.
    fn new(from: &Value, to: Option<&Value>, now: Time) -> Result<Self, String> {
        let moment = |value: &Value| match value {
            Value::Time(at) => Ok(*at),
            Value::Interval(ago) => {
                let ticks = now.ticks().saturating_sub(ago.ticks());
                Ok(Time::from_ticks(ticks))
            }
            other => Err(format!(
                "samples are asked for by timestamp or timeinterval, not by {}",
                other.kind()
            )),
        };
        let (a, b) = (moment(from)?, to.map_or(Ok(now), moment)?);
        Ok(Self {
            from: a.min(b),
            to: a.max(b),
        })
    }

    /// The samples and how many percent of those there could be.
    fn of(&self, history: &History, metric: Metric) -> (Vec<f64>, f64) {
        let found: Vec<f64> = history
            .of(metric)
            .filter(|(at, _)| (self.from..=self.to).contains(at))
            .map(|(_, value)| value)
            .collect();
        let length = self.to.ticks().saturating_sub(self.from.ticks());
        let expected = (length / SAMPLE_PERIOD.ticks()).max(1);
        let percent = found.len() as f64 / expected as f64 * 100.0;
        (found, percent.min(100.0))
    }
}
