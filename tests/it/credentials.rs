//! Entra ID: each way to a token against a stand-in for the authority, and an account that takes nothing but tokens.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use batchflow::clock;
use batchflow::service::Service;
use batchflow::wire::auth::{AccountKey, Scheme, authorization};
use batchflow::wire::sas::DelegationKey;
use batchflow::wire::time::Time;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{Request, Response, Uri};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::proxy::{Fate, Proxy};
use crate::support::{Ran, Workshop, files, local_service};

const BATCH_TOKEN: &str = "token-for-batch";
const STORAGE_TOKEN: &str = "token-for-storage";
const BATCH: &str = "https://batch.core.windows.net";
const STORAGE: &str = "https://storage.azure.com";

const MANIFEST: &str = r#"
name = "entra"
[account]
[containers.entra-in]
[containers.entra-out]
[[uploads]]
container = "entra-in"
files = "in/*.txt"
[pool]
id = "entra"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "entra"
[[tasks]]
for_each = { container = "entra-in" }
id = "t-{{id file.stem}}"
commands = ["tr a-z A-Z < {{file.name}} > {{file.stem}}.out"]
output_files = [{ pattern = "*.out", container = "entra-out" }]
[download]
container = "entra-out"
to = "out"
"#;

fn json_answer(status: u16, body: &Value) -> Response<Bytes> {
    let answer = Response::builder().status(status);
    let answer = answer.header("content-type", "application/json");
    answer.body(body.to_string().into()).unwrap()
}

/// A certificate for this machine: PEM of it and of its key.
pub(crate) fn certificate() -> (String, String) {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

pub(crate) fn acceptor((certificate, key): &(String, String)) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// What a token is for, by the scope or the resource that was asked for.
fn token(scope: &str) -> Option<&'static str> {
    match scope.trim_end_matches("/.default") {
        BATCH => Some(BATCH_TOKEN),
        STORAGE => Some(STORAGE_TOKEN),
        _ => None,
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://h/?{text}")).unwrap();
    let pairs = url.query_pairs();
    pairs
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect()
}

/// The authority: secrets, assertions of a certificate, and tokens of a cluster. Its tokens are numbered, and good for
/// `life` seconds.
fn authority(public_key: Vec<u8>, life: u64) -> impl Fn(Request<Bytes>) -> Fate + Send + Sync {
    let issued = AtomicUsize::new(0);
    move |request| {
        let form = pairs(std::str::from_utf8(request.body()).unwrap());
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let assertion = get("client_assertion");
        let known = request.uri().path() == "/tenant/oauth2/v2.0/token"
            && get("client_id") == "client"
            && get("grant_type") == "client_credentials"
            && (get("client_secret") == "the word"
                || assertion == "from the cluster"
                || is_signed(assertion, &public_key));
        Fate::Answer(match token(get("scope")).filter(|_| known) {
            Some(token) => json_answer(
                200,
                &json!({
                    "token_type": "Bearer",
                    "expires_in": life,
                    "access_token": format!("{token}.{}", issued.fetch_add(1, Ordering::Relaxed)),
                }),
            ),
            None => json_answer(
                401,
                &json!({ "error": "invalid_client", "error_codes": [7000215],
                         "error_description": "AADSTS7000215: Invalid client secret provided." }),
            ),
        })
    }
}

fn is_signed(assertion: &str, public_key: &[u8]) -> bool {
    let Some((text, signature)) = assertion.rsplit_once('.') else {
        return false;
    };
    let claims = text.split('.').nth(1).unwrap();
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public_key);
    key.verify(text.as_bytes(), &signature).is_ok()
        && claims["sub"] == "client"
        && claims["aud"]
            .as_str()
            .unwrap()
            .ends_with("/tenant/oauth2/v2.0/token")
        && claims["exp"].as_i64().unwrap() > clock::now().as_second()
}

/// What App Service has for its managed identity.
fn managed_identity(request: Request<Bytes>) -> Fate {
    let query = pairs(request.uri().query().unwrap_or_default());
    let allowed = request
        .headers()
        .get("x-identity-header")
        .is_some_and(|h| h == "of the host");
    let token = token(&query["resource"]).filter(|_| allowed);
    Fate::Answer(match token {
        Some(token) => {
            let end = (clock::now().as_second() + 3600).to_string();
            json_answer(
                200,
                &json!({ "access_token": token, "expires_on": end, "token_type": "Bearer", "resource": "r" }),
            )
        }
        None => json_answer(400, &json!({ "message": "no" })),
    })
}

