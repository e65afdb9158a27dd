//! Asks the account for just what the desired state names.

use std::collections::BTreeMap;

use futures::{TryStreamExt, future, stream};

use super::outputs;
use super::receipt::Receipt;
use super::state::{LiveBlob, LiveContainer, LiveTask, Observed, owner};
use super::strays::search;
use crate::client::batch::ListOptions;
use crate::client::{Client, ClientError};
use crate::desired::{DIGEST_KEY, Desired, OWNER_KEY};
use crate::wire::batch::job_schedule::JobSchedule;
use crate::wire::batch::machine::{ImageReference, ImageVerificationType, SupportedImage};
use crate::wire::batch::pool::Pool;
use crate::wire::time::Time;

/// Containers that are listed at once.
const PARALLEL: usize = 8;

/// Why the account could not be observed.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    #[error("cannot read the state of the account")]
    Client(#[from] ClientError),
    #[error("the account supports no image {wanted}")]
    NoImage {
        wanted: String,
        /// Images that are near to it.
        candidates: Vec<String>,
    },
    #[error("the image {wanted} works with several node agents: {}", .candidates.join(", "))]
    ManyAgents {
        wanted: String,
        candidates: Vec<String>,
    },
}

impl ObserveError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Client(error) => error.hint().map(|h| h.to_string()),
            Self::NoImage { candidates, .. } if candidates.is_empty() => Some(
                "set pool.image to a publisher, offer and sku that the account supports".to_owned(),
            ),
            Self::NoImage { candidates, .. } => {
                Some(format!("supported are {}", candidates.join(", ")))
            }
            Self::ManyAgents { .. } => Some("set pool.node_agent_sku_id to one of them".to_owned()),
        }
    }
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Blobs and tasks only when the receipt and the outputs do not settle every task.
    AsNeeded,
    /// Everything: tasks may have to run although they are settled.
    Full,
}

/// Looks at everything `desired` names. `receipt` is what lies beside the outputs.
pub async fn observe(
    desired: &Desired,
    client: &Client,
    receipt: Receipt,
    depth: Depth,
) -> Result<Observed, ObserveError> {
    let outputs = match &desired.download {
        Some(download) => outputs::check_outputs(&download.to, &receipt),
        None => BTreeMap::new(),
    };
    let is_scheduled = desired.job.schedule.is_some();
    let settled =
        !is_scheduled && depth == Depth::AsNeeded && outputs::settled(desired, &receipt, &outputs);
    let (pool, job, schedule, containers, found) = future::try_join5(
        pool(desired, client),
        client.batch.get_job(desired.job.id.as_str()),
        schedule(desired, client),
        containers(desired, client, !settled),
        search(desired, client),
    )
    .await?;
    let tasks = match &job {
        // What another manifest runs says nothing about ours.
        Some(job) if !settled && owner(&job.metadata).is_none_or(|o| o == desired.name) => {
            tasks(desired, client).await?
        }
        _ => BTreeMap::new(),
    };
    let image = if !settled && pool.is_none() {
        image(desired, client).await?
    } else {
        None
    };
    let image = image.unwrap_or_default();
    Ok(Observed {
        containers,
        pool,
        job,
        strays: found.strays,
        pool_users: found.pool_users,
        foreign: outputs::foreign(desired, &receipt),
        schedule,
        tasks,
        receipt,
        outputs,
        node_agent_sku: image.node_agent_sku,
        image_support_ends: image.support_ends,
        image_is_unverified: image.is_unverified,
    })
}

/// Looks only at what a destroy may delete: which of the named resources exist, and whose they are.
pub async fn observe_owned(desired: &Desired, client: &Client) -> Result<Observed, ObserveError> {
    let (pool, job, schedule, containers, found) = future::try_join5(
        pool(desired, client),
        client.batch.get_job(desired.job.id.as_str()),
        schedule(desired, client),
        containers(desired, client, false),
        search(desired, client),
    )
    .await?;
    Ok(Observed {
        containers,
        pool,
        job,
        strays: found.strays,
        pool_users: found.pool_users,
        schedule,
        ..Observed::nothing(Receipt::empty(&desired.name))
    })
}

/// None for an auto pool: nobody but its job looks after it.
async fn pool(desired: &Desired, client: &Client) -> Result<Option<Pool>, ClientError> {
    match desired.pool.auto {
        Some(_) => Ok(None),
        None => client.batch.get_pool(desired.pool.id.as_str()).await,
    }
}

pub(super) async fn schedule(
    desired: &Desired,
    client: &Client,
) -> Result<Option<JobSchedule>, ClientError> {
    match &desired.job.schedule {
        Some(_) => client.batch.get_job_schedule(desired.job.id.as_str()).await,
        None => Ok(None),
    }
}

