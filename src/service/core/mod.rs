//! The rules of the service as a pure state machine: no IO, no clock, no randomness.

pub(in crate::service) mod effect;
pub(in crate::service) mod storage;
