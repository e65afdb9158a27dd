//! The last lines of an apply.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::cause::{Stderr, causes};
use super::quantity::{bytes, count, duration};
use super::style::{BOLD, GREEN, RED, paint};
use crate::event::TaskFailure;

/// What the summary is made of.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    pub succeeded: usize,
    pub up_to_date: usize,
    pub failures: &'a [TaskFailure],
    /// Never ran because one they depend on failed.
    pub blocked: usize,
    pub files_up: usize,
    pub bytes_up: u64,
    pub files_down: usize,
    pub bytes_down: u64,
    pub elapsed: Duration,
    /// Where the outputs are.
    pub outputs: Option<&'a Path>,
    /// Why the run ended before its tasks did.
    pub cut_short: Option<&'a str>,
}

impl Summary<'_> {
    /// Two or three lines; styled.
    pub fn render(&self) -> String {
        let (style, word) = match (self.failures.len(), self.cut_short) {
            (0, None) => (GREEN, "Apply complete:"),
            (_, None) => (RED, "Apply finished with failures:"),
            (_, Some(_)) => (RED, "Apply cut short:"),
        };
        let mut out = format!(
            "{} {} done, {} up to date, {} failed; {} up ({}), {} down ({}); {}\n",
            paint(style, word),
            count(self.succeeded, "task"),
            self.up_to_date,
            self.failures.len(),
            bytes(self.bytes_up),
            count(self.files_up, "file"),
            bytes(self.bytes_down),
            count(self.files_down, "file"),
            duration(self.elapsed),
        );
        for cause in causes(self.failures, Stderr::Above) {
            let _ = writeln!(out, "  {cause}");
        }
        if self.blocked > 0 {
            let _ = writeln!(
                out,
                "{} never ran: what they depend on failed",
                count(self.blocked, "task")
            );
        }
        if let Some(why) = self.cut_short {
            let _ = writeln!(out, "{why}");
        }
        if let Some(folder) = self.outputs {
            let _ = writeln!(out, "{} {}", paint(BOLD, "Outputs:"), folder.display());
        }
        out
    }
}
