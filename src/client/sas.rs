//! URLs that carry their own rights, for files that nodes fetch and send.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::ServiceAccount;
use crate::wire::sas::{Permissions, Resource, Terms, service_sas};
use crate::wire::secret::Secret;
use crate::wire::time::Time;

/// What may stand in a path as it is. Slashes stay: the service does not take `%2F` for one in a signed URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Signs URLs of one storage account. Cheap to clone; sends nothing.
#[derive(Debug, Clone)]
pub struct Sas {
    storage: ServiceAccount,
}

impl Sas {
    pub fn new(storage: ServiceAccount) -> Self {
        Self { storage }
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
        let query = service_sas(&self.storage.name, &self.storage.key, &terms);
        Secret::new(format!("{url}?{}", query.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::auth::AccountKey;

    fn sas(endpoint: &str) -> Sas {
        Sas::new(ServiceAccount {
            name: "acct".to_owned(),
            key: AccountKey::from_base64("a2V5").unwrap(),
            endpoint: endpoint.parse().unwrap(),
        })
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
