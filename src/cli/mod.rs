//! The command line: one file per verb, each readable from top to bottom. Data goes to stdout, talk to stderr.

mod account;
mod apply;
mod args;
mod autoscale;
mod cancel;
mod destroy;
mod document;
mod download;
mod error;
mod examples;
mod explain;
mod explain_tasks;
mod files;
mod gc;
mod import;
mod init;
mod interrupt;
mod lock;
mod logs;
mod nodes;
mod not_a_manifest;
mod output;
mod plan;
mod refused_value;
mod report;
mod run_args;
mod saved_plan;
mod schema;
mod serve;
mod shell;
mod status;
mod still_running;
mod target;
mod tasks;
mod validate;

use std::process::ExitCode as ProcessExitCode;

use clap::Parser;

use crate::report::exit_code::ExitCode;
use args::{AutoscaleCommand, Cli, Command};

/// Keys are in memory: no core dump of it is written, and other programs of this user cannot read it. The programs
/// started from here get back what is usual.
fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Without it the program works all the same.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Runs the command line and answers with the exit code.
pub fn main() -> ProcessExitCode {
    keep_memory_private();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Not being able to print help is no reason to fail.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Ok
            }
            .into();
        }
    };
    // A server's log is its requests: one step earlier than elsewhere.
    let earlier = u8::from(matches!(cli.command, Command::Serve(_)));
    output::set_up(&cli.global, cli.global.verbose.saturating_add(earlier));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(&cli)),
        Err(source) => Err(error::CliError::Runtime(source)),
    };
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            output::error(&error);
            error.exit_code().into()
        }
    }
}

async fn run(cli: &Cli) -> Result<ExitCode, error::CliError> {
    match &cli.command {
        Command::Validate(args) => validate::run(args),
        Command::Plan(args) => plan::run(args, &cli.global).await,
        Command::Apply(args) => apply::run(args, &cli.global).await,
        Command::Account(args) => account::run(args).await,
        Command::Destroy(args) => destroy::run(args, &cli.global).await,
        Command::Explain(args) => explain::run(args).await,
        Command::Autoscale(AutoscaleCommand::Check(args)) => autoscale::check(args),
        Command::Report(args) => report::run(args),
        Command::Schema => schema::run(),
        Command::Serve(args) => serve::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Tasks(args) => tasks::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Nodes(args) => nodes::run(args).await,
        Command::Images(args) => nodes::images(args).await,
        Command::Files(args) => files::run(args).await,
        Command::Cancel(args) => cancel::run(args).await,
        Command::Download(args) => download::run(args, &cli.global).await,
        Command::Gc(args) => gc::run(args).await,
        Command::Init(args) => init::run(args),
        Command::Import(args) => import::run(args).await,
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man => shell::man(),
    }
}
