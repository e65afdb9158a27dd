//! Nodes, how many there are, and what images they can have.

use futures::{Stream, TryStreamExt};
use serde::de::DeserializeOwned;

use super::super::error::ClientError;
use super::{Batch, ListOptions};
use crate::wire::batch::machine::SupportedImage;
use crate::wire::batch::node::Node;
use crate::wire::batch::operation::Operation;
use crate::wire::batch::pool::PoolNodeCounts;

impl Batch {
    pub async fn get_node(&self, pool: &str, node: &str) -> Result<Option<Node>, ClientError> {
        let call = self.call(Operation::GetNode, &[pool, node]);
        match call.find().await? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    pub fn list_nodes<T: DeserializeOwned + Send + 'static>(
        &self,
        pool: &str,
        options: &ListOptions,
    ) -> impl Stream<Item = Result<T, ClientError>> + Send + Unpin + use<T> {
        self.list(Operation::ListNodes, &[pool], &[], options)
    }

    /// How many nodes of the pool are in which state; None when the service counts none for it.
    pub async fn node_counts(&self, pool: &str) -> Result<Option<PoolNodeCounts>, ClientError> {
        let quoted = pool.replace('\'', "''");
        let options = ListOptions::default().filter(format!("poolId eq '{quoted}'"));
        let mut counts = self.list(Operation::ListPoolNodeCounts, &[], &[], &options);
        counts.try_next().await
    }

    /// The pairs of image and node agent, perhaps those of a filter (`osType`, `verificationType`,
    /// `nodeAgentSKUId`).
    pub fn supported_images(
        &self,
        filter: Option<&str>,
    ) -> impl Stream<Item = Result<SupportedImage, ClientError>> + Send + Unpin + use<> {
        let options = ListOptions {
            filter: filter.map(str::to_owned),
            ..ListOptions::default()
        };
        self.list(Operation::ListSupportedImages, &[], &[], &options)
    }
}
