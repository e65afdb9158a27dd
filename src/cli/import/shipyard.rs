//! Configuration of Batch Shipyard: `config`, `pool` and `jobs`, in one file or several.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

use super::super::error::CliError;
use super::draft::{Draft, literal};
use super::read as read_text;
use super::rest::{Of, section};

pub(super) fn read(paths: &[PathBuf], job: Option<&str>) -> Result<Draft, CliError> {
    let files = files(paths)?;
    let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    let mut draft = Draft::of(format!("Batch Shipyard: {}", names.join(", ")));
    let mut whole = Map::new();
    for file in &files {
        let found: Json = serde_saphyr::from_str(&read_text(file)?)
            .map_err(|error| CliError::Import(format!("{} is no YAML: {error}", file.display())))?;
        whole.extend(found.as_object().cloned().unwrap_or_default());
    }
    let whole = Json::Object(whole);
    if whole["pool_specification"].is_null() && whole["job_specifications"].is_null() {
        return Err(CliError::Import(
            "no file has a `pool_specification` or `job_specifications`".to_owned(),
        ));
    }
    let known = [
        "pool_specification",
        "job_specifications",
        "batch_shipyard",
        "global_resources",
    ];
    for name in whole.as_object().into_iter().flat_map(Map::keys) {
        if !known.contains(&name.as_str()) {
            draft.leave(name.clone());
        }
    }
    let images = pool(&whole, &mut draft);
    jobs(&whole, job, images, &mut draft)?;
    Ok(draft)
}

/// The files that are named, and those of the folders that are.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let is_yaml = |path: &Path| path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(|source| CliError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        // Credentials are not read at all.
        found.retain(|p| is_yaml(p) && p.file_stem().is_none_or(|s| s != "credentials"));
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Takes keys out of a section; what is left at the end is told.
struct Part<'a> {
    place: &'a str,
    fields: Map<String, Json>,
}

impl<'a> Part<'a> {
    fn new(place: &'a str, value: &Json) -> Self {
        let fields = value.as_object().cloned().unwrap_or_default();
        Self { place, fields }
    }

    fn take(&mut self, name: &str) -> Json {
        self.fields.remove(name).unwrap_or_default()
    }

    fn end(self, draft: &mut Draft) {
        for (name, value) in self.fields {
            let nothing = match &value {
                Json::Null | Json::Bool(false) => true,
                Json::Array(list) => list.is_empty(),
                Json::Object(object) => object.is_empty(),
                _ => false,
            };
            if !nothing {
                draft.leave(format!("{}.{name}", self.place));
            }
        }
    }
}

