//! What carries the manifest's mark but is not in the manifest any more: the pool that had another id when the last
//! apply was killed, the container that was taken out since.

use futures::{Stream, TryStreamExt, future};
use serde::Deserialize;

use super::state::owner;
use crate::client::batch::ListOptions;
use crate::client::{Client, ClientError};
use crate::desired::{Desired, OWNER_KEY};
use crate::wire::batch::command::MetadataItem;
use crate::wire::batch::pool::PoolInfo;

/// Names of what nothing in the manifest refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strays {
    pub containers: Vec<String>,
    pub jobs: Vec<String>,
    pub pools: Vec<String>,
}

/// What a look through the whole account brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) strays: Strays,
    pub(super) pool_users: Vec<String>,
}

/// A pool or a job: as much of it as matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marked {
    id: String,
    state: String,
    #[serde(default)]
    metadata: Vec<MetadataItem>,
    #[serde(default)]
    pool_info: Option<PoolInfo>,
}

impl Marked {
    const POOL: &str = "id,state,metadata";
    const JOB: &str = "id,state,metadata,poolInfo";

    fn is_stray(&self, desired: &Desired, named: &str) -> bool {
        let ours = owner(&self.metadata) == Some(&desired.name);
        ours && !self.is_going() && !self.id.eq_ignore_ascii_case(named)
    }

    /// Whether it is another job with work for the manifest's pool.
    fn uses_pool(&self, desired: &Desired) -> bool {
        let pool = self.pool_info.as_ref().and_then(|p| p.pool_id.as_deref());
        pool.is_some_and(|p| p.eq_ignore_ascii_case(desired.pool.id.as_str()))
            && !self.id.eq_ignore_ascii_case(desired.job.id.as_str())
            && owner(&self.metadata) != Some(&desired.name)
            && !self.is_going()
            && !self.state.eq_ignore_ascii_case("completed")
    }

    /// Whether it is an auto pool of the manifest's job, which goes with that.
    fn is_auto_pool(&self, desired: &Desired) -> bool {
        let prefix = format!("{}_", desired.pool.id);
        let start = self.id.get(..prefix.len());
        desired.pool.auto.is_some() && start.is_some_and(|s| s.eq_ignore_ascii_case(&prefix))
    }

    fn is_going(&self) -> bool {
        self.state.eq_ignore_ascii_case("deleting")
    }
}

/// Looks through the whole account for the manifest's mark, and for jobs that use its pool.
pub(super) async fn search(desired: &Desired, client: &Client) -> Result<Found, ClientError> {
    let options = |select| ListOptions::default().select(select);
    let pools = client.batch.list_pools::<Marked>(&options(Marked::POOL));
    let jobs = client.batch.list_jobs::<Marked>(&options(Marked::JOB));
    let mut found = Found::default();
    let (containers, jobs, pools) = future::try_join3(
        containers(desired, client),
        relevant(jobs, |job| {
            job.is_stray(desired, desired.job.id.as_str()) || job.uses_pool(desired)
        }),
        relevant(pools, |pool| {
            pool.is_stray(desired, desired.pool.id.as_str()) && !pool.is_auto_pool(desired)
        }),
    )
    .await?;
    found.strays.containers = containers;
    found.strays.pools = pools.into_iter().map(|pool| pool.id).collect();
    for job in jobs {
        if job.uses_pool(desired) {
            found.pool_users.push(job.id);
        } else {
            found.strays.jobs.push(job.id);
        }
    }
    Ok(found)
}

async fn relevant(
    all: impl Stream<Item = Result<Marked, ClientError>>,
    matters: impl Fn(&Marked) -> bool,
) -> Result<Vec<Marked>, ClientError> {
    all.try_filter(|one| future::ready(matters(one)))
        .try_collect()
        .await
}

async fn containers(desired: &Desired, client: &Client) -> Result<Vec<String>, ClientError> {
    client
        .blob
        .list_containers(None)
        .try_filter_map(|one| {
            let ours = one.container.metadata.get(OWNER_KEY) == Some(&desired.name);
            let named = desired
                .containers
                .iter()
                .any(|c| c.name.as_str() == one.name);
            future::ready(Ok((ours && !named).then_some(one.name)))
        })
        .try_collect()
        .await
}
