//! `batchflow account`: which account and credentials a manifest uses, and what they allow.

use std::error::Error as _;
use std::fmt::Write;

use super::error::CliError;
use super::output;
use super::run_args::AccountCheckArgs;
use super::target::Target;
use crate::client::ClientError;
use crate::client::rights::Right;
use crate::report::exit_code::ExitCode;
use crate::report::json::{self, AccountCheck};

pub(super) async fn run(args: &AccountCheckArgs) -> Result<ExitCode, CliError> {
    let target = Target::of_account(&args.of).await?;
    let rights = target.client.rights().await;
    let (name, credentials) = (target.name.clone(), target.credentials.clone());
    target.close().await;
    if args.json {
        let rights = rights.iter().map(for_machines).collect();
        let document = AccountCheck::new(&name, &credentials, rights);
        output::data(&json::line(&document));
    } else {
        let mut text = format!("Target: {name}\n");
        for (what, from) in &credentials {
            let _ = writeln!(text, "{what}: {from}");
        }
        for right in &rights {
            text.push_str(&line(right));
        }
        output::text(&text);
    }
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
        Err(error) => format!("  ✗ {}: {}\n", right.what, why(error)),
    }
}

/// The failure with all below it.
fn why(error: &ClientError) -> String {
    let mut why = error.failure().to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(why, ": {cause}");
        next = cause.source();
    }
    why
}

fn for_machines(right: &Right) -> json::Right {
    json::Right {
        right: right.what,
        role: right.role,
        allowed: right.answer.is_ok(),
        error: right.answer.as_ref().err().map(why),
    }
}
