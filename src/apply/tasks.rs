//! Step 5: every task that has to run is in the job.

use futures::StreamExt;

use super::access;
use super::context::{PARALLEL, Run};
use super::error::{ApplyError, RefusedTask};
use crate::client::batch::{AddedTask, TaskAddition};
use crate::desired::Access;
use crate::event::Event;
use crate::plan::{StepKind, TaskWork};
use crate::wire::batch::job::{JobUpdate, OnAllTasksComplete};
use crate::wire::batch::task::{TaskCreate, TaskDependencies};

/// Bodies that are in memory at once.
const BATCH: usize = 5000;

pub(super) fn refusal(added: AddedTask) -> Option<RefusedTask> {
    match added.addition {
        TaskAddition::Added | TaskAddition::Existing => None,
        TaskAddition::Refused(refused) => Some(RefusedTask {
            id: added.id,
            refused: *refused,
        }),
    }
}

/// What adds a task now.
pub(super) fn body(
    run: &Run<'_>,
    index: usize,
    depends_on: Option<TaskDependencies>,
) -> TaskCreate {
    let urls = |access: Access<'_>| access::url(run, access);
    let mut body = run.desired.tasks[index].body(&urls);
    let logs = run.desired.logs.as_ref();
    let logs = logs.map(|logs| logs.output_file(run.desired.job.id.as_str(), &body.id, &urls));
    body.output_files.extend(logs);
    body.depends_on = depends_on.map(Box::new);
    access::note_end(run, &mut body);
    body
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
        let bodies: Vec<_> = batch.iter().map(|i| body(run, *i, waits.of(*i))).collect();
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
