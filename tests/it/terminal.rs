//! A terminal for the program to write to, and what can be read on it.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use vt100::Screen;

pub(crate) struct Terminal {
    reader: File,
    name: String,
    screen: vt100::Parser,
}

impl Terminal {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let cells = |number| NonZero::new(number).unwrap();
        Self {
            reader: File::from(terminal),
            name: name.into_string().unwrap(),
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
        }
    }

    /// The side that a program writes to.
    pub(crate) fn side(&self) -> OwnedFd {
        let file = File::options().read(true).write(true).open(&self.name);
        file.unwrap().into()
    }

    /// Shows the screen after each write, until the last one who could write has gone; the screen at the end.
    pub(crate) fn read(mut self, mut show: impl FnMut(&Screen)) -> Screen {
        let mut buffer = [0; 4096];
        // Reading fails when nobody can write any more.
        while let Ok(read @ 1..) = self.reader.read(&mut buffer) {
            self.screen.process(&buffer[..read]);
            show(self.screen.screen());
        }
        self.screen.screen().clone()
    }
}
