//! The two protocols over raw HTTP: what any client may send, and what it hears.

mod authentication;
pub(crate) mod caller;
mod exchange;
mod raw;
mod refusals;
