//! Progress as a person sees it: a recorded run at three widths, and the program in a terminal of its own.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use anstream::adapter::strip_str;
use batchflow::event::{Cause, Event, TaskCounts, TaskFailure};
use batchflow::plan::StepKind;
use batchflow::report::progress::Recorded;

use crate::support::Workshop;
use crate::terminal::Terminal;

/// A run with everything in it that can be shown, in milliseconds from its start.
fn run() -> Vec<(u64, Event)> {
    use StepKind::{Download, Monitor, Tasks, Uploads};
    let begin = |step, total| Event::StepStarted { step, total };
    let progress = |step, done, bytes| Event::StepProgress { step, done, bytes };
    let end = |step| Event::StepFinished { step };
    let tasks = |active, running, succeeded, failed| {
        Event::TaskCounts(TaskCounts {
            active,
            running,
            succeeded,
            failed,
        })
    };
    let nodes = |states: &[(&str, u64)]| Event::NodeCounts {
        states: states.iter().map(|(s, n)| ((*s).to_owned(), *n)).collect(),
    };
    vec![
        (0, begin(StepKind::Containers, 2)),
        (120, end(StepKind::Containers)),
        (150, begin(Uploads, 5000)),
        (200, progress(Uploads, 1, 20_000)),
        (4_200, progress(Uploads, 1200, 48_000_000)),
        (20_000, progress(Uploads, 5000, 200_000_000)),
        (20_100, end(Uploads)),
        (20_200, begin(StepKind::Pool, 1)),
        (95_000, end(StepKind::Pool)),
        (95_100, begin(Tasks, 5000)),
        (99_000, end(Tasks)),
        (99_100, begin(Monitor, 5000)),
        (99_200, tasks(5000, 0, 0, 0)),
        (99_300, nodes(&[("starting", 40)])),
        (240_000, progress(Monitor, 1, 0)),
        (
            240_100,
            nodes(&[("idle", 3), ("running", 32), ("starting", 5)]),
        ),
        (240_200, tasks(4967, 32, 1, 0)),
        (
            262_000,
            Event::TaskFailed(TaskFailure {
                task: "count-ulysses".into(),
                exit_code: Some(2),
                cause: Cause::Application,
                category: Some("UserError".into()),
                node: Some("tvm-1".into()),
                code: Some("FailureExitCode".into()),
                message: Some("The task exited with an exit code representing a failure".into()),
                stderr_tail: Some("count: out of memory\n".into()),
            }),
        ),
        (300_000, tasks(3734, 32, 1232, 2)),
        (300_000, progress(Monitor, 1234, 0)),
        (
            310_000,
            Event::Warning {
                message: "node tvm-7 is unusable".into(),
            },
        ),
        (420_000, tasks(0, 0, 4998, 2)),
        (420_000, progress(Monitor, 5000, 0)),
        (420_100, end(Monitor)),
        (420_200, begin(Download, 1)),
        (421_000, end(Download)),
    ]
}

fn screen(width: usize) -> String {
    let mut recorded = Recorded::default();
    let mut text = String::new();
    for (at, event) in run() {
        let stays = recorded.take(&event, Duration::from_millis(at), width);
        text += &stays.unwrap_or_default();
        if matches!(event, Event::StepProgress { .. } | Event::NodeCounts { .. }) {
            for line in recorded.lines(width) {
                let length = strip_str(&line).to_string().chars().count();
                assert!(length <= width, "{length} columns: {line}");
                let _ = writeln!(text, "~ {line}");
            }
        }
    }
    strip_str(&text).to_string()
}

#[test]
fn a_recorded_run_at_80_columns() {
    insta::assert_snapshot!(screen(80));
}

#[test]
fn a_recorded_run_at_20_columns() {
    insta::assert_snapshot!(screen(20));
}

#[test]
fn a_recorded_run_at_200_columns() {
    insta::assert_snapshot!(screen(200));
}

#[test]
fn a_recorded_run_in_a_log() {
    let mut recorded = Recorded::default();
    let mut text = String::new();
    for (at, event) in run() {
        let stays = recorded.take(&event, Duration::from_millis(at), usize::MAX);
        text += &stays.unwrap_or_default();
        if matches!(event, Event::StepProgress { .. }) {
            let _ = writeln!(text, "{}", recorded.plain().unwrap());
        }
    }
    insta::assert_snapshot!(strip_str(&text).to_string());
}

const MANIFEST: &str = r#"
name = "terminal"
[containers.seen]
[pool]
id = "terminal"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "terminal"
[[tasks]]
for_each = { range = [0, 3] }
id = "task-{{item}}"
commands = ["if [ {{item}} = 2 ]; then echo broken >&2; exit 3; fi; echo {{item}} > {{item}}.txt"]
output_files = [{ pattern = "*.txt", container = "seen" }]
[download]
container = "seen"
to = "out"
"#;

/// Runs an apply in a terminal of this width; what it looks like after each write, and at the end.
fn in_a_terminal(columns: u16) -> (Vec<String>, String) {
    const ROWS: u16 = 200;
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    let terminal = Terminal::new(columns, ROWS);
    let mut child = shop
        .command(["apply", "m.toml", "--yes"])
        .env("TERM", "xterm-256color")
        .stdout(Stdio::null())
        .stderr(terminal.side())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    let end = terminal.read(|screen| {
        let contents = screen.contents();
        // What follows the progress is prose.
        let prose = contents.contains("Apply finished");
        for row in (0..ROWS).filter(|_| !prose) {
            assert!(
                !screen.row_wrapped(row),
                "a line wraps at {columns} columns:\n{contents}"
            );
        }
        seen.push(contents);
    });
    assert_eq!(child.wait().unwrap().code(), Some(3));
    (seen, end.contents())
}

#[test]
fn in_a_terminal_nothing_wraps_and_nothing_is_left_behind() {
    let (seen, end) = in_a_terminal(80);
    assert!(
        seen.iter().any(|s| s.contains("━") || s.contains("─")),
        "a bar was there: {seen:?}"
    );
    assert!(
        !end.contains('━') && !end.contains('─') && !end.contains("nodes:"),
        "{end}"
    );
    let steps: Vec<&str> = end.lines().filter(|l| l.contains('✓')).collect();
    assert_eq!(steps.len(), 7, "{end}");
    assert!(end.contains("│ broken"), "{end}");
    assert!(end.contains("failed task task-2: exit code 3"), "{end}");
}
