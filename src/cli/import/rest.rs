//! Bodies of the REST API as sections of a manifest: each property by the key that becomes it, as the table of all
//! keys says. So this needs no list of its own, and what the table lacks is told.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::draft::{Draft, literal};
use crate::manifest::{Key, keys};
use crate::wire::sas::redact;
use crate::wire::time::Duration;

/// Stands around the name of a variable in a text, where a template is meant.
pub(super) const VARIABLE: [char; 2] = ['\u{e000}', '\u{e001}'];

/// What only the service writes, what other keys say, and what batchflow puts there itself.
const SILENT: &[&str] = &[
    "url",
    "eTag",
    "lastModified",
    "creationTime",
    "state",
    "stateTransitionTime",
    "previousState",
    "previousStateTransitionTime",
    "allocationState",
    "allocationStateTransitionTime",
    "currentDedicatedNodes",
    "currentLowPriorityNodes",
    "resizeErrors",
    "autoScaleRun",
    "executionInfo",
    "stats",
    "nodeInfo",
    "poolInfo",
    "enableAutoScale",
    "usesTaskDependencies",
    "exactVersion",
    "odata.metadata",
    "taskFactory",
];

/// Keys by the REST property they become.
static BY_REST: LazyLock<HashMap<String, Vec<Key>>> = LazyLock::new(|| {
    let mut by_rest: HashMap<String, Vec<Key>> = HashMap::new();
    for key in keys() {
        if let Some(rest) = key.rest.clone() {
            by_rest.entry(rest).or_default().push(key);
        }
    }
    by_rest
});

/// What a body is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Pool,
    Job,
    Task,
}

impl Of {
    fn root(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Job => "job",
            Self::Task => "task",
        }
    }

    /// What the paths of its keys begin with.
    fn place(self) -> &'static str {
        match self {
            Self::Pool => "pool.",
            Self::Job => "job.",
            Self::Task => "tasks[].",
        }
    }
}

/// A body as a section; what has no key is noted.
pub(super) fn section(of: Of, body: &Json, draft: &mut Draft) -> Table {
    let mut walk = Walk {
        of,
        draft,
        table: Table::new(),
    };
    if let Json::Object(body) = body {
        walk.object(body, of.root(), &[]);
    }
    walk.table
}

struct Walk<'a> {
    of: Of,
    draft: &'a mut Draft,
    table: Table,
}

