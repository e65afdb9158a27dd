//! The two protocols over raw HTTP: what any client may send, and what it hears.

pub(crate) mod caller;
