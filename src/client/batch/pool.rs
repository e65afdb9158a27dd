//! Pools.

use futures::Stream;
use serde::de::DeserializeOwned;

use super::super::Create;
use super::super::error::ClientError;
use super::{Batch, ListOptions};
use crate::wire::batch::operation::Operation;
use crate::wire::batch::pool::{Pool, PoolCreate, PoolEnableAutoScale, PoolResize, PoolUpdate};

impl Batch {
    pub async fn create_pool(&self, pool: &PoolCreate) -> Result<Create, ClientError> {
        let call = self.call(Operation::CreatePool, &[]).on(&pool.id);
        created(call.json(pool).send().await, "PoolExists")
    }

    pub async fn get_pool(&self, id: &str) -> Result<Option<Pool>, ClientError> {
        match self.call(Operation::GetPool, &[id]).find().await? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    pub fn list_pools<T: DeserializeOwned + Send + 'static>(
        &self,
        options: &ListOptions,
    ) -> impl Stream<Item = Result<T, ClientError>> + Send + Unpin + use<T> {
        self.list(Operation::ListPools, &[], &[], options)
    }

    /// Changes the properties given; with `if_match`, only if nobody changed the pool since.
    pub async fn patch_pool(
        &self,
        id: &str,
        update: &PoolUpdate,
        if_match: Option<&str>,
    ) -> Result<(), ClientError> {
        let call = self.call(Operation::UpdatePool, &[id]);
        call.if_match(if_match).json(update).ensure(&[]).await
    }

    /// Starts a resize. A pool that is being resized refuses (`PoolBeingResized`), also when it is our own
    /// request that arrived twice: read its targets.
    pub async fn resize_pool(&self, id: &str, resize: &PoolResize) -> Result<(), ClientError> {
        let call = self.call(Operation::ResizePool, &[id]);
        call.json(resize).ensure(&[]).await
    }

    pub async fn stop_pool_resize(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::StopPoolResize, &[id]);
        call.ensure(&[]).await
    }

    /// Lets a formula set the size, or changes the formula. At most once in 30 seconds.
    pub async fn enable_auto_scale(
        &self,
        id: &str,
        settings: &PoolEnableAutoScale,
    ) -> Result<(), ClientError> {
        let call = self.call(Operation::EnablePoolAutoScale, &[id]);
        call.json(settings).ensure(&[]).await
    }

    pub async fn disable_auto_scale(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::DisablePoolAutoScale, &[id]);
        call.ensure(&[]).await
    }

    /// Starts the deletion; no pool, or one being deleted, is fine.
    pub async fn delete_pool(&self, id: &str) -> Result<(), ClientError> {
        let call = self.call(Operation::DeletePool, &[id]);
        call.ensure_gone(&["PoolBeingDeleted"]).await
    }
}

/// Whether a create created.
pub(super) fn created<T>(
    result: Result<T, ClientError>,
    exists: &str,
) -> Result<Create, ClientError> {
    match result {
        Ok(_) => Ok(Create::Created),
        Err(error) if error.is(exists) => Ok(Create::AlreadyExists),
        Err(error) => Err(error),
    }
}
