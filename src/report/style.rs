//! The few styles we use. Text is always styled; the stream that prints it strips what its reader cannot show.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::plan::Action;

/// As it is.
pub const PLAIN: Style = Style::new();
pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const RED: Style = AnsiColor::Red.on_default();
pub const CYAN: Style = AnsiColor::Cyan.on_default();

/// `text` in `style`.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The symbol of an action in its colour, padded to the widest.
pub fn symbol(action: Action) -> String {
    let style = match action {
        Action::Keep => DIM,
        Action::Create => GREEN,
        Action::Update | Action::Replace => YELLOW,
        Action::Delete => RED,
        Action::Read => CYAN,
    };
    paint(style, format!("{:>3}", action.symbol()))
}
