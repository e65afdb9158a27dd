//! `batchflow cancel`: ends the job, or single tasks of it. What they wrote stays, and so does the pool.

use super::apply::same_options;
use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::run_args::CancelArgs;
use super::still_running;
use super::target::Target;
use crate::observed::{live_job, owner, pool_id};
use crate::report::exit_code::ExitCode;
use crate::report::json::{self, Cancelled};
use crate::report::quantity::count;
use crate::wire::batch::job::{Job, JobState};
use crate::wire::batch::task::TaskState;

/// What the job says of its end.
const REASON: &str = "batchflow cancel";

pub(super) async fn run(args: &CancelArgs) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.of.manifest)?;
    let target = Target::reach(&document, &args.of.target).await?;
    let result = cancel(args, &document, &target).await;
    target.close().await;
    result.map(|()| ExitCode::Ok)
}

async fn cancel(args: &CancelArgs, document: &Document, target: &Target) -> Result<(), CliError> {
    let desired = &document.desired;
    let job = live_job(desired, &target.client).await?;
    let job = job.ok_or_else(|| CliError::NoJob {
        job: desired.job.id.to_string(),
    })?;
    match owner(&job.metadata) {
        Some(owner) if owner != desired.name => {
            return Err(CliError::NotOurs {
                job: job.id.clone(),
                owner: owner.to_owned(),
            });
        }
        _ => {}
    }
    output::talk(&format!("Target: {}\n", target.name));
    let (job_ended, tasks_ended) = if args.tasks.is_empty() {
        (whole(args, target, &job).await?, Vec::new())
    } else {
        (false, single(args, target, &job).await?)
    };
    if args.json {
        let document = Cancelled::new(&target.name, &job.id, job_ended, tasks_ended);
        output::data(&json::line(&document));
    }
    let batch = &target.client.batch;
    let costs_money = !target.is_local() && !target.is_neighbour();
    if let Some(pool) = pool_id(desired, Some(&job)).filter(|_| costs_money)
        && batch.get_pool(pool).await?.is_some()
    {
        let manifest = &args.of.manifest;
        let options = same_options(manifest, &args.of.target);
        output::talk(&still_running::describe(desired, &target.client).await);
        let path = document.path.display();
        output::talk(&format!(
            "  to delete it all: batchflow destroy {path}{options}\n"
        ));
    }
    Ok(())
}

/// Whether there was anything to end.
async fn whole(args: &CancelArgs, target: &Target, job: &Job) -> Result<bool, CliError> {
    if job.state == JobState::Completed {
        say(args, &format!("Job `{}` is completed already.\n", job.id));
        return Ok(false);
    }
    let counts = target.client.batch.task_counts(&job.id).await?.task_counts;
    let open = usize::try_from(counts.active + counts.running).unwrap_or(0);
    confirm(
        args,
        &format!(
            "End job `{}` with {} that wait or run?",
            job.id,
            count(open, "task")
        ),
    )?;
    let ended = target.client.batch.terminate_job(&job.id, Some(REASON));
    ended.await?;
    say(args, &format!("Job `{}` is ended.\n", job.id));
    Ok(true)
}

/// The tasks that are ended now.
async fn single(args: &CancelArgs, target: &Target, job: &Job) -> Result<Vec<String>, CliError> {
    let batch = &target.client.batch;
    let mut open = Vec::new();
    for id in &args.tasks {
        let task = batch.get_task(&job.id, id).await?;
        let task = task.ok_or_else(|| CliError::NoTask { task: id.clone() })?;
        if task.state == TaskState::Completed {
            say(args, &format!("Task `{id}` is completed already.\n"));
        } else {
            open.push(id.clone());
        }
    }
    if open.is_empty() {
        return Ok(open);
    }
    confirm(args, &format!("End {}?", count(open.len(), "task")))?;
    for id in &open {
        batch.terminate_task(&job.id, id).await?;
        say(args, &format!("Task `{id}` is ended.\n"));
    }
    Ok(open)
}

fn say(args: &CancelArgs, text: &str) {
    if !args.json {
        output::text(text);
    }
}

fn confirm(args: &CancelArgs, question: &str) -> Result<(), CliError> {
    if args.yes || output::confirm(question)? {
        Ok(())
    } else {
        Err(CliError::NotConfirmed)
    }
}
