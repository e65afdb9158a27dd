//! The development account: name, key and ports that everybody may know, so that the configuration of a client
//! can be committed and works on every machine.

use crate::wire::secret::Secret;

/// Name of the development account, for Batch and for storage.
pub const ACCOUNT: &str = "batchflow";

/// Port of the Batch endpoint, unless told otherwise.
pub const BATCH_PORT: u16 = 10100;

/// Port of the Blob endpoint, unless told otherwise.
pub const BLOB_PORT: u16 = 10101;

/// Key of the development account. It is public, and says so when decoded.
pub const KEY: &str =
    "VGhlIGRldmVsb3BtZW50IGtleSBvZiBiYXRjaGZsb3cuIEl0IGlzIHB1YmxpYzogcHJvdGVjdHMgbm90aGluZw==";

/// The key as the service takes it.
pub fn key() -> Secret {
    Secret::new(KEY)
}
