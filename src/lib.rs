//! batchflow pushes many files through Azure Batch from one TOML manifest.

pub mod apply;
pub mod client;
pub mod clock;
pub mod desired;
pub mod diagnostic;
pub mod event;
pub mod ids;
pub mod inputs;
pub mod manifest;
pub mod observed;
pub mod plan;
pub mod report;
pub mod service;
pub mod wire;