/// The pool, by way of the body it stands for; answers with whether tasks run in containers.
fn pool(whole: &Json, draft: &mut Draft) -> bool {
    let resources = &whole["global_resources"];
    let images = resources["docker_images"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    if resources["singularity_images"].is_object() {
        draft.leave("global_resources.singularity_images");
    }
    for name in ["volumes", "files", "additional_registries"] {
        if !resources[name].is_null() {
            draft.leave(format!("global_resources.{name}"));
        }
    }
    let mut part = Part::new("pool_specification", &whole["pool_specification"]);
    let vm = part.take("vm_configuration");
    let platform = &vm["platform_image"];
    let mut body = json!({
        "id": part.take("id"),
        "vmSize": part.take("vm_size"),
        "targetDedicatedNodes": whole["pool_specification"]["vm_count"]["dedicated"],
        "targetLowPriorityNodes": whole["pool_specification"]["vm_count"]["low_priority"],
        "taskSlotsPerNode": part.take("max_tasks_per_node"),
        "enableInterNodeCommunication": part.take("inter_node_communication_enabled"),
        "resizeTimeout": duration(&part.take("resize_timeout")),
        "startTask": start_task(&part.take("additional_node_prep"), draft),
        "autoScaleFormula": part.fields.get("autoscale").map(|a| a["formula"].clone()),
    });
    part.take("vm_count");
    part.take("autoscale");
    let slots = part.take("task_slots_per_node");
    if !slots.is_null() {
        body["taskSlotsPerNode"] = slots;
    }
    if platform.is_object() {
        let get = |name: &str| platform[name].as_str().map(str::to_ascii_lowercase);
        body["virtualMachineConfiguration"]["imageReference"] = json!({
            "publisher": get("publisher"), "offer": get("offer"), "sku": get("sku"),
            "version": platform["version"],
        });
    } else if let Some(id) = vm["custom_image"]["arm_image_id"].as_str() {
        body["virtualMachineConfiguration"]["imageReference"]["virtualMachineImageId"] = json!(id);
        body["virtualMachineConfiguration"]["nodeAgentSKUId"] =
            vm["custom_image"]["node_agent"].clone();
    }
    if !images.is_empty() {
        body["virtualMachineConfiguration"]["containerConfiguration"] =
            json!({ "type": "dockerCompatible", "containerImageNames": images });
    }
    part.end(draft);
    draft.pool = section(Of::Pool, &body, draft);
    !images.is_empty()
}

fn start_task(prep: &Json, draft: &mut Draft) -> Json {
    let mut part = Part::new("pool_specification.additional_node_prep", prep);
    let commands = part.take("commands");
    part.end(draft);
    let lines = |value: &Json| -> Vec<String> {
        let list = value.as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    };
    let all = match &commands {
        Json::Array(_) => lines(&commands),
        other => [lines(&other["pre"]), lines(&other["post"])].concat(),
    };
    if all.is_empty() {
        return Json::Null;
    }
    json!({
        "commandLine": shell(&all.join(" && ")),
        "waitForSuccess": true,
        "userIdentity": { "autoUser": { "scope": "pool", "elevationLevel": "admin" } },
    })
}

fn jobs(
    whole: &Json,
    wanted: Option<&str>,
    in_containers: bool,
    draft: &mut Draft,
) -> Result<(), CliError> {
    let all = whole["job_specifications"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let id = |job: &Json| job["id"].as_str().unwrap_or_default().to_owned();
    let chosen = match wanted {
        Some(wanted) => all.iter().find(|job| id(job) == wanted).ok_or_else(|| {
            let ids: Vec<String> = all.iter().map(id).collect();
            CliError::Import(format!(
                "there is no job `{wanted}`, only {}",
                ids.join(", ")
            ))
        })?,
        None => match all.first() {
            Some(first) => first,
            None => return Ok(()),
        },
    };
    for other in all.iter().filter(|job| id(job) != id(chosen)) {
        draft.leave(format!("the job `{}`: import it with --job", id(other)));
    }
    let mut part = Part::new("job", chosen);
    let tasks = part.take("tasks");
    part.take("auto_complete");
    let body = json!({
        "id": part.take("id"),
        "priority": part.take("priority"),
        "constraints": {
            "maxWallClockTime": duration(&part.take("max_wall_time")),
            "maxTaskRetryCount": part.take("max_task_retries"),
        },
        "commonEnvironmentSettings": variables(&part.take("environment_variables")),
    });
    part.end(draft);
    draft.job = section(Of::Job, &body, draft);
    let mut ids = BTreeSet::new();
    for (index, one) in tasks.as_array().into_iter().flatten().enumerate() {
        task(index, one, in_containers, &mut ids, draft);
    }
    Ok(())
}

fn task(
    index: usize,
    task: &Json,
    in_containers: bool,
    ids: &mut BTreeSet<String>,
    draft: &mut Draft,
) {
    let place = format!("tasks[{index}]");
    let mut part = Part::new(&place, task);
    let named = part.take("id").as_str().map(str::to_owned);
    let id = named.unwrap_or_else(|| format!("task-{index:05}"));
    let id = if ids.insert(id.clone()) {
        id
    } else {
        format!("{id}-{index}")
    };
    let image = [part.take("docker_image"), part.take("image")];
    let image = image.iter().find_map(Json::as_str).map(str::to_owned);
    let options = part.take("additional_docker_run_options");
    let options: Vec<&str> = options
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let command = part.take("command");
    let command = command.as_str().unwrap_or("/bin/true");
    let container = image.filter(|_| in_containers).map(|image| {
        json!({ "imageName": image, "containerRunOptions": (!options.is_empty()).then(|| options.join(" ")) })
    });
    let depends_on = part.take("depends_on");
    let body = json!({
        "id": id,
        "commandLine": if container.is_some() { command.to_owned() } else { shell(command) },
        "containerSettings": container,
        "environmentSettings": variables(&part.take("environment_variables")),
        "dependsOn": depends_on.is_array().then(|| json!({ "taskIds": depends_on })),
        "constraints": {
            "maxWallClockTime": duration(&part.take("max_wall_time")),
            "retentionTime": duration(&part.take("retention_time")),
            "maxTaskRetryCount": part.take("max_task_retries"),
        },
    });
    let factory = part.take("task_factory");
    part.end(draft);
    let mut table = section(Of::Task, &body, draft);
    match factory["repeat"].as_i64() {
        Some(times) => {
            let range = [0, times].map(Value::from).to_vec();
            let each = Table::from_iter([("range".to_owned(), Value::Array(range))]);
            table.insert(
                "id".to_owned(),
                Value::from(format!("{}-{{{{item}}}}", literal(&id))),
            );
            table.insert("for_each".to_owned(), Value::Table(each));
        }
        None if !factory.is_null() => draft.leave(format!("{place}.task_factory: see `for_each`")),
        None => {}
    }
    draft.tasks.push(table);
}

fn variables(table: &Json) -> Json {
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let pairs = table.as_object().into_iter().flatten();
    pairs
        .map(|(name, value)| json!({ "name": name, "value": text(value) }))
        .collect()
}

/// `1.12:30:00`: days, hours, minutes, seconds.
fn duration(value: &Json) -> Json {
    let Some(text) = value.as_str() else {
        return Json::Null;
    };
    let (days, clock) = text.split_once('.').unwrap_or(("0", text));
    let parts: Option<Vec<u64>> = clock.split(':').map(|p| p.parse().ok()).collect();
    match (days.parse::<u64>(), parts.as_deref()) {
        (Ok(days), Some([hours, minutes, seconds])) => {
            json!(format!("P{days}DT{hours}H{minutes}M{seconds}S"))
        }
        _ => json!(text),
    }
}

/// A command line that a shell reads.
fn shell(command: &str) -> String {
    format!("/bin/sh -c '{}'", command.replace('\'', "'\\''"))
}
