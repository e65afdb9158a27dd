//! Where lines go: those that stay to stderr, those that move below them.

use std::io::Write;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use super::Mode;
use super::live::Live;
use super::painter::Painter;
use crate::clock;
use crate::event::{Event, RunState};
use crate::report::failure;
use crate::report::style::{YELLOW, paint};

/// The moving lines are not drawn more often.
const FRAME: Duration = Duration::from_millis(100);

/// Where the width of a terminal is not known.
const USUAL_WIDTH: usize = 80;

/// Without a terminal, a step that lasts says something this often, and less often the longer it lasts.
const OFTEN: Duration = Duration::from_secs(10);
const SELDOM: Duration = Duration::from_secs(60);

pub(super) struct Screen {
    mode: Mode,
    live: Live,
    start: Instant,
    last_line: Duration,
    painter: Painter,
    /// When the moving lines were drawn last; None when they are not there.
    drawn: Option<Duration>,
}

impl Screen {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            live: Live::default(),
            start: clock::monotonic(),
            last_line: Duration::ZERO,
            painter: Painter::default(),
            drawn: None,
        }
    }

    pub(super) fn state(&self) -> &RunState {
        &self.live.state
    }

    pub(super) fn take(&mut self, event: &Event) {
        let at = self.start.elapsed();
        self.live.take(event, at);
        if let Some(text) = lasting(&self.live, self.mode, event, at, self.width()) {
            self.print(&text);
        }
        match (event, self.mode) {
            (_, Mode::Bar) => self.draw(),
            (Event::StepStarted { .. }, _) => self.last_line = at,
            (_, Mode::Plain) if is_due(&self.live, at, self.last_line) => {
                self.last_line = at;
                if let Some(line) = self.live.plain(at) {
                    self.print(&(line + "\n"));
                }
            }
            _ => {}
        }
    }

    /// Draws the moving lines, unless they were drawn a moment ago.
    pub(super) fn draw(&mut self) {
        let at = self.start.elapsed();
        let fresh = self.drawn.is_some_and(|last| at - last < FRAME);
        if fresh || self.mode != Mode::Bar {
            return;
        }
        let mut lines = self.live.lines(at, self.width());
        if lines.is_empty() {
            return self.clear();
        }
        self.drawn = Some(at);
        if AutoStream::choice(&std::io::stderr()) == ColorChoice::Never {
            for line in &mut lines {
                *line = strip_str(line).to_string();
            }
        }
        self.painter.paint(&lines);
    }

    /// Takes the moving lines away for good.
    pub(super) fn end(&mut self) {
        self.clear();
        self.mode = Mode::None;
    }

    fn clear(&mut self) {
        self.painter.clear();
        self.drawn = None;
    }

    /// The columns of the terminal less one, which some terminals wrap at.
    fn width(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(std::io::stderr());
        let columns = size.map_or(0, |size| usize::from(size.ws_col));
        match (self.mode, columns) {
            (Mode::Bar, 0) => USUAL_WIDTH - 1,
            (Mode::Bar, columns) => columns - 1,
            _ => usize::MAX,
        }
    }

    fn print(&mut self, text: &str) {
        self.clear();
        // A terminal that went away is no reason to stop working.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }
}

/// What stays on the screen because of an event.
fn lasting(live: &Live, mode: Mode, event: &Event, at: Duration, width: usize) -> Option<String> {
    match event {
        Event::StepFinished { step } if mode != Mode::None => {
            Some(live.finished(*step, at, width) + "\n")
        }
        Event::TaskFailed(task) => Some(failure::render(task)),
        Event::Warning { message } => Some(format!("{} {message}\n", paint(YELLOW, "warning:"))),
        _ => None,
    }
}

fn is_due(live: &Live, at: Duration, last: Duration) -> bool {
    let pause = (live.elapsed(at) / 10).clamp(OFTEN, SELDOM);
    at.saturating_sub(last) >= pause
}

/// A run that was recorded, shown as it would have been.
#[derive(Default)]
pub struct Recorded {
    live: Live,
    at: Duration,
}

impl Recorded {
    /// Takes an event in, so long after the start of the run; answers with what stays on a screen of this width.
    pub fn take(&mut self, event: &Event, at: Duration, width: usize) -> Option<String> {
        self.at = at;
        self.live.take(event, at);
        lasting(&self.live, Mode::Bar, event, at, width)
    }

    /// What moves below it.
    pub fn lines(&self, width: usize) -> Vec<String> {
        self.live.lines(self.at, width)
    }

    /// What a log gets now.
    pub fn plain(&self) -> Option<String> {
        self.live.plain(self.at)
    }
}
