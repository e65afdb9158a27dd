//! `batchflow explain MANIFEST [TASK]`: why tasks do not run.

use std::path::Path;

use super::args::{ExplainArgs, ManifestArgs};
use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::target::Target;
use crate::apply::failure;
use crate::clock;
use crate::observed::{
    self, LiveTask, Reason, Standing, Stream, own_reasons, read_log, reasons, reasons_of_task,
    standing, task_standing,
};
use crate::report::exit_code::ExitCode;
use crate::report::explain_tasks::{JobView, TaskView};
use crate::report::json::{self, Explanation};
use crate::report::reason;
use crate::wire::time::Time;

/// Waiting tasks that are looked at one by one.
const SAMPLE: usize = 20;

/// Bytes of the stderr of a failed task.
const TAIL: usize = 2048;

pub(super) async fn run(manifest: &Path, args: &ExplainArgs) -> Result<ExitCode, CliError> {
    let manifest = ManifestArgs {
        manifest: manifest.to_owned(),
        vars: args.vars.clone(),
    };
    let document = document::load_footprint(&manifest)?;
    let target = Target::reach(&document, &args.target).await?;
    let answer = match &args.task {
        Some(task) => of_task(&document, &target, task, args.json).await,
        None => of_job(&document, &target, args.json).await,
    };
    target.close().await;
    let answer = answer?;
    if args.json {
        output::data(&answer);
    } else {
        output::text(&answer);
    }
    Ok(ExitCode::Ok)
}

async fn of_task(
    document: &Document,
    target: &Target,
    task: &str,
    json: bool,
) -> Result<String, CliError> {
    let (desired, client) = (&document.desired, &target.client);
    let standing = standing(desired, client).await?;
    let Some(job) = &standing.job else {
        return of_job(document, target, json).await;
    };
    let Some(one) = task_standing(client, &job.id, task).await? else {
        return Err(CliError::NoTask {
            task: task.to_owned(),
        });
    };
    let reasons = reasons_of_task(desired, &standing, &one);
    let mut failed = None;
    if reasons.contains(&Reason::Failed) {
        let stderr = read_log(desired, client, &job.id, task, Stream::Stderr, 0).await?;
        let stderr = stderr.map(|bytes| {
            let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
            String::from_utf8_lossy(tail).trim_end().to_owned()
        });
        let stderr = stderr.filter(|text| !text.is_empty());
        failed = Some(failure(LiveTask::of(&one.task), stderr));
    }
    let view = TaskView {
        one: &one,
        reasons: &reasons,
        failure: failed.as_ref(),
        job: &job.id,
        now: clock::now().into(),
    };
    Ok(match json {
        true => json::line(&Explanation::of_task(&view)),
        false => view.render(),
    })
}

async fn of_job(document: &Document, target: &Target, json: bool) -> Result<String, CliError> {
    let now = Time::from(clock::now());
    let standing = standing(&document.desired, &target.client).await?;
    let single = single(target, &standing, now).await?;
    let view = JobView {
        standing: &standing,
        reasons: &reasons(&document.desired, &standing),
        single: &single,
        is_paused: target.is_local(),
        now,
    };
    Ok(match json {
        true => json::line(&Explanation::of_job(&view)),
        false => view.render(),
    })
}

/// What keeps single tasks, those kept by the same thing together.
async fn single(
    target: &Target,
    standing: &Standing,
    now: Time,
) -> Result<Vec<(String, usize, Reason)>, CliError> {
    let Some(job) = &standing.job else {
        return Ok(Vec::new());
    };
    let client = &target.client;
    let filter = Some("state eq 'active'".to_owned());
    let waiting = observed::tasks(client, &job.id, filter, SAMPLE).await?;
    let mut single: Vec<(String, usize, Reason)> = Vec::new();
    for task in waiting {
        let Some(one) = task_standing(client, &job.id, &task.id).await? else {
            continue;
        };
        for reason in own_reasons(standing, &one) {
            let what = reason::words(&reason, now).what;
            let same = single
                .iter_mut()
                .find(|(_, _, r)| reason::words(r, now).what == what);
            match same {
                Some((_, number, _)) => *number += 1,
                None => single.push((task.id.clone(), 1, reason)),
            }
        }
    }
    Ok(single)
}
