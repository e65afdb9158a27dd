//! A pool and a job of the account.

use futures::{StreamExt, TryStreamExt};
use serde_json::Value as Json;

use super::super::error::CliError;
use super::super::target::Target;
use super::draft::Draft;
use super::rest::{Of, section};
use crate::client::batch::ListOptions;

/// Tasks that are written down one by one.
const MOST: usize = 200;

pub(super) async fn read(
    target: &Target,
    pool: Option<&str>,
    job: Option<&str>,
) -> Result<Draft, CliError> {
    let batch = &target.client.batch;
    let mut draft = Draft::of(&target.name);
    let mut pool = pool.map(str::to_owned);
    if let Some(id) = job {
        let job = batch
            .get_job(id)
            .await?
            .ok_or_else(|| CliError::NoJob { job: id.to_owned() })?;
        if pool.is_none() {
            pool.clone_from(&job.pool_info.pool_id);
        }
        draft.job = section(Of::Job, &json(&job), &mut draft);
        let options = ListOptions::default();
        let tasks: Vec<Json> = batch
            .list_tasks::<Json>(id, &options)
            .take(MOST + 1)
            .try_collect()
            .await?;
        if tasks.len() > MOST {
            draft.leave(format!("tasks: those after the first {MOST}"));
        }
        for task in tasks.iter().take(MOST) {
            let task = section(Of::Task, task, &mut draft);
            draft.tasks.push(task);
        }
    }
    if let Some(id) = pool {
        let live = batch.get_pool(&id).await?;
        let live = live.ok_or(CliError::NoPool { pool: id })?;
        draft.pool = section(Of::Pool, &json(&live), &mut draft);
    }
    Ok(draft)
}

fn json(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}
