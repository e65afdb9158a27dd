//! Tokens of Entra ID, through the vendor's library. It keeps each token until shortly before its end.

use std::fmt;
use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use azure_core::Error;
use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientMethodOptions, ClientOptions};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, DeveloperToolsCredential,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::azure_core_port::plain_options;
use super::credential::{Application, Entra};
use super::endpoint::Endpoint;
use super::transport::{Transport, TransportError, TransportErrorKind};
use crate::clock;
use crate::wire::secret::Secret;

const AUTHORITY_VARIABLE: &str = "AZURE_AUTHORITY_HOST";
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// Tokens for one service.
#[derive(Clone)]
pub(super) struct Tokens {
    credential: Arc<dyn TokenCredential>,
    scope: &'static str,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.scope)
    }
}

/// Whose tokens the Batch service at an endpoint takes, by cloud.
const BATCH_SCOPES: &[(&str, &str)] = &[
    (
        ".chinacloudapi.cn",
        "https://batch.chinacloudapi.cn/.default",
    ),
    (
        ".usgovcloudapi.net",
        "https://batch.core.usgovcloudapi.net/.default",
    ),
    ("", "https://batch.core.windows.net/.default"),
];
/// The same in every cloud.
const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";

impl Tokens {
    pub(super) fn for_batch(credential: &Arc<dyn TokenCredential>, endpoint: &Endpoint) -> Self {
        let host = endpoint.host();
        let scope = BATCH_SCOPES.iter().find(|(end, _)| host.ends_with(end));
        Self {
            credential: credential.clone(),
            scope: scope.map_or("", |(_, scope)| scope),
        }
    }

    pub(super) fn for_storage(credential: &Arc<dyn TokenCredential>) -> Self {
        Self {
            credential: credential.clone(),
            scope: STORAGE_SCOPE,
        }
    }

    /// A token that is good for some minutes at least.
    pub(super) async fn bearer(&self) -> Result<Secret, TransportError> {
        let token = self.credential.get_token(&[self.scope], None).await;
        match token {
            Ok(token) => Ok(Secret::new(token.token.secret())),
            Err(error) => Err(TransportError::told(
                TransportErrorKind::NotSignedIn,
                one_line(&error.to_string()),
            )),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The vendor's credential; the storage endpoint tells which cloud it is in.
pub(super) fn credential(
    entra: &Entra,
    endpoint: &Endpoint,
    transport: &Arc<dyn Transport>,
) -> Result<Arc<dyn TokenCredential>, Error> {
    let options = || ClientOptions {
        cloud: cloud(endpoint).map(Arc::new),
        ..plain_options(transport.clone())
    };
    let assertion = || ClientAssertionCredentialOptions {
        client_options: options(),
    };
    Ok(match entra {
        Entra::ClientSecret {
            application,
            secret,
        } => ClientSecretCredential::new(
            &application.tenant,
            application.client.clone(),
            secret.expose().to_owned().into(),
            Some(ClientSecretCredentialOptions {
                client_options: options(),
            }),
        )?,
        Entra::ClientCertificate { application, path } => {
            let text = fs::read(path).map_err(|error| {
                let what = format!("cannot read {}: {error}", path.display());
                Error::with_message(ErrorKind::Credential, what)
            })?;
            ClientAssertionCredential::new(
                application.tenant.clone(),
                application.client.clone(),
                Certificate::read(&text, application, endpoint)?,
                Some(assertion()),
            )?
        }
        Entra::WorkloadIdentity { application, path } => {
            WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: assertion(),
                client_id: Some(application.client.clone()),
                tenant_id: Some(application.tenant.clone()),
                token_file_path: Some(path.clone()),
            }))?
        }
        Entra::ManagedIdentity { client } => {
            ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client.clone().map(UserAssignedId::ClientId),
                client_options: options(),
            }))?
        }
        Entra::DeveloperTools => DeveloperToolsCredential::new(None)?,
    })
}

/// None: the public cloud, or what the variable says.
fn cloud(endpoint: &Endpoint) -> Option<CloudConfiguration> {
    if std::env::var_os(AUTHORITY_VARIABLE).is_some() {
        return None;
    }
    match endpoint.host() {
        host if host.ends_with(".chinacloudapi.cn") => Some(CloudConfiguration::AzureChina),
        host if host.ends_with(".usgovcloudapi.net") => Some(CloudConfiguration::AzureGovernment),
        _ => None,
    }
}

fn authority(endpoint: &Endpoint) -> String {
    match cloud(endpoint) {
        Some(CloudConfiguration::AzureChina) => "https://login.chinacloudapi.cn".to_owned(),
        Some(CloudConfiguration::AzureGovernment) => "https://login.microsoftonline.us".to_owned(),
        _ => std::env::var(AUTHORITY_VARIABLE).unwrap_or_else(|_| AUTHORITY.to_owned()),
    }
}

/// Signs for an application with the key of its certificate, so that nothing but Rust is needed to build.
struct Certificate {
    key: RsaKeyPair,
    /// Base64url of the SHA-256 of the certificate.
    thumbprint: String,
    audience: String,
    client: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint)
    }
}

/// Seconds that an assertion is good for.
const ASSERTION_LIFE: i64 = 10 * 60;

impl Certificate {
    fn read(text: &[u8], application: &Application, endpoint: &Endpoint) -> Result<Self, Error> {
        let bad = |what: &str| {
            let what = format!("the file of AZURE_CLIENT_CERTIFICATE_PATH {what}");
            Error::with_message(ErrorKind::Credential, what)
        };
        let certificate = CertificateDer::from_pem_slice(text)
            .map_err(|_| bad("holds no certificate in PEM; PKCS #12 is not supported"))?;
        let key = PrivateKeyDer::from_pem_slice(text)
            .map_err(|_| bad("holds no private key in PEM without a password"))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(bad("holds a key that is not RSA")),
        };
        let host = authority(endpoint);
        Ok(Self {
            key: key.map_err(|_| bad("holds a key that is not RSA"))?,
            thumbprint: BASE64URL_NOPAD.encode(&Sha256::digest(&certificate)),
            audience: format!(
                "{}/{}/oauth2/v2.0/token",
                host.trim_end_matches('/'),
                application.tenant
            ),
            client: application.client.clone(),
        })
    }
}

#[async_trait]
impl ClientAssertion for Certificate {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let now = clock::now().as_second();
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": self.audience,
            "iss": self.client,
            "sub": self.client,
            "jti": uuid::Uuid::new_v4().to_string(),
            "nbf": now,
            "exp": now + ASSERTION_LIFE,
        });
        let part = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let text = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| {
                Error::with_message(ErrorKind::Credential, "the certificate's key cannot sign")
            })?;
        Ok(format!("{text}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}
