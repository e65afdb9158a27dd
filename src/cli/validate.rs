//! `batchflow validate`: every problem at once, nothing sent.

use super::args::ValidateArgs;
use super::error::CliError;
use super::{document, output};
use crate::report::exit_code::ExitCode;
use crate::report::json;
use crate::report::quantity::{bytes, count};

pub(super) fn run(args: &ValidateArgs) -> Result<ExitCode, CliError> {
    let checked = document::check(&args.manifest)?;
    if args.json {
        output::data(&json::line(&checked.validation()));
        return Ok(match checked.document {
            Some(_) => ExitCode::Ok,
            None => ExitCode::Manifest,
        });
    }
    let document = checked.shown()?;
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
