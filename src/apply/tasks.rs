//! Step 5: every task that has to run is in the job.

use futures::StreamExt;

use super::context::{PARALLEL, Run};
use super::error::{ApplyError, RefusedTask};
use crate::client::batch::{AddedTask, TaskAddition};
use crate::clock;
use crate::desired::Access;
use crate::event::Event;
use crate::plan::{StepKind, TaskWork};
use crate::wire::batch::job::{JobUpdate, OnAllTasksComplete};
use crate::wire::sas::Permissions;
use crate::wire::time::{Duration, Time};

/// How long a SAS lives when the job has no wall clock limit; a task lives 7 days after its end by default.
const DEFAULT_LIFE: Duration = Duration::from_days(7);
/// What is added to the job's limit: time until the first task starts, and retries.
const MARGIN: Duration = Duration::from_days(1);

/// For how long a schedule without an end can read its inputs: apply it again after that.
const SCHEDULE_LIFE: Duration = Duration::from_days(365);

/// When no node needs storage any more: the job has ended by then.
fn access_ends(run: &Run<'_>) -> Time {
    let constraints = run.desired.job.template.constraints.as_ref();
    let life = constraints
        .and_then(|c| c.max_wall_clock_time)
        .filter(|d| !d.is_infinite())
        .unwrap_or(DEFAULT_LIFE);
    let now = Time::from(clock::now()).whole_seconds();
    // The last job of a schedule begins long after apply.
    let begin = match &run.desired.job.schedule {
        Some(schedule) => schedule
            .do_not_run_after
            .unwrap_or_else(|| now.plus(SCHEDULE_LIFE)),
        None => now,
    };
    begin.plus(life).plus(MARGIN)
}

/// Gets ready to give nodes access, and says when it ends too soon.
pub(super) async fn prepare_access(run: &Run<'_>) -> Result<(), ApplyError> {
    let wanted = access_ends(run);
    let prepared = run.client.sas.prepare(wanted).await;
    if let Some(end) = prepared.map_err(ApplyError::at(StepKind::Pool))? {
        run.events.emit(Event::Warning {
            message: format!(
                "the nodes' access to storage ends at {end}, but the job may need it until {wanted}: tasks that begin after that fail. Use the account key, or lower job.constraints.max_wall_clock_time"
            ),
        });
    }
    Ok(())
}

/// The URL for a right, with an expiry that outlives the job.
pub(super) fn url(run: &Run<'_>, access: Access<'_>) -> String {
    let expiry = access_ends(run);
    let sas = &run.client.sas;
    let url = match access {
        Access::ReadContainer(container) => {
            sas.container_url(container.as_str(), Permissions::READ_LIST, expiry)
        }
        Access::ReadBlob(container, blob) => {
            sas.blob_url(container.as_str(), blob.as_str(), Permissions::READ, expiry)
        }
        Access::WriteContainer(container) => {
            sas.container_url(container.as_str(), Permissions::ADD_CREATE_WRITE, expiry)
        }
    };
    url.expose().to_owned()
}

/// Bodies that are in memory at once.
const BATCH: usize = 5000;

fn refusal(added: AddedTask) -> Option<RefusedTask> {
    match added.addition {
        TaskAddition::Added | TaskAddition::Existing => None,
        TaskAddition::Refused(refused) => Some(RefusedTask {
            task: added.id,
            code: refused.code.clone().unwrap_or_default(),
            message: with_details(&refused.message, &refused.values),
        }),
    }
}

/// The service's sentence, and which property it is about.
fn with_details(message: &str, values: &[(String, String)]) -> String {
    let details: Vec<String> = values.iter().map(|(n, v)| format!("{n}: {v}")).collect();
    match details.is_empty() {
        true => message.to_owned(),
        false => format!("{message} ({})", details.join(", ")),
    }
}

pub(super) async fn ensure(run: &Run<'_>) -> Result<(), ApplyError> {
    let at = ApplyError::at(StepKind::Tasks);
    let job = run.desired.job.id.as_str();
    let old = run.plan.tasks.iter().filter(|t| t.work == TaskWork::Rerun);
    run.each(old, |plan| async {
        let task = run.desired.tasks[plan.task].id.as_str();
        let deleted = run.client.batch.delete_task(job, task).await;
        deleted.map_err(ApplyError::at(StepKind::Tasks))
    })
    .await?;

    let urls = |access: Access<'_>| url(run, access);
    let added: Vec<usize> = run
        .plan
        .tasks
        .iter()
        .filter(|t| t.work.is_added())
        .map(|t| t.task)
        .collect();
    let mut waits = run.plan.waits(run.desired);
    let mut refused = Vec::new();
    let mut done = 0;
    for batch in added.chunks(BATCH) {
        let bodies: Vec<_> = batch
            .iter()
            .map(|i| {
                let mut body = run.desired.tasks[*i].body(&urls);
                let logs = run.desired.logs.as_ref();
                let logs = logs.map(|logs| logs.output_file(job, &body.id, &urls));
                body.output_files.extend(logs);
                body.depends_on = waits.of(*i).map(Box::new);
                body
            })
            .collect();
        // Once told to stop, no further request is made of them; those under way get their answers.
        let stop = run.cancel.child_token();
        let until_stopped = stop.clone();
        let bodies = bodies
            .into_iter()
            .take_while(move |_| !until_stopped.is_cancelled());
        let mut additions = run.client.batch.add_tasks(job, bodies, PARALLEL);
        let mut first_error = None;
        while let Some(answers) = additions.next().await {
            match answers {
                Ok(answers) => {
                    done += answers.len() as u64;
                    refused.extend(answers.into_iter().filter_map(refusal));
                    run.events.emit(Event::StepProgress {
                        step: StepKind::Tasks,
                        done,
                        bytes: 0,
                    });
                }
                Err(error) => {
                    stop.cancel();
                    first_error = first_error.or(Some(error));
                }
            }
        }
        if let Some(error) = first_error {
            return Err(at(error));
        }
        run.interrupted()?;
    }
    if !refused.is_empty() {
        return Err(ApplyError::TasksRefused(refused));
    }
    if !run.desired.job.ends_with_tasks {
        return Ok(());
    }
    // Only now: an empty moment would end the job at once.
    let update = JobUpdate {
        on_all_tasks_complete: Some(OnAllTasksComplete::TerminateJob),
        ..JobUpdate::default()
    };
    run.client
        .batch
        .patch_job(job, &update, None)
        .await
        .map_err(at)
}
