//! Logs of a node into a container.

use std::sync::Arc;

use bytes::Bytes;

use super::blob_url::blob_in;
use super::directories::NodeDirectories;
use super::failure::chain;
use super::nodes::Shared;
use super::upload::put_blob;
use crate::service::core::effect::LogUpload;

/// Uploads what there is; nobody waits for it, so what fails is only said in our own log.
pub(super) async fn upload(shared: Arc<Shared>, upload: LogUpload) {
    let Ok(node) = NodeDirectories::new(&shared.nodes_dir, &upload.node) else {
        return;
    };
    let endpoints = shared.addresses().blob;
    let container = match endpoints.resolve(upload.container_url.expose()) {
        Ok(container) => container,
        Err(e) => {
            tracing::warn!(
                "logs of node {} have no target: {}",
                upload.node.node,
                chain(&e)
            );
            return;
        }
    };
    for (at, file) in upload.files().iter().enumerate() {
        let content = match at {
            0 => Bytes::from(upload.report.clone()),
            // Not there yet, or no more: the blob says so by being empty.
            _ => tokio::fs::read(node.root().join(file))
                .await
                .map(Bytes::from)
                .unwrap_or_default(),
        };
        let blob = blob_in(&container, &format!("{}/{file}", upload.folder));
        if let Err(e) = put_blob(&shared.web, &blob, content, &[]).await {
            tracing::warn!(
                "a log of node {} was not uploaded: {}",
                upload.node.node,
                chain(&e)
            );
        }
    }
}
