//! Who may do what: Shared Key may do everything, a signature what it grants.

use http::request::Parts;

use super::server::BlobState;
use super::target::Target;
use crate::service::core::storage::BlobRefusal;
use crate::wire::auth::{self, AuthRefusal, Scheme};
use crate::wire::blob::error::Code;
use crate::wire::blob::operation::Spec;
use crate::wire::sas::{self, Grant, Level, Permission, SasRefusal};
use crate::wire::time::Time;

/// What a request has proven.
#[derive(Debug)]
pub(super) enum Access {
    SharedKey,
    Signature(Grant),
}

/// Checks the `Authorization` header or the signature in the query.
pub(super) fn authenticate(
    state: &BlobState,
    parts: &Parts,
    target: &Target,
    now: Time,
) -> Result<Access, BlobRefusal> {
    let query = parts.uri.query().unwrap_or_default();
    if !parts.headers.contains_key(http::header::AUTHORIZATION) && sas::is_sas(query) {
        let resource = target.resource();
        let secure = state.secure;
        return sas::verify(query, &state.account, &state.key, resource, secure, now)
            .map(Access::Signature)
            .map_err(|refusal| refused_signature(&refusal));
    }
    let request = auth::Request::new(parts.method.as_str(), parts.uri.path(), query).headers(
        parts.headers.iter().map(|(name, value)| {
            (
                name.as_str(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        }),
    );
    auth::verify(Scheme::Blob, &state.account, &state.key, &request, now)
        .map(|()| Access::SharedKey)
        .map_err(|refusal| refused_key(&refusal))
}

/// Whether the signature in a query lets its holder read the blob; None when there is none.
pub(super) fn may_read(state: &BlobState, query: &str, target: &Target, now: Time) -> Option<bool> {
    if !sas::is_sas(query) {
        return None;
    }
    let resource = target.resource();
    let grant = sas::verify(
        query,
        &state.account,
        &state.key,
        resource,
        state.secure,
        now,
    );
    Some(grant.is_ok_and(|grant| grant.reaches(Level::Object) && grant.allows(&[Permission::Read])))
}

fn refused_key(refusal: &AuthRefusal) -> BlobRefusal {
    let code = match refusal {
        AuthRefusal::Missing => return Code::NoAuthenticationInformation.into(),
        AuthRefusal::Malformed | AuthRefusal::UnsupportedScheme { .. } => {
            Code::InvalidAuthenticationInfo
        }
        _ => Code::AuthenticationFailed,
    };
    BlobRefusal::new(code).with("AuthenticationErrorDetail", refusal.detail())
}

fn refused_signature(refusal: &SasRefusal) -> BlobRefusal {
    let code = match refusal {
        SasRefusal::HttpsOnly => return Code::AuthorizationProtocolMismatch.into(),
        SasRefusal::OtherService { .. } => return Code::AuthorizationServiceMismatch.into(),
        SasRefusal::Unsupported { .. } => {
            return BlobRefusal::unsupported(&refusal.to_string());
        }
        _ => Code::AuthenticationFailed,
    };
    BlobRefusal::new(code).with("AuthenticationErrorDetail", refusal.to_string())
}

impl Access {
    /// Whether the operation is among what was granted.
    pub(super) fn authorise(&self, spec: &Spec) -> Result<(), BlobRefusal> {
        let Self::Signature(grant) = self else {
            return Ok(());
        };
        if !grant.reaches(spec.level) {
            return Err(Code::AuthorizationResourceTypeMismatch.into());
        }
        if !grant.allows(spec.permissions) || !(spec.service_sas || grant.is_account()) {
            return Err(Code::AuthorizationPermissionMismatch.into());
        }
        Ok(())
    }

    /// Whether a blob that exists may be replaced.
    pub(super) fn may_replace(&self) -> bool {
        match self {
            Self::SharedKey => true,
            Self::Signature(grant) => grant.allows(&[Permission::Write]),
        }
    }

    /// The response headers that a signature sets.
    pub(super) fn response_headers(&self) -> &[(&'static str, String)] {
        match self {
            Self::SharedKey => &[],
            Self::Signature(grant) => &grant.response_headers,
        }
    }
}
