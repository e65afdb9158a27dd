//! Templates of `az batch` and Batch Explorer, and plain bodies as `az batch … --json-file` takes them.

use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

use super::super::error::CliError;
use super::draft::Draft;
use super::read as read_text;
use super::rest::{Of, VARIABLE, section, templated};

pub(super) fn read(files: &[PathBuf]) -> Result<Draft, CliError> {
    let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    let mut draft = Draft::of(names.join(", "));
    for file in files {
        let whole: Json = serde_json::from_str(&read_text(file)?)
            .map_err(|error| CliError::Import(format!("{} is no JSON: {error}", file.display())))?;
        let template = Template::new(&whole, &mut draft);
        let whole = template.resolve(&whole, &mut draft);
        if !take(&whole, &mut draft) {
            let file = file.display();
            return Err(CliError::Import(format!(
                "{file} has neither a pool nor a job: no `pool`, `job`, `vmSize` or `poolInfo`"
            )));
        }
    }
    Ok(draft)
}

/// Finds the bodies in a file; false when there are none.
fn take(whole: &Json, draft: &mut Draft) -> bool {
    let body = |name: &str| match &whole[name] {
        Json::Object(part) => Some(part.get("properties").unwrap_or(&whole[name])),
        _ => None,
    };
    let is_task = |one: &Json| one["commandLine"].is_string() && one["id"].is_string();
    let tasks = [whole, &whole["value"], &whole["taskList"]];
    let tasks = tasks.iter().find_map(|v| v.as_array());
    if let Some(tasks) = tasks.filter(|all| !all.is_empty() && all.iter().all(is_task)) {
        for one in tasks {
            task(one, draft);
        }
        return true;
    }
    let pool = body("pool").or_else(|| whole["vmSize"].is_string().then_some(whole));
    let job = body("job").or_else(|| whole["poolInfo"].is_object().then_some(whole));
    if let Some(pool) = pool {
        draft.pool = section(Of::Pool, pool, draft);
    }
    if let Some(job) = job {
        draft.job = section(Of::Job, job, draft);
        let auto = &job["poolInfo"]["autoPoolSpecification"]["pool"];
        if auto.is_object() {
            draft.pool = section(Of::Pool, auto, draft);
            draft.leave("job.poolInfo.autoPoolSpecification: apply makes the pool and deletes it afterwards");
        } else if let (Some(id), false) = (
            job["poolInfo"]["poolId"].as_str(),
            draft.pool.contains_key("id"),
        ) {
            draft
                .pool
                .insert("id".to_owned(), Value::from(templated(id)));
        }
        factory(&job["taskFactory"], draft);
    }
    pool.is_some() || job.is_some()
}

fn task(body: &Json, draft: &mut Draft) {
    let table = section(Of::Task, &plain_files(body, draft), draft);
    draft.tasks.push(table);
}

/// The tasks that a template makes by rule.
fn factory(factory: &Json, draft: &mut Draft) {
    match factory["type"]
        .as_str()
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None => {}
        Some("taskcollection") => {
            for one in factory["tasks"].as_array().into_iter().flatten() {
                task(one, draft);
            }
        }
        Some("parametricsweep") => sweep(factory, draft),
        Some("taskperfile") => per_file(factory, draft),
        Some(other) => draft.leave(format!("job.taskFactory of type {other}")),
    }
    let known = ["type", "tasks", "source", "parameterSets", "repeatTask"];
    for name in factory.as_object().into_iter().flat_map(|f| f.keys()) {
        if !known.contains(&name.as_str()) {
            draft.leave(format!("job.taskFactory.{name}"));
        }
    }
}

