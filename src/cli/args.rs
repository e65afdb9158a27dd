//! The command line as plain data.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::run_args::{
    AccountCheckArgs, CancelArgs, DownloadArgs, FilesArgs, GcArgs, ImagesArgs, ImportCommand,
    InitArgs, LogsArgs, LookArgs, TasksArgs,
};
use crate::report::exit_code::ExitCode;
use crate::report::progress::Mode;
use crate::service::development;

/// Push many files through Azure Batch from one manifest.
#[derive(Debug, Parser)]
#[command(name = "batchflow", version, propagate_version = true, after_help = ExitCode::table())]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Colours on stdout and stderr
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(super) color: Color,
    /// Say more; twice: log every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check a manifest and its input files; nothing is sent
    Validate(ValidateArgs),
    /// Show what apply would do
    Plan(PlanArgs),
    /// Make it so: containers, uploads, pool, job, tasks, monitor, download, cleanup
    Apply(ApplyArgs),
    /// Delete the job, the pool and the containers that this manifest made
    Destroy(DestroyArgs),
    /// Make the HTML report of the last apply again
    ///
    /// Apply writes it to .batchflow/MANIFEST/report.html beside the manifest.
    Report(ReportArgs),
    /// Print the JSON Schema of a manifest, for editors
    Schema,
    /// Say which account and credentials are used, and check each right with a call that changes nothing
    Account(AccountCheckArgs),
    /// Say why tasks of a manifest do not run and what to do, or what a diagnostic code means
    Explain(ExplainArgs),
    /// Try formulas that size pools
    #[command(subcommand)]
    Autoscale(AutoscaleCommand),
    /// Run the local service on its own, for any Azure Batch client
    ///
    /// Account, key and ports are those of a development account that everybody may know, so that the
    /// configuration of a client can be committed. It listens on loopback only. Tasks run as the user who started
    /// it, with no sandbox unless --sandbox is given: on a machine with other users, use --own-key.
    ///
    /// A page at /_batchflow/ of the Batch endpoint shows pools, nodes, jobs and tasks as they are.
    ///
    /// POST /_batchflow/reset, signed like any request, deletes everything.
    Serve(ServeArgs),
    /// Show how the job and the pool stand, what failed, and what is in the way
    Status(LookArgs),
    /// List the tasks of the job
    Tasks(TasksArgs),
    /// Show what tasks wrote: from the node while it is there, from blob storage afterwards
    Logs(LogsArgs),
    /// List the nodes of the pool
    Nodes(LookArgs),
    /// List the images that the account supports, with their node agents
    Images(ImagesArgs),
    /// List the files of a task on its node, or print one
    Files(FilesArgs),
    /// End the job, or single tasks; outputs and the pool stay
    Cancel(CancelArgs),
    /// Bring home what tasks wrote so far; nothing runs and nothing is deleted
    Download(DownloadArgs),
    /// Delete what manifests made in the account and nothing uses any more
    Gc(GcArgs),
    /// Make a first manifest, with comments
    Init(InitArgs),
    /// Make a manifest of what there is: a live pool and job, templates, configuration of Batch Shipyard
    #[command(subcommand)]
    Import(ImportCommand),
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man,
}

