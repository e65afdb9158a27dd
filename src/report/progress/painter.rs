//! A few lines at the bottom of a terminal, painted over in place: nothing is cleared that is written again, so that
//! nothing flickers.

use std::fmt::Write as _;
use std::io::Write;

/// What is on the terminal now.
#[derive(Debug, Default)]
pub(super) struct Painter {
    rows: usize,
}

impl Painter {
    /// Puts these lines where the last ones were. None may be wider than the terminal.
    pub(super) fn paint(&mut self, lines: &[String]) {
        let mut text = self.home();
        for (row, line) in lines.iter().enumerate() {
            let end = if row + 1 < lines.len() { "\n" } else { "" };
            // Erase what was longer before.
            let _ = write!(text, "{line}\x1b[K{end}");
        }
        text.push_str("\x1b[J");
        self.rows = lines.len();
        out(&text);
    }

    /// Takes the lines away.
    pub(super) fn clear(&mut self) {
        if self.rows > 0 {
            out(&(self.home() + "\x1b[J"));
            self.rows = 0;
        }
    }

    /// To the start of the first line.
    fn home(&self) -> String {
        match self.rows {
            0 | 1 => "\r".to_owned(),
            rows => format!("\r\x1b[{}A", rows - 1),
        }
    }
}

/// In one write: what is painted half is seen.
fn out(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // A terminal that went away is no reason to stop working.
    let _ = stderr.write_all(text.as_bytes());
}
