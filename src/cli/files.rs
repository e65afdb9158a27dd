//! `batchflow files`: what a task has on its node.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use futures::TryStreamExt;

use super::document;
use super::error::CliError;
use super::output;
use super::run_args::FilesArgs;
use super::target::Target;
use super::tasks::job_id;
use crate::client::batch::Batch;
use crate::report::exit_code::ExitCode;
use crate::report::{files, json};
use crate::wire::batch::file::FileEntry;

/// Bytes asked for at once.
const PART: u64 = 4 << 20;

pub(super) async fn run(args: &FilesArgs) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.of.manifest)?;
    let target = Target::reach(&document, &args.of.target).await?;
    let result = async {
        let job = job_id(&document, &target).await?;
        match &args.path {
            Some(path) => fetch(&target.client.batch, &job, args, path).await,
            None => list(&target.client.batch, &job, args).await,
        }
    }
    .await;
    target.close().await;
    result.map(|()| ExitCode::Ok)
}

async fn list(batch: &Batch, job: &str, args: &FilesArgs) -> Result<(), CliError> {
    let listed = batch.list_task_files(job, &args.task, true).try_collect();
    let found: Vec<FileEntry> = match listed.await {
        Err(error) if matches!(error.status(), Some(404 | 409)) => return Err(gone(args)),
        result => result?,
    };
    output::data(&if args.json {
        json::line(&json::FileList::new(job, &args.task, &found))
    } else {
        files::table(&found, output::stdout_width())
    });
    Ok(())
}

/// Writes a file as it is, to stdout or into another file.
async fn fetch(batch: &Batch, job: &str, args: &FilesArgs, path: &str) -> Result<(), CliError> {
    let whole = match batch.tail(job, &args.task, path, 0).await {
        Err(error) if matches!(error.status(), Some(404 | 409)) => return Err(gone(args)),
        result => result?.ok_or_else(|| gone(args))?.file_length,
    };
    let mut out: Box<dyn Write> = match &args.to {
        Some(to) => Box::new(create(to)?),
        None => Box::new(io::stdout().lock()),
    };
    let mut from = 0;
    while from < whole {
        let range = from..whole.min(from + PART);
        from = range.end;
        let part = batch.task_file(job, &args.task, path, Some(range)).await?;
        let part = part.ok_or_else(|| gone(args))?;
        match (out.write_all(&part), &args.to) {
            (Ok(()), _) => {}
            (Err(source), Some(to)) => return Err(unwritable(to, source)),
            // Whoever read our output went away.
            (Err(_), None) => return Ok(()),
        }
    }
    let flushed = out.flush();
    match (&args.to, flushed) {
        (Some(to), Err(source)) => Err(unwritable(to, source)),
        _ => Ok(()),
    }
}

fn create(to: &Path) -> Result<fs::File, CliError> {
    let mut options = fs::OpenOptions::new();
    let made = options.write(true).create_new(true).open(to);
    made.map_err(|source| unwritable(to, source))
}

fn unwritable(to: &Path, source: io::Error) -> CliError {
    CliError::Unwritable {
        path: to.to_owned(),
        source,
    }
}

fn gone(args: &FilesArgs) -> CliError {
    CliError::NoFiles {
        task: args.task.clone(),
        path: args.path.clone(),
    }
}
