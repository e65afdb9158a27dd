//! Everything in the account that carries the mark of any manifest, and whether it is still in use.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, future, stream};
use serde::Deserialize;

use super::state::owner;
use crate::client::batch::ListOptions;
use crate::client::{Client, ClientError};
use crate::desired::OWNER_KEY;
use crate::wire::batch::command::MetadataItem;
use crate::wire::time::Time;

/// Jobs that are counted at once.
const PARALLEL: usize = 16;

/// What a marked resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Schedule,
    Job,
    Pool,
    Container,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Job => "job",
            Self::Pool => "pool",
            Self::Container => "container",
        }
    }
}

/// A resource that a manifest made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub kind: Kind,
    pub name: String,
    /// What is worth knowing of it, such as how many nodes a pool has.
    pub note: Option<String>,
}

/// What one manifest made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Belongings {
    /// Schedules first, containers last: the order in which they are deleted.
    pub resources: Vec<Marked>,
    /// Why it is not left over: a job with open tasks, a schedule that makes more.
    pub in_use: Option<String>,
}

/// A pool, a job or a schedule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    state: String,
    #[serde(default)]
    metadata: Vec<MetadataItem>,
    creation_time: Time,
    #[serde(default)]
    current_dedicated_nodes: i32,
    #[serde(default)]
    current_low_priority_nodes: i32,
}

impl Listed {
    fn is(&self, state: &str) -> bool {
        self.state.eq_ignore_ascii_case(state)
    }
}

/// Looks through the whole account. By the name of the manifest that made them.
///
/// What was made after `young` is in use: an apply may be about to need it.
pub async fn marked(
    client: &Client,
    young: Time,
) -> Result<BTreeMap<String, Belongings>, ClientError> {
    let options = ListOptions::default();
    let pools = client.batch.list_pools::<Listed>(&options).try_collect();
    let jobs = client.batch.list_jobs::<Listed>(&options).try_collect();
    let schedules = client
        .batch
        .list_job_schedules::<Listed>(&options)
        .try_collect();
    let containers = client.blob.list_containers(None).try_collect();
    let (pools, jobs, schedules, containers): (Vec<_>, Vec<_>, Vec<_>, Vec<_>) =
        future::try_join4(pools, jobs, schedules, containers).await?;
    let mut found = Found {
        all: BTreeMap::new(),
        young,
    };
    for schedule in schedules {
        found.add(Kind::Schedule, &schedule, None);
        if schedule.is("active") {
            found.use_of(&schedule, || {
                format!("schedule `{}` makes jobs", schedule.id)
            });
        }
    }
    let open: Vec<(Listed, i32)> = stream::iter(jobs)
        .map(|job| async move {
            let open = match job.is("completed") {
                true => 0,
                false => open_tasks(client, &job.id).await?,
            };
            Ok::<_, ClientError>((job, open))
        })
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    for (job, open) in open {
        found.add(Kind::Job, &job, Some(job.state.clone()));
        if open > 0 {
            found.use_of(&job, || format!("job `{}` has open tasks ({open})", job.id));
        }
    }
    for pool in pools {
        let nodes = pool.current_dedicated_nodes + pool.current_low_priority_nodes;
        found.add(Kind::Pool, &pool, Some(format!("{nodes} nodes")));
    }
    for container in containers {
        if let Some(owner) = container.container.metadata.get(OWNER_KEY) {
            found.push(owner, Kind::Container, container.name, None);
        }
    }
    Ok(found.all)
}

async fn open_tasks(client: &Client, job: &str) -> Result<i32, ClientError> {
    match client.batch.task_counts(job).await {
        Ok(counts) => Ok(counts.task_counts.active + counts.task_counts.running),
        Err(error) if error.is_not_found() => Ok(0),
        Err(error) => Err(error),
    }
}

struct Found {
    all: BTreeMap<String, Belongings>,
    young: Time,
}

impl Found {
    /// What is being deleted already is as good as gone.
    fn add(&mut self, kind: Kind, listed: &Listed, note: Option<String>) {
        if let Some(owner) = owner(&listed.metadata).filter(|_| !listed.is("deleting")) {
            self.push(owner, kind, listed.id.clone(), note);
            if listed.creation_time > self.young {
                let what = kind.as_str();
                self.use_of(listed, || format!("{what} `{}` is new", listed.id));
            }
        }
    }

    fn push(&mut self, owner: &str, kind: Kind, name: String, note: Option<String>) {
        let belongings = self.all.entry(owner.to_owned()).or_default();
        belongings.resources.push(Marked { kind, name, note });
    }

    fn use_of(&mut self, listed: &Listed, why: impl FnOnce() -> String) {
        if let Some(belongings) = owner(&listed.metadata).and_then(|o| self.all.get_mut(o)) {
            belongings.in_use.get_or_insert_with(why);
        }
    }
}
