//! What is said about the step that runs now and about one that ended, as wide as there is room. Pure: time and
//! width are given.

use std::time::Duration;

use super::fit::{Piece, fit};
use crate::event::{Event, RunState, StepState};
use crate::plan::StepKind;
use crate::report::quantity::{bytes, duration};
use crate::report::style::{BOLD, CYAN, DIM, GREEN, PLAIN, RED};

/// Narrower than this, titles are not aligned.
const ALIGNED: usize = 60;

/// What stands between two parts of a line.
const BETWEEN: &str = "  ";

/// A rate is told after this long; before, it is noise.
const SETTLED: Duration = Duration::from_secs(1);

/// The run so far, with the times that a rate needs. Times count from the start of the run.
#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    pub(super) state: RunState,
    began: Duration,
    /// When the first item of the step was done, and how much was done then: nodes take minutes to come, which
    /// says nothing about how long the tasks take.
    first: Option<(Duration, u64, u64)>,
}

impl Live {
    pub(super) fn take(&mut self, event: &Event, at: Duration) {
        self.state.apply(event);
        match event {
            Event::StepStarted { .. } => {
                self.began = at;
                self.first = None;
            }
            Event::StepProgress { done, bytes, .. } if *done > 0 && self.first.is_none() => {
                self.first = Some((at, *done, *bytes));
            }
            _ => {}
        }
    }

    pub(super) fn elapsed(&self, at: Duration) -> Duration {
        at.saturating_sub(self.began)
    }

    /// The moving lines; none between steps.
    pub(super) fn lines(&self, at: Duration, width: usize) -> Vec<String> {
        let Some(step) = self.state.current() else {
            return Vec::new();
        };
        let mut pieces = vec![Piece::new(0, BOLD, title(step.step, width))];
        if step.total > 1 {
            pieces.push(Piece::new(6, CYAN, bar(step, width)));
            pieces.push(Piece::new(
                1,
                PLAIN,
                format!("{}/{}", step.done, step.total),
            ));
        }
        pieces.extend(self.pace(step, at));
        pieces.push(Piece::new(3, DIM, clock(self.elapsed(at))));
        let mut lines = vec![fit(pieces, BETWEEN, width)];
        if step.step == StepKind::Monitor {
            lines.extend(self.details(width));
        }
        lines
    }

    /// The same in one line of any length, for logs.
    pub(super) fn plain(&self, at: Duration) -> Option<String> {
        let step = self.state.current()?;
        let mut parts = Vec::new();
        if step.total > 1 {
            parts.push(format!("{}/{}", step.done, step.total));
        }
        parts.extend(self.pace(step, at).into_iter().map(|piece| piece.text));
        if step.step == StepKind::Monitor {
            parts.extend(self.tasks().into_iter().map(|piece| piece.text));
            parts.extend(self.nodes().into_iter().map(|piece| piece.text));
        }
        parts.push(clock(self.elapsed(at)));
        Some(format!("    {} {}", step.step.title(), parts.join(", ")))
    }

    /// The line that stays when a step is over.
    pub(super) fn finished(&self, kind: StepKind, at: Duration, width: usize) -> String {
        let step = self.state.steps.iter().rfind(|s| s.step == kind);
        let detail = step.map_or_else(String::new, |step| self.result(step));
        let indent = if width < ALIGNED { "" } else { "  " };
        let mut pieces = vec![
            Piece::new(1, GREEN, format!("{indent}✓")),
            Piece::new(0, BOLD, title(kind, width).trim_start().to_owned()),
        ];
        if !detail.is_empty() {
            pieces.push(Piece::new(2, PLAIN, detail));
        }
        pieces.push(Piece::new(3, DIM, duration(self.elapsed(at))));
        fit(pieces, " ", width)
    }

    fn result(&self, step: &StepState) -> String {
        match step.step {
            StepKind::Uploads | StepKind::Download => bytes(step.bytes),
            StepKind::Monitor => {
                let tasks = &self.state.tasks;
                format!("{} succeeded, {} failed", tasks.succeeded, tasks.failed)
            }
            StepKind::Tasks if step.total == 0 => "nothing to add".to_owned(),
            StepKind::Tasks => format!("{} added", step.total),
            _ => String::new(),
        }
    }

    /// How much, how fast, how much longer.
    fn pace(&self, step: &StepState, at: Duration) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if step.bytes > 0 {
            pieces.push(Piece::new(5, PLAIN, bytes(step.bytes)));
        }
        let Some((since, done, size)) = self.first else {
            return pieces;
        };
        let took = at.saturating_sub(since);
        if took < SETTLED || step.done <= done || step.done >= step.total {
            return pieces;
        }
        let seconds = took.as_secs_f64();
        let speed = (step.done - done) as f64 / seconds;
        let said = match step.bytes.saturating_sub(size) {
            0 => items_per_second(speed),
            sent => format!("{}/s", bytes((sent as f64 / seconds) as u64)),
        };
        pieces.push(Piece::new(4, PLAIN, said));
        let left = (step.total - step.done) as f64 / speed;
        if let Ok(left) = Duration::try_from_secs_f64(left) {
            pieces.push(Piece::new(2, PLAIN, format!("ETA {}", clock(left))));
        }
        pieces
    }

    fn details(&self, width: usize) -> Vec<String> {
        let indent = if width < ALIGNED { "" } else { "      " };
        [("tasks:", self.tasks()), ("nodes:", self.nodes())]
            .into_iter()
            .filter(|(_, pieces)| !pieces.is_empty())
            .map(|(what, pieces)| {
                let lead = format!("{indent}{what} ");
                let room = width.saturating_sub(lead.chars().count());
                lead + &fit(pieces, ", ", room)
            })
            .collect()
    }

    fn tasks(&self) -> Vec<Piece> {
        let tasks = &self.state.tasks;
        [
            (tasks.running, "running", 0, PLAIN),
            (tasks.active, "waiting", 2, PLAIN),
            (tasks.succeeded, "succeeded", 3, PLAIN),
            (tasks.failed, "failed", 1, RED),
        ]
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, state, rank, style)| Piece::new(rank, style, format!("{number} {state}")))
        .collect()
    }

    fn nodes(&self) -> Vec<Piece> {
        let nodes = self.state.nodes.iter().zip(0..);
        nodes
            .map(|((state, number), rank)| Piece::new(rank, PLAIN, format!("{number} {state}")))
            .collect()
    }
}

fn title(step: StepKind, width: usize) -> String {
    let (number, title) = (step.number(), step.title());
    if width < ALIGNED {
        format!("{number} {title}")
    } else {
        format!("    {number} {title:<19}")
    }
}

fn bar(step: &StepState, width: usize) -> String {
    let cells = (width / 5).clamp(8, 32);
    let share = step.done.min(step.total) as f64 / step.total as f64;
    let full = (share * cells as f64) as usize;
    "━".repeat(full) + &"─".repeat(cells - full)
}

fn items_per_second(speed: f64) -> String {
    match speed {
        10.0.. => format!("{speed:.0}/s"),
        0.1.. => format!("{speed:.1}/s"),
        _ => format!("{:.1}/min", speed * 60.0),
    }
}

/// Whole seconds: what moves every half second is not read more exactly.
fn clock(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        _ => duration(time),
    }
}
