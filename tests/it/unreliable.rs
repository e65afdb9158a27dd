//! A network that fails now and then, and other things between client and service that are not as they should be.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use batchflow::client::{Account, Client, Credential, Reqwest, RetryPolicy, ServiceAccount};
use batchflow::clock;
use batchflow::wire::auth::AccountKey;
use batchflow::wire::time::{Duration as Span, Time};
use bytes::Bytes;
use http::{Request, Response};

use crate::behind::Behind;
use crate::credentials::{acceptor, certificate};
use crate::proxy::{Fate, Proxy};
use crate::support::{Ran, Workshop, files, local_service};

/// Every tenth request of the client fails, each time in another way; requests of the nodes are left alone.
fn every_tenth() -> impl Fn(Request<Bytes>) -> Fate + Send + Sync {
    let seen = AtomicU64::new(0);
    move |request| {
        if request.uri().query().is_some_and(|q| q.contains("sig=")) {
            return Fate::Pass(request);
        }
        let n = seen.fetch_add(1, Ordering::Relaxed);
        // Which of the ten, so that nothing that comes in rounds of ten is spared or struck each time.
        if n % 10 != (n / 10 * 7 + n / 100) % 10 {
            return Fate::Pass(request);
        }
        match n / 10 % 8 {
            0 => busy(429, Some(("retry-after", "0"))),
            1 => busy(503, None),
            2 => busy(503, Some(("x-ms-retry-after-ms", "20"))),
            3 => busy(429, None),
            4 => Fate::LostRequest,
            5 => Fate::LostAnswer(request),
            6 => Fate::HalfAnswer(request),
            _ => Fate::Slow(request, Duration::from_millis(50)),
        }
    }
}

fn busy(status: u16, header: Option<(&str, &str)>) -> Fate {
    let mut answer = Response::builder().status(status);
    if let Some((name, value)) = header {
        answer = answer.header(name, value);
    }
    let body = r#"{"code":"ServerBusy","message":{"value":"busy"}}"#;
    Fate::Answer(answer.body(body.into()).unwrap())
}

fn manifest(shop: &Workshop, tasks: usize) {
    let trace = shop.write("trace", "");
    shop.write(
        "m.toml",
        &format!(
            r#"
name = "unreliable"
[account]
[containers.unreliable]
[pool]
id = "unreliable"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
task_slots_per_node = 4
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "unreliable"
[[tasks]]
for_each = {{ range = [0, {tasks}] }}
id = "t{{{{item}}}}"
commands = ["echo {{{{item}}}} >> {}; echo {{{{item}}}} > {{{{item}}}}.out"]
output_files = [{{ pattern = "*.out", container = "unreliable" }}]
[download]
container = "unreliable"
to = "out"
"#,
            trace.display()
        ),
    );
}

