//! Azure Batch: operations, bodies and error codes of api-version 2025-06-01. Names are the REST names in
//! Rust's casing, without the `Batch` prefix and `Options` suffix of the SDKs.

pub mod command;
pub mod error;
pub mod error_body;
pub mod exit;
pub mod file;
pub mod job;
pub mod job_schedule;
pub mod machine;
pub mod network;
pub mod node;
pub mod operation;
pub mod pool;
pub mod pool_usage;
pub mod quota;
pub mod task;
