//! URLs that carry their own rights, for files that nodes fetch and send.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use std::sync::{Arc, RwLock};

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};

use super::ServiceAccount;
use super::credential::Credential;
use super::error::{ClientError, Failure};
use super::exchange::Exchange;
use super::refused::Refused;
use crate::clock;
use crate::wire;
use crate::wire::sas::{DelegationKey, MOST_DAYS, Permissions, Resource, Terms, service_sas};
use crate::wire::secret::Secret;
use crate::wire::time::{Duration, Time};

/// What may stand in a path as it is. Slashes stay: the service does not take `%2F` for one in a signed URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the clocks of this machine and the service may differ by: a key that begins later is of no use yet.
const BEFORE: Duration = Duration::from_secs(-15 * 60);
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// Makes URLs of one storage account that carry rights. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sas {
    storage: ServiceAccount,
    /// Asks for a user delegation key where there is no account key.
    exchange: Exchange,
    delegation: Arc<RwLock<Option<DelegationKey>>>,
}

impl Sas {
    pub(super) fn new(storage: ServiceAccount, exchange: Exchange) -> Self {
        Self {
            storage,
            exchange,
            delegation: Arc::default(),
        }
    }

    /// Gets ready to sign until `expiry`, or as long as the service allows.
    ///
    /// # Errors
    /// When the service gives no user delegation key.
    pub async fn prepare(&self, expiry: Time) -> Result<(), ClientError> {
        if let Credential::Entra(_) = &self.storage.credential {
            let now = Time::from(clock::now());
            let most = now.plus(Duration::from_days(MOST_DAYS));
            let key = self.ask_for_key(now, expiry.min(most)).await?;
            if let Ok(mut delegation) = self.delegation.write() {
                *delegation = Some(key);
            }
        }
        Ok(())
    }

    /// When what is signed until `expiry` really ends.
    pub fn end(&self, expiry: Time) -> Time {
        let earlier = match &self.storage.credential {
            Credential::Key(_) => None,
            Credential::Sas(sas) => wire::sas::expiry(sas.expose()),
            Credential::Entra(_) => {
                let delegation = self.delegation.read().ok();
                delegation.and_then(|key| key.as_ref()?.expiry())
            }
        };
        earlier.map_or(expiry, |end| end.min(expiry))
    }

    async fn ask_for_key(&self, now: Time, expiry: Time) -> Result<DelegationKey, ClientError> {
        let attempt = "get a user delegation key";
        let endpoint = self.storage.endpoint.to_string();
        let body = DelegationKey::request(now.plus(BEFORE), expiry);
        let request = Request::post(format!(
            "{endpoint}/?restype=service&comp=userdelegationkey"
        ))
        .header(VERSION, HeaderValue::from_static("2021-12-02"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/xml"))
        .header(ACCEPT, HeaderValue::from_static("application/xml"))
        .body(Bytes::from(body))
        .map_err(|error| {
            let reason = error.to_string();
            ClientError::new(attempt, Failure::Unsendable { reason })
        })?;
        let answer = self.exchange.send(&request).await;
        let answer = answer.map_err(|source| {
            ClientError::new(attempt, Failure::unanswered(endpoint.clone(), source))
        })?;
        if !answer.status().is_success() {
            let refused = Failure::Refused(Refused::new(&answer));
            return Err(ClientError::new(attempt, refused));
        }
        DelegationKey::read(&String::from_utf8_lossy(answer.body())).map_err(|error| {
            let source = Box::new(error);
            ClientError::new(attempt, Failure::Unreadable { endpoint, source })
        })
    }

    /// The URL of a container without any rights: what metadata and comparisons may hold.
    pub fn plain_container_url(&self, container: &str) -> String {
        let container = utf8_percent_encode(container, PATH);
        format!("{}/{container}", self.storage.endpoint)
    }

    /// The URL of a blob without any rights.
    pub fn plain_blob_url(&self, container: &str, blob: &str) -> String {
        let base = self.plain_container_url(container);
        format!("{base}/{}", utf8_percent_encode(blob, PATH))
    }

    /// A container with rights that begin now.
    pub fn container_url(&self, container: &str, permissions: Permissions, expiry: Time) -> Secret {
        let url = self.plain_container_url(container);
        self.sign(url, Resource::Container(container), permissions, expiry)
    }

    /// A blob with rights that begin now.
    pub fn blob_url(
        &self,
        container: &str,
        blob: &str,
        permissions: Permissions,
        expiry: Time,
    ) -> Secret {
        let url = self.plain_blob_url(container, blob);
        let resource = Resource::Blob { container, blob };
        self.sign(url, resource, permissions, expiry)
    }

    fn sign(
        &self,
        url: String,
        resource: Resource<'_>,
        permissions: Permissions,
        expiry: Time,
    ) -> Secret {
        let terms = Terms {
            resource,
            permissions,
            // A start of "now" fails on a node whose clock is behind.
            start: None,
            expiry,
            https_only: self.storage.endpoint.is_https(),
        };
        let name = &self.storage.name;
        let query = match &self.storage.credential {
            Credential::Key(key) => service_sas(name, key, &terms),
            // Whoever made it decided on its rights; there is no key to make a lesser one with.
            Credential::Sas(sas) => sas.clone(),
            Credential::Entra(_) => {
                let delegation = self.delegation.read().ok();
                match delegation.as_deref() {
                    Some(Some(key)) => key.sas(
                        name,
                        &Terms {
                            expiry: key.expiry().map_or(expiry, |end| end.min(expiry)),
                            ..terms
                        },
                    ),
                    // Nobody prepared: a URL without rights is refused by the service.
                    _ => return Secret::new(url),
                }
            }
        };
        Secret::new(format!("{url}?{}", query.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Account, Client, Reqwest};
    use crate::wire::auth::AccountKey;

    fn sas(endpoint: &str) -> Sas {
        let storage = ServiceAccount {
            name: "acct".to_owned(),
            credential: Credential::Key(AccountKey::from_base64("a2V5").unwrap()),
            endpoint: endpoint.parse().unwrap(),
        };
        let account = Account {
            batch: storage.clone(),
            storage,
        };
        Client::new(&account, Arc::new(Reqwest::new().unwrap()))
            .unwrap()
            .sas
    }

    #[test]
    fn paths_are_encoded_but_for_slashes() {
        let sas = sas("https://acct.blob.core.windows.net");
        for (blob, path) in [
            ("dir/a b.txt", "dir/a%20b.txt"),
            ("ü+%.txt", "%C3%BC%2B%25.txt"),
            ("a?b#c&d", "a%3Fb%23c%26d"),
            ("~x_y-z.1", "~x_y-z.1"),
        ] {
            assert_eq!(
                sas.plain_blob_url("in", blob),
                format!("https://acct.blob.core.windows.net/in/{path}")
            );
        }
    }

    #[test]
    fn https_only_where_there_is_https() {
        let expiry: Time = "2026-01-02T03:04:05Z".parse().unwrap();
        for (endpoint, protocol) in [
            ("https://acct.blob.core.windows.net", true),
            ("http://127.0.0.1:10000/acct", false),
        ] {
            let url = sas(endpoint).container_url("in", Permissions::READ_LIST, expiry);
            let url = url.expose();
            assert!(url.starts_with(&format!("{endpoint}/in?")), "{url}");
            assert!(url.contains("sp=rl&"), "{url}");
            assert!(url.contains("sr=c&sig="), "{url}");
            assert_eq!(url.contains("spr=https&"), protocol, "{url}");
            assert!(!url.contains("st="), "{url}");
        }
    }
}
