//! What a checked signature grants, and why one is refused.

use super::{Permission, Permissions};

/// What an operation is about, for the resource types (`srt`) of an account SAS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Service,
    Container,
    Object,
}

impl Level {
    pub(super) fn letter(self) -> char {
        match self {
            Self::Service => 's',
            Self::Container => 'c',
            Self::Object => 'o',
        }
    }
}

/// The rights a valid signature carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub(super) permissions: Permissions,
    pub(super) scope: Scope,
    /// Response headers the signature sets, by name.
    pub response_headers: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Lists and objects of a container, or one blob, but not the container itself.
    Service { container: bool },
    /// Everything of the levels named by these letters.
    Account { levels: String },
}

impl Grant {
    /// Whether it holds any one of these rights.
    pub fn allows(&self, any_of: &[Permission]) -> bool {
        any_of.iter().any(|p| self.permissions.contains(*p))
    }

    /// Only an account SAS lets its holder create, delete or describe containers.
    pub fn is_account(&self) -> bool {
        matches!(self.scope, Scope::Account { .. })
    }

    /// Whether it is good for resources of this kind at all.
    pub fn reaches(&self, level: Level) -> bool {
        match &self.scope {
            Scope::Account { levels } => levels.contains(level.letter()),
            Scope::Service { container } => match level {
                Level::Service => false,
                Level::Container => *container,
                Level::Object => true,
            },
        }
    }
}

/// Why a shared access signature is not let in. No variant repeats the signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SasRefusal {
    #[error("the signature field `{field}` is missing")]
    Missing { field: &'static str },
    #[error("the signature field `{field}` has the value `{value}`, which is not well formed")]
    Malformed { field: &'static str, value: String },
    #[error("signatures with `{field}` are not supported ({feature})")]
    Unsupported {
        field: &'static str,
        feature: &'static str,
    },
    #[error("the signature is good from {start} only")]
    NotYetValid { start: String },
    #[error("the signature expired at {expiry}")]
    Expired { expiry: String },
    #[error("the signature is for HTTPS only")]
    HttpsOnly,
    #[error("the signature is not for Blob Storage but for the services `{services}`")]
    OtherService { services: String },
    #[error("Signature did not match. String to sign used was {string_to_sign}")]
    WrongSignature { string_to_sign: String },
}
