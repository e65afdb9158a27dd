//! Where a service listens.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// The base URL of a service: scheme, host, port and perhaps a path, without a slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
    url: Url,
}

/// Text that is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an endpoint: {reason}")]
pub struct InvalidEndpoint {
    text: String,
    reason: String,
}

impl Endpoint {
    pub fn as_str(&self) -> &str {
        &self.base
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host and port, for messages.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether a URL from an answer leads back here, so that it may be signed.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        self.url.origin() == url.origin()
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    /// `https://` is assumed when there is no scheme.
    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let trimmed = text.trim();
        let invalid = |reason: &str| InvalidEndpoint {
            // What stands before an `@` is a password.
            text: trimmed
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .to_owned(),
            reason: reason.to_owned(),
        };
        let full = if trimmed.contains("://") {
            trimmed.to_owned()
        } else {
            format!("https://{trimmed}")
        };
        let url = Url::parse(&full).map_err(|e| invalid(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("the scheme is neither https nor http"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("it has no host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it has a query or a fragment"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it has a user name or password"));
        }
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            url,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.base)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (text, base) in [
            (
                "acct.westeurope.batch.azure.com",
                "https://acct.westeurope.batch.azure.com",
            ),
            (
                "https://acct.blob.core.windows.net/",
                "https://acct.blob.core.windows.net",
            ),
            (" http://127.0.0.1:8080 ", "http://127.0.0.1:8080"),
            (
                "http://127.0.0.1:10000/devstoreaccount1/",
                "http://127.0.0.1:10000/devstoreaccount1",
            ),
            ("localhost:10000/acct", "https://localhost:10000/acct"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().as_str(), base);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_its_secrets() {
        for text in [
            "",
            "https://",
            "ftp://host",
            "https://host/?sig=secret",
            "https://user:secret@host",
            "https://ho st",
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
