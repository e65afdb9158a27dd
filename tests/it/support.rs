//! A folder with a manifest in it, and the program run there as a person would run it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_else(|e| panic!("{relative}: {e}"))
    }

    /// The program with nothing of this process's environment but what any shell has. It dies with the thread that
    /// started it, so that tests that are killed leave nothing running.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = mortal(env!("CARGO_BIN_EXE_batchflow"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        Ran(self.command(args).output().unwrap())
    }

    pub(crate) fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Child {
        self.command(args).spawn().unwrap()
    }
}

/// A program that dies with the thread that started it, where the system can do so.
pub(crate) fn mortal(program: &str) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

/// How a run ended.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self(output)
    }

    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            code,
            "\nstdout:\n{}\nstderr:\n{}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        let all = self.stdout() + &self.stderr();
        for word in words {
            assert!(all.contains(word), "{word:?} is not in:\n{all}");
        }
        self
    }
}

/// Every file below a folder with its content, the receipt left out.
pub(crate) fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".batchflow") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Waits until a condition holds; panics after a minute.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = batchflow::clock::monotonic();
    while !holds() {
        assert!(start.elapsed().as_secs() < 60, "waited a minute for {what}");
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// The local service in this process.
pub(crate) async fn local_service(
    state_dir: Option<PathBuf>,
    running: bool,
) -> batchflow::service::Service {
    use batchflow::service::{Nodes, Options, start};
    let options = Options {
        state_dir,
        nodes: if running {
            Nodes::Running
        } else {
            Nodes::Paused
        },
        ..Options::new(env!("CARGO_BIN_EXE_batchflow").into())
    };
    start(options).await.unwrap()
}

/// Our client for it.
pub(crate) fn client(service: &batchflow::service::Service) -> batchflow::client::Client {
    use batchflow::client::{Account, Client, Credential, Reqwest, ServiceAccount};
    use batchflow::wire::auth::AccountKey;
    let account = |endpoint: &str| ServiceAccount {
        name: service.account().to_owned(),
        credential: Credential::Key(AccountKey::from_base64(service.key().expose()).unwrap()),
        endpoint: endpoint.parse().unwrap(),
    };
    let account = Account {
        batch: account(service.batch_endpoint()),
        storage: account(service.blob_endpoint()),
    };
    Client::new(&account, std::sync::Arc::new(Reqwest::new().unwrap())).unwrap()
}
