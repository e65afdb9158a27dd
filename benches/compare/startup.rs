//! What there is to wait for before anything happens, and what an idle service takes.

use std::fs;
use std::thread;
use std::time::Duration;

use super::pairs::{Row, seconds, timed};
use super::programs::{BATCHFLOW, Served, batchflow, folder, memory, run};

const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn startup(rounds: usize) -> [Row; 4] {
    let version = Row::new("`batchflow --version`", "≤ 10", " ms").measure(
        rounds,
        || seconds(|| run(&mut batchflow(&["--version"]))) * 1e3,
        &mut [],
    );
    let mut idle = Row::new("memory of an idle `serve`", "≤ 30", " MiB");
    let ready = Row::new("`serve` until it says where it is", "≤ 50", " ms").measure(
        rounds,
        || {
            let (served, took) = timed(|| Served::start(&folder().join("state")));
            thread::sleep(IDLE);
            idle.ours.push(memory(served.pid(), "VmRSS:"));
            took.as_secs_f64() * 1e3
        },
        &mut [],
    );
    let mut size = Row::new("release binary", "≤ 20", " MiB");
    let bytes = fs::metadata(BATCHFLOW).map_or(0, |m| m.len());
    size.ours.push(bytes as f64 / 1024.0 / 1024.0);
    [version, ready, idle, size]
}