/// The manifest's containers that exist; with their blobs only when there is work.
async fn containers(
    desired: &Desired,
    client: &Client,
    with_blobs: bool,
) -> Result<BTreeMap<String, LiveContainer>, ClientError> {
    let found = stream::iter(desired.containers.iter().map(Ok::<_, ClientError>))
        .map_ok(|container| async move {
            let name = container.name.as_str();
            let Some(live) = client.blob.get_container(name).await? else {
                return Ok(None);
            };
            let blobs = if with_blobs && !container.is_for_logs {
                blobs(client, name).await?
            } else {
                BTreeMap::new()
            };
            let owner = live.metadata.get(OWNER_KEY).cloned();
            Ok(Some((name.to_owned(), LiveContainer { owner, blobs })))
        })
        .try_buffer_unordered(PARALLEL)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn blobs(
    client: &Client,
    container: &str,
) -> Result<BTreeMap<String, LiveBlob>, ClientError> {
    client
        .blob
        .list_blobs(container, None)
        .map_ok(|blob| {
            let live = LiveBlob {
                length: blob.length,
                md5: blob.md5,
                digest: blob.metadata.get(DIGEST_KEY).cloned(),
            };
            (blob.name, live)
        })
        .try_collect()
        .await
}

async fn tasks(
    desired: &Desired,
    client: &Client,
) -> Result<BTreeMap<String, LiveTask>, ClientError> {
    let options = ListOptions::default().select(LiveTask::SELECT);
    client
        .batch
        .list_tasks::<LiveTask>(desired.job.id.as_str(), &options)
        .map_ok(|task| (task.id.to_ascii_lowercase(), task))
        .try_collect()
        .await
}

/// What the account says of an image.
#[derive(Default)]
struct Supported {
    node_agent_sku: Option<String>,
    support_ends: Option<Time>,
    is_unverified: bool,
}

/// What the account says of the pool's image; None for an image of one's own.
async fn image(desired: &Desired, client: &Client) -> Result<Option<Supported>, ObserveError> {
    let machine = desired
        .pool
        .template
        .virtual_machine_configuration
        .as_deref();
    let Some(machine) = machine.filter(|m| m.image_reference.publisher.is_some()) else {
        return Ok(None);
    };
    let images: Vec<SupportedImage> = client.batch.supported_images(None).try_collect().await?;
    let want = &machine.image_reference;
    let agent = match &desired.pool.node_agent_sku {
        // Who names it is taken at their word.
        Some(agent) => agent.clone(),
        None => choose_agent(want, &images)?,
    };
    let ours =
        |i: &&SupportedImage| is_image(i, want) && i.node_agent_sku_id.eq_ignore_ascii_case(&agent);
    let ours: Vec<&SupportedImage> = images.iter().filter(ours).collect();
    let verified = |i: &&SupportedImage| i.verification_type == ImageVerificationType::Verified;
    Ok(Some(Supported {
        support_ends: ours.iter().find_map(|i| i.batch_support_end_of_life),
        is_unverified: !ours.is_empty() && !ours.iter().any(verified),
        node_agent_sku: Some(agent),
    }))
}

fn is_image(image: &SupportedImage, want: &ImageReference) -> bool {
    let image = &image.image_reference;
    same(&image.publisher, &want.publisher)
        && same(&image.offer, &want.offer)
        && same(&image.sku, &want.sku)
}

fn same(a: &Option<String>, b: &Option<String>) -> bool {
    a.as_deref()
        .unwrap_or("")
        .eq_ignore_ascii_case(b.as_deref().unwrap_or(""))
}

fn choose_agent(want: &ImageReference, images: &[SupportedImage]) -> Result<String, ObserveError> {
    let is_publisher_and_offer = |i: &&SupportedImage| {
        same(&i.image_reference.publisher, &want.publisher)
            && same(&i.image_reference.offer, &want.offer)
    };
    let matching = |verified: bool| {
        let mut agents: Vec<String> = images
            .iter()
            .filter(|i| is_image(i, want))
            .filter(|i| !verified || i.verification_type == ImageVerificationType::Verified)
            .map(|i| i.node_agent_sku_id.clone())
            .collect();
        agents.sort();
        agents.dedup();
        agents
    };
    let mut agents = matching(true);
    if agents.is_empty() {
        agents = matching(false);
    }
    match agents.len() {
        1 => Ok(agents.swap_remove(0)),
        0 => {
            let near = |f: &dyn Fn(&&SupportedImage) -> bool| -> Vec<String> {
                images
                    .iter()
                    .filter(|i| f(i))
                    .map(|i| name(&i.image_reference))
                    .collect()
            };
            let mut candidates = near(&|i| is_publisher_and_offer(i));
            if candidates.is_empty() {
                candidates = near(&|i| same(&i.image_reference.publisher, &want.publisher));
            }
            if candidates.is_empty() {
                candidates = near(&|_| true);
            }
            candidates.sort();
            candidates.dedup();
            Err(ObserveError::NoImage {
                wanted: name(want),
                candidates,
            })
        }
        _ => Err(ObserveError::ManyAgents {
            wanted: name(want),
            candidates: agents,
        }),
    }
}

fn name(image: &ImageReference) -> String {
    let part = |p: &Option<String>| p.clone().unwrap_or_default();
    format!(
        "{}/{}/{}",
        part(&image.publisher),
        part(&image.offer),
        part(&image.sku)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(offer: &str, sku: &str, agent: &str) -> SupportedImage {
        serde_json::from_value(serde_json::json!({
            "nodeAgentSKUId": agent, "osType": "linux", "verificationType": "verified",
            "imageReference": { "publisher": "canonical", "offer": offer, "sku": sku },
        }))
        .unwrap()
    }

    #[test]
    fn the_agent_is_looked_up() {
        let images = [
            image("ubuntu-24_04-lts", "server", "batch.node.ubuntu 24.04"),
            image("ubuntu-22_04", "server", "batch.node.ubuntu 22.04"),
            image("twice", "server", "one"),
            image("twice", "server", "two"),
        ];
        let want = |offer: &str, sku: &str| ImageReference {
            publisher: Some("Canonical".into()),
            offer: Some(offer.into()),
            sku: Some(sku.into()),
            ..ImageReference::default()
        };
        assert_eq!(
            choose_agent(&want("ubuntu-24_04-lts", "SERVER"), &images).unwrap(),
            "batch.node.ubuntu 24.04"
        );
        match choose_agent(&want("ubuntu-24_04-lts", "minimal"), &images).unwrap_err() {
            ObserveError::NoImage { candidates, .. } => {
                assert_eq!(candidates, ["canonical/ubuntu-24_04-lts/server"]);
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            choose_agent(&want("twice", "server"), &images),
            Err(ObserveError::ManyAgents { .. })
        ));
    }
}
