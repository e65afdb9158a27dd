//! What machines read, with a version of its own: a translation of what the other rooms hold, so that these may
//! change without breaking a script. `docs/json.md` describes every field; the schemas are made from the types here.
//!
//! A new field or a new type of event leaves [`VERSION`] as it is: readers ignore what they do not know. Whatever
//! else changes raises it.

mod event;
mod plan;
mod validation;

use schemars::{Schema, schema_for};
use serde::Serialize;

pub use event::{Body, Line, Outcome};
pub use plan::{PlanDocument, Summary};
pub use validation::Validation;

/// The version of every document and event.
pub const VERSION: u32 = 1;

/// The schemas, each with the name of its file.
pub fn schemas() -> [(&'static str, Schema); 3] {
    [
        ("apply-event", schema_for!(Line)),
        ("plan", schema_for!(PlanDocument)),
        ("validate", schema_for!(Validation)),
    ]
}

/// One line of JSON.
pub fn line(value: &impl Serialize) -> String {
    // Strings, numbers and lists of them always have a JSON form.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}
