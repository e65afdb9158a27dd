//! What an entry of `[[tasks]]` makes tasks for, item by item.

use globset::GlobMatcher;
use serde_json::{Map, Value};

use super::problems::Problems;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::inputs::snapshot::{File, Snapshot};
use crate::manifest::{At, Axis, Bindings, Factory, Filter, ForEach, ItemSource, MOST_ITEMS};

/// What one task is made for.
#[derive(Debug, Clone, Default)]
pub(super) struct Item<'a> {
    pub(super) file: Option<ItemFile<'a>>,
    /// A single value, or an object of named ones.
    pub(super) value: Option<Value>,
}

/// A file that a task is made for.
#[derive(Debug, Clone, Copy)]
pub(super) enum ItemFile<'a> {
    /// It is uploaded.
    Blob(&'a File),
    /// It is only on this disk.
    Disk(&'a str),
}

impl<'a> ItemFile<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Blob(file) => file.blob.as_str(),
            Self::Disk(name) => name,
        }
    }
}

impl Item<'_> {
    /// For messages: which item it is.
    pub(super) fn origin(&self) -> String {
        let value = self.value.as_ref().map(Value::to_string);
        match (self.file, value) {
            (Some(file), None) => format!("the file `{}`", file.name()),
            (Some(file), Some(value)) => format!("the file `{}` and {value}", file.name()),
            (None, Some(value)) => format!("the item {value}"),
            (None, None) => "this entry".to_owned(),
        }
    }

    pub(super) fn bind(&self, bindings: &mut Bindings) {
        if let Some(file) = self.file {
            bindings.set_file(file.name());
        }
        if let Some(value) = &self.value {
            bindings.set_item(value.clone());
        }
    }
}

/// The items of a factory; one when it has no `for_each`.
pub(super) fn items<'a>(
    factory: &'a Factory,
    snapshot: &'a Snapshot,
    problems: &mut Problems,
) -> Vec<Item<'a>> {
    let Some(each) = &factory.for_each else {
        return vec![Item::default()];
    };
    let mut items = of_source(each.source.as_ref(), snapshot);
    for axis in &each.matrix {
        if let Some(row) = items.iter().position(|i| has(i, &axis.name)) {
            problems.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    format!("`item.{}` would be two things", axis.name),
                )
                .label(
                    each.span.clone(),
                    format!(
                        "row {} has a column of this name, and so has the matrix",
                        row + 1
                    ),
                ),
            );
            return Vec::new();
        }
        if items.len().saturating_mul(axis.values.len()) > MOST_ITEMS {
            problems.report(
                Diagnostic::error(codes::OUT_OF_RANGE, "these are too many tasks")
                    .label(each.span.clone(), "at most 10 million with the matrix"),
            );
            return Vec::new();
        }
        items = items.iter().flat_map(|item| combined(item, axis)).collect();
    }
    if !columns_exist(each, &items, problems) {
        return Vec::new();
    }
    let found = items.len();
    items.retain(|item| {
        let matches = |filters: &[Filter]| filters.iter().any(|f| fits(f, item));
        (each.include.is_empty() || matches(&each.include)) && !matches(&each.exclude)
    });
    if items.is_empty() && !each.allow_empty {
        problems.report(empty(each, found));
    }
    items
}

fn of_source<'a>(source: Option<&'a ItemSource>, snapshot: &'a Snapshot) -> Vec<Item<'a>> {
    let of_file = |file| Item {
        file: Some(file),
        value: None,
    };
    let of_value = |value| Item {
        file: None,
        value: Some(value),
    };
    match source {
        None => vec![Item::default()],
        Some(ItemSource::Container { container, pattern }) => {
            let files = snapshot.of_container(&container.value).iter();
            files
                .filter(|f| pattern.value.is_match(f.blob.as_str()))
                .map(|f| of_file(ItemFile::Blob(f)))
                .collect()
        }
        Some(ItemSource::Files(patterns)) => patterns
            .iter()
            .flat_map(|p| snapshot.lists().files(&p.value))
            .map(|name| of_file(ItemFile::Disk(name)))
            .collect(),
        Some(ItemSource::Values(values)) => {
            let indices = 0..values.len();
            indices
                .filter_map(|i| values.get(i).map(of_value))
                .collect()
        }
        Some(ItemSource::Rows(path)) => {
            let rows = snapshot.lists().rows(&path.value).iter();
            rows.map(|row| of_value(Value::Object(row.clone())))
                .collect()
        }
        Some(ItemSource::Zip(axes)) => {
            let length = axes.first().map_or(0, |a| a.values.len());
            let row = |index| -> Map<String, Value> {
                let value = |axis: &Axis| Some((axis.name.clone(), axis.values.get(index)?));
                axes.iter().filter_map(value).collect()
            };
            (0..length)
                .map(|i| of_value(Value::Object(row(i))))
                .collect()
        }
    }
}

