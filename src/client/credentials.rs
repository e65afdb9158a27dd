//! Which account, with which keys, where: from the environment and the manifest.

use std::collections::BTreeMap;

use super::credential::{Credential, Entra};
use super::endpoint::{Endpoint, InvalidEndpoint};
use crate::wire::auth::{AccountKey, InvalidKey};
use crate::wire::secret::Secret;

const BATCH_NAME: &[&str] = &["AZURE_BATCH_ACCOUNT", "AZURE_BATCH_ACCOUNT_NAME"];
const BATCH_KEY: &[&str] = &["AZURE_BATCH_ACCESS_KEY", "AZURE_BATCH_ACCOUNT_KEY"];
const BATCH_ENDPOINT: &[&str] = &["AZURE_BATCH_ENDPOINT"];
const STORAGE_NAME: &[&str] = &["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"];
const STORAGE_KEY: &[&str] = &[
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
];
/// Nextflow's name is the same.
const STORAGE_SAS: &str = "AZURE_STORAGE_SAS_TOKEN";
/// `login` asks for Entra ID even where there is a key.
const STORAGE_AUTH_MODE: &str = "AZURE_STORAGE_AUTH_MODE";
const CONNECTION_STRING: &str = "AZURE_STORAGE_CONNECTION_STRING";

/// A Batch account and the storage account that its files go through.
#[derive(Debug, Clone)]
pub struct Account {
    pub batch: ServiceAccount,
    pub storage: ServiceAccount,
}

/// The name of one account, what it is shown, and its place.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    pub name: String,
    pub credential: Credential,
    pub endpoint: Endpoint,
}

/// An account, and where what is shown to it comes from: names, never values.
#[derive(Debug, Clone)]
pub struct Found {
    pub account: Account,
    pub batch_from: String,
    pub storage_from: String,
}

/// What a manifest says of the account; it goes before the environment. Keys never stand in a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub batch_account: Option<String>,
    pub batch_endpoint: Option<String>,
    /// The region, from which the endpoint follows in the public cloud.
    pub location: Option<String>,
    pub storage_account: Option<String>,
    pub storage_endpoint: Option<String>,
}

/// Why there is no account to talk to.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("the account is not fully known: set {}", .0.join(", "))]
    Missing(Vec<String>),
    #[error("the value of {variable} is no account key")]
    Key {
        variable: String,
        #[source]
        source: InvalidKey,
    },
    #[error("the endpoint in {from} is not usable")]
    Endpoint {
        from: String,
        #[source]
        source: InvalidEndpoint,
    },
    #[error("{from} is `{value}`, which is an address: the name of the account is `{name}`")]
    Address {
        from: String,
        value: String,
        name: String,
    },
    #[error("{CONNECTION_STRING} {0}")]
    ConnectionString(String),
    #[error(
        "{CONNECTION_STRING} is for the account `{found}`, but the manifest names `{wanted}`: set AZURE_STORAGE_KEY to the key of `{wanted}`"
    )]
    OtherAccount { found: String, wanted: String },
    #[error("AZURE_TOKEN_CREDENTIALS names a kind of credential that is not supported")]
    UnknownKind,
    #[error("AZURE_CLIENT_CERTIFICATE_PASSWORD is not supported: store the key without a password")]
    CertificatePassword,
}

