//! The core driven directly: an input in, the expected effects taken out, and then none left.

mod auto_pools;
mod autoscale;
mod dependencies;
mod harness;
mod jobs;
mod multi_instance;
mod nodes;
mod outside;
mod pools;
mod preparation;
mod random;
mod rare_orders;
mod schedules;
mod tasks;
