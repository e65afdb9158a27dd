//! Progress on stderr: a bar where there is a terminal, a line per step elsewhere. Failures and warnings are
//! shown as they happen in both.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure;
use super::quantity::{bytes, duration};
use super::style::{BOLD, DIM, GREEN, YELLOW, paint};
use crate::clock;
use crate::event::{Event, RunState, Sink};
use crate::plan::StepKind;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// A bar on a terminal, lines elsewhere and in CI.
    #[default]
    Auto,
    Bar,
    Plain,
    /// Only failures and warnings.
    None,
}

/// Without a terminal, a step that lasts says something this often.
const EVERY: Duration = Duration::from_secs(10);

/// Shows a run. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<Mutex<Screen>>);

struct Screen {
    mode: Mode,
    state: RunState,
    bar: Option<ProgressBar>,
    step_began: Instant,
    last_line: Instant,
}

impl Progress {
    /// `ci`: whether the environment says that nobody watches.
    pub fn new(mode: Mode, ci: bool) -> Self {
        let mode = match mode {
            Mode::Auto if std::io::stderr().is_terminal() && !ci => Mode::Bar,
            Mode::Auto => Mode::Plain,
            other => other,
        };
        Self(Arc::new(Mutex::new(Screen {
            mode,
            state: RunState::default(),
            bar: None,
            step_began: clock::monotonic(),
            last_line: clock::monotonic(),
        })))
    }

    /// Where a run sends its events.
    pub fn sink(&self) -> Sink {
        let progress = self.clone();
        Sink::new(move |event| progress.screen().take(&event))
    }

    /// What is known so far.
    pub fn state(&self) -> RunState {
        self.screen().state.clone()
    }

    /// Takes the bar away, so that other text can follow.
    pub fn clear(&self) {
        if let Some(bar) = self.screen().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen {
    fn take(&mut self, event: &Event) {
        self.state.apply(event);
        match event {
            Event::StepStarted { step, total } => self.begin(*step, *total),
            Event::StepFinished { step } => self.end(*step),
            Event::TaskFailed(task) => self.print(&failure::render(task)),
            Event::Warning { message } => {
                self.print(&format!("{} {message}\n", paint(YELLOW, "warning:")));
            }
            Event::StepProgress { .. } | Event::TaskCounts(_) | Event::NodeCounts { .. } => {
                self.update()
            }
            Event::Changed { .. } | Event::TaskCompleted { .. } | Event::Downloaded { .. } => {}
        }
    }

    fn begin(&mut self, step: StepKind, total: u64) {
        self.step_began = clock::monotonic();
        self.last_line = self.step_began;
        if self.mode == Mode::Bar {
            let bar =
                ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
            let template = if total > 1 {
                "  {prefix} {bar:16} {pos}/{len} {wide_msg}"
            } else {
                "  {prefix} {wide_msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_prefix(format!("{} {:<19}", step.number(), step.title()));
            bar.tick();
            self.bar = Some(bar);
        }
    }

    fn update(&mut self) {
        let Some(current) = self.state.current() else {
            return;
        };
        let (step, done) = (current.step, current.done);
        match (&self.bar, self.mode) {
            (Some(bar), _) => {
                bar.set_position(done);
                bar.set_message(self.detail(step));
            }
            (None, Mode::Plain) if self.last_line.elapsed() >= EVERY => {
                self.last_line = clock::monotonic();
                let detail = self.detail(step);
                self.print(&format!("    {} {detail}\n", step.title()));
            }
            _ => {}
        }
    }

    fn end(&mut self, step: StepKind) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.mode != Mode::None {
            let detail = self.detail(step);
            let took = duration(self.step_began.elapsed());
            let line = format!(
                "  {} {} {} {detail} {}\n",
                paint(GREEN, "✓"),
                step.number(),
                paint(BOLD, format!("{:<19}", step.title())),
                paint(DIM, took)
            );
            self.print(&line);
        }
    }

    /// What there is to say about a step besides its count.
    fn detail(&self, step: StepKind) -> String {
        let Some(s) = self.state.steps.iter().rfind(|s| s.step == step) else {
            return String::new();
        };
        match step {
            StepKind::Uploads | StepKind::Download => bytes(s.bytes),
            StepKind::Monitor => {
                let t = &self.state.tasks;
                let nodes: Vec<String> = self
                    .state
                    .nodes
                    .iter()
                    .map(|(n, c)| format!("{c} {n}"))
                    .collect();
                let nodes = if nodes.is_empty() || s.finished {
                    String::new()
                } else {
                    format!("; nodes: {}", nodes.join(", "))
                };
                let open = if s.finished {
                    String::new()
                } else {
                    format!("{} active, {} running, ", t.active, t.running)
                };
                format!(
                    "{open}{} succeeded, {} failed{nodes}",
                    t.succeeded, t.failed
                )
            }
            StepKind::Tasks => match s.total {
                0 => "nothing to add".to_owned(),
                n => format!("{n} added"),
            },
            _ => String::new(),
        }
    }

    fn print(&self, text: &str) {
        let write = || {
            let mut stderr = anstream::stderr().lock();
            // A terminal that went away is no reason to stop working.
            let _ = stderr.write_all(text.as_bytes());
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}
