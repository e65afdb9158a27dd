use base64::Engine as _;

use super::*;

const DATE: &str = "Tue, 14 Mar 2023 20:33:30 GMT";

fn key() -> AccountKey {
    let bytes = "0123456789abcdef".repeat(4);
    AccountKey::from_base64(&base64::engine::general_purpose::STANDARD.encode(bytes)).unwrap()
}

fn now() -> Time {
    Time::from_rfc1123(DATE).unwrap()
}

/// Made with the policy of azure-batch 15.1.0.
#[test]
fn batch_vectors() {
    type Headers = &'static [(&'static str, &'static str)];
    let vectors: &[(&str, &str, &str, Headers, &str, &str)] = &[
        (
            "GET",
            "/pools",
            "api-version=2025-06-01&$filter=startswith%28id%2C%27a%27%29&$select=id%2Cstate&maxresults=10&timeOut=30",
            &[],
            "GET\n\n\n\n\n\n\n\n\n\n\n\nocp-date:Tue, 14 Mar 2023 20:33:30 GMT\n/acct/pools\n$filter:startswith(id,'a')\n$select:id,state\napi-version:2025-06-01\nmaxresults:10\ntimeOut:30",
            "/iodC/TmPsTvUrwdlltl1aegyTCBXgqUVW0Xw+K/GrQ=",
        ),
        (
            "POST",
            "/jobs",
            "api-version=2025-06-01",
            &[
                ("Content-Length", "40"),
                ("Content-Type", "application/json; odata=minimalmetadata"),
            ],
            "POST\n\n\n40\n\napplication/json; odata=minimalmetadata\n\n\n\n\n\n\nocp-date:Tue, 14 Mar 2023 20:33:30 GMT\n/acct/jobs\napi-version:2025-06-01",
            "q/aKXG7NULtjdJBnPfJuaqKkSXFcudWe5j+XK5S4vjE=",
        ),
        (
            "DELETE",
            "/jobs/a",
            "api-version=2025-06-01",
            &[("Content-Length", "0")],
            "DELETE\n\n\n0\n\n\n\n\n\n\n\n\nocp-date:Tue, 14 Mar 2023 20:33:30 GMT\n/acct/jobs/a\napi-version:2025-06-01",
            "rDVkMEgvkGJsgv6nNeSa0nDimyiuJTIn1bm5gzy0O6g=",
        ),
        (
            "POST",
            "/jobs/a/enable",
            "api-version=2025-06-01",
            &[("content-length", "0"), ("If-Match", "0x8DB24CB604A1D00")],
            "POST\n\n\n0\n\n\n\n\n0x8DB24CB604A1D00\n\n\n\nocp-date:Tue, 14 Mar 2023 20:33:30 GMT\n/acct/jobs/a/enable\napi-version:2025-06-01",
            "ZSOCYAFow1DdPAAqZWqHv8M1cBkdV6loTcDfQg+9RW8=",
        ),
        (
            "GET",
            "/jobs/a/tasks/t/files/wd%2Fout%201.txt",
            "api-version=2025-06-01",
            &[("ocp-range", "bytes=0-9")],
            "GET\n\n\n\n\n\n\n\n\n\n\n\nocp-date:Tue, 14 Mar 2023 20:33:30 GMT\nocp-range:bytes=0-9\n/acct/jobs/a/tasks/t/files/wd%2Fout%201.txt\napi-version:2025-06-01",
            "K7OTArOuxX5R9oGSQ+dV++gibwDr7fZqfEjH4Y9UqrU=",
        ),
    ];
    for (method, path, query, headers, text, signature) in vectors {
        let request = Request::new(method, path, query)
            .header("ocp-date", DATE)
            .headers(headers.iter().copied());
        assert_eq!(string_to_sign(Scheme::Batch, "acct", &request), *text);
        let authorization = authorization(Scheme::Batch, "acct", &key(), &request);
        assert_eq!(authorization, format!("SharedKey acct:{signature}"));
        let signed = request.header("Authorization", &authorization);
        assert_eq!(
            verify(Scheme::Batch, "acct", &key(), &signed, now()),
            Ok(())
        );
    }
}

