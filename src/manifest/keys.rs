//! Every key of a manifest as a row of a table: made from the JSON Schema, so that a key cannot be left out.
//! The table of docs/manifest.md is made from this.

use serde_json::Value;

use super::load::schema;

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Dotted; `*` stands for a name of the author's, `[]` for each element of a list.
    pub path: String,
    /// In TOML's words.
    pub kind: String,
    /// What holds when it is left out.
    pub default: Option<String>,
    /// Range, length or words allowed.
    pub limit: Option<String>,
    /// What it becomes: the resource and its property, dotted. None: it is batchflow's own.
    pub rest: Option<String>,
    pub required: bool,
    pub about: String,
}

/// All keys in the order of the document.
pub fn keys() -> Vec<Key> {
    let mut found = Vec::new();
    walk(schema(), schema(), "", &mut found);
    found
}

/// The alternatives a schema allows, references followed and `null` (an absent key) left out.
pub(super) fn alternatives<'a>(schema: &'a Value, root: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|r| r.strip_prefix("#/$defs/"))
    {
        return alternatives(&root["$defs"][name], root);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(list) = schema[key].as_array() {
            return list.iter().flat_map(|s| alternatives(s, root)).collect();
        }
    }
    if schema["type"] == "null" {
        Vec::new()
    } else {
        vec![schema]
    }
}

fn walk(schema: &Value, root: &Value, path: &str, found: &mut Vec<Key>) {
    for one in alternatives(schema, root) {
        if one["items"].is_object() {
            walk(&one["items"], root, &format!("{path}[]"), found);
        }
        if one["additionalProperties"].is_object() {
            walk(
                &one["additionalProperties"],
                root,
                &format!("{path}.*"),
                found,
            );
        }
        let required = one["required"].as_array();
        for (name, property) in one["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let required = required.is_some_and(|r| r.iter().any(|r| r == name));
            found.push(key(&path, property, root, required));
            walk(property, root, &path, found);
        }
    }
}

fn key(path: &str, property: &Value, root: &Value, required: bool) -> Key {
    let about = property["description"].as_str().unwrap_or_default();
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
    let options = alternatives(property, root);
    Key {
        path: path.to_owned(),
        kind: kind(&options, root),
        default: default(&about).or_else(|| match &property["default"] {
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }),
        limit: limit(property, &options),
        rest: rest(path),
        required,
        about,
    }
}

