//! What a task sees with bubblewrap around it: its node, the directories of the system, which it cannot write, and a
//! `/tmp` of its own; no home, no other node, and no process but those of its own run. The network is as it is
//! outside: tasks fetch and send with URLs of this service.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// What the system needs to run programs. Not all of it is everywhere.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/sys",
    "/run/systemd/resolve",
];

/// Why tasks cannot be put into one.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the program `bwrap` is not there")]
    Missing,
    #[error("cannot run {program}")]
    Start {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("bubblewrap cannot make a sandbox here: {said}")]
    Refused { said: String },
}

impl SandboxError {
    /// What a person can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing => "install the package bubblewrap, or leave --sandbox out",
            Self::Start { .. } | Self::Refused { .. } => {
                "it needs user namespaces: see kernel.unprivileged_userns_clone, user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns, or leave --sandbox out"
            }
        }
    }
}

/// What is put around the processes of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct Sandbox {
    bwrap: PathBuf,
}

impl Sandbox {
    /// The first `bwrap` in `path`, once it has shown that it works.
    pub(in crate::service) fn find(path: &str) -> Result<Self, SandboxError> {
        let candidates = path.split(':').filter(|p| p.starts_with('/'));
        let mut candidates = candidates.map(|p| Path::new(p).join("bwrap"));
        let bwrap = candidates
            .find(|p| p.is_file())
            .ok_or(SandboxError::Missing)?;
        let sandbox = Self { bwrap };
        let tried = sandbox
            .command(None, Path::new("/"), false)
            .arg("/bin/true")
            .stdin(Stdio::null())
            .env_clear()
            .output()
            .map_err(|source| SandboxError::Start {
                program: sandbox.bwrap.clone(),
                source,
            })?;
        match tried.status.success() {
            true => Ok(sandbox),
            false => Err(SandboxError::Refused {
                said: String::from_utf8_lossy(&tried.stderr).trim().to_owned(),
            }),
        }
    }

    /// To be followed by a program and its arguments. What is held goes on when its first process has ended, and so
    /// cannot be in a process namespace, which ends with that.
    pub(super) fn command(&self, node: Option<&Path>, cwd: &Path, hold: bool) -> Command {
        let mut command = Command::new(&self.bwrap);
        for directory in SYSTEM {
            command.args(["--ro-bind-try", directory, directory]);
        }
        command.args(["--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]);
        match hold {
            true => command.args(["--ro-bind", "/proc", "/proc"]),
            false => command.args(["--unshare-pid", "--proc", "/proc", "--die-with-parent"]),
        };
        command.arg("--unshare-ipc");
        if let Some(node) = node {
            command.arg("--bind").args([node, node]);
        }
        command.arg("--chdir").arg(cwd).arg("--");
        command
    }
}
