//! The arguments of the verbs that people use around a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

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

#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    #[command(flatten)]
    pub(super) of: WhereArgs,
    /// The task
    pub(super) task: String,
    /// Print this file, such as `stdout.txt` or `wd/out.csv`, instead of listing all
    pub(super) path: Option<String>,
    /// Write the file there instead; nothing is overwritten
    #[arg(long, value_name = "FILE", requires = "path")]
    pub(super) to: Option<PathBuf>,
    /// Print the list as JSON
    #[arg(long, conflicts_with = "path")]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    pub(super) of: WhereArgs,
    /// End only these tasks
    #[arg(value_name = "TASK")]
    pub(super) tasks: Vec<String>,
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve")]
    pub(super) yes: bool,
    /// Print JSON
    #[arg(long, requires = "yes")]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DownloadArgs {
    #[command(flatten)]
    pub(super) of: WhereArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct AccountCheckArgs {
    #[command(flatten)]
    pub(super) of: AccountArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// An account: of a manifest, or of the environment.
#[derive(Debug, Args)]
pub(super) struct AccountArgs {
    /// A manifest whose target is meant; default: the account of the environment
    #[arg(long, value_name = "FILE")]
    pub(super) manifest: Option<PathBuf>,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

#[derive(Debug, Args)]
pub(super) struct ImagesArgs {
    /// Only images with all these words in publisher, offer, sku or node agent
    #[arg(value_name = "WORD")]
    pub(super) words: Vec<String>,
    #[command(flatten)]
    pub(super) of: AccountArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct GcArgs {
    #[command(flatten)]
    pub(super) of: AccountArgs,
    /// Only what the manifest of this name made
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Containers as well, with all that is in them
    #[arg(long)]
    pub(super) containers: bool,
    /// Only manifests that made nothing within this time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = age)]
    pub(super) older_than: Duration,
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve")]
    pub(super) yes: bool,
    /// Only show what would be deleted
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON; deletes nothing unless --yes is given
    #[arg(long)]
    pub(super) json: bool,
}

/// As `1h`, `30m` or `P2D`.
fn age(text: &str) -> Result<Duration, String> {
    let given = text.parse::<jiff::SignedDuration>().ok();
    given
        .and_then(|given| Duration::try_from(given).ok())
        .ok_or_else(|| "expected a time such as 30m, 1h or 48h".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The file to make; nothing is overwritten
    #[arg(default_value = "batchflow.toml")]
    pub(super) file: PathBuf,
    /// Start from an example and the files that it names; --list names the examples
    #[arg(long, value_name = "EXAMPLE", conflicts_with_all = ["name", "input", "command", "output", "to", "nodes", "vm_size", "account"])]
    pub(super) from: Option<String>,
    /// List the examples
    #[arg(long)]
    pub(super) list: bool,
    /// Name of the manifest, its pool and its job
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Input files, one task for each
    #[arg(long, value_name = "GLOB")]
    pub(super) input: Option<String>,
    /// What runs for one file; {{file.name}} is its name
    #[arg(long)]
    pub(super) command: Option<String>,
    /// The files that the command writes
    #[arg(long, value_name = "PATTERN")]
    pub(super) output: Option<String>,
    /// The folder they come home to
    #[arg(long, value_name = "FOLDER")]
    pub(super) to: Option<String>,
    /// How many nodes
    #[arg(long)]
    pub(super) nodes: Option<u32>,
    /// Size of a node
    #[arg(long, value_name = "SIZE")]
    pub(super) vm_size: Option<String>,
    /// For Azure, with the account of the environment
    #[arg(long)]
    pub(super) account: bool,
    /// Ask nothing
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// A pool of the account, and a job with its tasks
    Live {
        /// Id of the pool; default: that of the job
        #[arg(long, required_unless_present = "job")]
        pool: Option<String>,
        /// Id of the job
        #[arg(long)]
        job: Option<String>,
        #[command(flatten)]
        of: AccountArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Templates of `az batch` and Batch Explorer: a pool, a job, or both
    AzTemplate {
        /// The JSON files
        #[arg(required = true, value_name = "FILE.json")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Configuration of Batch Shipyard
    Shipyard {
        /// The YAML files (config, pool, jobs), or the folder they are in
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Which job, when there are several; default: the first
        #[arg(long)]
        job: Option<String>,
        #[command(flatten)]
        out: OutArgs,
    },
}

/// Where an imported manifest goes.
#[derive(Debug, Args)]
pub(super) struct OutArgs {
    /// The file to make instead of printing; nothing is overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}
