//! The local service behind a proxy for each of its two protocols.

use batchflow::service::Service;
use bytes::Bytes;
use http::Request;

use crate::proxy::{Fate, Proxy};
use crate::support::{Ran, Workshop, local_service};

pub(crate) struct Behind {
    pub(crate) service: Service,
    batch: Proxy,
    blob: Proxy,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Behind {
    pub(crate) fn new<D>(decide: impl Fn() -> D) -> Self
    where
        D: Fn(Request<Bytes>) -> Fate + Send + Sync + 'static,
    {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (service, batch, blob) = runtime.block_on(async {
            let service = local_service(None, true).await;
            let origin = |endpoint: &str| {
                let url = reqwest::Url::parse(endpoint).unwrap();
                url.origin().ascii_serialization()
            };
            let batch = Proxy::start(&origin(service.batch_endpoint()), None, decide()).await;
            let blob = Proxy::start(&origin(service.blob_endpoint()), None, decide()).await;
            (service, batch, blob)
        });
        Self {
            service,
            batch,
            blob,
            runtime,
        }
    }

    pub(crate) fn run(&self, shop: &Workshop, args: &[&str]) -> Ran {
        let service = &self.service;
        let path = reqwest::Url::parse(service.blob_endpoint()).unwrap();
        let storage = format!(
            "AccountName={};AccountKey={};BlobEndpoint={}{}",
            service.account(),
            service.key().expose(),
            self.blob.http(),
            path.path()
        );
        let mut command = shop.command(args);
        command
            .env("AZURE_BATCH_ACCOUNT", service.account())
            .env("AZURE_BATCH_ACCESS_KEY", service.key().expose())
            .env("AZURE_BATCH_ENDPOINT", self.batch.http())
            .env("AZURE_STORAGE_CONNECTION_STRING", storage);
        Ran::of(command.output().unwrap())
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.service.stop());
    }
}
