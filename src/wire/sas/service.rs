//! Making a service SAS.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Permissions;
use crate::wire::auth::AccountKey;
use crate::wire::secret::Secret;
use crate::wire::time::Time;

/// The newest version that changed how a service SAS is signed is 2020-12-06; this one is known everywhere.
const VERSION: &str = "2021-12-02";

const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a service SAS is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    Container(&'a str),
    Blob { container: &'a str, blob: &'a str },
}

impl<'a> Resource<'a> {
    /// `sr`.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Container(_) => "c",
            Self::Blob { .. } => "b",
        }
    }

    /// The container it is or lies in.
    pub fn container(self) -> &'a str {
        match self {
            Self::Container(container) | Self::Blob { container, .. } => container,
        }
    }

    /// The canonicalised resource; blob names are signed unencoded.
    pub(super) fn canonical(self, account: &str) -> String {
        match self {
            Self::Container(container) => format!("/blob/{account}/{container}"),
            Self::Blob { container, blob } => format!("/blob/{account}/{container}/{blob}"),
        }
    }
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(container) => write!(f, "container `{container}`"),
            Self::Blob { container, blob } => write!(f, "blob `{blob}` in `{container}`"),
        }
    }
}

/// What to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms<'a> {
    pub resource: Resource<'a>,
    pub permissions: Permissions,
    /// From when it is good; None is from now on, whatever the clocks say.
    pub start: Option<Time>,
    pub expiry: Time,
    /// Not over plain HTTP.
    pub https_only: bool,
}

/// The query string, without `?`, that grants these terms.
pub fn service_sas(account: &str, key: &AccountKey, terms: &Terms<'_>) -> Secret {
    signed_query(account, key, terms, VERSION)
}

fn signed_query(account: &str, key: &AccountKey, terms: &Terms<'_>, version: &str) -> Secret {
    let instant = |t: Time| t.whole_seconds().to_string();
    let fields = Fields {
        permissions: &terms.permissions.to_string(),
        start: &terms.start.map(instant).unwrap_or_default(),
        expiry: &instant(terms.expiry),
        protocols: if terms.https_only { "https" } else { "" },
        version,
        kind: terms.resource.kind(),
        ..Fields::default()
    };
    let signature = key.sign(&fields.string_to_sign(&terms.resource.canonical(account)));
    query(&[
        ("st", fields.start),
        ("se", fields.expiry),
        ("sp", fields.permissions),
        ("spr", fields.protocols),
        ("sv", fields.version),
        ("sr", fields.kind),
        ("sig", &signature),
    ])
}

/// Fields without a value are left out.
pub(super) fn query(fields: &[(&str, &str)]) -> Secret {
    let query = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, VALUE)))
        .collect::<Vec<_>>()
        .join("&");
    Secret::new(query)
}

/// The signed fields of a service SAS, each as it stands in the query; absent is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields<'a> {
    pub(super) permissions: &'a str,
    pub(super) start: &'a str,
    pub(super) expiry: &'a str,
    pub(super) protocols: &'a str,
    pub(super) version: &'a str,
    pub(super) kind: &'a str,
    /// rscc, rscd, rsce, rscl, rsct.
    pub(super) response_headers: [&'a str; 5],
}

impl Fields<'_> {
    /// Identifier, address range, snapshot and encryption scope are always empty: we refuse them.
    pub(super) fn string_to_sign(&self, canonical_resource: &str) -> String {
        let mut lines = vec![
            self.permissions,
            self.start,
            self.expiry,
            canonical_resource,
            "",
            "",
            self.protocols,
            self.version,
        ];
        if self.version >= "2018-11-09" {
            lines.extend([self.kind, ""]);
        }
        if self.version >= "2020-12-06" {
            lines.push("");
        }
        lines.extend(self.response_headers);
        lines.join("\n")
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
