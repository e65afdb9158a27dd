//! Who may come in, and in which version of the API.

use axum::http::HeaderMap;

use super::query::Query;
use super::version::Version;
use crate::wire::auth::{self, AccountKey, AuthRefusal, Scheme};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::time::Time;

pub(super) fn version(query: &Query) -> Result<Version, Refusal> {
    const NAME: &str = "api-version";
    let Some(name) = query.get(NAME) else {
        return Err(
            Refusal::new(Code::MissingRequiredQueryParameter).with("QueryParameterName", NAME)
        );
    };
    Version::named(name).ok_or_else(|| {
        Refusal::new(Code::UnsupportedRequestVersion)
            .with("QueryParameterName", NAME)
            .with("QueryParameterValue", name)
            .with("Reason", format!("Known versions: {}", Version::all()))
    })
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
