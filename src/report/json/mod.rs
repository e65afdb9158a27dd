//! What machines read, with a version of its own: a translation of what the other rooms hold, so that these may
//! change without breaking a script. `docs/json.md` describes every field; the schemas are made from the types here.
//!
//! A new field or a new type of event leaves [`VERSION`] as it is: readers ignore what they do not know. Whatever
//! else changes raises it.

mod done;
mod event;
mod explain;
mod failure;
mod nodes;
mod plan;
mod status;
mod tasks;
mod validation;

use schemars::{Schema, schema_for};
use serde::Serialize;

pub use done::{AccountCheck, Cancelled, Destroyed, Downloaded, Leftovers, Right};
pub use event::{Body, Line, Outcome};
pub use explain::Explanation;
pub use nodes::{ImageList, NodeList};
pub use plan::{PlanDocument, Summary};
pub use status::Status;
pub use tasks::{FileList, TaskList};
pub use validation::Validation;

/// The version of every document and event.
pub const VERSION: u32 = 1;

/// The schemas, each with the name of its file.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("account", schema_for!(AccountCheck)),
        ("apply-event", schema_for!(Line)),
        ("cancel", schema_for!(Cancelled)),
        ("destroy", schema_for!(Destroyed)),
        ("download", schema_for!(Downloaded)),
        ("explain", schema_for!(Explanation)),
        ("files", schema_for!(FileList)),
        ("gc", schema_for!(Leftovers)),
        ("images", schema_for!(ImageList)),
        ("nodes", schema_for!(NodeList)),
        ("plan", schema_for!(PlanDocument)),
        ("status", schema_for!(Status)),
        ("tasks", schema_for!(TaskList)),
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
