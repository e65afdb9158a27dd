//! What a service is shown: a key that signs, a shared access signature, or a token of Entra ID.

use std::fmt;
use std::path::PathBuf;

use super::credentials::{CredentialsError, Environment};
use crate::wire::auth::AccountKey;
use crate::wire::secret::Secret;

/// What a service is shown.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Signs every request.
    Key(AccountKey),
    /// Goes with every request as its query; for storage only.
    Sas(Secret),
    /// Tokens of Entra ID.
    Entra(Entra),
}

/// How tokens of Entra ID are had. Data: nothing is read or asked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entra {
    ClientSecret {
        application: Application,
        secret: Secret,
    },
    ClientCertificate {
        application: Application,
        /// PEM with the certificate and its RSA key.
        path: PathBuf,
    },
    /// A token that a cluster or a pipeline puts into a file.
    WorkloadIdentity {
        application: Application,
        path: PathBuf,
    },
    /// Of the machine this runs on; None: its own, Some: the client id of one assigned to it.
    ManagedIdentity { client: Option<String> },
    /// Whoever is signed in with `az` or `azd`.
    DeveloperTools,
}

/// A service principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    pub tenant: String,
    pub client: String,
}

const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const CERTIFICATE_PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Which of them, in the words of the libraries of Azure.
const WHICH: &str = "AZURE_TOKEN_CREDENTIALS";
/// What App Service and its like set where there is a managed identity, and what Nextflow asks for one with.
const IDENTITY: [&str; 3] = [
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
    "AZURE_MANAGED_IDENTITY_SYSTEM",
];
const IDENTITY_USER: &str = "AZURE_MANAGED_IDENTITY_USER";

impl Entra {
    /// What the variables ask for; None when they say nothing and neither `az` nor `azd` is on the path.
    pub(super) fn from_environment(
        environment: Environment<'_>,
    ) -> Result<Option<Self>, CredentialsError> {
        let get = |name: &str| environment(name).filter(|v| !v.trim().is_empty());
        let application = || {
            let given = |name: &str| {
                get(name).ok_or_else(|| CredentialsError::Missing(vec![name.to_owned()]))
            };
            Ok::<_, CredentialsError>(Application {
                tenant: given(TENANT)?,
                client: given(CLIENT)?,
            })
        };
        let managed = || Self::ManagedIdentity {
            client: get(IDENTITY_USER).or_else(|| get(CLIENT)),
        };
        match get(WHICH).map(|w| w.to_ascii_lowercase()).as_deref() {
            Some("managedidentitycredential") => return Ok(Some(managed())),
            Some(
                "dev"
                | "azureclicredential"
                | "azuredeveloperclicredential"
                | "developertoolscredential",
            ) => return Ok(Some(Self::DeveloperTools)),
            Some("prod" | "environmentcredential" | "workloadidentitycredential") | None => {}
            Some(_) => return Err(CredentialsError::UnknownKind),
        }
        if let Some(secret) = get(SECRET) {
            return Ok(Some(Self::ClientSecret {
                application: application()?,
                secret: Secret::new(secret),
            }));
        }
        if let Some(path) = get(CERTIFICATE) {
            if get(CERTIFICATE_PASSWORD).is_some() {
                return Err(CredentialsError::CertificatePassword);
            }
            return Ok(Some(Self::ClientCertificate {
                application: application()?,
                path: path.into(),
            }));
        }
        if let Some(path) = get(TOKEN_FILE) {
            return Ok(Some(Self::WorkloadIdentity {
                application: application()?,
                path: path.into(),
            }));
        }
        if get(IDENTITY_USER).is_some() || IDENTITY.iter().any(|name| get(name).is_some()) {
            return Ok(Some(managed()));
        }
        let path = environment("PATH").unwrap_or_default();
        let is_there = std::env::split_paths(&path)
            .any(|folder| ["az", "azd"].iter().any(|tool| folder.join(tool).is_file()));
        Ok(is_there.then_some(Self::DeveloperTools))
    }
}

impl fmt::Display for Entra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientSecret { application, .. } => {
                write!(f, "{SECRET} of the application {}", application.client)
            }
            Self::ClientCertificate { application, path } => write!(
                f,
                "the certificate {} of the application {}",
                path.display(),
                application.client
            ),
            Self::WorkloadIdentity { application, .. } => {
                write!(f, "{TOKEN_FILE} for the application {}", application.client)
            }
            Self::ManagedIdentity { client: None } => {
                f.write_str("the managed identity of this machine")
            }
            Self::ManagedIdentity {
                client: Some(client),
            } => write!(f, "the managed identity {client}"),
            Self::DeveloperTools => f.write_str("whoever is signed in with `az` or `azd`"),
        }
    }
}