/// In front of the local service: takes tokens and what a user delegation key has signed, and knows no account key.
struct Gate {
    scheme: Scheme,
    token: &'static str,
    account: String,
    key: AccountKey,
    /// How often a token is taken before it has ended.
    uses: usize,
    used: Mutex<BTreeMap<String, usize>>,
}

const DELEGATED: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

impl Gate {
    fn decide(&self, mut request: Request<Bytes>) -> Fate {
        let query = pairs(request.uri().query().unwrap_or_default());
        let bearer = format!("Bearer {}", self.token);
        let shown = request.headers().get(AUTHORIZATION);
        let shown_token = shown.and_then(|a| a.to_str().ok()).unwrap_or_default();
        let signed_in = shown_token.starts_with(&bearer) && self.is_good(shown_token);
        if signed_in && query.get("comp").is_some_and(|c| c == "userdelegationkey") {
            return Fate::Answer(Response::new(delegation_key(request.body()).into()));
        }
        if !signed_in {
            if !query.contains_key("skoid") || shown.is_some() {
                let body =
                    json!({ "code": "AuthenticationFailed", "message": { "value": "no token" } });
                return Fate::Answer(json_answer(401, &body));
            }
            let bare = self.without_signature(request.uri(), &query);
            *request.uri_mut() = bare;
        }
        self.sign(&mut request);
        Fate::Pass(request)
    }

    fn is_good(&self, token: &str) -> bool {
        let mut used = self.used.lock().unwrap();
        let used = used.entry(token.to_owned()).or_default();
        *used += 1;
        *used <= self.uses
    }

    /// The URL without the rights it carried; they have to be those that the key gives.
    fn without_signature(&self, uri: &Uri, query: &BTreeMap<String, String>) -> Uri {
        let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let path = percent_encoding::percent_decode_str(uri.path())
            .decode_utf8()
            .unwrap();
        // The local service has the account in its path, where Azure has it in the host.
        let resource = match field("sr") {
            "c" => path.split('/').take(3).collect::<Vec<_>>().join("/"),
            _ => path.into_owned(),
        };
        let lines = [
            field("sp"),
            field("st"),
            field("se"),
            &format!("/blob{resource}"),
            field("skoid"),
            field("sktid"),
            field("skt"),
            field("ske"),
            field("sks"),
            field("skv"),
            "",
            "",
            "",
            "",
            field("spr"),
            field("sv"),
            field("sr"),
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ];
        let key = AccountKey::from_base64(DELEGATED).unwrap();
        assert!(key.verifies(&lines.join("\n"), field("sig")), "{uri}");
        let end: Time = field("se").parse().unwrap();
        assert!(end.ticks() > Time::from(clock::now()).ticks());
        const SIGNED: [&str; 13] = [
            "sp", "st", "se", "skoid", "sktid", "skt", "ske", "sks", "skv", "spr", "sv", "sr",
            "sig",
        ];
        let kept = uri.query().unwrap_or_default().split('&');
        let kept: Vec<&str> = kept
            .filter(|pair| !SIGNED.contains(&pair.split('=').next().unwrap()))
            .collect();
        format!("{}?{}", uri.path(), kept.join("&"))
            .parse()
            .unwrap()
    }

