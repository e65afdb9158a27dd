//! The service that another process runs on a state directory: where it is reached, and with which key.

use std::fs;
use std::path::Path;

use super::state_dir::{Endpoints, StateDir};
use crate::wire::secret::Secret;

/// A running service of another process.
#[derive(Debug, Clone)]
pub struct Neighbour {
    pub batch_endpoint: String,
    pub blob_endpoint: String,
    pub account: String,
    pub key: Secret,
}

impl Neighbour {
    /// Reads where the service that holds `state_dir` listens. None when it does not say, has a key of its own
    /// choosing, or serves https with a certificate that only its own clients know.
    pub fn of(state_dir: &Path) -> Option<Self> {
        let Endpoints {
            batch_port, blob, ..
        } = StateDir::endpoints_of(state_dir);
        let key = fs::read_to_string(StateDir::key_of(state_dir)).ok()?;
        let (base, account) = blob.rsplit_once('/')?;
        let (host, _) = base.rsplit_once(':')?;
        host.starts_with("http://").then(|| Self {
            batch_endpoint: format!("{host}:{batch_port}"),
            blob_endpoint: blob.clone(),
            account: account.to_owned(),
            key: Secret::new(key.trim()),
        })
    }
}
