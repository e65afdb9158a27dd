//! What others made: pinned packages in the target folder, and what the system has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::peers::{Node, Python, Server};
use super::programs::{Served, folder};

/// Each is there or is not; rows whose peer is missing say so.
pub(crate) struct Peers {
    sdk: Option<Python>,
    hyperqueue: Option<PathBuf>,
    azurite: Option<Node>,
    parallel: bool,
}

impl Peers {
    pub(crate) fn install() -> Self {
        let told = |what: &str, error: String| eprintln!("without {what}: {error}");
        Self {
            sdk: Python::with("requirements-15.txt")
                .map_err(|e| told("the SDKs", e))
                .ok(),
            hyperqueue: hyperqueue().map_err(|e| told("HyperQueue", e)).ok(),
            azurite: Node::with_packages().map_err(|e| told("Azurite", e)).ok(),
            parallel: first_line(Command::new("parallel").arg("--version")).is_some(),
        }
    }

    pub(crate) fn has_sdk(&self) -> bool {
        self.sdk.is_some()
    }

    pub(crate) fn has_hyperqueue(&self) -> bool {
        self.hyperqueue.is_some()
    }

    pub(crate) fn has_parallel(&self) -> bool {
        self.parallel
    }

    /// Name and version of each.
    pub(crate) fn versions(&self) -> Vec<String> {
        let system = [
            first_line(Command::new("xargs").arg("--version")),
            self.parallel
                .then(|| first_line(Command::new("parallel").arg("--version")))
                .flatten(),
            first_line(Command::new("python3").arg("--version")),
            first_line(Command::new("node").arg("--version")).map(|v| format!("Node.js {v}")),
        ];
        let pinned = fs::read_to_string(requirements()).unwrap_or_default();
        let sdk = include_str!("../../tests/clients/python/requirements-15.txt");
        let packages = pinned.lines().chain(sdk.lines());
        let named = packages.filter(|l| l.starts_with("hyperqueue") || l.starts_with("azure-"));
        system
            .into_iter()
            .flatten()
            .chain(named.map(|l| l.replace("==", " ")))
            .collect()
    }

    /// Seconds for so many `/bin/true`, by its own clock: without the start of Python.
    pub(crate) fn hyperqueue(&self, tasks: usize) -> f64 {
        let mut command = Command::new(self.hyperqueue.as_ref().expect("asked before"));
        command
            .arg(scripts().join("hyperqueue_true.py"))
            .arg(tasks.to_string())
            .current_dir(folder());
        figure(&mut command)
    }

    /// Seconds for adding so many tasks.
    pub(crate) fn add_tasks(&self, served: &Served, tasks: usize, threads: usize) -> f64 {
        let python = self.sdk.as_ref().expect("asked before");
        let mut command = python.script(&scripts().join("add_tasks.py"));
        command
            .args([tasks.to_string(), threads.to_string()])
            .envs(served.environment());
        figure(&mut command)
    }

    /// Seconds for uploading a folder.
    pub(crate) fn upload(
        &self,
        connection: &str,
        files: &Path,
        container: &str,
        (threads, blocks): (usize, usize),
    ) -> f64 {
        let python = self.sdk.as_ref().expect("asked before");
        let mut command = python.script(&scripts().join("upload.py"));
        command
            .arg(files)
            .arg(container)
            .args([threads.to_string(), blocks.to_string()])
            .env("AZURE_STORAGE_CONNECTION_STRING", connection);
        figure(&mut command)
    }

    /// An Azurite of its own and its connection string.
    pub(crate) fn azurite(&self) -> Option<(Server, String)> {
        const ACCOUNT: &str = "devstoreaccount1";
        const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        self.sdk.as_ref()?;
        let node = self.azurite.as_ref()?;
        let mut command = Command::new("node");
        command
            .arg(node.modules().join("azurite/dist/src/blob/main.js"))
            .args([
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                "0",
                "--disableTelemetry",
                // The SDK may speak a later one.
                "--skipApiVersionCheck",
                "--silent",
            ])
            .arg("--location")
            .arg(folder().join("azurite"));
        let mut server = Server::start(&mut command).ok()?;
        let endpoint = server.wait_for(std::time::Duration::from_secs(60), |line| {
            let found = line.rsplit_once("successfully listens on ");
            found.map(|(_, url)| url.to_owned())
        });
        let connection = format!(
            "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}/{ACCOUNT};"
        );
        Some((server, connection))
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/peers")
}

fn requirements() -> PathBuf {
    scripts().join("requirements.txt")
}

/// The Python that has HyperQueue.
fn hyperqueue() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-peers");
    let python = folder.join("bin/python");
    let mut test = Command::new(&python);
    let is_there = test
        .args(["-c", "import hyperqueue"])
        .stderr(Stdio::null())
        .status();
    if is_there.is_ok_and(|s| s.success()) {
        return Ok(python);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&folder);
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .arg("--requirement")
        .arg(requirements());
    for mut step in [venv, install] {
        let status = step.status().map_err(|e| format!("{step:?}: {e}"))?;
        if !status.success() {
            return Err(format!("{step:?} ended with {status}"));
        }
    }
    Ok(python)
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// The number that a script prints last.
fn figure(command: &mut Command) -> f64 {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().and_then(|l| l.trim().parse().ok());
    last.unwrap_or_else(|| panic!("{command:?} printed {text}"))
}
