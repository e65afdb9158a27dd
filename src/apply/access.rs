//! What lets nodes read and write storage: URLs that are signed for as long as they may be needed, and signed again
//! for tasks that have waited for too long.

use std::collections::HashMap;

use futures::TryStreamExt;

use super::context::Run;
use super::error::{ApplyError, RefusedTask};
use super::tasks;
use crate::client::batch::ListOptions;
use crate::clock;
use crate::desired::{ACCESS_SETTING, Access, When};
use crate::event::Event;
use crate::observed::LiveTask;
use crate::plan::{StepKind, TaskWork};
use crate::wire::batch::command::EnvironmentSetting;
use crate::wire::batch::task::{TaskCreate, TaskDependencies, TaskState};
use crate::wire::sas::Permissions;
use crate::wire::time::{Duration, Time};

/// What is signed for a pool that stays, and for the jobs of a schedule: apply again after that.
const LONG: Duration = Duration::from_days(365);

/// A task is not made anew for less than this.
const WORTH_IT: Duration = Duration::from_days(1);

/// When no task that is added now needs storage any more: the job has ended by then, or the task is made anew.
fn ends(run: &Run<'_>) -> Time {
    run.desired.access_ends(now())
}

/// The same for what cannot be signed again while its job goes on: the files of pools and jobs.
fn lasting_ends(run: &Run<'_>) -> Time {
    let stays = run.desired.cleanup.pool != When::Always || run.desired.job.limit().is_none();
    match stays {
        true => ends(run).max(now().plus(LONG)),
        false => ends(run),
    }
}

fn now() -> Time {
    Time::from(clock::now()).whole_seconds()
}

/// Gets ready to give nodes access, and says when it ends too soon.
pub(super) async fn prepare(run: &Run<'_>) -> Result<(), ApplyError> {
    let wanted = ends(run);
    let end = sign_until(run, StepKind::Pool).await?;
    if end < wanted {
        run.events.emit(Event::Warning {
            message: format!(
                "the nodes' access to storage ends at {end}, but the job may need it until {wanted}: tasks that begin after that fail, unless an apply that watches them signs it again. Use the account key, or lower job.constraints.max_wall_clock_time"
            ),
        });
    }
    Ok(())
}

/// Gets ready to sign; answers with when what is signed for a task ends.
async fn sign_until(run: &Run<'_>, step: StepKind) -> Result<Time, ApplyError> {
    let sas = &run.client.sas;
    if !run.desired.needs_signatures() {
        return Ok(ends(run));
    }
    let prepared = sas.prepare(lasting_ends(run)).await;
    prepared.map_err(ApplyError::at(step))?;
    Ok(sas.end(ends(run)))
}

/// The URL for a right of a task.
pub(super) fn url(run: &Run<'_>, access: Access<'_>) -> String {
    signed(run, access, ends(run))
}

/// The URL for a right of a pool or a job.
pub(super) fn lasting_url(run: &Run<'_>, access: Access<'_>) -> String {
    signed(run, access, lasting_ends(run))
}

