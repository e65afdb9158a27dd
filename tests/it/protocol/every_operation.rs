//! Each operation of the table against each kind of bad request: what it says is a refusal by name, never a fault.

use std::collections::BTreeSet;

use batchflow::clock;
use batchflow::wire::auth::Scheme;
use batchflow::wire::batch::error::Code;
use batchflow::wire::batch::operation::{Body, Conditions, OPERATIONS, Spec};
use batchflow::wire::time::{Duration, Time};
use serde_json::{Value, json};

use super::caller::{Call, VERSION};
use super::furnished::{furnished, path};
use super::models::{Mistake, Models, body_of};
use super::shape;
use super::socket::Socket;

/// A request for an operation on what there is. Where it needs a body it has an empty object.
fn call(spec: &Spec, node: &str) -> Call<'static> {
    let call = Call::batch(spec.verb.as_str(), &path(spec, node, None));
    match spec.body {
        Body::Json => call.json(&json!({})),
        Body::Empty => call,
    }
}

/// Sends it and expects the refusal.
#[track_caller]
fn refused(socket: &mut Socket<'_>, call: &Call<'_>, codes: &[Code]) {
    let what: String = String::from_utf8_lossy(&call.body)
        .chars()
        .take(200)
        .collect();
    let said = format!("{} {} {what}", call.verb, call.target());
    let answer = socket.send(call);
    let code = shape::is_some_refusal(&said, call.verb == "HEAD", &answer);
    assert!(
        codes.contains(&code),
        "{said}: {code}, not one of {codes:?}: {}",
        answer.text
    );
}

