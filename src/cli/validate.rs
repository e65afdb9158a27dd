//! `batchflow validate`: every problem at once, nothing sent.

use super::args::ManifestArgs;
use super::error::CliError;
use super::{document, output};
use crate::report::exit_code::ExitCode;
use crate::report::quantity::{bytes, count};

pub(super) fn run(args: &ManifestArgs) -> Result<ExitCode, CliError> {
    let document = document::load(args)?;
    let desired = &document.desired;
    let size = desired.uploads.iter().map(|u| u.length).sum();
    output::talk(&format!(
        "{} is valid: {}, {} to upload ({}), {}.\n",
        document.path.display(),
        count(desired.containers.len(), "container"),
        count(desired.uploads.len(), "file"),
        bytes(size),
        count(desired.tasks.len(), "task"),
    ));
    Ok(ExitCode::Ok)
}
