//! The one loop: take inputs, let the core decide, write its records down, answer, perform its effects.
//!
//! It holds no rules. Nothing is answered and no effect performed before the records are on disk, but for those a
//! restart undoes; inputs that wait together are written together. What nodes tell and store is written a moment later,
//! or before whoever asks next is answered: a restart without it runs their tasks again.

mod cores;
mod handle;
mod running;
#[cfg(test)]
mod tests;

pub(in crate::service) use cores::Cores;
pub(in crate::service) use handle::{DriverHandle, Stopped};
pub(in crate::service) use running::{Driver, Perform};
