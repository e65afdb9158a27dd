//! Writing to the terminal.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use anstream::ColorChoice;
use rustix::termios::tcgetwinsize;
use tracing_subscriber::EnvFilter;

use super::args::{Color, Global};
use super::error::CliError;
use crate::report::exit_code::ExitCode;
use crate::report::style::{CYAN, RED, paint};
use crate::report::width::fold;

/// Colours and logging, once, before anything is printed.
pub(super) fn set_up(global: &Global, verbose: u8) {
    match global.color {
        Color::Auto => {}
        Color::Always => ColorChoice::Always.write_global(),
        Color::Never => ColorChoice::Never.write_global(),
    }
    let level = match verbose {
        0 | 1 => tracing_subscriber::filter::LevelFilter::OFF,
        2 => tracing_subscriber::filter::LevelFilter::INFO,
        _ => tracing_subscriber::filter::LevelFilter::DEBUG,
    };
    if level > tracing_subscriber::filter::LevelFilter::OFF {
        // Only the first set-up counts; there is no second one.
        let _ = tracing_subscriber::fmt()
            // Of our own alone: what others log is not known to be free of secrets.
            .with_env_filter(EnvFilter::new(format!("batchflow={level}")))
            .with_writer(io::stderr)
            .with_ansi(stderr_color())
            .try_init();
    }
}

/// Whether stderr shows colours.
pub(super) fn stderr_color() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Data. A reader that went away ends the program quietly, as it does with other tools.
pub(super) fn data(text: &str) {
    let Err(error) = write(text) else {
        return;
    };
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(ExitCode::Ok.number().into());
    }
    talk(&format!(
        "{} cannot write the output: {error}\n",
        paint(RED, "error:")
    ));
    std::process::exit(ExitCode::Error.number().into());
}

/// What a person reads, no wider than the terminal. Otherwise like data.
pub(super) fn text(text: &str) {
    data(&folded(text));
}

/// As wide as stdout shows it.
pub(super) fn folded(text: &str) -> String {
    match stdout_width() {
        Some(width) => fold(text, width),
        None => text.to_owned(),
    }
}

/// Columns of stdout; None: what reads it is no terminal.
pub(super) fn stdout_width() -> Option<usize> {
    width(io::stdout())
}

/// Columns of stderr; None: what reads it is no terminal.
pub(super) fn stderr_width() -> Option<usize> {
    width(io::stderr())
}

/// What the person says, or else the terminal.
fn width(stream: impl AsFd) -> Option<usize> {
    let said = std::env::var("COLUMNS").ok();
    let said = said.and_then(|columns| columns.parse().ok());
    let known = || Some(usize::from(tcgetwinsize(stream).ok()?.ws_col));
    said.or_else(known).filter(|columns| *columns > 0)
}

/// Data about something that goes on, whether or not anybody reads it.
pub(super) fn account(text: &str) {
    let _ = write(text);
}

fn write(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Talk, no wider than the terminal.
pub(super) fn talk(text: &str) {
    let text = match stderr_width() {
        Some(width) => fold(text, width),
        None => text.to_owned(),
    };
    // A terminal that went away is no reason to stop working.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// An error with everything below it, and what to do.
pub(super) fn error(error: &CliError) {
    let mut text = format!("{} {error}\n", paint(RED, "error:"));
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = writeln!(text, "  caused by: {cause}");
        source = cause.source();
    }
    text.push_str(&error.detail());
    for help in error.help() {
        let _ = writeln!(text, "{} {help}", paint(CYAN, "help:"));
    }
    talk(&text);
}

/// Asks; only `yes` is yes. Without a terminal there is nobody to ask.
pub(super) fn confirm(question: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::NobodyToAsk);
    }
    talk(&format!("{question} Only `yes` is taken as yes: "));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == "yes")
}
