//! One apply or destroy of a manifest at a time: a lease on a small blob in the storage account. It is renewed while
//! its holder lives and ends by itself when the holder dies.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::blob::Lease;
use crate::client::{Client, ClientError};
use crate::wire::time::Time;

/// Where the blobs of all manifests lie. It carries no manifest's mark, so no destroy deletes it.
const CONTAINER: &str = "batchflow-locks";
/// How long a dead holder keeps others out at most.
const DURATION: Duration = Duration::from_secs(60);
/// Often enough that two renewals may fail.
const RENEWED_EVERY: Duration = Duration::from_secs(15);

const HOLDER_KEY: &str = "batchflow_holder";
const SINCE_KEY: &str = "batchflow_since";
const MACHINE_KEY: &str = "batchflow_machine";
const PROCESS_KEY: &str = "batchflow_process";

/// Who holds a lock, as others are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// For people: user, host, process.
    pub name: String,
    pub since: String,
    /// The same only where `process` means the same process.
    pub machine: String,
    pub process: u32,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another apply or destroy of `{manifest}` is running{}", by(.holder.as_ref()))]
    Held {
        manifest: String,
        /// None: it has only just begun.
        holder: Option<Holder>,
    },
    #[error("cannot lock the manifest")]
    Client(#[from] ClientError),
}

impl LockError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some(format!(
                "wait until it is done; if it was killed, its lock ends by itself within {} seconds",
                DURATION.as_secs()
            )),
            Self::Client(error) => error.hint(),
        }
    }
}

fn by(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |h| format!(": {} since {}", h.name, h.since))
}

/// Keeps others out until it is released, or dropped and a minute has passed.
#[derive(Debug)]
pub struct Lock {
    client: Client,
    lease: Lease,
    renewing: JoinHandle<()>,
    lost: CancellationToken,
}

impl Lock {
    /// Takes the lock of a manifest. `is_dead` says whether a holder is known to be gone for good: then its lock is
    /// not waited for.
    pub async fn take(
        client: &Client,
        manifest: &str,
        ours: &Holder,
        is_dead: impl Fn(&Holder) -> bool,
    ) -> Result<Self, LockError> {
        let blob = &client.blob;
        let name = format!("{manifest}.lock");
        blob.create_container(CONTAINER, &BTreeMap::new()).await?;
        blob.create_blob(CONTAINER, &name, &BTreeMap::new()).await?;
        let held = |holder| LockError::Held {
            manifest: manifest.to_owned(),
            holder,
        };
        let mut lease = blob.acquire_lease(CONTAINER, &name, DURATION).await?;
        if lease.is_none() {
            let (holder, etag) = holder(client, &name).await?;
            // A new holder describes itself before it does anything, which changes the ETag: what is ended here is
            // the lease of the dead one, or of one that has not begun and is told so.
            match etag.filter(|_| holder.as_ref().is_some_and(is_dead)) {
                Some(etag) if blob.break_lease_of(CONTAINER, &name, &etag).await? => {}
                _ => return Err(held(holder)),
            }
            lease = blob.acquire_lease(CONTAINER, &name, DURATION).await?;
        }
        let lease = lease.ok_or_else(|| held(None))?;
        if !blob.describe_lease(&lease, &metadata(ours)).await? {
            return Err(held(None));
        }
        let lost = CancellationToken::new();
        let renewing = tokio::spawn(renew(client.clone(), lease.clone(), lost.clone()));
        Ok(Self {
            client: client.clone(),
            lease,
            renewing,
            lost,
        })
    }

    /// Cancelled when somebody else may hold the lock now.
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Lets others in at once. When that fails, they wait for a minute.
    pub async fn release(self) -> Result<(), ClientError> {
        self.renewing.abort();
        self.client.blob.release_lease(self.lease.clone()).await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn renew(client: Client, lease: Lease, lost: CancellationToken) {
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        // No answer is not yet a lost lease: it is asked again, and whoever takes it makes the answer a no.
        if let Ok(false) = client.blob.renew_lease(&lease).await {
            lost.cancel();
            return;
        }
    }
}

fn metadata(holder: &Holder) -> BTreeMap<String, String> {
    [
        (HOLDER_KEY, holder.name.clone()),
        (SINCE_KEY, holder.since.clone()),
        (MACHINE_KEY, holder.machine.clone()),
        (PROCESS_KEY, holder.process.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Who described itself last, and the ETag that this gave the blob.
async fn holder(
    client: &Client,
    name: &str,
) -> Result<(Option<Holder>, Option<String>), ClientError> {
    let found = client.blob.get_blob_properties(CONTAINER, name).await?;
    let (metadata, etag) = found.map_or_else(Default::default, |b| (b.metadata, b.etag));
    let get = |key: &str| metadata.get(key).cloned();
    let read = || {
        Some(Holder {
            name: get(HOLDER_KEY)?,
            since: get(SINCE_KEY)?,
            machine: get(MACHINE_KEY)?,
            process: get(PROCESS_KEY)?.parse().ok()?,
        })
    };
    Ok((read(), etag))
}

impl Holder {
    /// Headers take ASCII alone.
    pub fn new(name: &str, since: Time, machine: &str, process: u32) -> Self {
        let ascii = |text: &str| {
            let plain = |c: char| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '?'
                }
            };
            text.chars()
                .map(plain)
                .collect::<String>()
                .trim()
                .to_owned()
        };
        Self {
            name: ascii(name),
            since: since.whole_seconds().to_string(),
            machine: ascii(machine),
            process,
        }
    }
}
