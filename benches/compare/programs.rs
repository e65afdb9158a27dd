//! Programs that are measured: ours and those of others.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub(crate) const BATCHFLOW: &str = env!("CARGO_BIN_EXE_batchflow");

pub(crate) fn batchflow(arguments: &[&str]) -> Command {
    let mut command = Command::new(BATCHFLOW);
    command.args(arguments);
    command
}

/// `apply --yes --quiet`.
pub(crate) fn apply(manifest: &Path) -> Command {
    let mut command = batchflow(&["apply", "--yes", "--quiet"]);
    command.arg(manifest);
    command
}

/// Runs to a good end, without a terminal and with its output thrown away.
pub(crate) fn run(command: &mut Command) {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?} ended with {status}");
}

pub(crate) fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// The same, and the most memory it had at once, in MiB: looked at every few milliseconds, as the kernel keeps the
/// highest mark only while the process lives.
pub(crate) fn run_watched(command: &mut Command) -> f64 {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut peak = 0.0_f64;
    loop {
        peak = peak.max(memory(child.id(), "VmHWM:"));
        match child.try_wait() {
            Ok(Some(status)) => {
                assert!(status.success(), "{command:?} ended with {status}");
                return peak;
            }
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }
}

/// MiB of a process, from its status.
pub(crate) fn memory(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

/// A `batchflow serve` of its own.
pub(crate) struct Served {
    child: Child,
    pub(crate) batch: String,
    pub(crate) account: String,
    pub(crate) key: String,
    pub(crate) storage: String,
}

impl Served {
    pub(crate) fn start(state: &Path) -> Self {
        let mut child = batchflow(&["serve", "--port", "0", "--blob-port", "0", "--json"])
            .arg("--state-dir")
            .arg(state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("serve starts");
        let output = child.stdout.take().expect("it has an output");
        let described: Value = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| serde_json::from_str(&line).ok())
            .expect("serve says where it is");
        let value = |name: &str| described[name].as_str().unwrap_or_default().to_owned();
        Self {
            child,
            batch: value("batch_endpoint"),
            account: value("account"),
            key: value("key"),
            storage: value("storage_connection_string"),
        }
    }

    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AZURE_BATCH_ENDPOINT", self.batch.clone()),
            ("AZURE_BATCH_ACCOUNT", self.account.clone()),
            ("AZURE_BATCH_ACCESS_KEY", self.key.clone()),
            ("AZURE_STORAGE_CONNECTION_STRING", self.storage.clone()),
        ]
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that stays until the end of the benchmark: on ext4, files are made slowly for a minute after many were
/// deleted, and the next round would pay for that.
pub(crate) fn folder() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&parent).expect("the target folder is writable");
    let folder = tempfile::Builder::new()
        .prefix("round-")
        .tempdir_in(&parent);
    folder.expect("the target folder is writable").keep()
}