/// Reads a variable; tests give their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Account {
    /// Reads the variables that the Azure CLI and Nextflow use, in this order. Empty ones count as not set.
    ///
    /// # Errors
    /// All that is missing at once, or the first value that cannot be used.
    pub fn from_environment(
        environment: Environment<'_>,
        manifest: &Named,
    ) -> Result<Found, CredentialsError> {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| {
                let value = environment(name)?.trim().to_owned();
                (!value.is_empty()).then(|| ((*name).to_owned(), value))
            })
        };
        let given = |field: &str, value: &Option<String>| {
            value
                .clone()
                .map(|v| (format!("`account.{field}` of the manifest"), v))
        };
        let mut missing = Vec::new();
        let batch_name = given("batch_account", &manifest.batch_account)
            .or_else(|| first(BATCH_NAME))
            .or_missing(&mut missing, BATCH_NAME, "the name of the Batch account");
        let batch_endpoint = given("batch_endpoint", &manifest.batch_endpoint)
            .or_else(|| first(BATCH_ENDPOINT))
            .or_else(|| {
                let (from, location) = given("location", &manifest.location)?;
                let (_, name) = batch_name.as_ref()?;
                Some((from, format!("https://{name}.{location}.batch.azure.com")))
            })
            .or_missing(
                &mut missing,
                BATCH_ENDPOINT,
                "its endpoint, such as https://NAME.REGION.batch.azure.com",
            );

        let wanted = given("storage_account", &manifest.storage_account);
        let connection = first(&[CONNECTION_STRING])
            .map(|(_, text)| ConnectionString::parse(&text))
            .transpose()?;
        let own_key = first(STORAGE_KEY);
        let is_wanted = |name: &str| {
            wanted
                .as_ref()
                .is_none_or(|(_, wanted)| wanted.eq_ignore_ascii_case(name))
        };
        let from_connection = |value| Some((CONNECTION_STRING.to_owned(), value));
        let (storage_name, storage_credential, default_endpoint) = match (connection, own_key) {
            (Some(connection), _) if is_wanted(&connection.name) => (
                from_connection(connection.name),
                Some((CONNECTION_STRING.to_owned(), connection.credential)),
                from_connection(connection.endpoint),
            ),
            (Some(connection), None) => {
                return Err(CredentialsError::OtherAccount {
                    found: connection.name,
                    wanted: wanted.map(|(_, name)| name).unwrap_or_default(),
                });
            }
            (_, key) => {
                let key = match key {
                    Some((variable, key)) => Some((variable.clone(), read_key(variable, &key)?)),
                    None => first(&[STORAGE_SAS]).map(|(variable, sas)| {
                        let sas = sas.trim_start_matches('?');
                        (variable, Credential::Sas(Secret::new(sas)))
                    }),
                };
                (wanted.or_else(|| first(STORAGE_NAME)), key, None)
            }
        };
        let storage_name = storage_name.or_missing(
            &mut missing,
            STORAGE_NAME,
            "the name of the storage account",
        );
        let batch_credential = match first(BATCH_KEY) {
            Some((variable, key)) => Some((variable.clone(), read_key(variable, &key)?)),
            None => None,
        };
        let logs_in =
            first(&[STORAGE_AUTH_MODE]).is_some_and(|(_, mode)| mode.eq_ignore_ascii_case("login"));
        let storage_credential = storage_credential.filter(|_| !logs_in);
        let entra = match batch_credential.is_none() || storage_credential.is_none() {
            true => Entra::from_environment(environment)?
                .map(|e| (format!("Entra ID: {e}"), Credential::Entra(e))),
            false => None,
        };
        let batch_credential = batch_credential.or_else(|| entra.clone()).or_missing(
            &mut missing,
            BATCH_KEY,
            "its key, unless you sign in to Entra ID",
        );
        let storage_credential = storage_credential.or(entra).or_missing(
            &mut missing,
            STORAGE_KEY,
            "its key, or AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_SAS_TOKEN, unless you sign in to Entra ID",
        );
        let storage_endpoint = given("storage_endpoint", &manifest.storage_endpoint)
            .or(default_endpoint)
            .or_else(|| {
                let (from, name) = storage_name.clone()?;
                Some((from, format!("https://{name}.blob.core.windows.net")))
            });

        for name in [&batch_name, &storage_name].into_iter().flatten() {
            check_name(name)?;
        }
        match (
            batch_name,
            batch_credential,
            batch_endpoint,
            storage_name,
            storage_credential,
            storage_endpoint,
        ) {
            (Some(bn), Some(bc), Some(be), Some(sn), Some(sc), Some(se)) => Ok(Found {
                account: Account {
                    batch: service(bn, bc.1, be)?,
                    storage: service(sn, sc.1, se)?,
                },
                batch_from: bc.0,
                storage_from: sc.0,
            }),
            _ => Err(CredentialsError::Missing(missing)),
        }
    }
}

