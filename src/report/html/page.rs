//! A record as a page.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use handlebars::Handlebars;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::figures::{self, Spans};
use super::record::{Record, Verdict};
use crate::event::TaskFailure;
use crate::page::{TABLE, THEME};
use crate::report::cause::{Stderr, causes, kind};
use crate::report::quantity::{bytes, count, duration};

const TEMPLATE: &str = include_str!("report.hbs");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Failures that are shown with the end of their stderr; the others are in the table of tasks.
const FAILURES_IN_FULL: usize = 50;
const SLOWEST: usize = 10;

/// The report cannot be made, which is a fault of the program.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the report")]
pub struct RenderError(#[from] handlebars::RenderError);

/// One HTML document that asks for nothing from anywhere.
pub fn render(record: &Record) -> Result<String, RenderError> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    Ok(handlebars.render_template(TEMPLATE, &Page::of(record))?)
}

#[derive(Serialize)]
struct Page<'a> {
    policy: String,
    style: String,
    script: String,
    data: String,
    manifest: &'a str,
    target: &'a str,
    version: &'static str,
    began: String,
    elapsed: String,
    tone: &'static str,
    verdict: &'static str,
    why: &'a str,
    tiles: Vec<Tile>,
    steps: Vec<Step>,
    durations: Vec<Row>,
    load: Vec<LoadRow>,
    slowest: Vec<Slow<'a>>,
    causes: Vec<String>,
    failures: Vec<Failure<'a>>,
    more_failures: usize,
    warnings: &'a [String],
    cost: Vec<Row>,
    any_tasks: bool,
    any_outputs: bool,
}

#[derive(Serialize)]
struct Tile {
    label: String,
    number: String,
    tone: &'static str,
}

#[derive(Serialize)]
struct Step {
    number: usize,
    title: &'static str,
    items: u64,
    bytes: String,
    took: String,
    /// Hundredths of the whole time.
    x: f64,
    width: f64,
}

#[derive(Serialize)]
struct Row {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct LoadRow {
    at: String,
    running: String,
    waiting: String,
}

#[derive(Serialize)]
struct Slow<'a> {
    id: &'a str,
    node: &'a str,
    ran: String,
    waited: String,
    tries: u32,
}

#[derive(Serialize)]
struct Failure<'a> {
    task: &'a str,
    node: &'a str,
    how: String,
    words: String,
    stderr: &'a str,
}

impl<'a> Page<'a> {
    fn of(record: &'a Record) -> Self {
        let zero = figures::zero(record);
        let spans: Vec<Spans> = record.tasks.iter().map(|t| Spans::of(t, zero)).collect();
        let ends = spans.iter().filter_map(|s| s.ended);
        let end = ends.fold(figures::milliseconds(zero, record.ended), f64::max);
        let mut sorted: Vec<f64> = spans.iter().filter_map(Spans::ran).collect();
        sorted.sort_by(f64::total_cmp);
        let load = figures::load(&spans, end);
        let style = format!("{THEME}{STYLE}");
        let script = format!("{TABLE}{SCRIPT}");
        let (tone, verdict, why) = verdict(&record.verdict);
        Self {
            policy: policy(&script, &style),
            load: load_rows(&load),
            data: data(record, &spans, &sorted, &load, end),
            style,
            script,
            manifest: &record.manifest,
            target: &record.target,
            version: env!("CARGO_PKG_VERSION"),
            began: moment(record.began),
            elapsed: time(figures::milliseconds(record.began, record.ended)),
            tone,
            verdict,
            why,
            tiles: tiles(record, &spans),
            steps: steps(record),
            durations: durations(&sorted),
            slowest: slowest(record, &spans),
            causes: causes(&record.failures, Stderr::Above),
            failures: record
                .failures
                .iter()
                .take(FAILURES_IN_FULL)
                .map(failure)
                .collect(),
            more_failures: record.failures.len().saturating_sub(FAILURES_IN_FULL),
            warnings: &record.warnings,
            cost: cost(record),
            any_tasks: !record.tasks.is_empty(),
            any_outputs: !record.outputs.is_empty(),
        }
    }
}

