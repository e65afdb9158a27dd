//! batchflow pushes many files through Azure Batch from one TOML manifest. The library exists for its own binary
//! and tests; nothing here is a stable interface.
//!
//! # The rooms, in the order data flows through them
//!
//! ```text
//! text ─▶ manifest ─▶ desired ─┐
//!         inputs ──────▲       ├─▶ plan ─▶ apply ─▶ event ─▶ report
//!         client ─▶ observed ──┘             │
//!                                            ▼
//!                                          client ──http──▶ Azure, or service
//! service:  http ─▶ core ─▶ effects ─▶ agent / store             (wire is under both sides)
//! ```
//!
//! * [`ids`], [`clock`], [`diagnostic`]: names with Azure's rules; the only door to time; a problem as data.
//! * [`wire`]: the two REST contracts, each type, endpoint, code and signature once, for both ends. Pure.
//! * [`manifest`]: text → a checked, spanned document; all problems in one pass.
//! * [`inputs`]: what lies on this disk, read once, then data.
//! * [`desired`]: the complete intended state, down to request bodies and a digest for each task. Pure.
//! * [`client`]: Batch and Blob over one transport. It cannot tell Azure from the local service.
//! * [`observed`]: what exists now in the account and beside the outputs.
//! * [`plan`]: desired × observed → ordered actions, each with its reason. Pure.
//! * [`event`]: what happens, as data, and its fold into the state of a run.
//! * [`apply`]: makes the plan true; one file for each step; only ensures.
//! * [`page`]: what the HTML report and the live page of the service share. Text alone.
//! * [`report`]: what people see.
//! * [`service`]: the local Azure Batch and Blob service. It never sees manifests, plans or applies: it is
//!   reached over HTTP alone, which is what keeps it honest.
//! * [`cli`]: one file for each verb.
//!
//! The same noun sits in every room: a pool is `manifest::section::pool`, `desired::pool`, `plan::pool`,
//! `apply::pool`, `wire::batch::pool` and `service::core::pool`. Which room may use which is held by
//! `tests/it/architecture.rs`.

pub mod apply;
pub mod cli;
pub mod client;
pub mod clock;
pub mod desired;
pub mod diagnostic;
pub mod event;
pub mod ids;
pub mod inputs;
pub mod manifest;
pub mod observed;
pub mod page;
pub mod plan;
pub mod report;
pub mod service;
pub mod wire;