    fn sign(&self, request: &mut Request<Bytes>) {
        let now = Time::from(clock::now()).to_rfc1123().parse().unwrap();
        let length = request.body().len();
        let headers = request.headers_mut();
        headers.insert(self.scheme.date_header(), now);
        headers
            .entry("x-ms-version")
            .or_insert_with(|| "2021-12-02".parse().unwrap());
        if headers.contains_key(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        headers.remove(AUTHORIZATION);
        let uri = request.uri();
        let mut view = batchflow::wire::auth::Request::new(
            request.method().as_str(),
            uri.path(),
            uri.query().unwrap_or_default(),
        );
        for (name, value) in request.headers() {
            view = view.header(name.as_str(), value.to_str().unwrap());
        }
        let text = authorization(self.scheme, &self.account, &self.key, &view);
        request
            .headers_mut()
            .insert(AUTHORIZATION, text.parse().unwrap());
    }
}

fn delegation_key(request: &Bytes) -> String {
    let text = std::str::from_utf8(request).unwrap();
    let between = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let answer = format!(
        "<UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid><SignedStart>{}</SignedStart>\
         <SignedExpiry>{}</SignedExpiry><SignedService>b</SignedService><SignedVersion>2021-12-02</SignedVersion>\
         <Value>{DELEGATED}</Value></UserDelegationKey>",
        between("Start"),
        between("Expiry")
    );
    assert!(DelegationKey::read(&answer).is_ok());
    answer
}

/// An account that only Entra ID opens, with everything that hands out tokens.
struct Cloud {
    runtime: tokio::runtime::Runtime,
    service: Option<Service>,
    batch: Proxy,
    storage: Proxy,
    authority: Proxy,
    host: Proxy,
    server: (String, String),
    application: (String, String),
}

impl Cloud {
    fn new() -> Self {
        Self::with_tokens(3600, usize::MAX)
    }

    /// Tokens say that they are good for `life` seconds, and are taken `uses` times.
    fn with_tokens(life: u64, uses: usize) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (server, application) = (certificate(), certificate());
        let public = KeyPair::from_pem(&application.1).unwrap();
        let public = public.subject_public_key_info();
        let tls = acceptor(&server);
        let (service, batch, storage, authority, host) = runtime.block_on(async {
            let service = local_service(None, true).await;
            let gate = |scheme, token| {
                let gate = Gate {
                    scheme,
                    token,
                    account: service.account().to_owned(),
                    key: AccountKey::from_base64(service.key().expose()).unwrap(),
                    uses,
                    used: Mutex::default(),
                };
                move |request| gate.decide(request)
            };
            let origin = |endpoint: &str| {
                let url = reqwest::Url::parse(endpoint).unwrap();
                url.origin().ascii_serialization()
            };
            let batch = origin(service.batch_endpoint());
            let batch = Proxy::start(&batch, None, gate(Scheme::Batch, BATCH_TOKEN)).await;
            let blob = origin(service.blob_endpoint());
            let storage = Proxy::start(&blob, None, gate(Scheme::Blob, STORAGE_TOKEN)).await;
            let authority = Proxy::start("", Some(tls), self::authority(public, life)).await;
            let host = Proxy::start("", None, managed_identity).await;
            (service, batch, storage, authority, host)
        });
        Self {
            runtime,
            service: Some(service),
            batch,
            storage,
            authority,
            host,
            server,
            application,
        }
    }

    /// The program in a workshop with the names of the account, and nothing that opens it.
    fn command(&self, shop: &Workshop, args: &[&str]) -> Command {
        let service = self.service.as_ref().unwrap();
        let authority = shop.write("authority.pem", &self.server.0);
        let mut command = shop.command(args);
        let blob = reqwest::Url::parse(service.blob_endpoint()).unwrap();
        command
            .env("PATH", "/nowhere")
            .env("SSL_CERT_FILE", authority)
            .env("AZURE_AUTHORITY_HOST", self.authority.https())
            .env("AZURE_BATCH_ACCOUNT", service.account())
            .env("AZURE_BATCH_ENDPOINT", self.batch.http())
            .env("AZURE_STORAGE_ACCOUNT", service.account());
        let manifest = format!(
            "[account]\nstorage_endpoint = \"{}{}\"",
            self.storage.http(),
            blob.path()
        );
        shop.write("m.toml", &MANIFEST.replace("[account]", &manifest));
        shop.write("in/a.txt", "one\n");
        shop.write("in/b c.txt", "two\n");
        command
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(service) = self.service.take() {
            self.runtime.block_on(service.stop());
        }
    }
}

fn run(mut command: Command) -> Ran {
    Ran::of(command.output().unwrap())
}