#[derive(Debug, Subcommand)]
pub(super) enum AutoscaleCommand {
    /// Evaluate a formula here; nothing is sent
    ///
    /// Samples are JSON, oldest first and 30 seconds apart unless they have a time:
    /// {"target_dedicated_nodes": 1, "samples": [{"values": {"$ActiveTasks": 12, "$RunningTasks": 4}}]}
    Check(AutoscaleCheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct AutoscaleCheckArgs {
    /// A manifest (*.toml), or a file that holds a formula
    pub(super) file: PathBuf,
    /// What is measured of the pool; otherwise it has neither nodes nor tasks
    #[arg(long, value_name = "FILE.json")]
    pub(super) samples: Option<PathBuf>,
    /// Set a variable of [vars]; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) vars: Vec<(String, String)>,
}

/// Which manifest.
#[derive(Debug, Args)]
pub(super) struct ManifestArgs {
    /// The manifest
    pub(super) manifest: PathBuf,
    /// Set a variable of [vars]; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) vars: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
    /// Print every problem as one document of JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Where it is applied.
#[derive(Clone, Debug, Args)]
pub(super) struct TargetArgs {
    /// Use the local service, even when the manifest names an account
    #[arg(long)]
    pub(super) local: bool,
    /// Where the local service keeps its state [default: .batchflow/MANIFEST beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
}

/// What is done beyond or short of what the manifest asks.
#[derive(Debug, Default, Args)]
pub(super) struct ChoiceArgs {
    /// Run only tasks that ran and failed
    #[arg(long)]
    pub(super) rerun_failed: bool,
    /// Run only this task; may be given several times
    #[arg(long = "task", value_name = "ID")]
    pub(super) tasks: Vec<String>,
    /// Run tasks although they are up to date
    #[arg(long, conflicts_with = "rerun_failed")]
    pub(super) force: bool,
    /// Take over a pool, job or container of the same name that no manifest has made
    #[arg(long)]
    pub(super) adopt: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) choice: ChoiceArgs,
    /// Save the plan, for `batchflow apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Exit with 2 when there are changes to make
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Print the plan as one document of JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) choice: ChoiceArgs,
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve")]
    pub(super) yes: bool,
    /// Only show the plan
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Serve a live page of the local service while it works, and print its address, which holds the key
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) ui: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub(super) progress: Progress,
    /// Print what happens as lines of JSON; with --dry-run, the plan as one document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve")]
    pub(super) yes: bool,
    /// Print JSON
    #[arg(long, requires = "yes")]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The manifest that was applied
    pub(super) manifest: PathBuf,
    /// Where the report goes [default: .batchflow/MANIFEST/report.html beside the manifest]
    #[arg(long, value_name = "FILE.html")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A code such as `unknown-key`, or a manifest; without one, all codes are listed
    #[arg(value_name = "CODE|MANIFEST")]
    pub(super) code_or_manifest: Option<PathBuf>,
    /// With a manifest: the task; without it, all that wait
    pub(super) task: Option<String>,
    /// Set a variable of [vars]; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) vars: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// With a manifest: print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where state is kept, readable by you alone
    #[arg(long, value_name = "DIR", default_value = ".batchflow/serve")]
    pub(super) state_dir: PathBuf,
    /// Keep nothing: all state ends with the service
    #[arg(long, conflicts_with = "state_dir")]
    pub(super) in_memory: bool,
    /// Port of the Batch service; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = development::BATCH_PORT)]
    pub(super) port: u16,
    /// Port of the Blob service; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = development::BLOB_PORT)]
    pub(super) blob_port: u16,
    /// Address to listen on; other than loopback only with --own-key
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) host: IpAddr,
    /// A key made at the first start and kept in the state directory, instead of the public development key
    #[arg(long)]
    pub(super) own_key: bool,
    /// Name of the account
    #[arg(long, value_name = "NAME", default_value = development::ACCOUNT, value_parser = account)]
    pub(super) account: String,
    /// Serve https, with a certificate made at the first start
    #[arg(long)]
    pub(super) tls: bool,
    /// Serve https with this certificate (PEM, with those that signed it)
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "tls"
    )]
    pub(super) tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Put tasks into a sandbox of bubblewrap: they see their node and the system, not your files, and keep the network
    #[arg(long)]
    pub(super) sandbox: bool,
    /// Evaluate autoscale formulas this often, whatever their pools say (5s, 1m; Azure allows 5 minutes and more)
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub(super) autoscale_interval: Option<Duration>,
    /// Print the account as variables to paste into a shell (this is what happens anyway)
    #[arg(long, conflicts_with = "json")]
    pub(super) env: bool,
    /// Print the account as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Progress {
    Auto,
    Bar,
    Plain,
    None,
}

impl Progress {
    pub(super) fn mode(self, quiet: bool) -> Mode {
        match self {
            _ if quiet => Mode::None,
            Self::Auto => Mode::Auto,
            Self::Bar => Mode::Bar,
            Self::Plain => Mode::Plain,
            Self::None => Mode::None,
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// As `5s` or `PT5S`.
fn interval(text: &str) -> Result<Duration, String> {
    let given = text.parse::<jiff::SignedDuration>().ok();
    given
        .and_then(|given| Duration::try_from(given).ok())
        .filter(|given| *given >= Duration::from_secs(1))
        .ok_or_else(|| "expected a time of at least a second, such as 5s or 1m".to_owned())
}

/// The rule of Azure for names of accounts.
fn account(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if (3..=24).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("expected 3 to 24 lower-case letters and digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn intervals() {
        for (text, seconds) in [("5s", 5), ("1m 30s", 90), ("PT5M", 300), ("1s", 1)] {
            assert_eq!(interval(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "5", "0s", "500ms", "-5s", "soon"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn variables() {
        assert_eq!(variable("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(variable("a="), Ok(("a".into(), String::new())));
        assert!(variable("a").is_err() && variable("=b").is_err());
    }
}
