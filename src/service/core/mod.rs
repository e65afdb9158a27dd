//! The rules of the service as a pure state machine: no IO, no clock, no randomness.
//!
//! [`World`] takes one input at a time, with the time, and gives back an answer and effects. The same noun has
//! one file: `pool` (with `allocation`, `autoscale` and `auto_pool`), `node` (with `node_request`, `power` and
//! `node_user`), `job` (with `job_start`, `job_spec` and `counts`), `task` (with `run`, `task_files` and
//! `multi_instance`). `schedule` chooses what runs where, `view` and `list` show, `records` and `recover` carry
//! the state over a restart.

mod allocation;
mod auto_pool;
mod autoscale;
mod check;
pub(in crate::service) mod command;
mod counts;
mod dependencies;
pub(in crate::service) mod effect;
mod exits;
mod failure;
mod fields;
mod images;
#[cfg(any(test, debug_assertions))]
mod invariants;
mod job;
mod job_schedule;
mod job_spec;
mod job_start;
mod job_update;
mod key;
mod limits;
mod list;
mod multi_instance;
mod network;
mod node;
mod node_request;
mod node_user;
mod pool;
mod power;
mod preparation;
mod records;
mod recover;
mod run;
mod schedule;
pub(in crate::service) mod storage;
mod task;
mod task_files;
#[cfg(test)]
mod tests;
mod timers;
mod view;
mod world;

pub(in crate::service) use records::{Change, RestoreError};
pub(in crate::service) use view::task_root_directory;
pub(in crate::service) use world::{Input, Site, World};
