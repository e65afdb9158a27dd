//! `batchflow schema`: the JSON Schema of a manifest, for editors.

use super::error::CliError;
use super::output;
use crate::manifest;
use crate::report::exit_code::ExitCode;

pub(super) fn run() -> Result<ExitCode, CliError> {
    output::data(&manifest::schema_text());
    Ok(ExitCode::Ok)
}
