//! `batchflow status`: how the job and the pool of a manifest stand.

use super::apply::same_options;
use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::run_args::LookArgs;
use super::target::Target;
use crate::apply::failure;
use crate::client::ClientError;
use crate::clock;
use crate::event::TaskFailure;
use crate::observed::{self, Standing, reasons, standing};
use crate::report::exit_code::ExitCode;
use crate::report::json;
use crate::report::status::StatusView;

/// Failed tasks that are asked for.
const FAILURES: usize = 1000;

/// The tasks that failed, for the service.
pub(super) const FAILED: &str = "executionInfo/result eq 'failure'";

pub(super) async fn run(args: &LookArgs) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.of.manifest)?;
    let target = Target::reach(&document, &args.of.target).await?;
    let result = look(&document, &target).await;
    let (name, is_paused) = (target.name.clone(), target.is_local());
    target.close().await;
    let (standing, failures) = result?;
    let options = same_options(&args.of.manifest, &args.of.target);
    let view = StatusView {
        target: &name,
        name: &document.desired.name,
        standing: &standing,
        reasons: &reasons(&document.desired, &standing),
        failures: &failures,
        is_paused,
        manifest: &format!("{}{options}", document.path.display()),
        now: clock::now().into(),
    };
    if args.json {
        output::data(&json::line(&json::Status::new(&view)));
    } else {
        output::text(&view.render());
    }
    Ok(ExitCode::Ok)
}

async fn look(
    document: &Document,
    target: &Target,
) -> Result<(Standing, Vec<TaskFailure>), ClientError> {
    let standing = standing(&document.desired, &target.client).await?;
    let failed = match &standing.job {
        Some(job) => {
            let filter = Some(FAILED.to_owned());
            observed::tasks(&target.client, &job.id, filter, FAILURES).await?
        }
        None => Vec::new(),
    };
    let failures = failed.into_iter().map(|task| failure(task, None));
    Ok((standing, failures.collect()))
}
