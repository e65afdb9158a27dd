//! One file per section of a manifest: its raw shape (what serde and the JSON Schema see), its checked type, and
//! the check between the two. Doc comments on raw fields are the schema's descriptions.

pub mod account;
pub(in crate::manifest) mod auto_pool;
pub mod cleanup;
pub mod command;
pub mod container_settings;
pub mod containers;
pub mod depends_on;
pub mod download;
pub mod exit_conditions;
pub mod for_each;
pub mod job;
pub mod job_tasks;
pub mod logs;
mod machine;
mod mounts;
pub mod multi_instance;
mod network;
pub mod pool;
pub mod prices;
pub mod schedule;
pub mod start_task;
pub mod tasks;
pub mod uploads;
mod users;
pub mod values;
mod words;
