//! The pictures of the README and of `docs`: what the program writes to a terminal as SVG, and its pages as PNG.
//! `UPDATE_DOCS=1 cargo test --test it pictures -- --include-ignored` makes them anew, in half a minute.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anstyle::{Ansi256Color, Color, Effects, RgbColor, Style};
use anstyle_svg::{Palette, Term};
use batchflow::report::exit_code::ExitCode;
use vt100::{Cell, Screen};

use crate::clients::Served;
use crate::peers::{self, Browser};
use crate::support::{Workshop, wait_for};
use crate::terminal::Terminal;

const ROWS: u16 = 100;

/// What terminals with a dark ground take for the sixteen colours.
const PALETTE: Palette = Palette([
    RgbColor(0x48, 0x4f, 0x58),
    RgbColor(0xff, 0x7b, 0x72),
    RgbColor(0x56, 0xd3, 0x64),
    RgbColor(0xe3, 0xb3, 0x41),
    RgbColor(0x79, 0xc0, 0xff),
    RgbColor(0xd2, 0xa8, 0xff),
    RgbColor(0x56, 0xd4, 0xdd),
    RgbColor(0xd8, 0xdb, 0xe0),
    RgbColor(0x8b, 0x94, 0x9e),
    RgbColor(0xff, 0xa1, 0x98),
    RgbColor(0x7e, 0xe7, 0x87),
    RgbColor(0xf2, 0xcc, 0x60),
    RgbColor(0xa5, 0xd6, 0xff),
    RgbColor(0xe2, 0xc5, 0xff),
    RgbColor(0x76, 0xe3, 0xea),
    RgbColor(0xff, 0xff, 0xff),
]);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures")
}

/// Commands in a terminal, one below the other.
struct Session<'a> {
    shop: &'a Workshop,
    columns: u16,
    ansi: String,
}

impl<'a> Session<'a> {
    fn new(shop: &'a Workshop, columns: u16) -> Self {
        Self {
            shop,
            columns,
            ansi: String::new(),
        }
    }

    /// Types a command and keeps the screen at its end; `show` sees it after each write.
    fn run(&mut self, line: &str, ends_with: ExitCode, mut show: impl FnMut(String)) {
        let terminal = Terminal::new(self.columns, ROWS);
        let mut child = self
            .shop
            .command(line.split(' '))
            .env("TERM", "xterm-256color")
            .stdout(terminal.side())
            .stderr(terminal.side())
            .spawn()
            .unwrap();
        if !self.ansi.is_empty() {
            self.ansi.push('\n');
        }
        let bold = Style::new().bold();
        let _ = writeln!(self.ansi, "$ {bold}batchflow {line}{bold:#}");
        let text = |screen: &Screen| {
            let text = at_home(self.shop, &ansi(screen));
            // Of an apply, the plan has a picture of its own.
            match text.lines().position(|line| line.contains('✓')) {
                Some(first) => {
                    let rest: Vec<&str> = text.lines().skip(first).collect();
                    format!(
                        "{dim}…{dim:#}\n{}\n",
                        rest.join("\n"),
                        dim = Style::new().dimmed()
                    )
                }
                None => text,
            }
        };
        let end = terminal.read(|screen| show(svg(&(self.ansi.clone() + &text(screen)))));
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(ends_with.number().into()), "{}", end.contents());
        self.ansi += &text(&end);
    }

    fn svg(&self) -> String {
        svg(&self.ansi)
    }
}

/// A path of this machine in the place where a person would have it.
fn at_home(shop: &Workshop, text: &str) -> String {
    let place = shop.path("").display().to_string();
    text.replace(place.trim_end_matches('/'), "~/books")
}

/// On a ground of its own, so that it is the same on pages that are light and dark.
fn svg(ansi: &str) -> String {
    let ground = Color::Rgb(RgbColor(0x1c, 0x1f, 0x24));
    let text = Color::Rgb(RgbColor(0xd8, 0xdb, 0xe0));
    let term = Term::new().bg_color(ground).fg_color(text);
    term.palette(PALETTE).render_svg(ansi)
}

/// What is on a screen as text with its colours, up to the last line that is not empty.
fn ansi(screen: &Screen) -> String {
    let mut lines = Vec::new();
    for row in 0..ROWS {
        let mut line = String::new();
        let mut now = Style::new();
        let columns = 0..screen.size().1.get();
        for cell in columns.filter_map(|column| screen.cell(row, column)) {
            let style = style(cell);
            if style != now {
                let _ = write!(line, "{now:#}{style}");
                now = style;
            }
            line.push_str(if cell.has_contents() {
                cell.contents()
            } else {
                " "
            });
        }
        let _ = write!(line, "{now:#}");
        lines.push(line.trim_end().to_owned() + "\n");
    }
    let used = lines.iter().rposition(|line| line != "\n");
    lines.truncate(used.map_or(0, |last| last + 1));
    lines.concat()
}