fn dated(minutes: i64) -> String {
    let by = Duration::from_secs(60).ticks() * minutes;
    Time::from_ticks(Time::from(clock::now()).ticks() + by).to_rfc1123()
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_in_only_who_signs() {
    let (service, caller, node) = furnished().await;
    let mut socket = Socket::to(&caller, Scheme::Batch);
    for spec in OPERATIONS {
        let good = || call(spec, &node);
        let answer = socket.send(&good().anonymous());
        assert_eq!(answer.status, 401, "{}: {}", spec.name, answer.text);
        assert_eq!(answer.header("www-authenticate"), "SharedKey");
        let body_is_right = match spec.verb.as_str() {
            "HEAD" => answer.text.is_empty(),
            _ => answer.code() == "InvalidAuthenticationInfo",
        };
        assert!(body_is_right, "{}: {}", spec.name, answer.text);
        for bad in [
            good().unsigned("authorization", "SharedKey batchflow:d3Jvbmc="),
            good().header("ocp-date", &dated(-16)),
            good().header("ocp-date", &dated(16)),
            good().unsigned("ocp-date", &dated(1)),
            good().header("ocp-x", "1").unsigned("ocp-x", "2"),
        ] {
            refused(&mut socket, &bad, &[Code::AuthenticationFailed]);
        }
        let malformed = good().unsigned("authorization", "Basic eDp5");
        refused(&mut socket, &malformed, &[Code::InvalidAuthenticationInfo]);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_bodies_that_are_objects() {
    let (service, caller, node) = furnished().await;
    let mut socket = Socket::to(&caller, Scheme::Batch);
    let nested = "[".repeat(100_000);
    let deep = format!("{{\"id\":{}", "{\"a\":".repeat(100_000));
    let garbage: [&[u8]; 12] = [
        b"{\"id\": ",
        b"{\"id\": \"x\"} trailing",
        b"{'id': 'x'}",
        b"{id: 1}",
        b"[]",
        b"[{}]",
        b"null",
        b"7",
        b"\"text\"",
        b"{\"id\": \"\xff\xfe\"}",
        nested.as_bytes(),
        deep.as_bytes(),
    ];
    for spec in OPERATIONS.iter().filter(|spec| spec.body == Body::Json) {
        let with = |body: &[u8]| {
            let mut call = call(spec, &node);
            call.body = body.to_vec();
            call
        };
        for body in garbage {
            refused(&mut socket, &with(body), &[Code::InvalidRequestBody]);
        }
        let large = vec![b' '; 1024 * 1024 + 1];
        refused(&mut socket, &with(&large), &[Code::RequestBodyTooLarge]);
        let mut untyped = with(b"{}");
        untyped.headers.clear();
        refused(&mut socket, &untyped, &[Code::MissingRequiredHeader]);
        let mistyped = untyped.header("content-type", "text/xml");
        refused(&mut socket, &mistyped, &[Code::InvalidHeaderValue]);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_what_the_reference_describes() {
    let (service, caller, node) = furnished().await;
    let mut socket = Socket::to(&caller, Scheme::Batch);
    let models = Models::read();
    let (mut typed, mut known) = (BTreeSet::new(), BTreeSet::new());
    let mut tried = 0;
    for spec in OPERATIONS {
        let Some(model) = body_of(spec) else { continue };
        let wrong = models.wrong_types(model, &mut typed);
        let unknown = models.unknown_properties(model, &mut known);
        tried += wrong.len() + unknown.len();
        for (mistakes, code) in [
            (wrong, Code::InvalidPropertyValue),
            (unknown, Code::UnsupportedProperty),
        ] {
            for Mistake { body, property } in mistakes {
                let call = call(spec, &node).json(&body);
                let answer = socket.send(&call);
                let said = format!("{} {body}", spec.name);
                shape::is_refusal(code, &said, false, &answer);
                // A list or an object may be told apart by what is in it.
                let named = answer.value("PropertyName");
                assert!(
                    named.starts_with(&property),
                    "{said}: {named}, not {property}"
                );
            }
        }
    }
    assert!(tried > 1000, "{tried}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_nothing_by_an_absurd_name() {
    let (service, caller, node) = furnished().await;
    let mut socket = Socket::to(&caller, Scheme::Batch);
    let long = "x".repeat(65);
    let longer = "%C3%BC".repeat(1000);
    for spec in OPERATIONS {
        for at in 0..spec.path.matches('{').count() {
            for name in [
                "%00",
                "..",
                "%2E%2E",
                "..%2F..%2F..%2Fetc%2Fpasswd",
                "a%00b",
                "%0d%0ax:%20y",
                "%25",
                "'",
                "*",
                "%F0%9F%92%A5",
                long.as_str(),
                longer.as_str(),
            ] {
                let mut call = call(spec, &node);
                call.path = path(spec, &node, Some((at, name)));
                let answer = socket.send(&call);
                let said = format!("{} {}", call.verb, call.path);
                let code = shape::is_some_refusal(&said, call.verb == "HEAD", &answer);
                assert!(
                    matches!(code.status(), 400 | 404 | 409 | 501),
                    "{said}: {code}"
                );
            }
            for name in ["%ff", "%fe%fe", "%zz", "%", "%1"] {
                let mut call = call(spec, &node);
                call.path = path(spec, &node, Some((at, name)));
                refused(&mut socket, &call, &[Code::RequestUrlFailedToParse]);
            }
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_queries_that_make_sense() {
    let (service, caller, node) = furnished().await;
    let mut socket = Socket::to(&caller, Scheme::Batch);
    use Code::{
        InvalidQueryParameterValue as Invalid, OutOfRangeQueryParameterValue as OutOfRange,
    };
    let every = [
        ("colour=red", Code::UnsupportedQueryParameter),
        ("$top=5", Code::UnsupportedQueryParameter),
        ("$orderby=id", Code::UnsupportedQueryParameter),
        ("timeOut=0", OutOfRange),
        ("timeOut=-1", OutOfRange),
        ("timeOut=soon", Invalid),
        ("timeOut=1.5", Invalid),
        ("timeOut=99999999999999999999", Invalid),
        ("x=%zz", Code::RequestUrlFailedToParse),
        ("x=%ff", Code::RequestUrlFailedToParse),
    ];
    let deep = format!("$filter={}", "(".repeat(10_000));
    let long = format!("$filter={}", ["id%20eq%20'x'"; 500].join("%20and%20"));
    let of_parameters = [
        ("maxresults=0", OutOfRange),
        ("maxresults=-1", OutOfRange),
        ("maxresults=1001", OutOfRange),
        ("maxresults=many", Invalid),
        ("maxresults=99999999999999999999", Invalid),
        ("maxresults=5&$skiptoken=mine", Invalid),
        ("$filter=colour%20eq%20'red'", Invalid),
        ("$filter=nonsense", Invalid),
        ("$filter=id", Invalid),
        ("$filter=id%20eq", Invalid),
        ("$filter=id%20eq%20'x", Invalid),
        ("$filter=state%20eq%20DateTime'soon'", Invalid),
        ("$filter=%00", Invalid),
        (deep.as_str(), Invalid),
        ("$expand=everything", Invalid),
        ("recursive=maybe", Invalid),
        ("force=maybe", Invalid),
        ("startTime=soon", Invalid),
        ("endtime=7", Invalid),
    ];
    for spec in OPERATIONS {
        let with = |query: &str| {
            let mut call = call(spec, &node);
            call.query = format!("api-version={VERSION}&{query}");
            call
        };
        for (query, code) in every {
            refused(&mut socket, &with(query), &[code]);
        }
        for (query, code) in of_parameters {
            let name = query.split('=').next().unwrap_or_default();
            let code = if spec.query.contains(&name) {
                code
            } else {
                Code::UnsupportedQueryParameter
            };
            refused(&mut socket, &with(query), &[code]);
        }
        if spec.query.contains(&"$filter") {
            let answer = socket.send(&with(&long));
            assert!(
                matches!(answer.status, 200 | 400),
                "{}: {}",
                spec.name,
                answer.text
            );
        }
        let versionless = |query: &str| {
            let mut call = call(spec, &node);
            call.query = query.to_owned();
            call
        };
        for query in ["", "api-version=", "maxresults=1"] {
            refused(
                &mut socket,
                &versionless(query),
                &[Code::MissingRequiredQueryParameter],
            );
        }
        for query in [
            "api-version=2031-01-01",
            "api-version=2025-06-01.0.0",
            "api-version=latest",
        ] {
            refused(
                &mut socket,
                &versionless(query),
                &[Code::UnsupportedRequestVersion],
            );
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn has_no_other_verbs_and_no_contradictory_conditions() {
    let (service, caller, node) = furnished().await;
    let mut socket = Socket::to(&caller, Scheme::Batch);
    for spec in OPERATIONS {
        let here = path(spec, &node, None);
        let is_used = |verb: &str| {
            let mut same = OPERATIONS.iter().filter(|other| other.path == spec.path);
            same.any(|other| other.verb.as_str() == verb)
        };
        for verb in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
        ] {
            if !is_used(verb) {
                refused(
                    &mut socket,
                    &Call::batch(verb, &here),
                    &[Code::UnsupportedHttpVerb],
                );
            }
        }
        refused(
            &mut socket,
            &Call::batch("BREW", &here),
            &[Code::InvalidHttpVerb],
        );
        if !spec.path.contains("/files") {
            let below = Call::batch(spec.verb.as_str(), &format!("{here}/no/such/thing"));
            refused(&mut socket, &below, &[Code::InvalidUri]);
        }

        if spec.conditions != Conditions::None {
            for name in ["if-modified-since", "if-unmodified-since"] {
                let call = call(spec, &node).header(name, "soon");
                refused(&mut socket, &call, &[Code::InvalidHeaderValue]);
            }
            let both = call(spec, &node)
                .header("if-modified-since", &dated(-5))
                .header("if-unmodified-since", &dated(-5));
            refused(
                &mut socket,
                &both,
                &[Code::MultipleConditionHeadersNotSupported],
            );
        }
        if spec.conditions == Conditions::Full {
            let both = call(spec, &node)
                .header("if-match", "0x1")
                .header("if-none-match", "0x2");
            refused(
                &mut socket,
                &both,
                &[Code::MultipleConditionHeadersNotSupported],
            );
        }
    }
    // Nothing of all that was changed.
    for there in ["/pools/p", "/jobs/j", "/jobs/j/tasks/t", "/jobschedules/s"] {
        let found: Value = caller.get(there).await.expect(200).json();
        assert_eq!(found["state"], "active", "{there}");
    }
    service.stop().await;
}
