//! The REST contracts of Azure Batch and Azure Blob Storage: every type, endpoint, error code, signature and
//! time form once, used by the client and by the local service alike.
//!
//! Pure: no IO, no clock, no randomness. What the real services do and how sure we are of it is said where the
//! rule is. To add an operation's body, add the type to the file of its resource; the operation itself is
//! already in [`batch::operation`].

pub mod auth;
pub mod autoscale;
pub mod batch;
pub mod blob;
pub mod enumeration;
pub mod filter;
pub mod lenient;
pub mod page;
pub mod precondition;
pub mod sas;
pub mod secret;
pub mod time;
