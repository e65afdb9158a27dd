//! The shape of a manifest against the JSON Schema of its raw structs: unknown keys, missing keys, wrong types,
//! unknown values and ranges, all with their places.
//!
//! What is wrong is reported and then cut out of the tree, so that the passes behind this one see a sound rest and
//! can report what is wrong there too.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::keys::alternatives;
use super::retired;
use crate::diagnostic::{Diagnostic, codes, nearest};

/// Checks the whole document.
pub(super) fn check(
    schema: &Value,
    table: &mut Spanned<DeTable<'_>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let span = table.span();
    let mut walker = Walker {
        root: schema,
        diagnostics,
    };
    walker.table(schema, table.get_mut(), span, "");
}

struct Walker<'a> {
    root: &'a Value,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Walker<'a> {
    /// True when the value may stay.
    fn value(&mut self, schema: &'a Value, value: &mut Spanned<DeValue<'_>>, path: &str) -> bool {
        let span = value.span();
        let alternatives = alternatives(schema, self.root);
        let words = allowed_words(&alternatives);
        if let (false, DeValue::String(word)) = (words.is_empty(), value.get_ref()) {
            if words.contains(&word.as_ref()) {
                return true;
            }
            let help = match nearest(word, words.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("it is one of {}", list(&words, '"')),
            };
            self.diagnostics.push(
                Diagnostic::error(
                    codes::UNKNOWN_VALUE,
                    format!("`{path}` cannot be \"{word}\""),
                )
                .label(span, "unknown value")
                .help(help),
            );
            return false;
        }
        let Some(fitting) = alternatives
            .iter()
            .copied()
            .find(|s| has_type(s, value.get_ref()))
        else {
            let wanted = type_names(&alternatives);
            let found = toml_type(value.get_ref());
            self.diagnostics.push(Diagnostic {
                help: other_form(&alternatives, value.get_ref(), path),
                ..Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!("`{path}` must be {wanted}, not {found}"),
                )
                .label(span, format!("this is {found}"))
            });
            return false;
        };
        match value.get_mut() {
            DeValue::Table(table) => self.table(fitting, table, span, path),
            DeValue::Array(array) => {
                let before = array.len();
                let element = &fitting["items"];
                let mut sound = DeArray::new();
                for mut item in std::mem::replace(array, DeArray::new()) {
                    if self.value(element, &mut item, path) {
                        sound.push(item);
                    }
                }
                *array = sound;
                let count = before as u64;
                let least = fitting["minItems"].as_u64().unwrap_or(0);
                let most = fitting["maxItems"].as_u64().unwrap_or(u64::MAX);
                if count < least || count > most {
                    let wanted = match (least, most) {
                        (l, m) if l == m => format!("exactly {l}"),
                        (l, u64::MAX) => format!("at least {l}"),
                        (l, m) => format!("{l} to {m}"),
                    };
                    self.diagnostics.push(
                        Diagnostic::error(
                            codes::OUT_OF_RANGE,
                            format!("`{path}` must have {wanted} element(s), not {count}"),
                        )
                        .label(span, "this list"),
                    );
                    return false;
                }
                array.len() as u64 >= least
            }
            DeValue::Integer(_) | DeValue::Float(_) => self.number(fitting, value, path),
            _ => true,
        }
    }

    fn number(&mut self, schema: &Value, value: &Spanned<DeValue<'_>>, path: &str) -> bool {
        let number = match value.get_ref() {
            DeValue::Integer(i) => {
                i128::from_str_radix(i.as_str(), i.radix()).map_or(f64::MAX, |v| v as f64)
            }
            DeValue::Float(f) => f.as_str().parse().unwrap_or(f64::MAX),
            _ => return true,
        };
        let integer = matches!(value.get_ref(), DeValue::Integer(_));
        let (low, high) = if integer {
            (i64::MIN as f64, i64::MAX as f64)
        } else {
            (f64::MIN, f64::MAX)
        };
        let least = schema["minimum"].as_f64();
        let most = schema["maximum"].as_f64();
        if number >= least.unwrap_or(low) && number <= most.unwrap_or(high) {
            return true;
        }
        let range = match (least, most) {
            (Some(l), Some(m)) => format!("{l} to {m}"),
            (Some(l), None) => format!("{l} or more"),
            (None, Some(m)) => format!("{m} or less"),
            (None, None) => "a 64-bit number".to_owned(),
        };
        self.diagnostics.push(
            Diagnostic::error(codes::OUT_OF_RANGE, format!("`{path}` is out of range"))
                .label(value.span(), format!("allowed: {range}")),
        );
        false
    }

    fn table(
        &mut self,
        schema: &'a Value,
        table: &mut DeTable<'_>,
        span: std::ops::Range<usize>,
        path: &str,
    ) -> bool {
        let properties = schema["properties"].as_object();
        let rest = schema.get("additionalProperties").or_else(|| {
            schema["patternProperties"]
                .as_object()
                .and_then(|p| p.values().next())
        });
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|r| r.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let known: Vec<&str> = properties
            .map(|p| p.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let absent: Vec<&str> = required
            .iter()
            .copied()
            .filter(|r| !table.contains_key(*r))
            .collect();
        let mut misspelt = Vec::new();
        let mut sound = absent.is_empty();
        let mut cut = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let at = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            let keep = if let Some(property) = properties.and_then(|p| p.get(name)) {
                let keep = self.value(property, value, &at);
                sound &= keep || !required.contains(&name);
                keep
            } else {
                match rest {
                    Some(rest) if rest.is_object() => self.value(rest, value, &at),
                    Some(Value::Bool(true)) => true,
                    None if known.is_empty() => true,
                    _ => {
                        let near = nearest(name, known.iter().copied());
                        misspelt.extend(near);
                        self.unknown_key(name, near, &known, key.span(), path);
                        false
                    }
                }
            };
            if !keep {
                cut.push(name.to_owned());
            }
        }
        for name in cut {
            table.remove(name.as_str());
        }
        for missing in absent {
            if !misspelt.contains(&missing) {
                let owner = place(path);
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::MISSING_KEY,
                        format!("the key `{missing}` is missing in {owner}"),
                    )
                    .label(first_line(&span), format!("`{missing}` must be set here")),
                );
            }
        }
        sound
    }

    /// The innermost table around `path` that knows the key: in TOML, a key belongs to the last header above it.
    fn owner<'p>(&self, name: &str, path: &'p str) -> Option<&'p str> {
        let ends = path.rmatch_indices('.').map(|(end, _)| end);
        let mut outer = ends.map(|end| &path[..end]);
        outer.find(|path| self.knows(path, name))
    }

    fn knows(&self, path: &str, name: &str) -> bool {
        let mut schemas = alternatives(self.root, self.root);
        for part in path.split('.').chain([name]) {
            let lists = schemas.iter().map(|s| &s["items"]);
            let lists = lists.flat_map(|items| alternatives(items, self.root));
            let tables: Vec<&Value> = schemas.iter().copied().chain(lists).collect();
            let Some(next) = tables.iter().find_map(|s| s["properties"].get(part)) else {
                return false;
            };
            schemas = alternatives(next, self.root);
        }
        true
    }

    fn unknown_key(
        &mut self,
        name: &str,
        near: Option<&str>,
        known: &[&str],
        span: std::ops::Range<usize>,
        path: &str,
    ) {
        if let Some(instead) = retired::replacement(path, name) {
            return self.diagnostics.push(
                Diagnostic::error(
                    codes::RETIRED_KEY,
                    format!("`{name}` is not a key of {}", place(path)),
                )
                .label(span, "said otherwise")
                .help(instead),
            );
        }
        let help = match (self.owner(name, path), near) {
            (Some(owner), _) => {
                format!("it is a key of `{owner}`; a key belongs to the last header above it")
            }
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => format!("the keys here are {}", list(known, '`')),
        };
        self.diagnostics.push(
            Diagnostic::error(
                codes::UNKNOWN_KEY,
                format!("unknown key `{name}` in {}", place(path)),
            )
            .label(span, "unknown key")
            .help(help),
        );
    }
}

