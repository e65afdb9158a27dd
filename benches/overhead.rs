//! What a whole apply costs on top of the commands it runs: a thousand times `/bin/true` through manifest, plan,
//! local service and receipt, against `xargs -P2` in the same run.
//!
//! `cargo bench --bench overhead` prints a Markdown table and writes `target/bench/overhead.json`.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const ROUNDS: usize = 5;

/// One pair of measurements.
#[derive(Debug, Clone, Copy)]
struct Pair {
    ours: Duration,
    peer: Duration,
}

fn main() {
    let sizes: Vec<usize> = match std::env::var("BATCHFLOW_BENCH_TASKS") {
        Ok(list) => list
            .split(',')
            .filter_map(|n| n.trim().parse().ok())
            .collect(),
        Err(_) => vec![1000],
    };
    let mut rows = Vec::new();
    let mut folders = Vec::new();
    println!("| tasks | apply (median) | xargs -P2 (median) | ratio (median of pairs) | spread |");
    println!("|---|---|---|---|---|");
    for tasks in sizes {
        let mut pairs: Vec<Pair> = (0..=ROUNDS)
            .map(|_| Pair {
                ours: apply(tasks, &mut folders),
                peer: xargs(tasks),
            })
            .collect();
        // The first pair warms caches up.
        pairs.remove(0);
        let ratios = sorted(
            pairs
                .iter()
                .map(|p| p.ours.as_secs_f64() / p.peer.as_secs_f64()),
        );
        let ours = sorted(pairs.iter().map(|p| p.ours.as_secs_f64()));
        let peer = sorted(pairs.iter().map(|p| p.peer.as_secs_f64()));
        let (ratio, low, high) = (ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
        println!(
            "| {tasks} × /bin/true | {:.2} s | {:.2} s | {ratio:.2} | {low:.2} – {high:.2} |",
            ours[ROUNDS / 2],
            peer[ROUNDS / 2],
        );
        rows.push(serde_json::json!({
            "tasks": tasks, "rounds": ROUNDS, "ratio": ratio, "ratio_min": low, "ratio_max": high,
            "apply_seconds": ours, "xargs_seconds": peer,
        }));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    let report = serde_json::json!({ "cores": std::thread::available_parallelism().map_or(0, usize::from), "overhead": rows });
    fs::create_dir_all(&folder).expect("the target folder is writable");
    fs::write(folder.join("overhead.json"), report.to_string())
        .expect("the target folder is writable");
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The whole of it, from an empty folder. Its folder stays until the end of the benchmark: ext4 makes files slowly
/// for a minute after many were deleted, and the next round would pay for that.
fn apply(tasks: usize, folders: &mut Vec<TempDir>) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = folder.path().join("true.toml");
    let text = format!(
        r#"
name = "true"
[pool]
id = "true"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "true"
[[tasks]]
for_each = {{ range = [0, {tasks}] }}
id = "true-{{{{item}}}}"
command_line = "/bin/true"
"#
    );
    fs::write(&manifest, text).expect("the temporary folder is writable");
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_batchflow"))
        .args(["apply", "--yes", "--quiet"])
        .arg(&manifest)
        .stdin(Stdio::null())
        .status()
        .expect("batchflow starts");
    let took = start.elapsed();
    assert!(status.success(), "apply ended with {status}");
    folders.push(folder);
    took
}

fn xargs(tasks: usize) -> Duration {
    let start = Instant::now();
    let status = Command::new("sh")
        .args(["-c", &format!("seq {tasks} | xargs -P2 -I{{}} /bin/true")])
        .status()
        .expect("sh starts");
    let took = start.elapsed();
    assert!(status.success(), "xargs ended with {status}");
    took
}