/// From the documented rules.
#[test]
fn blob_strings() {
    let request = Request::new(
        "PUT",
        "/acct/in/a%20b%2Fc",
        "comp=Block&BlockId=QQ%3D%3D&x=b&x=a&blank=",
    )
    .header("X-Ms-Version", "2026-10-06")
    .header("x-ms-date", DATE)
    .header("Date", "ignored")
    .header("Content-Length", "0")
    .header("Content-Type", " application/octet-stream ")
    .header("ocp-date", "not ours");
    assert_eq!(
        string_to_sign(Scheme::Blob, "acct", &request),
        "PUT\n\n\n\n\napplication/octet-stream\n\n\n\n\n\n\nx-ms-date:Tue, 14 Mar 2023 20:33:30 GMT\nx-ms-version:2026-10-06\n/acct/acct/in/a%20b%2Fc\nblank:\nblockid:QQ==\ncomp:Block\nx:a,b"
    );
}

/// Each is a way some released SDK signs; the verifier has to let all of them in.
#[test]
fn accepted_variants() {
    let cases = [
        // (query, content-length header, what was signed after the fixed lines)
        (
            "timeOut=30",
            None,
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\ntimeOut:30",
        ),
        (
            "timeOut=30",
            None,
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\ntimeout:30",
        ),
        (
            "a=1",
            None,
            "DELETE\n\n\n0\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\na:1",
        ),
        (
            "a=1",
            Some("0"),
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\na:1",
        ),
        (
            "a=1+2&a=9",
            None,
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\na:1 2",
        ),
        (
            "a=1+2",
            None,
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\na:1+2",
        ),
        (
            "a=",
            None,
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x",
        ),
        (
            "a=",
            None,
            "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/x\na:",
        ),
    ];
    for (query, length, text) in cases {
        let signature = key().sign(&text.replace("ocp-date:D", &format!("ocp-date:{DATE}")));
        let request = Request::new("DELETE", "/x", query)
            .header("ocp-date", DATE)
            .headers(length.map(|l| ("Content-Length", l)))
            .header("Authorization", &format!("SharedKey acct:{signature}"));
        let verdict = verify(Scheme::Batch, "acct", &key(), &request, now());
        assert_eq!(verdict, Ok(()), "{query} {text:?}");
    }
}

#[test]
fn date_header_alone_is_enough() {
    let request = Request::new("GET", "/x", "").header("Date", DATE);
    let authorization = authorization(Scheme::Batch, "acct", &key(), &request);
    let request = request.header("Authorization", &authorization);
    assert_eq!(
        verify(Scheme::Batch, "acct", &key(), &request, now()),
        Ok(())
    );
}

#[test]
fn refusals() {
    let unsigned = || Request::new("GET", "/x", "a=1").header("ocp-date", DATE);
    let good = authorization(Scheme::Batch, "acct", &key(), &unsigned());
    let check = |request: Request<'_>, now: Time| {
        verify(Scheme::Batch, "acct", &key(), &request, now).unwrap_err()
    };
    let signed = |header: &str| unsigned().header("Authorization", header);

    assert_eq!(check(unsigned(), now()), AuthRefusal::Missing);
    for malformed in ["SharedKey", "", "SharedKey acct"] {
        assert_eq!(check(signed(malformed), now()), AuthRefusal::Malformed);
    }
    for scheme in ["SharedKeyLite", "Bearer"] {
        let refusal = check(signed(&format!("{scheme} acct:x")), now());
        assert!(refusal.to_string().contains(scheme), "{refusal}");
        assert!(refusal.is_malformed());
    }
    let other = good.replace("acct:", "other:");
    assert_eq!(check(signed(&other), now()), AuthRefusal::OtherAccount);

    let wrong = check(signed("SharedKey acct:AAAA"), now());
    assert!(!wrong.is_malformed());
    assert_eq!(
        wrong.detail(),
        format!(
            "The MAC signature found in the HTTP request 'AAAA' is not the same as any computed signature. Server used following string to sign: '{}'.",
            string_to_sign(Scheme::Batch, "acct", &unsigned())
        )
    );
    let changed = Request::new("GET", "/y", "a=1").header("ocp-date", DATE);
    assert!(matches!(
        check(changed.header("Authorization", &good), now()),
        AuthRefusal::WrongSignature { .. }
    ));

    let minutes = |n: i64| Time::from_ticks(now().ticks() + Duration::from_secs(n * 60).ticks());
    for accepted in [-15, 15] {
        let at = minutes(accepted);
        let verdict = verify(Scheme::Batch, "acct", &key(), &signed(&good), at);
        assert_eq!(verdict, Ok(()), "{accepted} minutes");
    }
    for refused in [-16, 16] {
        let refusal = check(signed(&good), minutes(refused));
        assert!(matches!(refusal, AuthRefusal::Skewed { .. }), "{refused}");
    }
    let undated = Request::new("GET", "/x", "a=1").header("Authorization", &good);
    assert_eq!(
        check(undated, now()),
        AuthRefusal::NoDate { header: "ocp-date" }
    );
}
