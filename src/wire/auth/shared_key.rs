//! Signing a request and checking a signature.

use super::string_to_sign::{Variant, variant};
use super::{AccountKey, Request, Scheme, string_to_sign};
use crate::wire::time::{Duration, Time};

/// How far the date of a request may be from now.
pub const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefusal {
    #[error("the request has no Authorization header")]
    Missing,
    #[error("the Authorization header is not of the form `SharedKey account:signature`")]
    Malformed,
    #[error("the authorization scheme `{scheme}` is not supported, only SharedKey")]
    UnsupportedScheme { scheme: String },
    #[error("the request has no usable date: neither {header} nor Date is an RFC 1123 date")]
    NoDate { header: &'static str },
    #[error("the date of the request, {date}, is more than 15 minutes off")]
    Skewed { date: String },
    #[error("the request is signed for another account")]
    OtherAccount,
    #[error("the signature is not that of the request")]
    WrongSignature {
        signature: String,
        string_to_sign: String,
    },
}

impl AuthRefusal {
    /// The text of `AuthenticationErrorDetail`.
    pub fn detail(&self) -> String {
        match self {
            Self::WrongSignature {
                signature,
                string_to_sign,
            } => format!(
                "The MAC signature found in the HTTP request '{signature}' is not the same as any computed signature. Server used following string to sign: '{string_to_sign}'."
            ),
            Self::Skewed { date } => {
                format!("Request date header too old or too far in the future: '{date}'.")
            }
            other => other.to_string(),
        }
    }

    /// Whether the header is at fault rather than what it claims: 400 or 401 instead of 403.
    pub fn is_malformed(&self) -> bool {
        matches!(
            self,
            Self::Missing | Self::Malformed | Self::UnsupportedScheme { .. }
        )
    }
}

/// The value of the `Authorization` header. The request must carry its date already.
pub fn authorization(
    scheme: Scheme,
    account: &str,
    key: &AccountKey,
    request: &Request<'_>,
) -> String {
    let signature = key.sign(&string_to_sign(scheme, account, request));
    format!("SharedKey {account}:{signature}")
}

/// Checks the `Authorization` header of a request.
pub fn verify(
    scheme: Scheme,
    account: &str,
    key: &AccountKey,
    request: &Request<'_>,
    now: Time,
) -> Result<(), AuthRefusal> {
    let header = request.get("authorization").ok_or(AuthRefusal::Missing)?;
    let (kind, credentials) = header.split_once(' ').ok_or(AuthRefusal::Malformed)?;
    if kind != "SharedKey" {
        return Err(AuthRefusal::UnsupportedScheme {
            scheme: kind.to_owned(),
        });
    }
    let (claimed, signature) = credentials
        .trim()
        .split_once(':')
        .ok_or(AuthRefusal::Malformed)?;
    check_date(scheme, request, now)?;
    if claimed != account {
        return Err(AuthRefusal::OtherAccount);
    }
    if variants(scheme).any(|v| key.verifies(&variant(scheme, account, request, v), signature)) {
        return Ok(());
    }
    Err(AuthRefusal::WrongSignature {
        signature: signature.to_owned(),
        string_to_sign: string_to_sign(scheme, account, request),
    })
}

fn check_date(scheme: Scheme, request: &Request<'_>, now: Time) -> Result<(), AuthRefusal> {
    let header = scheme.date_header();
    let no_date = AuthRefusal::NoDate { header };
    let text = request.get(header).or_else(|| request.get("date"));
    let text = text.ok_or_else(|| no_date.clone())?;
    let date = Time::from_rfc1123(text).ok_or(no_date)?;
    if now.since(date) > MAX_SKEW || date.since(now) > MAX_SKEW {
        return Err(AuthRefusal::Skewed {
            date: text.to_owned(),
        });
    }
    Ok(())
}

/// The default first, which nearly every request has.
fn variants(scheme: Scheme) -> impl Iterator<Item = Variant> {
    let count = match scheme {
        Scheme::Batch => 16_u8,
        Scheme::Blob => 2,
    };
    (0..count).map(|bits| Variant {
        literal_plus: bits & 1 != 0,
        other_empty_length: bits & 2 != 0,
        lower_names: bits & 4 != 0,
        blank_values: bits & 8 != 0,
    })
}

#[cfg(test)]
#[path = "shared_key_tests.rs"]
mod tests;
