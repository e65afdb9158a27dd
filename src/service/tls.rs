//! https: a certificate authority of the service's own, and the handshakes.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use super::state_dir::{StateDir, StateDirError};
use crate::clock;

/// Names the certificate is good for, besides the loopback addresses.
const NAMES: [&str; 4] = ["localhost", "*.localhost", "127.0.0.1", "::1"];
/// Years it is good for.
const YEARS: i32 = 10;
/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that are ready and wait to be served.
const WAITING: usize = 64;

const AUTHORITY: &str = "tls-ca.pem";
const CERTIFICATE: &str = "tls-server.pem";
const KEY: &str = "tls-server.key";

/// Whether the endpoints are https, and with which certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    #[default]
    Off,
    /// One made at the first start and kept in the state directory, signed by an authority that signed nothing
    /// else: its key is thrown away.
    Own,
    /// PEM files: the certificate with those that signed it, and its key.
    Files { certificate: PathBuf, key: PathBuf },
}

/// Why there is no https.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
    #[error(transparent)]
    Keep(#[from] StateDirError),
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} holds no usable {what}", .path.display())]
    Unusable {
        path: PathBuf,
        what: &'static str,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// A certificate, ready to use.
pub(super) struct Identity {
    acceptor: TlsAcceptor,
    /// What a client has to trust; none when the caller gave the certificate and knows.
    pub(super) authority: Option<PathBuf>,
    /// PEM, for clients in this process.
    pub(super) trusted: Vec<u8>,
}

impl Identity {
    /// None without TLS.
    pub(super) fn open(tls: &Tls, state_dir: &StateDir) -> Result<Option<Self>, TlsError> {
        match tls {
            Tls::Off => Ok(None),
            Tls::Own => Self::own(state_dir).map(Some),
            Tls::Files { certificate, key } => {
                Self::read(certificate, key, certificate, None).map(Some)
            }
        }
    }

    fn own(state_dir: &StateDir) -> Result<Self, TlsError> {
        let at = |name| state_dir.file(name);
        // The key is written last: when it is there, so is all else.
        if !at(KEY).exists() {
            let made = make().map_err(TlsError::Make)?;
            state_dir.replace(AUTHORITY, made.authority.as_bytes())?;
            state_dir.replace(CERTIFICATE, made.certificate.as_bytes())?;
            state_dir.replace(KEY, made.key.as_bytes())?;
        }
        let authority = at(AUTHORITY);
        Self::read(&at(CERTIFICATE), &at(KEY), &authority, Some(&authority))
    }

    fn read(
        certificate: &Path,
        key: &Path,
        trusted: &Path,
        authority: Option<&Path>,
    ) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&read_file(certificate)?)
                .collect::<Result<_, _>>()
                .map_err(|e| unusable(certificate, "certificate", Some(e.into())))?;
        if chain.is_empty() {
            return Err(unusable(certificate, "certificate", None));
        }
        let private = PrivateKeyDer::from_pem_slice(&read_file(key)?)
            .map_err(|e| unusable(key, "private key", Some(e.into())))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|builder| {
                    builder
                        .with_no_client_auth()
                        .with_single_cert(chain, private)
                })
                .map_err(|e| unusable(certificate, "certificate for that key", Some(e.into())))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority: authority.map(Path::to_owned),
            trusted: read_file(trusted)?,
        })
    }

    /// Connections that have shaken hands.
    pub(super) fn listen(&self, listener: TcpListener) -> io::Result<TlsListener> {
        let address = listener.local_addr()?;
        let (ready, waiting) = mpsc::channel(WAITING);
        let task = tokio::spawn(shake_hands(listener, self.acceptor.clone(), ready));
        Ok(TlsListener {
            address,
            waiting,
            task,
        })
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn unusable(
    path: &Path,
    what: &'static str,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
) -> TlsError {
    TlsError::Unusable {
        path: path.to_owned(),
        what,
        source,
    }
}

/// PEM texts.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn make() -> Result<Made, rcgen::Error> {
    let year = i32::from(clock::now().to_zoned(jiff::tz::TimeZone::UTC).date().year());
    let params = |names: Vec<String>, name: &str| {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
        params.not_after = rcgen::date_time_ymd(year + YEARS, 1, 1);
        Ok::<_, rcgen::Error>(params)
    };
    let mut authority = params(Vec::new(), "batchflow local service (own authority)")?;
    // It may sign servers, but no further authority.
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = rcgen::CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut leaf = params(NAMES.map(str::to_owned).into(), "batchflow local service")?;
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    Ok(Made {
        certificate: leaf.signed_by(&key, &authority)?.pem(),
        authority: authority.pem(),
        key: key.serialize_pem(),
    })
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// A slow or foreign client holds up no other: every handshake is a task of its own.
async fn shake_hands(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<Connection>,
) {
    let mut handshakes = JoinSet::new();
    while !ready.is_closed() {
        tokio::select! {
            (stream, address) = Listener::accept(&mut listener) => {
                let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                let ready = ready.clone();
                handshakes.spawn(async move {
                    match shaken.await {
                        Ok(Ok(stream)) => drop(ready.send((stream, address)).await),
                        Ok(Err(error)) => tracing::debug!(%error, "a client did not get to https"),
                        Err(_) => tracing::debug!("a client took too long to get to https"),
                    }
                });
            }
            Some(_) = handshakes.join_next() => {}
        }
    }
}

/// A listener for [`axum::serve`].
pub(super) struct TlsListener {
    address: SocketAddr,
    waiting: mpsc::Receiver<Connection>,
    task: JoinHandle<()>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        match self.waiting.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
