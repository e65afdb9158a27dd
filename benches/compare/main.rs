//! batchflow against what one would take instead: `cargo bench --bench compare` measures all of it, with an argument
//! only the groups of that name. Prints a Markdown table and writes it to `target/bench/compare.md`, with
//! every figure in `compare.json`.
//!
//! `BATCHFLOW_BENCH_ROUNDS` sets the rounds that count, 5 by default; `BATCHFLOW_BENCH_SCALE=10` makes the large
//! measures ten times smaller, for a quick look.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod adds;
mod installed;
mod pairs;
#[path = "../../tests/it/peers/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
mod peers;
mod plans;
mod programs;
mod runs;
mod startup;
mod transfers;

use std::fs;
use std::path::Path;
use std::process::Command;

use installed::Peers;
use pairs::Row;
use serde_json::json;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let rounds = number("BATCHFLOW_BENCH_ROUNDS", 5);
    let scale = number("BATCHFLOW_BENCH_SCALE", 1);
    let peers = Peers::install();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut rows: Vec<Row> = Vec::new();
    if is_wanted("startup") {
        rows.extend(startup::startup(rounds.max(5)));
    }
    if is_wanted("true-1000") {
        rows.extend(runs::trues(1000, "≤ 1.5", rounds, &peers));
    }
    if is_wanted("true-10000") {
        rows.extend(runs::trues(10_000 / scale, "≤ 1.3", rounds, &peers));
    }
    if is_wanted("top-words") {
        rows.push(runs::top_words(1000 / scale, rounds));
    }
    if is_wanted("adds") {
        rows.push(adds::against_the_sdk(rounds, &runtime, &peers));
    }
    if is_wanted("million") {
        rows.extend(adds::a_million(1_000_000 / scale, &runtime));
    }
    if is_wanted("plan") {
        rows.extend(plans::plan(100_000 / scale, rounds));
    }
    if is_wanted("nothing") {
        rows.push(plans::nothing_to_do(10_000 / scale, rounds));
    }
    if is_wanted("upload-small") {
        let settings = [(4, 1), (16, 1)];
        let of = (10_000 / scale, 10_240);
        rows.extend(
            transfers::upload(&format!("{} × 10 KiB", of.0), of, &settings, rounds, &peers)
                .into_iter()
                .flatten(),
        );
    }
    if is_wanted("upload-large") {
        let settings = [(2, 1), (2, 4)];
        let of = (2, (1 << 30) / scale);
        rows.extend(
            transfers::upload(
                &format!("{} × {} MiB", of.0, of.1 >> 20),
                of,
                &settings,
                rounds.min(3),
                &peers,
            )
            .into_iter()
            .flatten(),
        );
    }
    report(&rows, rounds, &peers);
    clean();
}

fn number(name: &str, default: usize) -> usize {
    let value = std::env::var(name).ok();
    value.and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn report(rows: &[Row], rounds: usize, peers: &Peers) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let machine = machine();
    let mut text = format!(
        "{}; {}; {rounds} rounds\n\n{}\n",
        machine.join(", "),
        peers.versions().join(", "),
        Row::HEAD
    );
    for row in rows {
        text.push_str(&row.markdown());
        text.push('\n');
    }
    println!("{text}");
    let rows: Vec<_> = rows.iter().map(Row::json).collect();
    let whole =
        json!({"machine": machine, "peers": peers.versions(), "rounds": rounds, "rows": rows});
    fs::write(folder.join("compare.md"), text).expect("the target folder is writable");
    fs::write(folder.join("compare.json"), format!("{whole:#}"))
        .expect("the target folder is writable");
}

/// Date, processor, cores, kernel, and what else was going on.
fn machine() -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let date = Command::new("date").args(["-u", "+%F %H:%M UTC"]).output();
    let date = date
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default();
    vec![
        date,
        model.trim_matches([' ', '\t', ':']).to_owned(),
        format!("{cores} cores"),
        format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        format!(
            "load {}",
            read("/proc/loadavg")
                .split(' ')
                .take(3)
                .collect::<Vec<_>>()
                .join(" ")
        ),
    ]
}

/// The folders of all rounds.
fn clean() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("round-") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
