//! Where a manifest says what became a property of a request, so that a refusal can point at it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::keys;

/// What a request describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    Pool,
    Job,
    JobSchedule,
    /// Made from the entry of `[[tasks]]` that begins here, in bytes.
    Task(usize),
}

/// The key that a property was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Dotted, as far as the manifest has it.
    pub key: String,
    pub span: Range<usize>,
}

/// The place in `text` that became `property`, or failing that, what is around it. Services write the property as a
/// path such as `startTask.resourceFiles[0].httpUrl`, with or without the numbers; the refused `value` tells the
/// elements of a list apart where there are none.
pub fn origin(
    text: &str,
    resource: &Resource,
    property: &str,
    value: Option<&str>,
) -> Option<Origin> {
    let (resource, property) = inner(resource, property);
    let steps: Vec<(&str, Option<usize>)> = property.split('.').map(step).collect();
    let numbers: Vec<usize> = steps.iter().filter_map(|(_, number)| *number).collect();
    let names: Vec<String> = steps.iter().map(|(n, _)| n.to_ascii_lowercase()).collect();
    let (table, _) = DeTable::parse_recoverable(text);
    let search = Search {
        entry: match resource {
            Resource::Task(start) => Some(entry(table.get_ref(), *start)?),
            _ => None,
        },
        numbers: &numbers,
        value,
    };
    let (root, section) = match resource {
        Resource::Pool => ("pool", "pool"),
        Resource::Job => ("job", "job"),
        Resource::JobSchedule => ("jobschedule", "schedule"),
        Resource::Task(_) => ("task", "tasks[]"),
    };
    let keys: Vec<(String, String)> = keys()
        .into_iter()
        .filter_map(|key| Some((key.path, key.rest?.replace("[]", "").to_ascii_lowercase())))
        .collect();
    for length in (1..=names.len()).rev() {
        let wanted = [&[root.to_owned()], &names[..length]].concat().join(".");
        let below = format!("{wanted}.");
        let same = keys.iter().filter(|(_, rest)| *rest == wanted);
        // A group that only the REST API has is found by what is in it.
        let inside = keys.iter().filter(|(_, rest)| rest.starts_with(&below));
        let found = same
            .chain(inside)
            .find_map(|(path, _)| search.walk(table.get_ref(), path));
        if found.is_some() {
            return found;
        }
    }
    search.walk(table.get_ref(), section)
}

/// A job holds its auto pool, and a schedule its jobs.
fn inner<'a>(resource: &'a Resource, property: &'a str) -> (&'a Resource, &'a str) {
    let (resource, property) = match (resource, property.strip_prefix("jobSpecification.")) {
        (Resource::JobSchedule, Some(rest)) => (&Resource::Job, rest),
        _ => (resource, property),
    };
    match property.strip_prefix("poolInfo.autoPoolSpecification.pool.") {
        Some(rest) if *resource == Resource::Job => (&Resource::Pool, rest),
        _ => (resource, property),
    }
}

/// A name, and the number of the element after it.
fn step(text: &str) -> (&str, Option<usize>) {
    match text.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').parse().ok()),
        None => (text, None),
    }
}

/// Which entry of `[[tasks]]` begins at `start`.
fn entry(table: &DeTable<'_>, start: usize) -> Option<usize> {
    let tasks = table.get("tasks")?.get_ref().as_array()?;
    tasks.iter().rposition(|task| task.span().start <= start)
}

struct Search<'a> {
    entry: Option<usize>,
    numbers: &'a [usize],
    value: Option<&'a str>,
}

