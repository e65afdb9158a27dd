use super::*;
use crate::wire::sas::{Level, Permission, Terms, service_sas, test_key as key};

const IN: Resource<'_> = Resource::Container("in");
const FILE: Resource<'_> = Resource::Blob {
    container: "in",
    blob: "dir/f 1.txt",
};
const OTHER_FILE: Resource<'_> = Resource::Blob {
    container: "in",
    blob: "other",
};

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn check(query: &str, target: Option<Resource<'_>>) -> Result<Grant, SasRefusal> {
    verify(
        query,
        "acct",
        &key(),
        target,
        false,
        time("2026-01-01T12:00:00Z"),
    )
}

fn allows(grant: &Grant, level: Level, any_of: &[Permission]) -> bool {
    grant.reaches(level) && grant.allows(any_of)
}

fn sas(resource: Resource<'_>, permissions: &str) -> String {
    let terms = Terms {
        resource,
        permissions: permissions.parse().unwrap(),
        start: None,
        expiry: time("2026-01-02T00:00:00Z"),
        https_only: false,
    };
    service_sas("acct", &key(), &terms).expose().to_owned()
}

#[test]
fn scopes_of_service_sas() {
    let container = sas(IN, "rl");
    for target in [IN, FILE, OTHER_FILE] {
        let grant = check(&container, Some(target)).unwrap();
        assert!(allows(&grant, Level::Container, &[Permission::List]));
        assert!(allows(&grant, Level::Object, &[Permission::Read]));
        assert!(!allows(
            &grant,
            Level::Object,
            &[Permission::Write, Permission::Create]
        ));
        assert!(!allows(&grant, Level::Service, &[Permission::List]));
        assert!(!grant.is_account());
    }
    let blob = sas(FILE, "r");
    let grant = check(&blob, Some(FILE)).unwrap();
    assert!(allows(&grant, Level::Object, &[Permission::Read]));
    assert!(!allows(&grant, Level::Container, &[Permission::Read]));

    for (query, target) in [
        (&container, Some(Resource::Container("out"))),
        (&container, None),
        (&blob, Some(OTHER_FILE)),
        (&blob, Some(IN)),
        (&blob, None),
    ] {
        let refusal = check(query, target).unwrap_err();
        assert!(
            matches!(refusal, SasRefusal::WrongSignature { .. }),
            "{target:?}: {refusal}"
        );
    }
}

/// Made with azure-storage-blob 12.31.1.
#[test]
fn signatures_of_others() {
    let account = "se=2026-01-02T03%3A04%3A05Z&sp=rwdlac&sv=2026-10-06&ss=b&srt=sco&sig=N0gTEeUT9J1Qvo6CC3%2BYwpY%2BIL/IIlKiAUrvJfc4r9k%3D";
    let grant = check(account, None).unwrap();
    assert!(grant.is_account());
    assert!(allows(&grant, Level::Service, &[Permission::List]));
    assert!(allows(&grant, Level::Container, &[Permission::Create]));
    assert!(!allows(&grant, Level::Object, &[Permission::Tags]));

    let https = "st=2026-01-01T00%3A00%3A00Z&se=2026-01-02T03%3A04%3A05Z&sp=rl&spr=https&sv=2026-10-06&ss=b&srt=co&sig=NpYuYLXASVIK2gK/F9yo3qdt42P2FUVRqTeJ/8fcYeg%3D";
    assert_eq!(check(https, None), Err(SasRefusal::HttpsOnly));
    let now = time("2026-01-01T12:00:00Z");
    let grant = verify(https, "acct", &key(), None, true, now).unwrap();
    assert!(allows(&grant, Level::Container, &[Permission::List]));
    assert!(!allows(&grant, Level::Service, &[Permission::List]));

    let headers = "se=2026-01-02T03%3A04%3A05Z&sp=r&sv=2026-10-06&sr=b&rscd=attachment%3B%20filename%3D%22x%22&rsct=text/plain&sig=jWQo6u8bM4%2B5lYcFTef4kyf0zZmPdlNY0tfWQgdXxQg%3D";
    assert_eq!(
        check(headers, Some(FILE)).unwrap().response_headers,
        [
            (
                "content-disposition",
                "attachment; filename=\"x\"".to_owned()
            ),
            ("content-type", "text/plain".to_owned()),
        ]
    );
}

#[test]
fn refusals() {
    let good = sas(IN, "rl");
    assert!(check(&good, Some(IN)).is_ok());
    let rows = [
        (good.replace("sp=rl", "sp=rwl"), "did not match"),
        (good.replace("sp=rl", "sp=rq"), "`sp` has the value `rq`"),
        (good.replace("sp=rl", ""), "`sp` is missing"),
        (good.replace("sv=2021-12-02", "sv=2012-02-12"), "`sv` has"),
        (good.replace("sr=c", "sr=bs"), "`sr` are not supported"),
        (good.replace("sr=c", "sr=b"), "did not match"),
        (format!("{good}&si=policy"), "stored access policy"),
        (format!("{good}&sip=1.2.3.4"), "address range"),
        (format!("{good}&skoid=x"), "user delegation"),
        (format!("{good}&rsct=text/html"), "did not match"),
        (format!("{good}&st=2025-01-01"), "did not match"),
        ("sig=x".to_owned(), "`sv` is missing"),
    ];
    for (query, message) in rows {
        let refusal = check(&query, Some(IN)).unwrap_err().to_string();
        assert!(refusal.contains(message), "{query}: {refusal}");
        assert!(!refusal.contains("sig="), "{refusal}");
    }
    let elsewhere = verify(
        &good,
        "other",
        &key(),
        Some(IN),
        false,
        time("2026-01-01T12:00:00Z"),
    );
    assert!(matches!(elsewhere, Err(SasRefusal::WrongSignature { .. })));
}

#[test]
fn times() {
    let signed = |start: &str, expiry: &str| {
        let fields = Fields {
            permissions: "r",
            start,
            expiry,
            version: "2021-12-02",
            kind: "c",
            ..Fields::default()
        };
        let signature = key().sign(&fields.string_to_sign(&IN.canonical("acct")));
        let signature = signature.replace('+', "%2B");
        format!("sp=r&st={start}&se={expiry}&sv=2021-12-02&sr=c&sig={signature}")
    };
    // Now is 2026-01-01T12:00:00Z.
    for (start, expiry, verdict) in [
        ("", "2026-01-02", "ok"),
        ("2026-01-01", "2026-01-01T12:01Z", "ok"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.0000001Z", "ok"),
        ("", "2026-01-01T12:00:00Z", "expired"),
        ("", "2026-01-01", "expired"),
        ("2026-01-01T12:01Z", "2026-01-02", "from"),
        ("", "", "missing"),
        ("", "tomorrow", "well formed"),
    ] {
        let shown = match check(&signed(start, expiry), Some(IN)) {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        assert!(shown.contains(verdict), "{start} {expiry}: {shown}");
    }
}