fn has(item: &Item<'_>, name: &str) -> bool {
    field(item, name).is_some()
}

fn field<'i>(item: &'i Item<'_>, name: &str) -> Option<&'i Value> {
    item.value.as_ref().and_then(|v| v.get(name))
}

fn combined<'i, 'a: 'i>(item: &'i Item<'a>, axis: &'i Axis) -> impl Iterator<Item = Item<'a>> + 'i {
    (0..axis.values.len()).filter_map(move |index| {
        let mut item = item.clone();
        let object = item.value.get_or_insert_with(|| Value::Object(Map::new()));
        object
            .as_object_mut()?
            .insert(axis.name.clone(), axis.values.get(index)?);
        Some(item)
    })
}

/// Whether the columns that filters name are there.
fn columns_exist(each: &ForEach, items: &[Item<'_>], problems: &mut Problems) -> bool {
    let filters = each.include.iter().chain(&each.exclude);
    let names = filters.filter_map(|filter| match filter {
        Filter::Fields(fields) => Some(fields),
        Filter::Text(_) => None,
    });
    let mut sound = true;
    for (name, _) in names.flatten() {
        let missing: Option<&Item<'_>> = items.iter().find(|i| !has(i, &name.value));
        if let Some(item) = missing {
            sound = false;
            problems.report(no_column(&name.value, item).label(name.span.clone(), "undefined"));
        }
    }
    sound
}

/// A name that an item does not have.
pub(super) fn no_column(name: &str, item: &Item<'_>) -> Diagnostic {
    let object = item.value.as_ref().and_then(Value::as_object);
    let known: Vec<&str> = object
        .into_iter()
        .flat_map(|o| o.keys().map(String::as_str))
        .collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    Diagnostic::error(
        codes::UNDEFINED_VARIABLE,
        format!("there is no `{name}` in {}", item.origin()),
    )
    .help(help)
}

fn fits(filter: &Filter, item: &Item<'_>) -> bool {
    match filter {
        Filter::Text(pattern) => match (item.file, &item.value) {
            (Some(file), _) => pattern.is_match(file.name()),
            (None, Some(value)) => is_match(pattern, value),
            (None, None) => false,
        },
        Filter::Fields(fields) => fields.iter().all(|(name, pattern): &(At<String>, _)| {
            field(item, &name.value).is_some_and(|value| is_match(pattern, value))
        }),
    }
}

fn is_match(pattern: &GlobMatcher, value: &Value) -> bool {
    match value {
        Value::String(text) => pattern.is_match(text),
        other => pattern.is_match(other.to_string()),
    }
}

fn empty(each: &ForEach, found: usize) -> Diagnostic {
    let message = match &each.source {
        _ if found > 0 => "`include` and `exclude` leave nothing of this".to_owned(),
        Some(ItemSource::Container { container, pattern }) => format!(
            "no file that is uploaded to \"{}\" matches \"{}\"",
            container.value,
            pattern.value.glob()
        ),
        Some(ItemSource::Files(_)) => "no file on this disk matches".to_owned(),
        Some(ItemSource::Values(_)) => "this range is empty".to_owned(),
        Some(ItemSource::Rows(path)) => format!("\"{}\" has no rows", path.value),
        Some(ItemSource::Zip(_)) | None => "one of these is empty".to_owned(),
    };
    Diagnostic::error(codes::EMPTY_FOR_EACH, message)
        .label(each.span.clone(), "yields no task")
        .help("set `allow_empty = true` in `for_each` if that is all right")
}