impl Search<'_> {
    /// The place of a key, if the manifest has it.
    fn walk(&self, table: &DeTable<'_>, path: &str) -> Option<Origin> {
        let mut steps = path.split('.');
        let mut numbers = self.entry.into_iter().chain(self.numbers.iter().copied());
        let first = steps.next()?;
        let mut at = self.element(table.get(name(first))?, first, &mut numbers)?;
        let mut key = name(first).to_owned();
        for step in steps {
            at = at.get_ref().as_table()?.get(name(step))?;
            at = self.element(at, step, &mut numbers)?;
            key = format!("{key}.{}", name(step));
        }
        let span = self.narrow(at).unwrap_or_else(|| at.span());
        (!span.is_empty()).then_some(Origin { key, span })
    }

    /// The element that is meant, if this is a list of tables.
    fn element<'t, 'd>(
        &self,
        at: &'t Spanned<DeValue<'d>>,
        step: &str,
        numbers: &mut impl Iterator<Item = usize>,
    ) -> Option<&'t Spanned<DeValue<'d>>> {
        let (true, Some(list)) = (step.ends_with("[]"), at.get_ref().as_array()) else {
            return Some(at);
        };
        match numbers.next() {
            Some(number) => list.get(number),
            None => list
                .iter()
                .find(|item| self.narrow(item).is_some())
                .or_else(|| list.first()),
        }
    }

    /// Where the refused value stands in a table or list.
    fn narrow(&self, at: &Spanned<DeValue<'_>>) -> Option<Range<usize>> {
        let value = self.value.filter(|value| !value.is_empty())?;
        match at.get_ref() {
            DeValue::String(text) => (text == value).then(|| at.span()),
            DeValue::Array(list) => list.iter().find_map(|item| self.narrow(item)),
            DeValue::Table(table) => table.iter().find_map(|(name, inner)| {
                let is_name = name.get_ref() == value;
                is_name.then(|| name.span()).or_else(|| self.narrow(inner))
            }),
            _ => None,
        }
    }
}

fn name(step: &str) -> &str {
    step.strip_suffix("[]").unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
name = "m"
[pool]
vm_size = "tiny"
image = { publisher = "p", offer = "o", sku = "s" }
[pool.start_task]
commands = ["true"]
environment_settings = { GOOD = "1", AZ_BATCH_X = "2" }
resource_files = [{ container = "one" }, { http_url = "ftp://x", file_path = "x" }]
[job]
priority = 5
[job.constraints]
max_task_retry_count = 7
[[tasks]]
id = "a"
commands = ["first"]
[[tasks]]
id = "b"
command_line = "second"
output_files = [{ pattern = "*.a", container = "one" }, { pattern = "*.b", container = "two" }]
"#;

    #[test]
    fn every_property_at_its_place() {
        let task = |id: &str| Resource::Task(TEXT.find(&format!("id = \"{id}\"")).unwrap());
        for (resource, property, value, key, shown) in [
            (Resource::Pool, "vmSize", None, "pool.vm_size", "\"tiny\""),
            (
                Resource::Pool,
                "startTask.commandLine",
                None,
                "pool.start_task.commands",
                "[\"true\"]",
            ),
            (
                Resource::Pool,
                "startTask.environmentSettings.name",
                Some("AZ_BATCH_X"),
                "pool.start_task.environment_settings",
                "AZ_BATCH_X",
            ),
            (
                Resource::Pool,
                "startTask.resourceFiles[1].httpUrl",
                None,
                "pool.start_task.resource_files.http_url",
                "\"ftp://x\"",
            ),
            (
                Resource::Pool,
                "virtualMachineConfiguration.imageReference.sku",
                None,
                "pool.image.sku",
                "\"s\"",
            ),
            (
                Resource::Job,
                "poolInfo.autoPoolSpecification.pool.vmSize",
                None,
                "pool.vm_size",
                "\"tiny\"",
            ),
            (Resource::Job, "Priority", None, "job.priority", "5"),
            (
                Resource::Job,
                "constraints.maxTaskRetryCount",
                None,
                "job.constraints.max_task_retry_count",
                "7",
            ),
            (
                Resource::JobSchedule,
                "jobSpecification.priority",
                None,
                "job.priority",
                "5",
            ),
            (
                task("a"),
                "commandLine",
                None,
                "tasks.commands",
                "[\"first\"]",
            ),
            (
                task("b"),
                "commandLine",
                None,
                "tasks.command_line",
                "\"second\"",
            ),
            (
                task("b"),
                "outputFiles.filePattern",
                Some("*.b"),
                "tasks.output_files.pattern",
                "\"*.b\"",
            ),
            (
                task("b"),
                "outputFiles[1].destination.container.containerUrl",
                None,
                "tasks.output_files.container",
                "\"two\"",
            ),
            (task("b"), "nobodyKnows", None, "tasks", "[[tasks]]"),
            (Resource::Pool, "nobodyKnows", None, "pool", "[pool]"),
        ] {
            let found = origin(TEXT, &resource, property, value).unwrap();
            let text = &TEXT[found.span];
            assert_eq!((found.key.as_str(), text), (key, shown), "{property}");
        }
        assert_eq!(origin(TEXT, &Resource::JobSchedule, "schedule", None), None);
    }
}