fn style(cell: &Cell) -> Style {
    let colour = match cell.fgcolor() {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(Ansi256Color(index)),
        vt100::Color::Rgb(..) => panic!("the program uses the colours of the terminal"),
    };
    let colour = colour.map(|c| c.into_ansi().map_or(Color::Ansi256(c), Color::Ansi));
    let effects = [
        (cell.bold(), Effects::BOLD),
        (cell.dim(), Effects::DIMMED),
        (cell.italic(), Effects::ITALIC),
        (cell.underline(), Effects::UNDERLINE),
    ];
    let effects = effects.into_iter().filter(|(is_on, _)| *is_on);
    Style::new()
        .fg_color(colour)
        .effects(effects.fold(Effects::new(), |all, (_, one)| all | one))
}

fn copy(shop: &Workshop, name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/pictures");
    shop.write(name, &fs::read_to_string(source.join(name)).unwrap());
}

/// The pictures that are the same each time.
fn fixed() -> Vec<(&'static str, String)> {
    let shop = Workshop::new();
    shop.run(["init", "words.toml", "--from", "top-n-words"])
        .ends_with(0);
    copy(&shop, "thumbnails.toml");
    shop.write("photos/harbour.jpg", "");
    let picture = |line: &str, code| {
        let mut session = Session::new(&shop, 102);
        session.run(line, code, |_| ());
        session.svg()
    };
    vec![
        ("plan.svg", picture("plan words.toml", ExitCode::Ok)),
        (
            "validate.svg",
            picture("validate thumbnails.toml", ExitCode::Manifest),
        ),
    ]
}

/// A folder with forty chapters and the manifest that counts their words.
fn chapters() -> Workshop {
    let shop = Workshop::new();
    copy(&shop, "words.toml");
    for n in 1..=40 {
        let text = "call me what you like ".repeat(200 + n * n * 7 % 400);
        shop.write(&format!("texts/chapter-{n:02}.txt"), &text);
    }
    shop
}

#[test]
fn they_show_what_is_said_now() {
    for (name, picture) in fixed() {
        let kept = fs::read_to_string(folder().join(name)).unwrap_or_default();
        if kept == picture {
            continue;
        }
        assert!(
            std::env::var_os("UPDATE_DOCS").is_some(),
            "`UPDATE_DOCS=1 cargo test pictures` makes docs/pictures/{name} anew:\n{picture}"
        );
        fs::write(folder().join(name), picture).unwrap();
    }
}

#[test]
#[ignore = "writes docs/pictures"]
fn make() {
    let browser = Browser::found().unwrap_or_else(|needs| panic!("{needs}"));
    let shop = chapters();
    shop.run(["plan", "words.toml", "--out", "words.plan"])
        .ends_with(0);
    let mut session = Session::new(&shop, 130);
    let mut running = None;
    session.run("apply words.plan", ExitCode::TasksFailed, |picture| {
        let half = (20..30).any(|done| picture.contains(&format!(" {done}/41 ")));
        if half && running.is_none() {
            running = Some(picture);
        }
    });
    let running = running.expect("a moment when half of the tasks are done");
    fs::write(folder().join("apply-running.svg"), running).unwrap();
    fs::write(folder().join("apply.svg"), session.svg()).unwrap();
    let mut session = Session::new(&shop, 130);
    session.run("status words.toml", ExitCode::Ok, |_| ());
    session.run("explain words.toml total", ExitCode::Ok, |_| ());
    fs::write(folder().join("status.svg"), session.svg()).unwrap();

    let report = shop.read(".batchflow/words/report.html");
    let report = shop.write("report.html", &at_home(&shop, &report));

    let served = Served::start(&["--in-memory"]);
    let held = chapters();
    held.write("words.toml", &(held.read("words.toml") + "\n[account]\n"));
    let mut command = held.command(["apply", "words.toml", "--yes", "--var", "hold=yes"]);
    let mut apply = served
        .tell(&mut command)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the tasks that are not held", || {
        let mut tasks = held.command(["tasks", "words.toml", "--state", "completed"]);
        let said = served.tell(&mut tasks).output().unwrap().stdout;
        String::from_utf8_lossy(&said).matches("chapter-").count() >= 24
    });
    let mut command = browser.scenario("pictures.js");
    command.env("SHOTS", folder()).env("PAGE", report);
    let said = peers::run(served.tell(&mut command), Duration::from_secs(120));
    apply.kill().unwrap();
    apply.wait().unwrap();
    said.unwrap_or_else(|said| panic!("{said}"));
    served.stop();
}
