//! The integration tests: one binary, each topic a module.

mod architecture;
mod inputs;
mod launcher;
mod manifest;
