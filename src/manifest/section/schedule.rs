//! `[schedule]`: the service makes the job again and again, by the clock. Its work is that of the job's manager
//! task, as nobody is there to add tasks.

use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::time::Time;

/// When the service makes the job. Its id is that of `[job]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "schedule")]
pub(in crate::manifest) struct RawSchedule {
    /// How long from the start of one job to that of the next; without it there is one job. A job that is not
    /// completed by then delays the next.
    #[schemars(extend("x-limit" = "at least 1 minute"))]
    recurrence_interval: Option<At<String>>,
    /// How late a job may still be made; without it as late as can be.
    #[schemars(extend("x-limit" = "at least 1 minute"))]
    start_window: Option<At<String>>,
    /// No job before this moment, such as `2026-01-31T22:00:00Z`; default at once.
    do_not_run_until: Option<At<String>>,
    /// No job after this moment; then the schedule is completed.
    do_not_run_after: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub struct Schedule {
    pub recurrence_interval: Option<At<Duration>>,
    pub start_window: Option<At<Duration>>,
    pub do_not_run_until: Option<Time>,
    pub do_not_run_after: Option<Time>,
    pub span: Range<usize>,
}

const LEAST: Duration = Duration::from_secs(60);

impl RawSchedule {
    pub(in crate::manifest) fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> Schedule {
        let schedule = &raw.value;
        let mut minutes = |name: &str, raw: &Option<At<String>>| {
            let duration = checker.duration(raw.as_ref());
            if let Some(short) = duration.as_ref().filter(|d| d.value < LEAST) {
                checker.error(
                    codes::OUT_OF_RANGE,
                    format!("`schedule.{name}` is out of range"),
                    &short.span,
                    "at least 1 minute",
                );
            }
            duration
        };
        let recurrence_interval = minutes("recurrence_interval", &schedule.recurrence_interval);
        let start_window = minutes("start_window", &schedule.start_window);
        let until = moment(schedule.do_not_run_until.as_ref(), checker);
        let after = moment(schedule.do_not_run_after.as_ref(), checker);
        if let (Some(until), Some(after)) = (&until, &after)
            && after.value <= until.value
        {
            checker.report(
                Diagnostic::error(codes::OUT_OF_RANGE, "this schedule never makes a job")
                    .label(after.span.clone(), "over by then")
                    .label(until.span.clone(), "not begun before"),
            );
        }
        Schedule {
            recurrence_interval,
            start_window,
            do_not_run_until: until.map(|t| t.value),
            do_not_run_after: after.map(|t| t.value),
            span: raw.span.clone(),
        }
    }
}

fn moment(raw: Option<&At<String>>, checker: &mut Checker<'_>) -> Option<At<Time>> {
    let text = checker.opt_text(raw)?;
    match text.value.parse::<Time>() {
        Ok(time) => Some(text.with(time)),
        Err(invalid) => {
            checker.error(
                codes::INVALID_TIME,
                invalid.to_string(),
                &text.span,
                "a date, a time and `Z` or an offset",
            );
            None
        }
    }
}
