//! The integration tests: one binary, each topic a module.

mod architecture;
mod around;
mod azurite;
mod clients;
mod crash;
mod desired;
mod entries;
mod examples_pools;
mod examples_tasks;
mod inputs;
mod launcher;
mod manifest;
mod manifest_keys;
mod nine_steps;
mod operations;
mod peers;
mod plan;
mod promises;
mod protocol;
mod reconcile;
mod requests;
mod sample_script;
mod serve;
mod service;
mod service_kills;
mod support;
