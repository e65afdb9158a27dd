//! The report of a run: one HTML file that needs nothing but itself. What is kept of a run is a [`Record`]; the
//! file can be made from it again at any time.
//!
//! Ids, messages and what tasks wrote are hostile: Handlebars escapes them, the data block cannot end its element,
//! the script only ever sets text, and the page forbids every script and style but its own two.

mod figures;
mod page;
mod record;
mod recorder;

pub use page::{RenderError, render};
pub use record::{
    NodeSample, Output, Record, RecordError, StepRecord, TaskRecord, Totals, Verdict, write,
};
pub use recorder::Recorder;
