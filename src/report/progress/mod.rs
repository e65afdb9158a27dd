//! Progress on stderr: moving lines where there is a terminal, a line now and then elsewhere. Failures and warnings
//! are shown as they happen in both.

mod fit;
mod live;
mod painter;
mod screen;

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::{RunState, Sink};
use screen::Screen;

pub use screen::Recorded;

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

/// How often the moving lines move when nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// Shows a run. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<Mutex<Screen>>);

impl Progress {
    /// `ci`: whether the environment says that nobody watches.
    pub fn new(mode: Mode, ci: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !dumb;
        let mode = match mode {
            Mode::Auto if terminal && !ci => Mode::Bar,
            // Lines cannot move where there is no terminal.
            Mode::Auto | Mode::Bar if !terminal => Mode::Plain,
            Mode::Auto => Mode::Plain,
            other => other,
        };
        let progress = Self(Arc::new(Mutex::new(Screen::new(mode))));
        if mode == Mode::Bar {
            progress.keep_moving();
        }
        progress
    }

    /// Where a run sends its events.
    pub fn sink(&self) -> Sink {
        let progress = self.clone();
        Sink::new(move |event| progress.screen().take(&event))
    }

    /// What is known so far.
    pub fn state(&self) -> RunState {
        self.screen().state().clone()
    }

    /// Takes the moving lines away, so that other text can follow.
    pub fn clear(&self) {
        self.screen().end();
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until nobody holds the screen any more.
    fn keep_moving(&self) {
        let screen = Arc::downgrade(&self.0);
        std::thread::spawn(move || {
            while let Some(screen) = screen.upgrade() {
                screen.lock().unwrap_or_else(PoisonError::into_inner).draw();
                drop(screen);
                std::thread::park_timeout(TICK);
            }
        });
    }
}
