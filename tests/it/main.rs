//! The integration tests: one binary, each topic a module.

mod architecture;
mod manifest;
mod launcher;
