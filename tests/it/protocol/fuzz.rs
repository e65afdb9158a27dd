//! Requests that nobody thought of: whatever comes, the answer is one of those that are documented.

use std::cell::RefCell;

use batchflow::wire::auth::Scheme;
use batchflow::wire::batch::operation::{OPERATIONS, Operation, Spec};
use batchflow::wire::blob::operation::TABLE;
use batchflow::wire::sas::Level;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

use super::caller::{Call, Caller, VERSION};
use super::furnished::{furnished, path};
use super::models::{Models, body_of};
use super::shape;
use super::socket::Socket;
use crate::support::local_service;

const VERBS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
];
const BATCH_QUERY: [&str; 9] = [
    "$filter",
    "$select",
    "$expand",
    "maxresults",
    "timeOut",
    "$skiptoken",
    "recursive",
    "force",
    "startTime",
];
const BLOB_QUERY: [&str; 10] = [
    "restype",
    "comp",
    "prefix",
    "delimiter",
    "marker",
    "maxresults",
    "include",
    "blockid",
    "sv",
    "sig",
];
const BATCH_HEADERS: [&str; 8] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "ocp-range",
    "content-type",
    "client-request-id",
    "return-client-request-id",
];
const BLOB_HEADERS: [&str; 12] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "x-ms-range",
    "x-ms-blob-type",
    "x-ms-version",
    "content-md5",
    "x-ms-copy-source",
    "x-ms-meta-a",
    "x-ms-lease-id",
    "x-ms-date",
    "content-type",
];

/// Characters of a URL as they stand on the wire.
fn encoded() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["p", "j", "t", "s", "x", "container", "blob", "stdout.txt", "$root", "..", "-"]).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9_.~!$'()*,;:@=+-]{0,20}",
        2 => "(%[0-9a-f]{2}){1,4}",
        1 => "[a-z%]{1,8}",
    ]
}

/// What stands after a parameter's `=`.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => encoded(),
        2 => select(vec![
            "true", "0", "5", "-1", "id", "id,state", "stats", "2026-01-02T03:04:05Z", "container", "list", "block",
            "blocklist", "metadata", "properties", "batch", "id%20eq%20'x'", "startswith(id,'x')",
            "state%20eq%20'active'%20or%20(id%20ne%20'p')", "creationTime%20gt%20DateTime'2026-01-02'",
        ]).prop_map(str::to_owned),
    ]
}

fn query(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let one = (select(names), value()).prop_map(|(name, value)| format!("{name}={value}"));
    vec(one, 0..3).prop_map(|all| all.join("&"))
}

