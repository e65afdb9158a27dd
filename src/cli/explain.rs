//! `batchflow explain`: what a diagnostic code means.

use super::args::ExplainArgs;
use super::error::CliError;
use super::output;
use crate::diagnostic::{codes, nearest, pages};
use crate::report::exit_code::ExitCode;
use crate::report::explain;

pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode, CliError> {
    let Some(code) = &args.code_or_manifest else {
        output::data(&explain::list());
        return Ok(ExitCode::Ok);
    };
    let code = code.to_string_lossy();
    match pages::page(&code) {
        Some(page) => {
            output::data(&explain::page(&code, page));
            Ok(ExitCode::Ok)
        }
        None => Err(CliError::UnknownCode {
            nearest: nearest(&code, codes::ALL.iter().map(|(code, _)| *code)),
            code: code.into_owned(),
        }),
    }
}
