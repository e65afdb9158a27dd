//! What the names in templates stand for.

use std::collections::BTreeMap;

use handlebars::Context;
use serde_json::{Value, json};

use crate::manifest::at::Scalar;

/// The values for one rendering. Made once; what differs from task to task is replaced in place.
#[derive(Debug, Clone)]
pub struct Bindings(Context);

impl Bindings {
    pub fn new<'a>(name: &str, vars: impl IntoIterator<Item = (&'a str, &'a Scalar)>) -> Self {
        let vars: BTreeMap<&str, Value> = vars.into_iter().map(|(n, v)| (n, v.to_json())).collect();
        let mut context = Context::null();
        *context.data_mut() = json!({ "name": name, "vars": vars });
        Self(context)
    }

    pub(super) fn context(&self) -> &Context {
        &self.0
    }

    fn set(&mut self, key: &str, value: Value) {
        if let Value::Object(map) = self.0.data_mut() {
            match map.get_mut(key) {
                Some(slot) => *slot = value,
                None => {
                    map.insert(key.to_owned(), value);
                }
            }
        }
    }

    /// The input file of a task, by its blob name.
    pub fn set_file(&mut self, blob: &str) {
        let (folder, last) = blob.rsplit_once('/').unwrap_or(("", blob));
        let (stem, extension) = match last.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => (stem, extension),
            _ => (last, ""),
        };
        let parts = [
            ("name", blob),
            ("folder", folder),
            ("stem", stem),
            ("extension", extension),
        ];
        if let Some(Value::Object(file)) = self.0.data_mut().get_mut("file") {
            for (key, part) in parts {
                if let Some(Value::String(text)) = file.get_mut(key) {
                    text.clear();
                    text.push_str(part);
                }
            }
            return;
        }
        let file = parts.map(|(key, part)| (key.to_owned(), part.into()));
        self.set("file", Value::Object(file.into_iter().collect()));
    }

    /// What a task is made for: a value, or an object of named ones.
    pub fn set_item(&mut self, item: Value) {
        self.set("item", item);
    }

    /// The item of the moment, for messages.
    pub fn item(&self) -> String {
        self.0.data()["item"].to_string()
    }

    /// The position of a task in its `for_each`, from 0.
    pub fn set_index(&mut self, index: usize) {
        self.set("index", index.into());
    }

    pub fn set_task_id(&mut self, id: &str) {
        self.set("task", json!({ "id": id }));
    }
}
