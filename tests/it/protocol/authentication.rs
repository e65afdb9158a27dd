//! Who is let in: both endpoints, each way of getting a signature wrong.

use batchflow::clock;
use batchflow::service::Service;
use batchflow::wire::time::{Duration, Time};
use serde_json::json;

use super::caller::{Call, Caller};
use crate::support::local_service;

/// A moment that many minutes from now.
fn dated(minutes: i64) -> String {
    let by = Duration::from_secs(60).ticks() * minutes;
    Time::from_ticks(Time::from(clock::now()).ticks() + by).to_rfc1123()
}

async fn service() -> (Service, Caller) {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    (service, caller)
}

#[tokio::test]
async fn signatures_and_their_absence() {
    let (service, caller) = service().await;
    let batch = || Call::batch("GET", "/pools?maxresults=5");
    let blob = || Call::blob("GET", "/batchflow?comp=list");
    let other = {
        let key = "c29tZWJvZHkgZWxzZSdzIGtleQ==";
        let http = caller.http.clone();
        Caller::new(&caller.batch, &caller.blob, &caller.account, key, http)
    };
    let stranger = {
        let http = caller.http.clone();
        let key = service.key().expose();
        Caller::new(&caller.batch, &caller.blob, "stranger", key, http)
    };
    let wrong = "SharedKey batchflow:d3Jvbmc=";
    let tampered = |mut call: Call<'static>, query: &str| {
        // Signed for one query and sent with another: a signature of an earlier request.
        call.unsigned.push(("authorization", wrong.to_owned()));
        call.query = query.to_owned();
        call
    };
    for (what, caller, call, status, code) in [
        ("signed", &caller, batch(), 200, ""),
        ("signed", &caller, blob(), 200, ""),
        (
            "unsigned",
            &caller,
            batch().anonymous(),
            401,
            "InvalidAuthenticationInfo",
        ),
        (
            "unsigned",
            &caller,
            blob().anonymous(),
            401,
            "NoAuthenticationInformation",
        ),
        ("other key", &other, batch(), 403, "AuthenticationFailed"),
        ("other key", &other, blob(), 403, "AuthenticationFailed"),
        (
            "other account",
            &stranger,
            batch(),
            403,
            "AuthenticationFailed",
        ),
        (
            "other account",
            &stranger,
            blob(),
            403,
            "AuthenticationFailed",
        ),
        (
            "no signature",
            &caller,
            batch().unsigned("authorization", "SharedKey"),
            400,
            "InvalidAuthenticationInfo",
        ),
        (
            "no signature",
            &caller,
            blob().unsigned("authorization", "SharedKey batchflow"),
            400,
            "InvalidAuthenticationInfo",
        ),
        (
            "other scheme",
            &caller,
            batch().unsigned("authorization", "Bearer abc"),
            400,
            "InvalidAuthenticationInfo",
        ),
        (
            "garbage",
            &caller,
            batch().unsigned("authorization", "SharedKey batchflow:%%%"),
            403,
            "AuthenticationFailed",
        ),
        (
            "tampered query",
            &caller,
            tampered(batch(), "api-version=2025-06-01"),
            403,
            "AuthenticationFailed",
        ),
        (
            "tampered header",
            &caller,
            batch().header("ocp-x", "1").unsigned("ocp-x", "2"),
            403,
            "AuthenticationFailed",
        ),
        (
            "tampered date",
            &caller,
            batch().unsigned("ocp-date", &dated(1)),
            403,
            "AuthenticationFailed",
        ),
        (
            "almost too old",
            &caller,
            batch().header("ocp-date", &dated(-14)),
            200,
            "",
        ),
        (
            "almost too early",
            &caller,
            batch().header("ocp-date", &dated(14)),
            200,
            "",
        ),
        (
            "replayed after the skew",
            &caller,
            batch().header("ocp-date", &dated(-16)),
            403,
            "AuthenticationFailed",
        ),
        (
            "ahead of its time",
            &caller,
            batch().header("ocp-date", &dated(16)),
            403,
            "AuthenticationFailed",
        ),
        (
            "replayed after the skew",
            &caller,
            blob().header("x-ms-date", &dated(-16)),
            403,
            "AuthenticationFailed",
        ),
        (
            "no date",
            &caller,
            batch().header("ocp-date", "soon"),
            403,
            "AuthenticationFailed",
        ),
    ] {
        let sent = format!("{what}: {}", call.path);
        let answer = caller.send(call).await;
        let code_given = if answer.status < 300 {
            String::new()
        } else {
            answer.code()
        };
        assert_eq!(
            (answer.status, code_given.as_str()),
            (status, code),
            "{sent}: {}",
            answer.text
        );
        if status == 401 {
            assert!(!answer.header("www-authenticate").is_empty());
        }
        assert!(!answer.text.contains(service.key().expose()));
    }
    service.stop().await;
}

#[tokio::test]
async fn a_changed_body_length_is_noticed_and_an_anonymous_caller_changes_nothing() {
    let (service, caller) = service().await;
    let job = json!({"id": "j", "poolInfo": {"poolId": "p"}});
    let call = || Call::batch("POST", "/jobs").json(&job);
    let answer = caller.send(call().anonymous()).await.expect(401);
    assert!(!answer.value("AuthenticationErrorDetail").is_empty());
    let mut longer = call();
    longer.headers.push(("ocp-x", "a".to_owned()));
    longer.unsigned.push(("ocp-x", String::new()));
    caller.send(longer).await.expect(403);
    assert_eq!(caller.get("/jobs").await.json()["value"], json!([]));
    service.stop().await;
}
