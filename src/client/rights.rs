//! What the credentials allow, asked with calls that change nothing: each is about something that does not exist,
//! and a service says that something is not allowed before it says that it is not there.

use std::future::Future;
use std::pin::Pin;

use uuid::Uuid;

use super::Client;
use super::error::ClientError;
use crate::clock;
use crate::wire::time::{Duration, Time};

/// One right and whether there is it.
#[derive(Debug)]
pub struct Right {
    pub what: &'static str,
    /// The role of Azure that gives it.
    pub role: &'static str,
    pub answer: Result<(), ClientError>,
}

const BATCH: &str = "Azure Batch Data Contributor";
const STORAGE: &str = "Storage Blob Data Contributor";
const DELEGATOR: &str = "Storage Blob Delegator";

type Asked<'a> = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send + 'a>>;

impl Client {
    /// Asks for each right that apply needs.
    pub async fn rights(&self) -> Vec<Right> {
        let name = format!("batchflow-probe-{}", Uuid::new_v4().simple());
        let name = name.as_str();
        let soon = Time::from(clock::now()).plus(Duration::from_secs(3600));
        let asked: [(_, _, Asked<'_>); 8] = [
            (
                "read pools",
                BATCH,
                Box::pin(async { self.batch.get_pool(name).await.map(drop) }),
            ),
            (
                "change pools",
                BATCH,
                Box::pin(self.batch.delete_pool(name)),
            ),
            (
                "read jobs",
                BATCH,
                Box::pin(async { self.batch.get_job(name).await.map(drop) }),
            ),
            ("change jobs", BATCH, Box::pin(self.batch.delete_job(name))),
            (
                "change containers",
                STORAGE,
                Box::pin(self.blob.delete_container(name)),
            ),
            (
                "read blobs",
                STORAGE,
                Box::pin(async { self.blob.get_blob_properties(name, name).await.map(drop) }),
            ),
            (
                "change blobs",
                STORAGE,
                Box::pin(self.blob.delete_blob(name, name)),
            ),
            (
                "give nodes access to storage",
                DELEGATOR,
                Box::pin(async { self.sas.prepare(soon).await }),
            ),
        ];
        let mut rights = Vec::new();
        for (what, role, answer) in asked {
            rights.push(Right {
                what,
                role,
                answer: answer.await,
            });
        }
        rights
    }
}
