//! Who may come in, and which versions of the API are spoken here.

use axum::http::HeaderMap;

use super::query::Query;
use crate::wire::auth::{self, AccountKey, AuthRefusal, Scheme};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::time::Time;

/// Versions whose requests and replies are those of 2025-06-01, as far as they are built here.
const VERSIONS: [&str; 8] = [
    "2025-06-01",
    "2024-07-01.20.0",
    "2024-02-01.19.0",
    "2023-11-01.18.0",
    "2023-05-01.17.0",
    "2022-10-01.16.0",
    "2022-01-01.15.0",
    "2021-06-01.14.0",
];

pub(super) fn version(query: &Query) -> Result<(), Refusal> {
    const NAME: &str = "api-version";
    match query.get(NAME) {
        None => {
            Err(Refusal::new(Code::MissingRequiredQueryParameter).with("QueryParameterName", NAME))
        }
        Some(version) if VERSIONS.contains(&version) => Ok(()),
        Some(version) => Err(Refusal::new(Code::UnsupportedRequestVersion)
            .with("QueryParameterName", NAME)
            .with("QueryParameterValue", version)
            .with("Reason", format!("Known versions: {}", VERSIONS.join(", ")))),
    }
}

/// Why a caller stays outside.
#[derive(Debug)]
pub(super) enum Outside {
    /// No credentials at all, which is answered with a challenge [mem].
    Anonymous(Refusal),
    Refused(Refusal),
}

pub(super) fn authenticate(
    account: &str,
    key: &AccountKey,
    verb: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    now: Time,
) -> Result<(), Outside> {
    let readable = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let request = auth::Request::new(verb, path, query).headers(readable);
    auth::verify(Scheme::Batch, account, key, &request, now).map_err(|refused| {
        let code = if refused.is_malformed() {
            Code::InvalidAuthenticationInfo
        } else {
            Code::AuthenticationFailed
        };
        let refusal = Refusal::new(code).with("AuthenticationErrorDetail", refused.detail());
        match refused {
            AuthRefusal::Missing => Outside::Anonymous(refusal),
            _ => Outside::Refused(refusal),
        }
    })
}
