//! What stands around every document for machines: which kind it is, and the version of that kind.

use serde_json::{Map, Value};

/// Goes up when a field changes its meaning or goes away; new fields may come at any time.
const VERSION: u32 = 1;

/// `fields` as a document of a kind, on several lines.
pub fn document(kind: &str, fields: Value) -> String {
    let mut whole = Map::new();
    whole.insert("type".to_owned(), kind.into());
    whole.insert("version".to_owned(), VERSION.into());
    if let Value::Object(fields) = fields {
        whole.extend(fields);
    }
    let text = serde_json::to_string_pretty(&Value::Object(whole)).unwrap_or_default();
    format!("{text}\n")
}
