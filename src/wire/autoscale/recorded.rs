//! Samples as a person writes them down or a program records them, in JSON.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::history::{History, Metric, SAMPLE_PERIOD};
use crate::wire::time::Time;

/// Samples to evaluate a formula with.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub history: History,
    /// The time of the last sample.
    pub now: Time,
    /// The targets before.
    pub dedicated: i32,
    pub low_priority: i32,
}

/// What is wrong with a file of samples.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    #[error("this is not JSON of samples")]
    Json(#[source] serde_json::Error),
    #[error("`{0}` is not a variable that samples are taken of")]
    Variable(String),
    #[error("`{0}` is not a time such as 2026-01-31T12:00:00Z")]
    Time(String),
    #[error("the sample of {later} comes after that of {earlier}, which is not earlier")]
    Order { earlier: String, later: String },
}

/// The targets before, and each moment's samples, oldest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    target_dedicated_nodes: i32,
    #[serde(default)]
    target_low_priority_nodes: i32,
    samples: Vec<Moment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moment {
    /// Left out: 30 seconds after the one before.
    time: Option<String>,
    /// By variable, with its `$` or without.
    values: BTreeMap<String, f64>,
}

impl Recorded {
    /// Reads `{"samples": [{"time": …, "values": {"$ActiveTasks": 5}}]}`. Moments without a time are 30 seconds
    /// apart; the first of them is at `start`.
    pub fn read(text: &str, start: Time) -> Result<Self, RecordedError> {
        let page: Page = serde_json::from_str(text).map_err(RecordedError::Json)?;
        let mut recorded = Self {
            history: History::default(),
            now: start,
            dedicated: page.target_dedicated_nodes,
            low_priority: page.target_low_priority_nodes,
        };
        let mut last: Option<Time> = None;
        for moment in page.samples {
            let at = match (&moment.time, last) {
                (Some(text), _) => text
                    .parse::<Time>()
                    .map_err(|_| RecordedError::Time(text.clone()))?,
                (None, Some(last)) => last.plus(SAMPLE_PERIOD),
                (None, None) => start,
            };
            if let Some(last) = last.filter(|last| *last >= at) {
                return Err(RecordedError::Order {
                    earlier: last.to_string(),
                    later: at.to_string(),
                });
            }
            let values = moment.values.into_iter().map(|(name, value)| {
                let variable = format!("${}", name.trim_start_matches('$'));
                let metric = Metric::of(&variable).ok_or(RecordedError::Variable(name))?;
                Ok((metric, value))
            });
            recorded
                .history
                .record(at, values.collect::<Result<_, RecordedError>>()?);
            recorded.now = at;
            last = Some(at);
        }
        Ok(recorded)
    }

    /// A pool without nodes and tasks, measured once.
    pub fn idle(now: Time) -> Self {
        let mut history = History::default();
        history.record(now, Metric::ALL.iter().map(|m| (*m, 0.0)).collect());
        Self {
            history,
            now,
            dedicated: 0,
            low_priority: 0,
        }
    }
}