#[test]
fn every_way_to_a_token_opens_the_account() {
    let cloud = Cloud::new();
    let shop = Workshop::new();
    let pem = shop.write(
        "app.pem",
        &(cloud.application.1.clone() + &cloud.application.0),
    );
    let federated = shop.write("token", "from the cluster");
    let az = shop.write("bin/az", &fake_az());
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", shop.path("bin").display());
    let ids = [("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "client")];
    let host = format!("{}/msi/token", cloud.host.http());
    let application: [(&str, &str, &str); 3] = [
        (
            "AZURE_CLIENT_SECRET",
            "the word",
            "AZURE_CLIENT_SECRET of the application client",
        ),
        (
            "AZURE_CLIENT_CERTIFICATE_PATH",
            pem.to_str().unwrap(),
            "app.pem of the application client",
        ),
        (
            "AZURE_FEDERATED_TOKEN_FILE",
            federated.to_str().unwrap(),
            "AZURE_FEDERATED_TOKEN_FILE",
        ),
    ];
    let ok = [
        "✓ change pools",
        "✓ read jobs",
        "✓ change blobs",
        "✓ give nodes access to storage",
    ];
    for (variable, value, from) in application {
        let mut command = cloud.command(&shop, &["account", "--manifest", "m.toml"]);
        command.envs(ids).env(variable, value);
        let ran = run(command).ends_with(0).says(&ok).says(&[from]);
        assert!(!ran.stdout().contains("the word"));
    }
    let mut command = cloud.command(&shop, &["account", "--manifest", "m.toml"]);
    command
        .env("IDENTITY_ENDPOINT", host)
        .env("IDENTITY_HEADER", "of the host");
    run(command)
        .ends_with(0)
        .says(&ok)
        .says(&["the managed identity of this machine"]);
    let mut command = cloud.command(&shop, &["account", "--manifest", "m.toml"]);
    command.env("PATH", path);
    run(command)
        .ends_with(0)
        .says(&ok)
        .says(&["signed in with `az` or `azd`"]);
}

/// It asks for a scope and prints a token, as `az account get-access-token` does.
fn fake_az() -> String {
    let end = clock::now().as_second() + 3600;
    format!(
        "#!/bin/sh\ncase \"$*\" in *{BATCH}*) t={BATCH_TOKEN};; *{STORAGE}*) t={STORAGE_TOKEN};; *) exit 1;; esac\n\
         printf '{{\"accessToken\":\"%s\",\"expires_on\":{end},\"tokenType\":\"Bearer\"}}' \"$t\"\n"
    )
}

/// No key anywhere: nodes read and write with what a user delegation key has signed.
#[test]
fn an_apply_without_any_key() {
    completes_on(&Cloud::new());
}

/// Far more requests than a token is good for: another is fetched before it ends, in the middle of the run.
#[test]
fn a_token_that_ends_in_mid_run_is_fetched_again() {
    completes_on(&Cloud::with_tokens(1, 3));
}

fn completes_on(cloud: &Cloud) {
    let shop = Workshop::new();
    let command = |args: &[&str]| {
        let mut command = cloud.command(&shop, args);
        command
            .env("AZURE_TENANT_ID", "tenant")
            .env("AZURE_CLIENT_ID", "client")
            .env("AZURE_CLIENT_SECRET", "the word");
        command
    };
    run(command(&["apply", "m.toml", "--yes"])).ends_with(0);
    let outputs = files(&shop.path("out"));
    assert_eq!(outputs["a.out"], b"ONE\n");
    assert_eq!(outputs["b c.out"], b"TWO\n");
    run(command(&["plan", "m.toml"]))
        .ends_with(0)
        .says(&["No changes."]);
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let cloud = Cloud::new();
    let shop = Workshop::new();
    let mut wrong = cloud.command(&shop, &["plan", "m.toml"]);
    wrong
        .env("AZURE_TENANT_ID", "tenant")
        .env("AZURE_CLIENT_ID", "client")
        .env("AZURE_CLIENT_SECRET", "another word");
    let ran = run(wrong)
        .ends_with(5)
        .says(&["not signed in", "AADSTS7000215", "az login"]);
    assert!(!ran.stderr().contains("another word"));
    run(cloud.command(&shop, &["plan", "m.toml"]))
        .ends_with(5)
        .says(&["AZURE_BATCH_ACCESS_KEY", "sign in to Entra ID"]);
}
