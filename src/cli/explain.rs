//! `batchflow explain`: what a diagnostic code means, or why tasks of a manifest do not run.

use super::args::ExplainArgs;
use super::error::CliError;
use super::explain_tasks;
use super::output;
use crate::diagnostic::{codes, nearest, pages};
use crate::report::exit_code::ExitCode;
use crate::report::explain;

pub(super) async fn run(args: &ExplainArgs) -> Result<ExitCode, CliError> {
    let Some(code) = &args.code_or_manifest else {
        output::text(&explain::list());
        return Ok(ExitCode::Ok);
    };
    // No code is the name of a file.
    if code.extension().is_some() || code.is_file() {
        return explain_tasks::run(code, args).await;
    }
    let code = code.to_string_lossy();
    match pages::page(&code) {
        Some(page) => {
            output::text(&explain::page(&code, page));
            Ok(ExitCode::Ok)
        }
        None => Err(CliError::UnknownCode {
            nearest: nearest(&code, codes::ALL.iter().map(|(code, _)| *code)),
            code: code.into_owned(),
        }),
    }
}
