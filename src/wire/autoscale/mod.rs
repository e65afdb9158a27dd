//! The language of autoscale formulas: read with every mistake at its place, and evaluated over recorded samples.
//!
//! Pure: time, samples and the seed of `rand` are arguments. What the language is follows the documentation of
//! Azure Batch; what a pool does with the result is not said here.

mod ast;
mod check;
mod evaluate;
mod functions;
mod history;
mod lexer;
mod operators;
mod parse;
mod problem;
mod recorded;
mod sampling;
#[cfg(test)]
mod tests;
mod value;

pub use ast::Formula;
pub use evaluate::{Inputs, Outcome};
pub use history::{History, Metric, SAMPLE_PERIOD};
pub use problem::{Problem, Span};
pub use recorded::{Recorded, RecordedError};

/// Bytes of a formula.
pub const MAX_BYTES: usize = 8192;
/// Statements of a formula.
pub const MAX_STATEMENTS: usize = 100;