/// Nothing runs and nothing is loaded but the page's own script and style, which are named by their digests.
fn policy(script: &str, style: &str) -> String {
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(script),
        digest(style)
    )
}

fn verdict(verdict: &Verdict) -> (&'static str, &'static str, &str) {
    match verdict {
        Verdict::Complete => ("good", "Complete", ""),
        Verdict::Failures => ("bad", "Tasks failed", ""),
        Verdict::CutShort(why) => ("bad", "Cut short", why),
        Verdict::Error(why) => ("bad", "Failed", why),
        Verdict::Interrupted => ("wait", "Interrupted", ""),
    }
}

fn tiles(record: &Record, spans: &[Spans]) -> Vec<Tile> {
    let succeeded = record.tasks.iter().filter(|t| t.success).count();
    let failed = record.tasks.len() - succeeded;
    let again = |t: &super::TaskRecord| t.run.retries + t.run.requeues;
    let retries: u32 = record.tasks.iter().map(again).sum();
    let running: f64 = spans.iter().filter_map(Spans::ran).sum();
    let waiting: f64 = spans.iter().filter_map(Spans::waited).sum();
    let mut nodes: Vec<&str> = record
        .tasks
        .iter()
        .filter_map(|t| t.run.node.as_deref())
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    let totals = &record.totals;
    let text = |number: String, label: String| Tile {
        label,
        number,
        tone: "",
    };
    let plain = |number: usize, label: &str| text(number.to_string(), label.to_owned());
    let toned = |number: usize, label, tone| Tile {
        tone: if number == 0 { "" } else { tone },
        ..plain(number, label)
    };
    let mut tiles = vec![
        toned(succeeded, "tasks succeeded", "good"),
        toned(failed, "failed", "bad"),
    ];
    for (number, label, tone) in [
        (totals.blocked, "never ran", "bad"),
        (totals.up_to_date, "up to date before", ""),
        (retries as usize, "runs repeated", "wait"),
        (nodes.len(), "nodes ran tasks", ""),
    ] {
        if number > 0 {
            tiles.push(toned(number, label, tone));
        }
    }
    if !spans.is_empty() {
        tiles.push(text(
            time(running),
            "running, all tasks together".to_owned(),
        ));
        tiles.push(text(
            time(waiting),
            "waiting, all tasks together".to_owned(),
        ));
    }
    for (size, files, what) in [
        (totals.bytes_up, totals.files_up, "sent"),
        (totals.bytes_down, totals.files_down, "brought home"),
    ] {
        if files > 0 {
            tiles.push(text(
                bytes(size),
                format!("{what}, {}", count(files, "file")),
            ));
        }
    }
    tiles
}

fn steps(record: &Record) -> Vec<Step> {
    let at = |t| figures::milliseconds(record.began, t);
    let whole = at(record.ended).max(1.0);
    let part = |ms: f64| (ms / whole * 1000.0).round() / 10.0;
    record
        .steps
        .iter()
        .map(|s| {
            let ended = s.ended.unwrap_or(record.ended);
            let took = figures::milliseconds(s.began, ended);
            Step {
                number: s.step.number(),
                title: s.step.title(),
                items: s.items,
                bytes: if s.bytes == 0 {
                    String::new()
                } else {
                    bytes(s.bytes)
                },
                took: match s.ended {
                    Some(_) => time(took),
                    None => format!("{}, not finished", time(took)),
                },
                x: part(at(s.began)),
                width: part(took).max(0.4),
            }
        })
        .collect()
}

fn durations(sorted: &[f64]) -> Vec<Row> {
    if sorted.is_empty() {
        return Vec::new();
    }
    let row = |name: &str, part| Row {
        name: name.to_owned(),
        value: time(figures::quantile(sorted, part)),
    };
    vec![
        row("shortest", 0.0),
        row("half took at most", 0.5),
        row("95 % took at most", 0.95),
        row("longest", 1.0),
    ]
}

