//! The integration tests: one binary, each topic a module.

mod architecture;
mod desired;
mod inputs;
mod launcher;
mod manifest;
mod plan;
mod sample_script;
mod service;