/// Where a value comes from, and the value.
type Sourced = (String, String);

fn check_name((from, value): &Sourced) -> Result<(), CredentialsError> {
    let (_, address) = value.split_once("://").unwrap_or(("", value));
    match address.split(['.', '/', ':']).next() {
        Some(name) if name != value => Err(CredentialsError::Address {
            from: from.clone(),
            value: value.clone(),
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn service(
    (_, name): Sourced,
    credential: Credential,
    (from, endpoint): Sourced,
) -> Result<ServiceAccount, CredentialsError> {
    Ok(ServiceAccount {
        name,
        credential,
        endpoint: endpoint
            .parse()
            .map_err(|source| CredentialsError::Endpoint { from, source })?,
    })
}

fn read_key(variable: String, key: &str) -> Result<Credential, CredentialsError> {
    AccountKey::from_base64(key)
        .map(Credential::Key)
        .map_err(|source| CredentialsError::Key { variable, source })
}

trait OrMissing {
    fn or_missing(self, missing: &mut Vec<String>, variables: &[&str], what: &str) -> Self;
}

impl<T> OrMissing for Option<T> {
    fn or_missing(self, missing: &mut Vec<String>, variables: &[&str], what: &str) -> Self {
        if self.is_none() {
            missing.push(format!(
                "{} ({what})",
                variables.first().copied().unwrap_or_default()
            ));
        }
        self
    }
}

struct ConnectionString {
    name: String,
    credential: Credential,
    endpoint: String,
}

impl ConnectionString {
    fn parse(text: &str) -> Result<Self, CredentialsError> {
        let problem = |what: &str| CredentialsError::ConnectionString(what.to_owned());
        let mut fields = BTreeMap::new();
        for pair in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| problem("has a part that is not `Name=value`"))?;
            fields.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
        let get = |name: &str| fields.get(name).filter(|v| !v.is_empty()).cloned();
        if get("usedevelopmentstorage").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
            return Self::development();
        }
        let sas = get("sharedaccesssignature");
        let of_endpoint = || get("blobendpoint").as_deref().and_then(account_of);
        let name = get("accountname")
            .or_else(of_endpoint)
            .ok_or_else(|| problem("has no AccountName"))?;
        let credential = match (get("accountkey"), sas) {
            (Some(key), _) => read_key(CONNECTION_STRING.to_owned(), &key)?,
            (None, Some(sas)) => Credential::Sas(Secret::new(sas.trim_start_matches('?'))),
            (None, None) => {
                return Err(problem("has neither AccountKey nor SharedAccessSignature"));
            }
        };
        let endpoint = get("blobendpoint").unwrap_or_else(|| {
            let protocol = get("defaultendpointsprotocol").unwrap_or_else(|| "https".to_owned());
            let suffix = get("endpointsuffix").unwrap_or_else(|| "core.windows.net".to_owned());
            format!("{protocol}://{name}.blob.{suffix}")
        });
        Ok(Self {
            name,
            credential,
            endpoint,
        })
    }

    /// The account that storage emulators have, whose key everybody knows.
    fn development() -> Result<Self, CredentialsError> {
        const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        Ok(Self {
            name: "devstoreaccount1".to_owned(),
            credential: read_key(CONNECTION_STRING.to_owned(), KEY)?,
            endpoint: "http://127.0.0.1:10000/devstoreaccount1".to_owned(),
        })
    }
}

/// `NAME.blob.core.windows.net` is the account NAME.
fn account_of(endpoint: &str) -> Option<String> {
    let endpoint: Endpoint = endpoint.parse().ok()?;
    let (name, rest) = endpoint.host().split_once('.')?;
    rest.starts_with("blob.").then(|| name.to_owned())
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
