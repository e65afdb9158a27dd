//! The two protocols over raw HTTP: what any client may send, and what it hears.

mod authentication;
pub(crate) mod caller;
mod every_operation;
mod exchange;
mod furnished;
mod fuzz;
mod models;
mod preparation;
mod raw;
mod refusals;
mod shape;
mod socket;
mod states;
