//! The arguments of the verbs that people use around a run.

use clap::Args;

use super::args::{ManifestArgs, TargetArgs};

/// A manifest, and where it is applied.
#[derive(Debug, Args)]
pub(super) struct WhereArgs {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

#[derive(Debug, Args)]
pub(super) struct LookArgs {
    #[command(flatten)]
    pub(super) of: WhereArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct TasksArgs {
    #[command(flatten)]
    pub(super) of: WhereArgs,
    /// Only tasks that failed
    #[arg(long)]
    pub(super) failed: bool,
    /// Only tasks in this state: active, preparing, running or completed
    #[arg(long, value_name = "STATE", value_parser = ["active", "preparing", "running", "completed"])]
    pub(super) state: Option<String>,
    /// Only tasks that ended with this exit code
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) exit_code: Option<i32>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    #[command(flatten)]
    pub(super) of: WhereArgs,
    /// The task; without it, every task that failed
    pub(super) task: Option<String>,
    /// Only stdout
    #[arg(long, conflicts_with = "stderr")]
    pub(super) stdout: bool,
    /// Only stderr
    #[arg(long)]
    pub(super) stderr: bool,
    /// Go on until the task ends
    #[arg(short, long, requires = "task")]
    pub(super) follow: bool,
}