fn headers(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let text = prop_oneof![
        "[!-~]{1,20}",
        select(vec![
            "*",
            "0x1",
            "bytes=0-5",
            "bytes=5-",
            "Tue, 14 Mar 2023 20:33:30 GMT",
            "application/json",
            "BlockBlob",
            "true",
            "2021-12-02",
            "1B2M2Y8AsgTpgAmY7PhCfg==",
        ])
        .prop_map(str::to_owned),
    ];
    vec((select(names), text), 0..3).prop_map(|mut all| {
        // Each once: what to make of a repeated header is another matter.
        all.sort();
        all.dedup_by(|a, b| a.0 == b.0);
        all
    })
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        select(vec![
            "requeue",
            "PT5M",
            "2026-01-02T03:04:05Z",
            "$TargetDedicatedNodes=1;",
            "p",
            "3"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-zA-Z]{1,8}", inner), 0..3)
                .prop_map(|all| Value::from(all.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The body of an operation with some of its properties changed, or something else.
fn body(spec: &'static Spec, models: &'static Models) -> BoxedStrategy<Vec<u8>> {
    let bytes = vec(any::<u8>(), 0..40);
    let Some(model) = body_of(spec) else {
        return bytes.boxed();
    };
    let names = models.names(model);
    let changed = vec((select(names), anything()), 0..4).prop_map(move |changes| {
        let mut body = models.example(model);
        for (name, value) in changes {
            body[name] = value;
        }
        body.to_string().into_bytes()
    });
    prop_oneof![6 => changed, 1 => bytes].boxed()
}

fn batch_calls(
    models: &'static Models,
    node: &str,
) -> impl Strategy<Value = Call<'static>> + use<> {
    // Not what would soon leave the others nothing to be about.
    const LAST: [Operation; 3] = [
        Operation::DeletePool,
        Operation::DeleteJob,
        Operation::DeleteJobSchedule,
    ];
    let specs = OPERATIONS
        .iter()
        .filter(|spec| !LAST.contains(&spec.operation));
    let specs: Vec<&'static Spec> = specs.collect();
    let node = node.to_owned();
    select(specs).prop_flat_map(move |spec| {
        let node = node.clone();
        let verb = prop_oneof![12 => Just(spec.verb.as_str()), 1 => select(&VERBS[..])];
        let replaced = prop::option::weighted(0.25, (0..3usize, encoded()));
        let version =
            prop_oneof![20 => Just(format!("api-version={VERSION}&")), 1 => Just(String::new())];
        let query = prop_oneof![2 => Just(String::new()), 1 => query(&BATCH_QUERY)];
        let headers = prop_oneof![2 => Just(Vec::new()), 1 => headers(&BATCH_HEADERS)];
        let parts = (verb, replaced, version, query, headers, body(spec, models));
        (parts, prop::bool::weighted(0.97)).prop_map(
            move |((verb, replaced, version, query, headers, body), sign)| {
                let replaced = replaced.as_ref().map(|(at, name)| (*at, name.as_str()));
                let path = path(spec, &node, replaced);
                let mut call = Call::raw(Scheme::Batch, verb, &path, &(version + &query));
                call.headers = headers;
                if !call.headers.iter().any(|(name, _)| *name == "content-type") {
                    call = call.header("content-type", "application/json");
                }
                call.body = body;
                call.sign = sign;
                call
            },
        )
    })
}

fn blob_calls() -> impl Strategy<Value = Call<'static>> {
    let specs: Vec<_> = TABLE.iter().collect();
    select(specs).prop_flat_map(|spec| {
        let verb = prop_oneof![12 => Just(spec.method), 1 => select(&VERBS[..])];
        let there = match spec.level {
            Level::Service => "",
            Level::Container => "container?restype=container",
            Level::Object => "container/blob",
        };
        let strange = vec(encoded(), 0..4).prop_map(|names| names.join("/"));
        let path = prop_oneof![3 => Just(there.to_owned()), 1 => strange];
        let comp = (!spec.comp.is_empty()).then(|| format!("comp={}", spec.comp));
        let comp = Just(comp.unwrap_or_default());
        let query = prop_oneof![2 => Just(String::new()), 1 => query(&BLOB_QUERY)];
        let headers = prop_oneof![1 => Just(vec![("x-ms-blob-type", "BlockBlob".to_owned())]), 1 => headers(&BLOB_HEADERS)];
        let body = vec(any::<u8>(), 0..40);
        let parts = (verb, path, comp, query, headers, body);
        (parts, prop::bool::weighted(0.97)).prop_map(|((verb, path, comp, query, headers, body), sign)| {
            let (path, restype) = path.split_once('?').unwrap_or((&path, ""));
            let all = [restype, &comp, &query].into_iter().filter(|part| !part.is_empty());
            let query = all.collect::<Vec<_>>().join("&");
            let mut call = Call::raw(Scheme::Blob, verb, &format!("/batchflow/{path}"), &query);
            call.headers = headers;
            if !call.headers.iter().any(|(name, _)| *name == "x-ms-version") {
                call = call.header("x-ms-version", "2021-12-02");
            }
            call.body = body;
            call.sign = sign;
            call
        })
    })
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn any_request_to_batch_gets_a_documented_answer() {
    let (service, caller, node) = furnished().await;
    let models: &'static Models = Box::leak(Box::new(Models::read()));
    let socket = RefCell::new(Socket::to(&caller, Scheme::Batch));
    let ran = runner(1500).run(&batch_calls(models, &node), |call| {
        let answer = socket.borrow_mut().send(&call);
        let said = format!("{} {}", call.verb, call.target());
        // 401 is for whoever did not sign.
        if answer.status >= 400 && answer.status != 401 {
            shape::is_some_refusal(&said, call.verb == "HEAD", &answer);
        }
        Ok(())
    });
    ran.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_request_to_blob_storage_gets_a_documented_answer() {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    let container = Call::blob("PUT", "/batchflow/container?restype=container");
    caller.send(container).await.expect(201);
    let socket = RefCell::new(Socket::to(&caller, Scheme::Blob));
    let ran = runner(1500).run(&blob_calls(), |call| {
        let answer = socket.borrow_mut().send(&call);
        let said = format!(
            "{} {}: {} {}",
            call.verb,
            call.target(),
            answer.status,
            answer.text
        );
        prop_assert!(answer.status < 500 || answer.status == 501, "{said}");
        prop_assert!(answer.status < 400 || !answer.code().is_empty(), "{said}");
        Ok(())
    });
    ran.unwrap();
    service.stop().await;
}
