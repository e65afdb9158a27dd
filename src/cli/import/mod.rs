//! `batchflow import`: a manifest of what there is. What cannot be carried over is said in comments and on stderr.

mod azure;
mod draft;
mod live;
mod rest;
mod shipyard;

use std::fs;
use std::io::Write;
use std::path::Path;

use super::error::CliError;
use super::output;
use super::run_args::{ImportCommand, OutArgs};
use super::target::Target;
use crate::report::exit_code::ExitCode;
use draft::Draft;

pub(super) async fn run(command: &ImportCommand) -> Result<ExitCode, CliError> {
    let (draft, out) = match command {
        ImportCommand::Live { pool, job, of, out } => {
            let target = Target::of_account(of).await?;
            let draft = live::read(&target, pool.as_deref(), job.as_deref()).await;
            target.close().await;
            (draft?, out)
        }
        ImportCommand::AzTemplate { files, out } => (azure::read(files)?, out),
        ImportCommand::Shipyard { paths, job, out } => {
            (shipyard::read(paths, job.as_deref())?, out)
        }
    };
    write(draft, out)?;
    Ok(ExitCode::Ok)
}

fn write(draft: Draft, out: &OutArgs) -> Result<(), CliError> {
    for left in draft.left() {
        output::talk(&format!("not carried over: {left}\n"));
    }
    let text = draft.manifest();
    let Some(path) = &out.out else {
        output::data(&text);
        return Ok(());
    };
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| CliError::Unwritable {
            path: path.clone(),
            source,
        })?;
    let path = path.display();
    output::talk(&format!(
        "{path} is made; check it with: batchflow validate {path}\n"
    ));
    Ok(())
}

fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|source| CliError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
