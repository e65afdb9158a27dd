//! Shared access signatures: a query string that carries rights to a container, a blob or an account.
//!
//! We make service SAS only (a blob or a container, signed with the account key or a user delegation key) and
//! check service and account SAS. Refused by name when checking: stored access policies (`si`), address ranges (`sip`), user delegation
//! (`skoid`), encryption scopes (`ses`), snapshots, versions and directories (`sr` other than `b` and `c`).

mod delegation;
mod expiry;
mod grant;
mod permissions;
mod redact;
mod service;
mod verify;

pub use delegation::{DelegationKey, InvalidDelegationKey, MOST_DAYS};
pub use expiry::expiry;
pub use grant::{Grant, Level, SasRefusal};
pub use permissions::{Permission, Permissions};
pub use redact::redact;
pub use service::{Resource, Terms, service_sas};
pub use verify::{is_sas, verify};

#[cfg(test)]
fn test_key() -> crate::wire::auth::AccountKey {
    use base64::Engine as _;
    let bytes = "0123456789abcdef".repeat(4);
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    crate::wire::auth::AccountKey::from_base64(&text).expect("a key")
}
