//! Addresses of blobs and containers, with the signatures that open them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

/// Where the service's own blobs are, and where they were before it was started again: signed URLs that were
/// handed out then must still work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::service) struct BlobEndpoints {
    /// `http://127.0.0.1:10000/account`, without a slash at the end.
    pub(in crate::service) current: String,
    pub(in crate::service) former: Vec<String>,
}

/// Text that is not an http or https URL. The text is not part of it: it may be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address is not an http or https URL")]
pub(super) struct NotAUrl;

impl BlobEndpoints {
    /// The address to go to. Only a URL at a former endpoint is changed; the signature does not cover the host.
    pub(super) fn resolve(&self, text: &str) -> Result<Url, NotAUrl> {
        let url = parse(text)?;
        let moved = self.former.iter().find_map(|former| {
            let rest = url.as_str().strip_prefix(former.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| rest.to_owned())
        });
        match moved {
            Some(rest) => parse(&format!("{}{rest}", self.current.trim_end_matches('/'))),
            None => Ok(url),
        }
    }
}

fn parse(text: &str) -> Result<Url, NotAUrl> {
    let url = Url::parse(text).map_err(|_| NotAUrl)?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(NotAUrl),
    }
}

/// The address without anything secret: no query, no user.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// A blob of a container, with the container's signature.
pub(super) fn blob_in(container: &Url, name: &str) -> Url {
    let mut url = container.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(name.split('/'));
    }
    url
}

/// The container's list operation.
pub(super) fn list_of(container: &Url, prefix: Option<&str>, marker: Option<&str>) -> Url {
    let mut query = "restype=container&comp=list".to_owned();
    // A space as `%20`: not every server reads `+` as one.
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    if let Some(prefix) = prefix.filter(|p| !p.is_empty()) {
        query.push_str(&format!("&prefix={}", encode(prefix)));
    }
    if let Some(marker) = marker {
        query.push_str(&format!("&marker={}", encode(marker)));
    }
    with_query(container, &query)
}

/// A blob operation that has parameters of its own, such as `comp=block`.
pub(super) fn with_query(blob: &Url, parameters: &str) -> Url {
    let mut url = blob.clone();
    let before = url.query().map(|q| format!("{q}&")).unwrap_or_default();
    url.set_query(Some(&format!("{before}{parameters}")));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_former_endpoints_move() {
        let endpoints = BlobEndpoints {
            current: "http://127.0.0.1:2/acct".into(),
            former: vec![
                "http://127.0.0.1:1/acct".into(),
                "http://127.0.0.1:3/acct/".into(),
            ],
        };
        for (text, url) in [
            (
                "http://127.0.0.1:1/acct/c/b%20x?sig=a%2Bb",
                "http://127.0.0.1:2/acct/c/b%20x?sig=a%2Bb",
            ),
            (
                "http://127.0.0.1:3/acct/c?sig=1",
                "http://127.0.0.1:2/acct/c?sig=1",
            ),
            (
                "http://127.0.0.1:1/acct2/c?sig=1",
                "http://127.0.0.1:1/acct2/c?sig=1",
            ),
            ("http://127.0.0.1:11/acct/c", "http://127.0.0.1:11/acct/c"),
            ("https://127.0.0.1:1/acct/c", "https://127.0.0.1:1/acct/c"),
            (
                "http://a/?u=http://127.0.0.1:1/acct/c",
                "http://a/?u=http://127.0.0.1:1/acct/c",
            ),
        ] {
            assert_eq!(endpoints.resolve(text).unwrap().as_str(), url);
        }
        for bad in ["", "c/b", "file:///etc/passwd", "ftp://a/b", "http://"] {
            assert_eq!(endpoints.resolve(bad), Err(NotAUrl), "{bad}");
        }
    }

    #[test]
    fn names_and_signatures() {
        let container = Url::parse("https://u:p@h:444/acct/in/?sv=1&sig=a%2Fb%3D").unwrap();
        let blob = blob_in(&container, "d/é +%1#?.txt");
        assert_eq!(
            shown(&blob),
            "https://h:444/acct/in/d/%C3%A9%20+%251%23%3F.txt"
        );
        assert_eq!(blob.query(), Some("sv=1&sig=a%2Fb%3D"));
        assert_eq!(
            list_of(&container, Some("a b"), Some("m")).query(),
            Some("sv=1&sig=a%2Fb%3D&restype=container&comp=list&prefix=a%20b&marker=m")
        );
        let bare = Url::parse("http://h/c").unwrap();
        assert_eq!(
            list_of(&bare, None, None).as_str(),
            "http://h/c?restype=container&comp=list"
        );
    }
}