/// `{0}`, `{1}` … of a sweep become `{{item.p0}}` …
fn sweep(factory: &Json, draft: &mut Draft) {
    let sets = factory["parameterSets"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut matrix = Table::new();
    for (index, set) in sets.iter().enumerate() {
        let number = |name: &str, default: i64| set[name].as_i64().unwrap_or(default);
        // The end of a template's range is part of it.
        let range = [number("start", 0), number("end", 0) + 1].map(Value::from);
        let mut axis = Table::from_iter([("range".to_owned(), Value::Array(range.to_vec()))]);
        axis.insert("step".to_owned(), Value::from(number("step", 1)));
        matrix.insert(format!("p{index}"), Value::Table(axis));
    }
    let names: Vec<(String, String)> = (0..sets.len())
        .map(|i| (format!("{{{i}}}"), format!("item.p{i}")))
        .collect();
    let id = (0..sets.len()).map(|i| format!("-{{{{item.p{i}}}}}"));
    let id = format!("task{}", id.collect::<String>());
    let each = Table::from_iter([("matrix".to_owned(), Value::Table(matrix))]);
    repeat(factory, &names, each, id, draft);
}

/// The files of a file group: those of its container, which are uploaded from a folder of that name.
fn per_file(factory: &Json, draft: &mut Draft) {
    let group = factory["source"]["fileGroup"]
        .as_str()
        .unwrap_or("input")
        .to_owned();
    let Some(container) = file_group(&group, draft) else {
        return draft.leave(format!("job.taskFactory.source.fileGroup = {group}"));
    };
    let files = format!("{group}/**");
    draft.leave(format!(
        "uploads: put the files of the group `{group}` into the folder `{group}`"
    ));
    draft.uploads.push(Table::from_iter([
        ("container".to_owned(), container.clone()),
        ("files".to_owned(), Value::from(files)),
        ("base".to_owned(), Value::from(group)),
        ("allow_empty".to_owned(), Value::from(true)),
    ]));
    let names = [
        ("{fileNameWithoutExtension}", "file.stem"),
        ("{fileName}", "file.name"),
        ("{filePath}", "file.name"),
        ("{fullName}", "file.name"),
    ];
    let names: Vec<(String, String)> = names
        .iter()
        .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
        .collect();
    let mut each = Table::from_iter([
        ("container".to_owned(), container),
        ("allow_empty".to_owned(), Value::from(true)),
    ]);
    if let Some(prefix) = factory["source"]["prefix"].as_str() {
        each.insert("pattern".to_owned(), Value::from(format!("{prefix}**")));
    }
    repeat(factory, &names, each, "{{id file.name}}".to_owned(), draft);
}

/// One `[[tasks]]` for a task that a factory repeats.
fn repeat(factory: &Json, names: &[(String, String)], each: Table, id: String, draft: &mut Draft) {
    let body = plain_files(&factory["repeatTask"], draft);
    let mut table = section(Of::Task, &body, draft);
    for value in table.iter_mut().map(|(_, value)| value) {
        replace(value, names);
    }
    table.insert("id".to_owned(), Value::from(id));
    table.insert("for_each".to_owned(), Value::Table(each));
    // The file is in the task's folder already.
    if names.iter().any(|(_, to)| to == "file.name")
        && let Some(Value::Array(files)) = table.get_mut("resource_files")
    {
        files.retain(|f| f.get("http_url").and_then(Value::as_str) != Some("{url}"));
        if files.is_empty() {
            table.remove("resource_files");
        }
    }
    draft.tasks.push(table);
}

fn replace(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (from, to) in names {
                *text = text.replace(from.as_str(), &format!("{{{{{to}}}}}"));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| replace(v, names)),
        Value::Table(table) => table.iter_mut().for_each(|(_, v)| replace(v, names)),
        _ => {}
    }
}

/// The container of a file group.
fn file_group(group: &str, draft: &mut Draft) -> Option<Value> {
    draft.container(&format!("fgrp-{}", group.to_ascii_lowercase()))
}

/// Files by file group as files by container.
fn plain_files(body: &Json, draft: &mut Draft) -> Json {
    let mut body = body.clone();
    for file in body["resourceFiles"].as_array_mut().into_iter().flatten() {
        let source = file["source"].clone();
        if let Some(group) = source["fileGroup"].as_str()
            && file_group(group, draft).is_some()
        {
            let mut plain = json!({ "autoStorageContainerName": format!("fgrp-{}", group.to_ascii_lowercase()) });
            plain["blobPrefix"] = source["prefix"].clone();
            plain["filePath"] = file["filePath"].clone();
            *file = plain;
        } else if let Some(source) = file["blobSource"].as_str().map(str::to_owned) {
            *file = json!({ "httpUrl": source, "filePath": file["filePath"] });
        }
    }
    for file in body["outputFiles"].as_array_mut().into_iter().flatten() {
        let storage = file["destination"]["autoStorage"].clone();
        if let Some(group) = storage["fileGroup"].as_str()
            && file_group(group, draft).is_some()
        {
            file["destination"] = json!({ "container": {
                "containerUrl": format!("fgrp-{}", group.to_ascii_lowercase()),
                "path": storage["path"],
            }});
        }
    }
    body
}

