//! Checking a shared access signature.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::grant::Scope;
use super::service::Fields;
use super::{Grant, Permissions, Resource, SasRefusal};
use crate::wire::auth::AccountKey;
use crate::wire::time::Time;

/// Signatures before this version have no service version of their own and are not supported.
const OLDEST: &str = "2015-04-05";

const UNSUPPORTED: &[(&str, &str)] = &[
    ("si", "stored access policy"),
    ("sip", "address range"),
    ("skoid", "user delegation"),
    ("ses", "encryption scope"),
    ("snapshot", "snapshots"),
    ("sdd", "directories"),
];

const RESPONSE_HEADERS: [(&str, &str); 5] = [
    ("rscc", "cache-control"),
    ("rscd", "content-disposition"),
    ("rsce", "content-encoding"),
    ("rscl", "content-language"),
    ("rsct", "content-type"),
];

/// Whether a request with this query claims its rights by a signature in it.
pub fn is_sas(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("sig="))
}

/// Checks the signature in a query. `target` is what the request is about, None for the whole account;
/// `secure` is whether it came over TLS.
pub fn verify(
    query: &str,
    account: &str,
    key: &AccountKey,
    target: Option<Resource<'_>>,
    secure: bool,
    now: Time,
) -> Result<Grant, SasRefusal> {
    let sas = Query::parse(query);
    for (field, feature) in UNSUPPORTED {
        if !sas.text(field).is_empty() {
            return Err(SasRefusal::Unsupported { field, feature });
        }
    }
    let version = sas.required("sv")?;
    if version.len() != OLDEST.len() || version < OLDEST {
        return Err(malformed("sv", version));
    }
    let permissions = sas.required("sp")?;
    let permissions: Permissions = permissions
        .parse()
        .map_err(|_| malformed("sp", permissions))?;
    let grant = if sas.text("ss").is_empty() {
        service(&sas, account, key, target, permissions)?
    } else {
        account_wide(&sas, account, key, permissions)?
    };
    check_terms(&sas, secure, now)?;
    Ok(grant)
}

fn service(
    sas: &Query,
    account: &str,
    key: &AccountKey,
    target: Option<Resource<'_>>,
    permissions: Permissions,
) -> Result<Grant, SasRefusal> {
    let kind = sas.required("sr")?;
    let signed_for = match (kind, target) {
        ("c", Some(target)) => Some(Resource::Container(target.container())),
        ("b", Some(blob @ Resource::Blob { .. })) => Some(blob),
        ("b", Some(Resource::Container(_))) | (_, None) => None,
        _ => {
            return Err(SasRefusal::Unsupported {
                field: "sr",
                feature: "snapshots, versions and directories",
            });
        }
    };
    let fields = Fields {
        permissions: sas.text("sp"),
        start: sas.text("st"),
        expiry: sas.text("se"),
        protocols: sas.text("spr"),
        version: sas.text("sv"),
        kind,
        response_headers: RESPONSE_HEADERS.map(|(field, _)| sas.text(field)),
    };
    // A signature for a blob cannot be one for the container or account that this request is about.
    let canonical = match signed_for {
        Some(resource) => resource.canonical(account),
        None => format!("/blob/{account}"),
    };
    let string_to_sign = fields.string_to_sign(&canonical);
    if signed_for.is_none() || !key.verifies(&string_to_sign, sas.required("sig")?) {
        return Err(SasRefusal::WrongSignature { string_to_sign });
    }
    Ok(Grant {
        permissions,
        scope: Scope::Service {
            container: kind == "c",
        },
        response_headers: RESPONSE_HEADERS
            .iter()
            .map(|(field, header)| (*header, sas.text(field).to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect(),
    })
}

fn account_wide(
    sas: &Query,
    account: &str,
    key: &AccountKey,
    permissions: Permissions,
) -> Result<Grant, SasRefusal> {
    let levels = sas.required("srt")?;
    let services = sas.text("ss");
    let mut lines = vec![
        account,
        sas.text("sp"),
        services,
        levels,
        sas.text("st"),
        sas.text("se"),
        "",
        sas.text("spr"),
        sas.text("sv"),
    ];
    if sas.text("sv") >= "2020-12-06" {
        lines.push("");
    }
    let string_to_sign = lines.join("\n") + "\n";
    if !key.verifies(&string_to_sign, sas.required("sig")?) {
        return Err(SasRefusal::WrongSignature { string_to_sign });
    }
    if !services.contains('b') {
        return Err(SasRefusal::OtherService {
            services: services.to_owned(),
        });
    }
    Ok(Grant {
        permissions,
        scope: Scope::Account {
            levels: levels.to_owned(),
        },
        response_headers: Vec::new(),
    })
}

fn check_terms(sas: &Query, secure: bool, now: Time) -> Result<(), SasRefusal> {
    let start = sas.text("st");
    if !start.is_empty() && instant("st", start)? > now {
        return Err(SasRefusal::NotYetValid {
            start: start.to_owned(),
        });
    }
    let expiry = sas.required("se")?;
    if instant("se", expiry)? <= now {
        return Err(SasRefusal::Expired {
            expiry: expiry.to_owned(),
        });
    }
    match sas.text("spr") {
        "" | "https,http" | "http,https" => Ok(()),
        "https" if secure => Ok(()),
        "https" => Err(SasRefusal::HttpsOnly),
        other => Err(malformed("spr", other)),
    }
}

/// A date, or a date with a time to the minute, second or tick.
fn instant(field: &'static str, text: &str) -> Result<Time, SasRefusal> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        17 => text.replace('Z', ":00Z"),
        _ => text.to_owned(),
    };
    full.parse().map_err(|_| malformed(field, text))
}

fn malformed(field: &'static str, value: &str) -> SasRefusal {
    SasRefusal::Malformed {
        field,
        value: value.to_owned(),
    }
}

/// The decoded parameters of the query; the first of a repeated one counts.
struct Query(BTreeMap<String, String>);

impl Query {
    fn parse(query: &str) -> Self {
        let mut fields = BTreeMap::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            fields
                .entry(name.to_owned())
                .or_insert_with(|| value.into_owned());
        }
        Self(fields)
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    fn required(&self, field: &'static str) -> Result<&str, SasRefusal> {
        match self.text(field) {
            "" => Err(SasRefusal::Missing { field }),
            text => Ok(text),
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
