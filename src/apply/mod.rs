//! Makes a plan true. Every step only *ensures*: it can be repeated after a crash or a lost answer and ends in
//! the same state. What is to be done was decided by the plan; nothing is decided here.
//!
//! One file per step; [`run`] puts them in order. [`Lock`] keeps a second one out meanwhile.

mod access;
mod cleanup;
mod containers;
mod context;
mod download;
mod engine;
mod error;
mod job;
mod job_tasks;
mod lock;
mod monitor;
mod outcome;
mod pool;
mod schedule;
mod tasks;
mod trouble;
mod uploads;
mod wait;

pub use context::Run;
pub use engine::run;
pub use error::{ApplyError, RefusedTask};
pub use lock::{Holder, Lock, LockError};
pub use outcome::{End, Outcome};
pub use trouble::failure;
