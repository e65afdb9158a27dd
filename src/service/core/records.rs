//! What is written down: a record for each pool, node, job and task, and the counters. The core notes which have
//! changed; the driver takes them after each batch of inputs and hands them back, all of them, at the next start.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::job::Job;
use super::job_schedule::JobSchedule;
use super::key::Key;
use super::node::Node;
use super::pool::Pool;
use super::task::Task;
use super::world::{Site, World};

/// Something with a record of its own, in the order in which they can be read back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Record {
    Counters,
    Pool(Key),
    Node(Key, Key),
    Schedule(Key),
    Job(Key),
    Task(Key, Key),
}

impl Record {
    fn key(&self) -> String {
        match self {
            Self::Counters => "counters".to_owned(),
            Self::Pool(pool) => format!("pool/{pool}"),
            Self::Node(pool, node) => format!("node/{pool}/{node}"),
            Self::Schedule(key) => format!("schedule/{key}"),
            Self::Job(job) => format!("job/{job}"),
            Self::Task(job, task) => format!("task/{job}/{task}"),
        }
    }

    fn parse(key: &str) -> Option<Self> {
        let mut parts = key.split('/');
        let mut part = || parts.next();
        let record = match part()? {
            "counters" => Self::Counters,
            "pool" => Self::Pool(Key::of(part()?)),
            "node" => Self::Node(Key::of(part()?), Key::of(part()?)),
            "schedule" => Self::Schedule(Key::of(part()?)),
            "job" => Self::Job(Key::of(part()?)),
            "task" => Self::Task(Key::of(part()?), Key::of(part()?)),
            _ => return None,
        };
        part().is_none().then_some(record)
    }
}

/// The records that changed since they were last taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Records {
    changed: BTreeSet<Record>,
    /// Whether one of them may not be lost.
    pressing: bool,
}

impl Records {
    pub(super) fn mark(&mut self, record: Record) {
        self.changed.insert(record);
        self.pressing = true;
    }

    /// For what a restart undoes anyway: that a task was put on a node, or runs there. It is written down together
    /// with the next change that may not be lost, so that what is on disk is always the state of one moment.
    pub(super) fn mark_for_later(&mut self, record: Record) {
        self.changed.insert(record);
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Counters {
    next_run: u64,
}

/// A record key with its new value; None when it is to be deleted.
pub(in crate::service) type Change = (String, Option<Vec<u8>>);

/// Why stored state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum RestoreError {
    #[error("cannot read the stored record `{key}`")]
    Malformed {
        key: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the stored record `{key}` is of a kind this version does not know")]
    Unknown { key: String },
    #[error("the stored record `{key}` belongs to nothing")]
    Orphan { key: String },
}

impl World {
    /// Whether a stored record is one of these.
    pub(in crate::service) fn has_record(key: &str) -> bool {
        Record::parse(key).is_some()
    }

    /// Whether something changed that may not be lost.
    pub(in crate::service) fn has_pressing_changes(&self) -> bool {
        self.records.pressing
    }

    /// Takes what changed since the last time.
    pub(in crate::service) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.records)
            .changed
            .into_iter()
            .map(|record| (record.key(), self.encode(&record)))
            .collect()
    }

    fn encode(&self, record: &Record) -> Option<Vec<u8>> {
        let json = match record {
            Record::Counters => serde_json::to_vec(&Counters {
                next_run: self.next_run,
            }),
            Record::Pool(key) => serde_json::to_vec(self.pools.get(key)?),
            Record::Node(pool, node) => serde_json::to_vec(self.pools.get(pool)?.nodes.get(node)?),
            Record::Schedule(key) => serde_json::to_vec(self.schedules.get(key)?),
            Record::Job(key) => serde_json::to_vec(self.jobs.get(key)?),
            Record::Task(job, task) => {
                let task = self.jobs.get(job)?.tasks.get(task)?;
                serde_json::to_vec(task).map(|mut text| {
                    // JSON in one line, then the body as it is: it never changes and is not parsed again.
                    text.push(b'\n');
                    text.extend_from_slice(task.body.as_bytes());
                    text
                })
            }
        };
        json.ok()
    }

    /// Builds the state from its records. Nothing has happened to it yet: see [`World::recover`].
    pub(in crate::service) fn restore(
        site: Site,
        stored: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, RestoreError> {
        let mut records = Vec::new();
        for (key, bytes) in stored {
            match Record::parse(&key) {
                Some(record) => records.push((record, bytes)),
                None => return Err(RestoreError::Unknown { key }),
            }
        }
        records.sort();
        let mut world = Self::new(site);
        for (record, bytes) in records {
            world.restore_one(&record, &bytes)?;
        }
        world.rebuild();
        Ok(world)
    }

    fn restore_one(&mut self, record: &Record, bytes: &[u8]) -> Result<(), RestoreError> {
        let orphan = || RestoreError::Orphan { key: record.key() };
        match record {
            Record::Counters => {
                let counters: Counters = decode(record, bytes)?;
                self.next_run = counters.next_run;
            }
            Record::Pool(key) => {
                let pool: Pool = decode(record, bytes)?;
                self.pools.insert(key.clone(), pool);
            }
            Record::Node(pool, key) => {
                let node: Node = decode(record, bytes)?;
                let pool = self.pools.get_mut(pool).ok_or_else(orphan)?;
                pool.nodes.insert(key.clone(), node);
            }
            Record::Schedule(key) => {
                let schedule: JobSchedule = decode(record, bytes)?;
                self.schedules.insert(key.clone(), schedule);
            }
            Record::Job(key) => {
                let job: Job = decode(record, bytes)?;
                self.jobs.insert(key.clone(), job);
            }
            Record::Task(job, key) => {
                let (state, body) = split_line(bytes);
                let mut task: Task = decode(record, state)?;
                task.body = String::from_utf8_lossy(body).into();
                let job = self.jobs.get_mut(job).ok_or_else(orphan)?;
                job.insert_task(key.clone(), task);
            }
        }
        Ok(())
    }
}

fn decode<T: DeserializeOwned>(record: &Record, bytes: &[u8]) -> Result<T, RestoreError> {
    serde_json::from_slice(bytes).map_err(|source| RestoreError::Malformed {
        key: record.key(),
        source,
    })
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}
