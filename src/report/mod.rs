//! What people and machines see: plan, progress, diagnostics, summary, the HTML report. It prints what it is given and decides
//! nothing.

pub mod cause;
pub mod cost;
pub mod diagnostic;
pub mod exit_code;
pub mod explain;
pub mod explain_tasks;
pub mod failure;
pub mod files;
pub mod html;
pub mod json;
pub mod leftovers;
pub mod nodes;
pub mod plan;
pub mod progress;
pub mod quantity;
pub mod reason;
pub mod status;
pub mod style;
pub mod summary;
pub mod table;
pub mod tasks;
pub mod width;