fn completes(tasks: usize) {
    let behind = Behind::new(every_tenth);
    let shop = Workshop::new();
    manifest(&shop, tasks);
    let start = clock::monotonic();
    behind
        .run(&shop, &["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&[&format!("{tasks} tasks done")]);
    eprintln!("{tasks} tasks in {:?}", start.elapsed());
    let mut runs: BTreeMap<usize, usize> = BTreeMap::new();
    for line in shop.read("trace").lines() {
        *runs.entry(line.parse().unwrap()).or_default() += 1;
    }
    assert_eq!(runs, (0..tasks).map(|n| (n, 1)).collect(), "each ran once");
    let expected: BTreeMap<String, Vec<u8>> = (0..tasks)
        .map(|n| (format!("{n}.out"), format!("{n}\n").into_bytes()))
        .collect();
    assert!(files(&shop.path("out")) == expected);
    behind.stop();
}

#[test]
fn an_apply_completes_when_every_tenth_request_fails() {
    completes(100);
}

/// `cargo test --test it unreliable::ten_thousand -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_tasks_complete_when_every_tenth_request_fails() {
    completes(10_000);
}

/// What the service refuses for want of a right is a matter of credentials, whatever it calls it.
#[test]
fn a_missing_right_ends_with_the_code_for_credentials() {
    for code in [
        "AuthorizationPermissionMismatch",
        "InsufficientAccountPermissions",
        "KeyBasedAuthenticationNotPermitted",
        "PermissionDenied",
    ] {
        let behind = Behind::new(|| {
            move |_: Request<Bytes>| {
                let body = format!(r#"{{"code":"{code}","message":{{"value":"no"}}}}"#);
                Fate::Answer(Response::builder().status(403).body(body.into()).unwrap())
            }
        });
        let shop = Workshop::new();
        manifest(&shop, 1);
        behind
            .run(&shop, &["plan", "m.toml"])
            .ends_with(5)
            .says(&[code]);
        behind.stop();
    }
}

/// Azure refuses both with the same code; the date of its answer tells them apart.
#[test]
fn a_wrong_clock_is_told_apart_from_a_wrong_key() {
    for (ahead_by, says) in [
        (
            Span::from_secs(-3600),
            "the clock of this machine is 60 minutes fast",
        ),
        (Span::from_secs(0), "check the account name and its key"),
    ] {
        let behind = Behind::new(|| {
            move |_: Request<Bytes>| {
                let date = Time::from(clock::now()).plus(ahead_by).to_rfc1123();
                let body = r#"{"code":"AuthenticationFailed","message":{"value":"no"}}"#;
                let answer = Response::builder().status(403).header("date", date);
                Fate::Answer(answer.body(body.into()).unwrap())
            }
        });
        let shop = Workshop::new();
        manifest(&shop, 1);
        behind
            .run(&shop, &["plan", "m.toml"])
            .ends_with(5)
            .says(&[says]);
        behind.stop();
    }
}

/// A proxy that breaks TLS open, as some companies have: refused until its authority is trusted.
#[test]
fn a_foreign_authority_is_refused_until_it_is_trusted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let identity = certificate();
    let (service, proxy) = runtime.block_on(async {
        let service = local_service(None, true).await;
        let upstream = service.batch_endpoint().trim_end_matches('/').to_owned();
        let proxy = Proxy::start(&upstream, Some(acceptor(&identity)), Fate::Pass).await;
        (service, proxy)
    });
    let shop = Workshop::new();
    manifest(&shop, 1);
    let storage = format!(
        "AccountName={};AccountKey={};BlobEndpoint={}",
        service.account(),
        service.key().expose(),
        service.blob_endpoint()
    );
    let authority = shop.write("authority.pem", &identity.0);
    let plan = |trusted: bool| {
        let mut command = shop.command(["plan", "m.toml"]);
        command
            .env("AZURE_BATCH_ACCOUNT", service.account())
            .env("AZURE_BATCH_ACCESS_KEY", service.key().expose())
            .env("AZURE_BATCH_ENDPOINT", proxy.https())
            .env("AZURE_STORAGE_CONNECTION_STRING", &storage);
        if trusted {
            command.env("SSL_CERT_FILE", &authority);
        }
        Ran::of(command.output().unwrap())
    };
    plan(false).ends_with(1).says(&["certificate"]);
    plan(true).ends_with(0);
    assert!(fs::exists(&authority).unwrap());
    runtime.block_on(service.stop());
}

/// With little patience.
fn client_of(endpoint: &str) -> Client {
    let account = ServiceAccount {
        name: "acct".to_owned(),
        credential: Credential::Key(AccountKey::from_base64("a2V5").unwrap()),
        endpoint: endpoint.parse().unwrap(),
    };
    let account = Account {
        batch: account.clone(),
        storage: account,
    };
    let transport = Reqwest::new().unwrap();
    let transport = transport.with_idle_timeout(Duration::from_millis(300));
    let retry = RetryPolicy {
        tries: 2,
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    Client::with_retry(&account, Arc::new(transport), retry).unwrap()
}

/// Every way in which there is no answer says which one it was, how often it was tried and what to do.
#[tokio::test]
async fn networks_that_fail_are_told_apart() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let unreachable = |endpoint: &str| (endpoint.to_owned(), None);
    let proxy = async |fate: fn() -> Fate| {
        let proxy = Proxy::start("", None, move |_| fate()).await;
        (proxy.http(), Some(proxy))
    };
    let reach = "is the right endpoint and that this machine can reach it";
    let again = "running the command again continues where it stopped";
    for ((endpoint, _proxy), says, hint) in [
        (
            unreachable("https://nothing.invalid"),
            ["no connection", "lookup"],
            reach,
        ),
        (unreachable(&closed), ["no connection", "refused"], reach),
        (
            proxy(|| Fate::Silence).await,
            ["no answer in time", "tried 2 times"],
            again,
        ),
        (
            proxy(|| Fate::LostRequest).await,
            ["the connection broke", "tried 2 times"],
            again,
        ),
    ] {
        let error = client_of(&endpoint).batch.get_pool("p").await.unwrap_err();
        let mut text = error.to_string();
        let mut next = std::error::Error::source(&error);
        while let Some(cause) = next {
            text.push_str(&format!(": {cause}"));
            next = cause.source();
        }
        for words in says {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
        assert!(
            text.contains(&format!("no answer from {endpoint}")),
            "{text}"
        );
        let hinted = error.hint().unwrap();
        assert!(hinted.contains(hint), "{hinted}");
    }
}

/// A connection that says nothing any more is given up, and the request sent again.
#[tokio::test]
async fn a_stalled_answer_is_asked_for_again() {
    let seen = AtomicU64::new(0);
    let proxy = Proxy::start("", None, move |_| {
        match seen.fetch_add(1, Ordering::Relaxed) {
            0 => Fate::Silence,
            _ => Fate::Answer(Response::builder().status(404).body(Bytes::new()).unwrap()),
        }
    });
    let proxy = proxy.await;
    let found = client_of(&proxy.http()).batch.get_pool("p").await;
    assert!(found.unwrap().is_none());
}
