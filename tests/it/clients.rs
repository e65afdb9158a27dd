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
    let service = Served::start(&["--in-memory"]);
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

/// One scenario of each client over https, which trusts the service's own authority as the service says to.
#[test]
fn over_tls() {
    let scenario = |path: &str| peers::folder().join(path);
    let mut commands = Vec::new();
    let mut want = |test, client: Result<Command, String>| match client {
        Ok(command) => commands.push(command),
        Err(needs) => skip(test, &needs),
    };
    for (requirements, script) in [
        ("requirements-15.txt", "python/batch_15/node_actions.py"),
        ("requirements-14.txt", "python/batch_14/node_actions.py"),
        ("requirements-15.txt", "python/blob/content.py"),
    ] {
        let python = Python::with(requirements);
        want(
            "over_tls in Python",
            python.map(|p| p.script(&scenario(script))),
        );
    }
    for script in ["js/batch.js", "js/blob.js"] {
        let node = Node::with_packages();
        want(
            "over_tls in JavaScript",
            node.map(|n| n.script(&scenario(script))),
        );
    }
    let service = Served::start(&["--tls", "--state-dir", "state"]);
    assert!(
        service.variables.iter().any(|(name, value)| {
            name == "AZURE_BATCH_ENDPOINT" && value.starts_with("https://")
        })
    );
    for mut command in commands {
        let said = peers::run(service.tell(&mut command), SCENARIO_WITHIN);
        said.unwrap_or_else(|said| panic!("{command:?}: {said}"));
    }
    service.stop();
}

fn python(test: &str, requirements: &str, folder: &str) {
    match Python::with(requirements) {
        Ok(python) => run_all(folder, "py", |script| python.script(script)),
        Err(needs) => skip(test, &needs),
    }
}

/// Where a service over https says what to trust.
const AUTHORITY: [&str; 3] = ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/// Every scenario of a folder against one service, each to its end, and all failures at once.
fn run_all(folder: &str, extension: &str, command: impl Fn(&Path) -> Command) {
    let service = Served::start(&["--in-memory"]);
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
pub(crate) struct Served {
    server: Server,
    variables: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl Served {
    pub(crate) fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_batchflow"));
        command
            .args(["serve", "--port", "0", "--blob-port", "0"])
            .args(options)
            .current_dir(folder.path());
        let mut server = Server::start(&mut command).unwrap();
        let mut names = vec![
            "AZURE_BATCH_ACCOUNT",
            "AZURE_BATCH_ACCESS_KEY",
            "AZURE_BATCH_ENDPOINT",
            "AZURE_STORAGE_CONNECTION_STRING",
            "BATCHFLOW_LIVE_PAGE",
        ];
        if options.contains(&"--tls") {
            names.extend(AUTHORITY);
        }
        let variables = names.into_iter().map(|name| {
            let prefix = format!("export {name}=");
            let value = server.wait_for(READY_WITHIN, |line| {
                line.strip_prefix(&prefix)
                    .map(|v| v.trim_matches('\'').to_owned())
            });
            (name.to_owned(), value)
        });
        Self {
            variables: variables.collect(),
            server,
            _folder: folder,
        }
    }

    /// As `eval` in a shell would.
    pub(crate) fn tell<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    pub(crate) fn stop(self) {
        let ended = self.server.stop();
        assert!(
            ended.is_some_and(|status| status.success()),
            "serve ended with {ended:?}"
        );
    }
}
