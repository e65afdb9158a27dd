//! The table of docs/manifest.md is made from the code's own keys: `UPDATE_DOCS=1 cargo test manifest_keys`
//! writes it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use batchflow::desired::{Access, compile};
use batchflow::diagnostic::codes;
use batchflow::inputs::Snapshot;
use batchflow::manifest::{Key, keys, load, schema};
use batchflow::wire::time::Time;
use serde_json::Value;

use crate::support::Workshop;

/// One table for each part of the manifest.
fn tables() -> String {
    let mut text = String::new();
    let mut part = String::new();
    for key in keys() {
        let top = key.path.split(['.', '[']).next().unwrap();
        if top != part {
            part = top.to_owned();
            write!(
                text,
                "\n## `{part}`\n\n{}\n\n| key | type | default | limit | REST property | |\n|---|---|---|---|---|---|\n",
                key.about
            )
            .unwrap();
        }
        row(&mut text, &key);
    }
    text + "\n"
}

fn row(text: &mut String, key: &Key) {
    let code = |text: &Option<String>| text.as_ref().map_or_else(String::new, |t| format!("`{t}`"));
    let default = match (&key.default, key.required) {
        (Some(default), _) => default.clone(),
        (None, true) => "required".to_owned(),
        (None, false) => String::new(),
    };
    let cells = [
        format!("`{}`", key.path),
        key.kind.clone(),
        default,
        key.limit.clone().unwrap_or_default(),
        code(&key.rest),
        key.about.clone(),
    ];
    let cells = cells.map(|c| c.replace('|', "\\|"));
    writeln!(text, "| {} |", cells.join(" | ")).unwrap();
}

#[test]
fn the_page_lists_every_key() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md");
    let text = fs::read_to_string(&page).unwrap();
    let begin = "<!-- keys: made by tests/it/manifest_keys.rs -->\n";
    let start = text.find(begin).unwrap() + begin.len();
    let end = start + text[start..].find("<!-- end -->").unwrap();
    let tables = tables();
    if text[start..end] == tables {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(page, format!("{}{tables}{}", &text[..start], &text[end..])).unwrap();
    }
    panic!("docs/manifest.md is stale: `UPDATE_DOCS=1 cargo test manifest_keys` corrects it");
}

/// The schema in the repository is the one that the program prints.
#[test]
fn the_schema_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/manifest.json");
    let printed = Workshop::new().run(["schema"]).ends_with(0).stdout();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(path, printed).unwrap();
    }
    assert!(
        fs::read_to_string(path).is_ok_and(|text| text == printed),
        "docs/schemas/manifest.json is stale: `UPDATE_DOCS=1 cargo test manifest_keys` corrects it"
    );
}

/// An editor that goes by the schema accepts every manifest of the repository, and points at keys that are unknown,
/// missing or of the wrong type.
#[test]
fn the_schema_tells_right_from_wrong() {
    let schema = schema();
    jsonschema::meta::validate(schema).unwrap();
    let validator = jsonschema::validator_for(schema).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut good = manifests(&root.join("manifests"));
    good.push(root.join("tests/it/data/every-key.toml"));
    for path in good {
        let problems: Vec<String> = validator
            .iter_errors(&as_json(&path).unwrap())
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
    let mut refused = 0;
    for path in manifests(&root.join("tests/it/data/rejected")) {
        let text = fs::read_to_string(&path).unwrap();
        let (_, found) = load(&text, &[]);
        let of_shape = found.iter().any(|d| {
            d.code == codes::UNKNOWN_KEY
                || (d.code == codes::UNKNOWN_VALUE && d.message.contains(" cannot be "))
        });
        if of_shape && let Some(value) = as_json(&path) {
            assert!(!validator.is_valid(&value), "{}", path.display());
            refused += 1;
        }
    }
    assert!(refused >= 5, "only {refused} wrong manifests");
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// None: it is not even TOML.
fn as_json(path: &Path) -> Option<Value> {
    let value: toml::Value = toml::from_str(&fs::read_to_string(path).unwrap()).ok()?;
    serde_json::to_value(value).ok()
}

/// Whether a body has a property: in any element, where there are lists.
fn has(body: &Value, path: &str) -> bool {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, is_list) = match name.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (name, false),
    };
    // A table of names becomes a list of names and values.
    if name == "*" {
        return body.as_array().is_some_and(|list| !list.is_empty());
    }
    let value = &body[name];
    match (is_list, rest) {
        (_, "") => !value.is_null(),
        (true, rest) => value
            .as_array()
            .is_some_and(|list| list.iter().any(|item| has(item, rest))),
        (false, rest) => has(value, rest),
    }
}

/// The REST properties of the table are those of the bodies that are sent.
#[test]
fn keys_become_the_properties_the_page_says() {
    let text = include_str!("data/every-key.toml");
    let (manifest, _) = load(text, &[]);
    let desired = compile(&manifest.unwrap(), &Snapshot::default(), Path::new("")).unwrap();
    let urls = |_: Access<'_>| "https://example.org/?sas".to_owned();
    let pool = serde_json::to_value(desired.pool.body("agent", &urls)).unwrap();
    let job = serde_json::to_value(desired.job_body("", Time::from_ticks(0), &urls)).unwrap();
    let mut seen = 0;
    for key in keys() {
        let Some((resource, property)) = key.rest.as_deref().and_then(|r| r.split_once('.')) else {
            continue;
        };
        let body = match resource {
            "pool" => &pool,
            "job" => &job,
            _ => continue,
        };
        // Each excludes a key that is there.
        if ABSENT.contains(&key.path.as_str()) {
            continue;
        }
        assert!(
            has(body, property),
            "`{}` is said to become `{property}`, which is not in {body:#}",
            key.path
        );
        seen += 1;
    }
    assert!(seen > 25, "only {seen} keys");
}

/// Keys of the pool and the job that every-key.toml cannot hold beside the others.
const ABSENT: &[&str] = &[
    "pool.image.virtual_machine_image_id",
    "pool.auto_pool",
    "pool.auto_pool.pool_lifetime_option",
    "pool.auto_scale_formula",
    "pool.auto_scale_evaluation_interval",
    // Patched in when all tasks are there.
    "job.on_all_tasks_complete",
];
