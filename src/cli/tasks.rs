//! `batchflow tasks`: the tasks of the job, those that the service finds for a filter.

use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::run_args::TasksArgs;
use super::status::FAILED;
use super::target::Target;
use crate::clock;
use crate::observed::{self, LiveTask, live_job};
use crate::report::exit_code::ExitCode;
use crate::report::{json, tasks};

pub(super) async fn run(args: &TasksArgs) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.of.manifest)?;
    let target = Target::reach(&document, &args.of.target).await?;
    let result = list(args, &document, &target).await;
    target.close().await;
    let (job, found) = result?;
    if args.json {
        output::data(&json::line(&json::TaskList::new(&job, &found)));
    } else if found.is_empty() {
        output::text(&tasks::none(&job));
    } else {
        let now = clock::now().into();
        output::data(&tasks::table(&found, now, output::stdout_width()));
    }
    Ok(ExitCode::Ok)
}

async fn list(
    args: &TasksArgs,
    document: &Document,
    target: &Target,
) -> Result<(String, Vec<LiveTask>), CliError> {
    let job = job_id(document, target).await?;
    let all = observed::tasks(&target.client, &job, filter(args), usize::MAX).await?;
    Ok((job, all))
}

/// The job of the manifest that is there; with a schedule the latest.
pub(super) async fn job_id(document: &Document, target: &Target) -> Result<String, CliError> {
    let job = live_job(&document.desired, &target.client).await?;
    job.map(|job| job.id).ok_or_else(|| CliError::NoJob {
        job: document.desired.job.id.to_string(),
    })
}

/// What the service is asked for.
fn filter(args: &TasksArgs) -> Option<String> {
    let parts = [
        args.failed.then(|| FAILED.to_owned()),
        args.state
            .as_ref()
            .map(|state| format!("state eq '{state}'")),
        args.exit_code
            .map(|code| format!("executionInfo/exitCode eq {code}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}
