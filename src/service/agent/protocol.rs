//! What the service and its launcher say to each other: one JSON object a line, requests on the launcher's
//! standard input, notices on its standard output.

use serde::{Deserialize, Serialize};

use super::sandbox::Sandbox;

/// The hidden first argument that makes the program a launcher.
pub const LAUNCHER_ARGUMENT: &str = "__launcher";

/// The variable that tells whose a process is, even after its parents are gone. Every command line has it.
pub(super) const MARKER: &str = "AZ_BATCH_TASK_DIR";

/// From the service to the launcher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    Launch(Command),
    /// Kill the run's process group, or what is held of it; answered by its `Exited`.
    Kill {
        run: u64,
    },
}

/// A process to start.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Command {
    pub(super) run: u64,
    /// The program and its arguments. A program without `/` is looked up in the `PATH` given here.
    pub(super) argv: Vec<String>,
    /// What it leaves in the background goes on until the run is killed or another process of the run ends.
    #[serde(default)]
    pub(super) hold: bool,
    /// The task's directory, to be made first, with what follows below it. It does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) directory: Option<String>,
    /// The whole environment.
    pub(super) env: Vec<(String, String)>,
    pub(super) cwd: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sandbox: Option<Around>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A sandbox, and the directory of the node that is all it can write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Around {
    pub(super) sandbox: Sandbox,
    pub(super) node: String,
}

impl std::fmt::Debug for Command {
    /// Arguments and environment may hold a user's secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command")
            .field("run", &self.run)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

/// From the launcher to the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Notice {
    /// The first line: the launcher takes requests.
    Ready,
    Started {
        run: u64,
        pid: u32,
    },
    /// A process that was to be held has ended; what it left goes on. Killed by signal n: 128 + n.
    Held {
        run: u64,
        code: i32,
    },
    /// No process was started.
    Failed {
        run: u64,
        why: LaunchFailure,
    },
    /// The process and all it left behind are gone. Killed by signal n: 128 + n.
    Exited {
        run: u64,
        code: i32,
    },
}

/// Why there is no process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LaunchFailure {
    ProgramNotFound { program: String },
    NoDirectory { message: String },
    Refused { message: String },
}
