//! The key of an account.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// An account key, ready to sign. Nothing prints it.
#[derive(Clone)]
pub struct AccountKey(Hmac<Sha256>);

/// Text that is no account key. It does not repeat the text, which may be nearly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("the account key is empty")]
    Empty,
    #[error("the account key is not Base64")]
    NotBase64,
}

impl AccountKey {
    /// Reads a key as the portal shows it: Base64.
    pub fn from_base64(text: &str) -> Result<Self, InvalidKey> {
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| InvalidKey::NotBase64)?;
        if bytes.is_empty() {
            return Err(InvalidKey::Empty);
        }
        // HMAC takes a key of any length, so the second error cannot come.
        Hmac::new_from_slice(&bytes)
            .map(Self)
            .map_err(|_| InvalidKey::Empty)
    }

    /// The signature of a text, in Base64.
    pub fn sign(&self, text: &str) -> String {
        STANDARD.encode(self.mac(text).finalize().into_bytes())
    }

    /// Whether `signature` (Base64) is this key's signature of the text; takes the same time either way.
    pub fn verifies(&self, text: &str, signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|bytes| self.mac(text).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(text)
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey(sensitive)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let key = AccountKey::from_base64(" a2V5 \n").unwrap();
        assert_eq!(format!("{key:?}"), "AccountKey(sensitive)");
        let signature = key.sign("text");
        assert!(key.verifies("text", &signature));
        assert!(!key.verifies("Text", &signature));
        assert!(!key.verifies("text", "not base64"));
        assert_eq!(
            AccountKey::from_base64("!").unwrap_err(),
            InvalidKey::NotBase64
        );
        assert_eq!(AccountKey::from_base64("").unwrap_err(), InvalidKey::Empty);
    }
}
