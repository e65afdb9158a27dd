//! After an interrupt: what goes on without us, and costs money.

use std::fmt::Write;
use std::time::Duration;

use crate::client::{Client, ClientError};
use crate::desired::{Desired, IDLE_MINUTES, Size};
use crate::observed::pool_id;
use crate::report::quantity::count;

/// Whoever interrupted does not want to wait for long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A few lines; says so when the account does not answer.
pub(super) async fn describe(desired: &Desired, client: &Client) -> String {
    let looked = tokio::time::timeout(PATIENCE, look(desired, client)).await;
    match looked {
        Ok(Ok(text)) => text,
        _ => "What was started goes on in the account and costs money until it is destroyed.\n"
            .to_owned(),
    }
}

async fn look(desired: &Desired, client: &Client) -> Result<String, ClientError> {
    let mut text = String::new();
    let job = desired.job.id.as_str();
    let live = client.batch.get_job(job).await?;
    if live.is_some() {
        let counts = client.batch.task_counts(job).await?.task_counts;
        let _ = writeln!(
            text,
            "Job `{job}` goes on without this command: {} running, {} waiting, {} completed.",
            counts.running, counts.active, counts.completed
        );
    }
    if let Some(pool) = pool_id(desired, live.as_ref())
        && let Some(live) = client.batch.get_pool(pool).await?
    {
        let nodes = live.current_dedicated_nodes + live.current_low_priority_nodes;
        let wanted =
            live.target_dedicated_nodes.unwrap_or(0) + live.target_low_priority_nodes.unwrap_or(0);
        let nodes = count(usize::try_from(nodes.max(wanted)).unwrap_or(0), "node");
        let formula = live.auto_scale_formula.as_deref();
        let end = match formula.and_then(Size::in_formula) {
            Some(_) => format!("there has been no work for {IDLE_MINUTES} minutes"),
            None => "the pool is deleted".to_owned(),
        };
        let _ = writeln!(
            text,
            "Pool `{pool}` keeps {nodes} of {}, which cost money until {end}.",
            live.vm_size
        );
    }
    if text.is_empty() {
        text.push_str("Nothing runs: there is neither a job nor a pool yet.\n");
    }
    Ok(text)
}
