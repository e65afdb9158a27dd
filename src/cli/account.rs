//! `batchflow account`: which account and credentials a manifest uses, and what they allow.

use std::error::Error as _;
use std::fmt::Write;

use super::error::CliError;
use super::output;
use super::run_args::AccountArgs;
use super::target::Target;
use crate::client::rights::Right;
use crate::report::exit_code::ExitCode;

pub(super) async fn run(args: &AccountArgs) -> Result<ExitCode, CliError> {
    let target = Target::of_account(args).await?;
    let mut text = format!("Target: {}\n", target.name);
    for (what, from) in &target.credentials {
        let _ = writeln!(text, "{what}: {from}");
    }
    let rights = target.client.rights().await;
    target.close().await;
    for right in &rights {
        text.push_str(&line(right));
    }
    output::data(&text);
    let refused = rights.iter().filter(|r| r.answer.is_err()).count();
    if refused == 0 {
        return Ok(ExitCode::Ok);
    }
    let first = rights.into_iter().find_map(|r| r.answer.err());
    first.map_or(Ok(ExitCode::Ok), |error| Err(CliError::Client(error)))
}

fn line(right: &Right) -> String {
    match &right.answer {
        Ok(()) => format!("  ✓ {}\n", right.what),
        Err(error) if error.status() == Some(403) => {
            format!(
                "  ✗ {}: the role \"{}\" is missing\n",
                right.what, right.role
            )
        }
        Err(error) => {
            let mut why = error.failure().to_string();
            let mut next = error.source();
            while let Some(cause) = next {
                let _ = write!(why, ": {cause}");
                next = cause.source();
            }
            format!("  ✗ {}: {why}\n", right.what)
        }
    }
}
