//! Clients that others wrote, unchanged, against `batchflow serve`: only endpoint, account and key are ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::peers::{self, Node, Python, Server, skip};

const READY_WITHIN: Duration = Duration::from_secs(20);
const SCENARIO_WITHIN: Duration = Duration::from_secs(180);

#[test]
fn azure_batch_15() {
    python("azure_batch_15", "requirements-15.txt", "python/batch_15");
}

#[test]
fn azure_batch_14() {
    python("azure_batch_14", "requirements-14.txt", "python/batch_14");
}

#[test]
fn azure_storage_blob() {
    python("azure_storage_blob", "requirements-15.txt", "python/blob");
}

#[test]
fn javascript() {
    match Node::with_packages() {
        Ok(node) => run_all("js", "js", |script| node.script(script)),
        Err(needs) => skip("javascript", &needs),
    }
}

/// The two programs of `samples/use-the-local-service`, and what the task's own script says when run by hand.
#[test]
fn samples() {
    let python = Python::with("requirements-15.txt");
    let node = Node::with_packages();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/use-the-local-service");
    let commands = [
        (
            "samples in Python",
            python.map(|p| p.script(&folder.join("top_n_words.py"))),
        ),
        (
            "samples in JavaScript",
            node.map(|n| n.script(&folder.join("top-n-words.js"))),
        ),
    ];
    for (test, command) in commands {
        match command {
            Ok(mut command) => sample(&mut command),
            Err(needs) => skip(test, &needs),
        }
    }
}

fn sample(program: &mut Command) {
    let service = Served::start();
    let out = tempfile::tempdir().unwrap();
    let program = service.tell(program.arg(out.path()));
    peers::run(program, SCENARIO_WITHIN).unwrap_or_else(|said| panic!("{said}"));
    service.stop();

    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/top-n-words");
    let texts = scripts(&sample.join("texts"), "txt");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), texts.len());
    for text in texts {
        let mut by_hand = Command::new(sample.join("top-n-words.sh"));
        let expected = peers::run(by_hand.arg(&text).arg("3"), SCENARIO_WITHIN).unwrap();
        let stem = text.file_stem().unwrap().to_string_lossy();
        let got = fs::read_to_string(out.path().join(format!("{stem}_OUTPUT.txt"))).unwrap();
        assert_eq!(got, expected, "{stem}");
    }
}

fn python(test: &str, requirements: &str, folder: &str) {
    match Python::with(requirements) {
        Ok(python) => run_all(folder, "py", |script| python.script(script)),
        Err(needs) => skip(test, &needs),
    }
}

/// Every scenario of a folder against one service, each to its end, and all failures at once.
fn run_all(folder: &str, extension: &str, command: impl Fn(&Path) -> Command) {
    let service = Served::start();
    let scripts = scripts(&peers::folder().join(folder), extension);
    assert!(!scripts.is_empty(), "no scenarios in {folder}");
    let failures: Vec<String> = scripts
        .iter()
        .filter_map(|script| {
            let said = peers::run(service.tell(&mut command(script)), SCENARIO_WITHIN);
            match said {
                Ok(said) if said.lines().any(|line| line.starts_with("ok ")) => None,
                Ok(said) => Some(format!("{}: never said ok\n{said}", script.display())),
                Err(said) => Some(format!("{}: {said}", script.display())),
            }
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    service.stop();
}

fn scripts(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut scripts: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        // What the scenarios share.
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "service"))
        .collect();
    scripts.sort();
    scripts
}

/// `batchflow serve`, and what it printed for its clients.
struct Served {
    server: Server,
    variables: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_batchflow"));
        command
            .args(["serve", "--in-memory", "--port", "0", "--blob-port", "0"])
            .current_dir(folder.path());
        let mut server = Server::start(&mut command).unwrap();
        let variables = [
            "AZURE_BATCH_ACCOUNT",
            "AZURE_BATCH_ACCESS_KEY",
            "AZURE_BATCH_ENDPOINT",
            "AZURE_STORAGE_CONNECTION_STRING",
        ]
        .map(|name| {
            let prefix = format!("export {name}=");
            let value = server.wait_for(READY_WITHIN, |line| {
                line.strip_prefix(&prefix)
                    .map(|v| v.trim_matches('\'').to_owned())
            });
            (name.to_owned(), value)
        });
        Self {
            server,
            variables: variables.into(),
            _folder: folder,
        }
    }

    /// As `eval` in a shell would.
    fn tell<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    fn stop(self) {
        let ended = self.server.stop();
        assert!(
            ended.is_some_and(|status| status.success()),
            "serve ended with {ended:?}"
        );
    }
}