impl Walk<'_> {
    fn object(&mut self, object: &Map<String, Json>, rest: &str, indices: &[usize]) {
        for (name, value) in object {
            if SILENT.contains(&name.as_str()) || is_nothing(value) {
                continue;
            }
            self.property(name, value, &format!("{rest}.{name}"), indices);
        }
    }

    fn property(&mut self, name: &str, value: &Json, rest: &str, indices: &[usize]) {
        // A container of the account's own storage is named instead of given by its URL.
        if name == "autoStorageContainerName" {
            let rest = rest.replace("autoStorageContainerName", "storageContainerUrl");
            return self.property("storageContainerUrl", value, &rest, indices);
        }
        match (key(name, rest), value) {
            (Some(key), Json::Array(pairs)) if key.kind == "table" => {
                self.pairs(key, pairs, indices)
            }
            (Some(key), Json::Array(list)) if !list.iter().any(Json::is_object) => {
                let list: Vec<Value> = list.iter().filter_map(|v| scalar(key, v)).collect();
                self.set(key, Value::Array(list), indices);
            }
            (_, Json::Array(list)) => {
                for (index, item) in list.iter().enumerate() {
                    if let Json::Object(item) = item {
                        let indices = [indices, &[index]].concat();
                        self.object(item, &format!("{rest}[]"), &indices);
                    }
                }
            }
            (_, Json::Object(inner)) => self.object(inner, rest, indices),
            (Some(key), value) => self.leaf(key, value, rest, indices),
            // What is off does nothing.
            (None, Json::Bool(false)) => {}
            (None, value) => self.draft.leave(format!("{rest} = {}", shown(value))),
        }
    }

    fn leaf(&mut self, key: &Key, value: &Json, rest: &str, indices: &[usize]) {
        let text = value.as_str().unwrap_or_default();
        if text.parse::<Duration>().is_ok_and(Duration::is_infinite) {
            return;
        }
        let last = key.path.rsplit('.').next().unwrap_or_default();
        let value = match last {
            "container" => self.draft.container(container_of(text)),
            "http_url" => {
                let plain = redact(text);
                if plain.len() < text.len() {
                    let note = format!("{rest}: the signature of {plain}; sign it anew");
                    self.draft.leave(note);
                }
                Some(Value::from(literal(&plain)))
            }
            _ => scalar(key, value),
        };
        match value {
            Some(value) => self.set(key, value, indices),
            None => self
                .draft
                .leave(format!("{rest} = {}", shown(&Json::from(text)))),
        }
    }

    /// A list of names and values, which is a table in a manifest.
    fn pairs(&mut self, key: &Key, pairs: &[Json], indices: &[usize]) {
        let own = |name: &str| name.starts_with("batchflow_") || name.starts_with("BATCHFLOW_");
        let pair = |pair: &Json| {
            let name = pair["name"].as_str().filter(|name| !own(name))?;
            let value = pair["value"].as_str().unwrap_or_default();
            Some((name.to_owned(), Value::from(templated(value))))
        };
        let table: Table = pairs.iter().filter_map(pair).collect();
        if !table.is_empty() {
            self.set(key, Value::Table(table), indices);
        }
    }

    /// Puts a value where its key says, lists of tables grown as needed.
    fn set(&mut self, key: &Key, value: Value, indices: &[usize]) {
        let Some(path) = key.path.strip_prefix(self.of.place()) else {
            return;
        };
        let mut indices = indices.iter();
        let mut table = &mut self.table;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                table.insert(part.trim_end_matches("[]").to_owned(), value);
                return;
            }
            let next = match part.strip_suffix("[]") {
                None => table
                    .entry(part)
                    .or_insert_with(|| Value::Table(Table::new())),
                Some(name) => {
                    let list = table
                        .entry(name)
                        .or_insert_with(|| Value::Array(Vec::new()));
                    let Value::Array(list) = list else { return };
                    let index = indices.next().copied().unwrap_or(0);
                    while list.len() <= index {
                        list.push(Value::Table(Table::new()));
                    }
                    &mut list[index]
                }
            };
            let Value::Table(inner) = next else { return };
            table = inner;
        }
    }
}

/// The key that becomes a property, that of the same name if there are several.
fn key(name: &str, rest: &str) -> Option<&'static Key> {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let found = BY_REST.get(rest)?;
    let same = |key: &&Key| {
        let last = key.path.rsplit('.').next().unwrap_or_default();
        plain(last) == plain(name)
    };
    found.iter().find(same).or(found.first())
}

fn scalar(key: &Key, value: &Json) -> Option<Value> {
    match value {
        Json::Bool(value) => Some(Value::from(*value)),
        Json::Number(number) => number.as_i64().map(Value::from),
        Json::String(text) if key.kind == "number" => {
            text.trim().parse::<i64>().ok().map(Value::from)
        }
        Json::String(text) => Some(Value::from(
            word(key, text).unwrap_or_else(|| templated(text)),
        )),
        _ => None,
    }
}

/// An enumeration's word in the spelling of manifests.
fn word(key: &Key, text: &str) -> Option<String> {
    let limit = key.limit.as_deref().filter(|l| l.starts_with('`'))?;
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let words = limit
        .split('`')
        .filter(|w| !w.is_empty() && !w.starts_with(','));
    let mut words = words.filter(|w| plain(w) == plain(text));
    words.next().map(str::to_owned)
}

/// Text with its variables as templates, and nothing else as one.
pub(super) fn templated(text: &str) -> String {
    let [open, close] = VARIABLE;
    literal(text).replace(open, "{{vars.").replace(close, "}}")
}

/// The name of a container, from its URL or its name.
fn container_of(text: &str) -> &str {
    let path = text.split('?').next().unwrap_or(text).trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => redact(text).into_owned(),
        other => other.to_string(),
    }
}