/// How a table or a list that stands in the place of the other is written.
fn other_form(alternatives: &[&Value], found: &DeValue<'_>, path: &str) -> Option<String> {
    let has = |key: &str| alternatives.iter().any(|s| s[key].is_object());
    match found {
        DeValue::Table(_) if has("items") => Some(format!("write `[[{path}]]` for each of them")),
        DeValue::Array(_) if has("additionalProperties") => {
            Some(format!("write a line `[{path}.NAME]` for each of them"))
        }
        DeValue::Array(names) if path.ends_with("depends_on") => {
            let names = names.iter().filter_map(|name| name.get_ref().as_str());
            Some(depends_on(names))
        }
        DeValue::String(name) if path.ends_with("depends_on") => Some(depends_on([&**name])),
        _ => None,
    }
}

/// The table for what other tools write as a list.
fn depends_on<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    let names = names.join(", ");
    format!("write `depends_on = {{ tasks = [{names}] }}`, or `task_ids` for the ids of tasks")
}

/// The whole document has no line of its own to point at: its beginning has to do.
fn first_line(span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    if span.start == 0 { 0..0 } else { span.clone() }
}

fn place(path: &str) -> String {
    if path.is_empty() {
        "the manifest".to_owned()
    } else {
        format!("`{path}`")
    }
}

/// Enumerations become `enum`, or `oneOf` with `const` when their variants are documented.
fn allowed_words<'a>(alternatives: &[&'a Value]) -> Vec<&'a str> {
    let mut words = Vec::new();
    for schema in alternatives {
        words.extend(schema["const"].as_str());
        words.extend(
            schema["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
    }
    words
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many
            .iter()
            .filter_map(Value::as_str)
            .filter(|t| *t != "null")
            .collect(),
        _ => Vec::new(),
    }
}

fn has_type(schema: &Value, value: &DeValue<'_>) -> bool {
    types(schema).iter().any(|t| match value {
        DeValue::String(_) => *t == "string",
        DeValue::Integer(_) => matches!(*t, "integer" | "number"),
        DeValue::Float(_) => *t == "number",
        DeValue::Boolean(_) => *t == "boolean",
        DeValue::Array(_) => *t == "array",
        DeValue::Table(_) => *t == "object",
        DeValue::Datetime(_) => false,
    })
}

fn type_names(alternatives: &[&Value]) -> String {
    let types: Vec<&str> = alternatives.iter().flat_map(|s| types(s)).collect();
    let mut names: Vec<&str> = Vec::new();
    for t in &types {
        let name = match *t {
            "string" => "a string",
            // Where any number will do, an integer needs no word of its own.
            "integer" if types.contains(&"number") => continue,
            "integer" => "an integer",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list",
            _ => "a table",
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn toml_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn list(words: &[&str], quote: char) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("{quote}{w}{quote}")).collect();
    quoted.join(", ")
}
