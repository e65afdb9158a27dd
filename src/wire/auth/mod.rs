//! Shared Key: what is signed, signing it, and checking somebody else's signature.
//!
//! Batch and Blob Storage sign the same twelve lines and differ in the headers and the resource that follow;
//! [`Scheme`] is that difference. Both ends work on a [`Request`], which any HTTP library's request can fill.
//! SharedKeyLite is refused by name; bearer tokens are not a signature and have no place here.

mod key;
mod request;
mod shared_key;
mod string_to_sign;

pub use key::{AccountKey, InvalidKey};
pub use request::Request;
pub use shared_key::{AuthRefusal, MAX_SKEW, authorization, verify};
pub use string_to_sign::{Scheme, string_to_sign};
