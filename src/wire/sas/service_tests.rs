use super::*;
use crate::wire::sas::test_key as key;

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

/// Made with azure-storage-blob 12.31.1 and 12.8.1.
#[test]
fn vectors() {
    let expiry = time("2026-01-02T03:04:05Z");
    let rows = [
        (
            Resource::Container("out"),
            "acw",
            Some("2026-01-01T00:00:00Z"),
            true,
            "2026-10-06",
            "9bGQiWs5vT58WZVfHy8j60qQ/wg6HCtRe/p+GZ1vu9A=",
        ),
        (
            Resource::Blob {
                container: "in",
                blob: "dir/f 1.txt",
            },
            "r",
            None,
            false,
            "2026-10-06",
            "2G30/55W/TzKI8MkNnDZ+xt7Zvgiwhcsh6dYjgFtK5U=",
        ),
        (
            Resource::Container("in"),
            "rl",
            None,
            false,
            "2026-10-06",
            "/+xm688YlBXN96vyY9odpq5Y6GcYv1CghyQFs7IU9iU=",
        ),
        (
            Resource::Blob {
                container: "in",
                blob: "f.txt",
            },
            "rt",
            None,
            false,
            "2020-06-12",
            "Hef0tslgM3R2P+Xr6wSOM2L+TuZbsjgs5b0lzON2b6g=",
        ),
    ];
    for (resource, permissions, start, https_only, version, signature) in rows {
        let terms = Terms {
            resource,
            permissions: permissions.parse().unwrap(),
            start: start.map(time),
            expiry,
            https_only,
        };
        let query = signed_query("acct", &key(), &terms, version);
        let encoded = utf8_percent_encode(signature, VALUE).to_string();
        assert!(
            query.expose().ends_with(&format!("&sig={encoded}")),
            "{resource}: {}",
            query.expose()
        );
    }
}

#[test]
fn query_form() {
    let terms = Terms {
        resource: Resource::Container("out"),
        permissions: Permissions::ADD_CREATE_WRITE,
        start: Some(time("2026-01-01T00:00:00Z")),
        expiry: time("2026-01-02T03:04:05.75Z"),
        https_only: true,
    };
    let query = service_sas("acct", &key(), &terms);
    let unsigned = query.expose().split("&sig=").next().unwrap();
    assert_eq!(
        unsigned,
        "st=2026-01-01T00%3A00%3A00Z&se=2026-01-02T03%3A04%3A05Z&sp=acw&spr=https&sv=2021-12-02&sr=c"
    );
    assert_eq!(format!("{query:?}"), "(sensitive value)");
}