/// Every tenth part, in words.
fn load_rows(load: &figures::Load) -> Vec<LoadRow> {
    let mean = |part: &[f64]| format!("{:.1}", part.iter().sum::<f64>() / part.len() as f64);
    let parts = load.running.chunks(10).zip(load.waiting.chunks(10));
    parts
        .enumerate()
        .map(|(i, (running, waiting))| LoadRow {
            at: time(i as f64 * 10.0 * load.step),
            running: mean(running),
            waiting: mean(waiting),
        })
        .collect()
}

fn slowest<'a>(record: &'a Record, spans: &[Spans]) -> Vec<Slow<'a>> {
    let ran = spans.iter().enumerate();
    let mut ran: Vec<(usize, f64)> = ran.filter_map(|(i, s)| Some((i, s.ran()?))).collect();
    ran.sort_by(|a, b| b.1.total_cmp(&a.1));
    let slow = ran.into_iter().take(SLOWEST).map(|(i, ms)| {
        let task = &record.tasks[i];
        Slow {
            id: &task.id,
            node: task.run.node.as_deref().unwrap_or_default(),
            ran: time(ms),
            waited: spans[i].waited().map(time).unwrap_or_default(),
            tries: 1 + task.run.retries + task.run.requeues,
        }
    });
    slow.collect()
}

fn failure(failure: &TaskFailure) -> Failure<'_> {
    let words = [&failure.code, &failure.message];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    Failure {
        task: &failure.task,
        node: failure.node.as_deref().unwrap_or_default(),
        how: match failure.exit_code {
            Some(code) => format!("exit code {code}"),
            None => format!("did not start ({})", kind(failure.cause)),
        },
        words: words.join(": "),
        stderr: failure.stderr_tail.as_deref().unwrap_or_default(),
    }
}

fn cost(record: &Record) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(bound) = &record.cost_bound {
        rows.push(Row {
            name: "bound".to_owned(),
            value: bound.clone(),
        });
    }
    if !record.nodes.is_empty() {
        let hours = figures::node_hours(&record.nodes, record.ended);
        rows.push(Row {
            name: "seen".to_owned(),
            value: format!(
                "{hours:.3} node-hours, from the first look at the pool to the end of the run"
            ),
        });
    }
    rows
}

/// What the script draws. Escaped so that nothing in it can end the element it stands in.
fn data(
    record: &Record,
    spans: &[Spans],
    sorted: &[f64],
    load: &figures::Load,
    end: f64,
) -> String {
    let mut nodes: Vec<&str> = Vec::new();
    let mut known = std::collections::HashMap::new();
    let mut tasks = Vec::with_capacity(record.tasks.len());
    for (task, span) in record.tasks.iter().zip(spans) {
        let node = task.run.node.as_deref().map(|name| {
            *known.entry(name).or_insert_with(|| {
                nodes.push(name);
                nodes.len() - 1
            })
        });
        let tries = 1 + task.run.retries + task.run.requeues;
        tasks.push(json!([
            task.id,
            node,
            span.created.map(f64::round),
            span.started.map(f64::round),
            span.ended.map(f64::round),
            task.success,
            task.exit_code,
            tries
        ]));
    }
    let outputs: Vec<Value> = record
        .outputs
        .iter()
        .map(|o| json!([o.task, o.path, o.length, o.sha256]))
        .collect();
    let data = json!({
        "end": end.round(),
        "nodes": nodes,
        "tasks": tasks,
        "load": load,
        "durations": figures::distribution(sorted),
        "outputs": outputs,
    });
    data.to_string().replace('<', "\\u003c")
}

fn moment(t: Timestamp) -> String {
    t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn time(ms: f64) -> String {
    if ms > 0.0 && ms < 1000.0 {
        return format!("{} ms", ms.round());
    }
    let length = SignedDuration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
    duration(length.unsigned_abs())
}