fn signed(run: &Run<'_>, access: Access<'_>, expiry: Time) -> String {
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

/// Until when the URLs of a task that is added now are good.
fn task_access_ends(run: &Run<'_>) -> Time {
    run.client.sas.end(ends(run))
}

/// Tells when a task that is added now has to be made anew.
pub(super) fn note_end(run: &Run<'_>, body: &mut TaskCreate) {
    body.environment_settings.push(EnvironmentSetting {
        name: ACCESS_SETTING.to_owned(),
        value: Some(task_access_ends(run).to_string()),
    });
}

/// When the access of tasks that wait has to be looked at.
pub(super) struct Renewal {
    /// None: never.
    due: Option<Time>,
}

impl Renewal {
    pub(super) fn new(run: &Run<'_>) -> Self {
        let awaits = run.plan.tasks.iter().any(|t| t.work == TaskWork::Await);
        let due = match awaits {
            // Those of an earlier apply: only the service knows when theirs ends.
            true => now(),
            false => before(task_access_ends(run)),
        };
        Self {
            due: Some(due).filter(|_| run.desired.needs_signatures()),
        }
    }

    /// Makes those of the open tasks anew whose access would end before their job does. The service cannot change the
    /// files of a task, so it is deleted and added again, unless it has begun.
    pub(super) async fn check(
        &mut self,
        run: &Run<'_>,
        open: &HashMap<String, Option<usize>>,
    ) -> Result<(), ApplyError> {
        if self.due.is_none_or(|due| now() < due) {
            return Ok(());
        }
        let at = ApplyError::at(StepKind::Monitor);
        let job = run.desired.job.id.as_str();
        let Some(live) = run.client.batch.get_job(job).await.map_err(&at)? else {
            return Ok(());
        };
        let limit = live.constraints.and_then(|c| c.max_wall_clock_time);
        let limit = limit.filter(|l| !l.is_infinite());
        let job_ends = limit.map(|limit| live.creation_time.plus(limit));
        let fresh = sign_until(run, StepKind::Monitor).await?;
        let waiting = ListOptions::default()
            .filter("state eq 'active'")
            .select(LiveTask::SELECT);
        let mut waiting = run.client.batch.list_tasks::<LiveTask>(job, &waiting);
        let mut old = Vec::new();
        let mut first_end: Option<Time> = None;
        while let Some(task) = waiting.try_next().await.map_err(&at)? {
            let Some(Some(index)) = open.get(&task.id.to_ascii_lowercase()) else {
                continue;
            };
            let Some(ends) = task.access_ends() else {
                continue;
            };
            let enough = job_ends.is_some_and(|job_ends| ends >= job_ends);
            if !enough && ends.plus(WORTH_IT) <= fresh {
                old.push(*index);
            } else if !enough {
                first_end = Some(first_end.map_or(ends, |first| first.min(ends)));
            }
        }
        if job_ends.is_none_or(|job_ends| fresh < job_ends) && !old.is_empty() {
            first_end = Some(first_end.map_or(fresh, |first| first.min(fresh)));
        }
        // What could not be made better now will not be soon.
        self.due = first_end.map(|end| before(end).max(now().plus(WORTH_IT)));
        renew(run, &old, open.len()).await
    }
}

/// When tasks whose access ends then are looked at.
fn before(end: Time) -> Time {
    Time::from_ticks(end.ticks() - WORTH_IT.ticks())
}

/// A job that ends with its tasks must never be without any, so the last goes after the others have come.
async fn renew(run: &Run<'_>, old: &[usize], open: usize) -> Result<(), ApplyError> {
    let mut waits = run.plan.waits(run.desired);
    let mut old: Vec<_> = old.iter().map(|task| (*task, waits.of(*task))).collect();
    let Some((last, after)) = old.pop() else {
        return Ok(());
    };
    run.each(old, |(task, after)| again(run, task, after))
        .await?;
    if open == 1 && run.desired.job.ends_with_tasks {
        let task = &run.desired.tasks[last].id;
        run.events.emit(Event::Warning {
            message: format!(
                "the access of task `{task}` to storage ends before its job does, and the job would end if it was made anew: should it fail for that, apply again"
            ),
        });
        return Ok(());
    }
    again(run, last, after).await
}

async fn again(
    run: &Run<'_>,
    index: usize,
    after: Option<TaskDependencies>,
) -> Result<(), ApplyError> {
    let at = ApplyError::at(StepKind::Monitor);
    let (job, batch) = (run.desired.job.id.as_str(), &run.client.batch);
    let id = run.desired.tasks[index].id.as_str();
    // Its ETag does not change when it begins, so all we can do is ask at the last moment.
    let live = batch.get_task(job, id).await.map_err(&at)?;
    if live.is_none_or(|live| live.state != TaskState::Active) {
        return Ok(());
    }
    batch.delete_task(job, id).await.map_err(&at)?;
    let body = tasks::body(run, index, after);
    let mut added = batch.add_tasks(job, vec![body], 1);
    while let Some(answers) = added.try_next().await.map_err(&at)? {
        let refused: Vec<RefusedTask> = answers.into_iter().filter_map(tasks::refusal).collect();
        if !refused.is_empty() {
            return Err(ApplyError::TasksRefused(refused));
        }
    }
    run.changed(StepKind::Monitor, "signed again", id);
    Ok(())
}