/// The parameters and variables of a template.
struct Template {
    parameters: Map<String, Json>,
    variables: Map<String, Json>,
}

impl Template {
    /// Text parameters become `[vars]`; others stand in the manifest with their default.
    fn new(whole: &Json, draft: &mut Draft) -> Self {
        let object = |name: &str| whole[name].as_object().cloned().unwrap_or_default();
        let parameters = object("parameters");
        for (name, parameter) in &parameters {
            if parameter["type"]
                .as_str()
                .is_some_and(|t| !t.eq_ignore_ascii_case("string"))
            {
                continue;
            }
            let default = parameter["defaultValue"].as_str();
            if default.is_none() {
                draft.leave(format!("vars.{name}: the template has no default; set it"));
            }
            let default = default
                .map(str::to_owned)
                .unwrap_or_else(|| name.to_ascii_lowercase());
            draft.vars.insert(name.clone(), Value::from(default));
        }
        Self {
            parameters,
            variables: object("variables"),
        }
    }

    fn resolve(&self, value: &Json, draft: &mut Draft) -> Json {
        match value {
            Json::Object(object) => object
                .iter()
                .map(|(name, value)| (name.clone(), self.resolve(value, draft)))
                .collect(),
            Json::Array(list) => list.iter().map(|v| self.resolve(v, draft)).collect(),
            Json::String(text) => self.text(text, draft),
            other => other.clone(),
        }
    }

    /// The value of `[…]`, and any other text as it is.
    fn text(&self, text: &str, draft: &mut Draft) -> Json {
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        match inner.filter(|t| !t.starts_with('[')) {
            None => Json::from(text),
            Some(expression) => self
                .expression(expression.trim(), draft)
                .unwrap_or_else(|| {
                    draft.leave(format!("the expression [{expression}]"));
                    Json::from(text)
                }),
        }
    }

    fn expression(&self, text: &str, draft: &mut Draft) -> Option<Json> {
        if let Some(literal) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''))
            && !literal.contains('\'')
        {
            return Some(Json::from(literal));
        }
        let (function, rest) = text.split_once('(')?;
        let arguments = arguments(rest.strip_suffix(')')?);
        let name = || arguments.first().map(|a| a.trim_matches('\''));
        match function.trim().to_ascii_lowercase().as_str() {
            "parameters" => self.parameter(name()?, draft),
            "variables" => match self.variables.get(name()?)? {
                Json::String(text) => Some(self.text(text, draft)),
                other => Some(other.clone()),
            },
            "concat" => {
                let parts = arguments.iter().map(|a| self.expression(a, draft));
                let parts: Option<Vec<Json>> = parts.collect();
                let text = |part: Json| match part {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                Some(Json::from(parts?.into_iter().map(text).collect::<String>()))
            }
            _ => None,
        }
    }

    fn parameter(&self, name: &str, draft: &mut Draft) -> Option<Json> {
        if draft.vars.contains_key(name) {
            let [open, close] = VARIABLE;
            return Some(Json::from(format!("{open}{name}{close}")));
        }
        let parameter = self.parameters.get(name)?;
        let default = &parameter["defaultValue"];
        if !default.is_null() {
            return Some(default.clone());
        }
        draft.leave(format!(
            "parameter {name}: the template has no default; 1 is a stand-in"
        ));
        Some(Json::from(1))
    }
}

/// The arguments of a call: commas outside of quotes and parentheses part them.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted) = (0_usize, false);
    let mut found = vec![String::new()];
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.iter().map(|a| a.trim().to_owned()).collect()
}