fn kind(options: &[&Value], root: &Value) -> String {
    let mut names: Vec<String> = Vec::new();
    for schema in options {
        let types = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            // An enumeration with documented variants has its words as constants.
            _ => vec!["string"],
        };
        for name in types {
            let name = match name {
                "null" => continue,
                "integer" | "number" => "number".to_owned(),
                "object" => "table".to_owned(),
                "array" => {
                    let of = alternatives(&schema["items"], root);
                    format!("list of {}s", kind(&of, root))
                }
                other => other.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.join(" or ")
}

/// What the description says after `default`, up to the end of that clause.
fn default(about: &str) -> Option<String> {
    if let Some((before, _)) = about.split_once(" (default)") {
        return before.rsplit(' ').next().map(str::to_owned);
    }
    let lower = about.to_ascii_lowercase();
    let starts = ["default ", "default: "];
    let (at, length) = starts
        .iter()
        .filter_map(|s| Some((lower.find(s)?, s.len())))
        .max_by_key(|(_, length)| *length)?;
    let clause = about.get(at + length..)?;
    let end = ["; ", ". "]
        .iter()
        .filter_map(|s| clause.find(s))
        .min()
        .unwrap_or(clause.len());
    let clause = clause[..end].trim_end_matches('.');
    (!clause.is_empty()).then(|| clause.to_owned())
}

fn limit(property: &Value, options: &[&Value]) -> Option<String> {
    if let Some(text) = property["x-limit"].as_str() {
        return Some(text.to_owned());
    }
    let mut limits = Vec::new();
    let mut words = Vec::new();
    for schema in options {
        words.extend(schema["const"].as_str());
        words.extend(
            schema["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
        for (least, most, unit) in [
            ("minimum", "maximum", ""),
            ("minItems", "maxItems", " element(s)"),
            ("minLength", "maxLength", " characters"),
        ] {
            // A property made of a reference has its own range beside it.
            let of = |name: &str| {
                [&schema[name], &property[name]]
                    .into_iter()
                    .find(|v| v.is_number())
                    .map(ToString::to_string)
            };
            limits.push(match (of(least), of(most)) {
                (Some(a), Some(b)) if a == b => format!("{a}{unit}"),
                (Some(a), Some(b)) => format!("{a} to {b}{unit}"),
                (Some(a), None) => format!("at least {a}{unit}"),
                (None, Some(b)) => format!("at most {b}{unit}"),
                (None, None) => continue,
            });
        }
    }
    if !words.is_empty() {
        let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
        limits.push(quoted.join(", "));
    }
    limits.dedup();
    (!limits.is_empty()).then(|| limits.join("; "))
}

/// Where a section stands in the REST API. The longest match wins; keys below it follow by their names.
const PLACES: &[(&str, &str)] = &[
    ("pool", "pool"),
    ("job", "job"),
    ("schedule", "jobSchedule.schedule"),
    ("tasks", "tasks"),
    ("tasks[]", "task"),
    ("pool.auto_pool", "job.poolInfo.autoPoolSpecification"),
    (
        "pool.image",
        "pool.virtualMachineConfiguration.imageReference",
    ),
    (
        "pool.node_agent_sku_id",
        "pool.virtualMachineConfiguration.nodeAgentSKUId",
    ),
    (
        "pool.container_configuration",
        "pool.virtualMachineConfiguration.containerConfiguration",
    ),
    (
        "pool.data_disks",
        "pool.virtualMachineConfiguration.dataDisks",
    ),
    (
        "pool.extensions",
        "pool.virtualMachineConfiguration.extensions",
    ),
    (
        "pool.node_placement_configuration",
        "pool.virtualMachineConfiguration.nodePlacementConfiguration",
    ),
    (
        "pool.disk_encryption_configuration",
        "pool.virtualMachineConfiguration.diskEncryptionConfiguration",
    ),
    (
        "pool.license_type",
        "pool.virtualMachineConfiguration.licenseType",
    ),
];

/// Keys that are batchflow's own, with all below them.
const OWN: &[&str] = &[
    "name",
    "vars",
    "account",
    "containers",
    "uploads",
    "download",
    "logs",
    "cleanup",
    "prices",
    "pool.keep_idle_nodes",
    "pool.identity_reference",
    "tasks[].for_each",
    "tasks[].gather",
    "tasks[].name",
    "tasks[].stage_input",
];

/// Ends of paths that are not the REST name in snake_case, wherever they stand.
const ENDS: &[(&str, &str)] = &[
    ("commands", "commandLine"),
    ("depends_on.tasks", "dependsOn.taskIds"),
    (
        "multi_instance_settings.coordination_commands",
        "multiInstanceSettings.coordinationCommandLine",
    ),
    (
        "common_resource_files[].container",
        "commonResourceFiles[].storageContainerUrl",
    ),
    (
        "common_resource_files[].blob",
        "commonResourceFiles[].httpUrl",
    ),
    (
        "registry.identity_reference",
        "registry.identityReference.resourceId",
    ),
    (
        "resource_files[].container",
        "resourceFiles[].storageContainerUrl",
    ),
    ("resource_files[].blob", "resourceFiles[].httpUrl"),
    ("output_files[].pattern", "outputFiles[].filePattern"),
    (
        "output_files[].container",
        "outputFiles[].destination.container.containerUrl",
    ),
    (
        "output_files[].path",
        "outputFiles[].destination.container.path",
    ),
    (
        "output_files[].identity_reference",
        "outputFiles[].destination.container.identityReference",
    ),
    (
        "output_files[].identity_reference.resource_id",
        "outputFiles[].destination.container.identityReference.resourceId",
    ),
    (
        "output_files[].upload_condition",
        "outputFiles[].uploadOptions.uploadCondition",
    ),
    (
        "user_identity.elevation_level",
        "userIdentity.autoUser.elevationLevel",
    ),
    ("user_identity.scope", "userIdentity.autoUser.scope"),
];

/// The REST property a key becomes.
fn rest(path: &str) -> Option<String> {
    let below = |place: &str| {
        path.strip_prefix(place)
            .filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    if OWN.iter().any(|own| below(own).is_some()) {
        return None;
    }
    let (root, rest) = PLACES
        .iter()
        .filter_map(|(place, root)| Some((place.len(), *root, below(place)?)))
        .max_by_key(|(length, ..)| *length)
        .map(|(_, root, rest)| (root, rest))?;
    let end = ENDS.iter().find_map(|(end, name)| {
        let front = rest.strip_suffix(end)?;
        (front.ends_with('.')).then(|| format!("{}{name}", camel(front)))
    });
    Some(format!("{root}{}", end.unwrap_or_else(|| camel(rest))))
}

/// Names that the REST API capitalises in its own way.
const NAMES: &[(&str, &str)] = &[
    (
        "dynamic_vnet_assignment_scope",
        "dynamicVNetAssignmentScope",
    ),
    ("inbound_nat_pools", "inboundNATPools"),
    (
        "public_ip_address_configuration",
        "publicIPAddressConfiguration",
    ),
    ("disk_size_gb", "diskSizeGB"),
];

fn camel(path: &str) -> String {
    let names = path.split('.').map(|part| {
        let (name, list) = match part.strip_suffix("[]") {
            Some(name) => (name, "[]"),
            None => (part, ""),
        };
        if let Some((_, special)) = NAMES.iter().find(|(snake, _)| *snake == name) {
            return format!("{special}{list}");
        }
        let mut words = name.split('_');
        let mut text = words.next().unwrap_or_default().to_owned();
        for word in words {
            let mut letters = word.chars();
            text.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            text.extend(letters);
        }
        format!("{text}{list}")
    });
    names.collect::<Vec<_>>().join(".")
}
