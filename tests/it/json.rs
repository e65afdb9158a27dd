//! Output for machines: it obeys the schemas in `docs/schemas`, and these and `docs/json.md` say what the code says.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use batchflow::report::json;
use serde_json::Value;

use crate::support::Workshop;

const MANIFEST: &str = r#"
name = "machine"
[containers.seen]
[pool]
id = "machine"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "machine"
[[tasks]]
for_each = { range = [0, 3] }
id = "task-{{item}}"
commands = ["if [ {{item}} = 2 ]; then echo broken >&2; exit 3; fi; echo {{item}} > {{item}}.txt"]
output_files = [{ pattern = "*.txt", container = "seen" }]
[download]
container = "seen"
to = "out"
"#;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The file says what the code says; `UPDATE_DOCS=1 cargo test json` makes it so.
fn hold(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, text).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == text,
        "{} is stale: `UPDATE_DOCS=1 cargo test json` corrects it",
        path.display()
    );
}

fn type_of(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str);
        return values
            .map(|v| format!("`{v}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(value) = schema["const"].as_str() {
        return format!("`{value}`");
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choices: Vec<_> = choices.iter().map(type_of).collect();
        return choices.join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}s", type_of(&schema["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.join(" or ")
        }
        _ => "object".to_owned(),
    }
}

fn referred<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    let own = schema["$ref"].as_str();
    let inner = schema["anyOf"].as_array().into_iter().flatten();
    let name = own.or_else(|| inner.filter_map(|s| s["$ref"].as_str()).next())?;
    root["$defs"].get(name.strip_prefix("#/$defs/")?)
}

fn rows(text: &mut String, path: &str, schema: &Value, root: &Value) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{name}");
        let inner = referred(field, root).or_else(|| referred(&field["items"], root));
        let description = field["description"].as_str();
        let description = description.or_else(|| inner?["description"].as_str());
        let description = description.unwrap_or_default();
        let _ = writeln!(text, "| `{path}` | {} | {description} |", type_of(field));
        if let Some(inner) = inner {
            let list = if field["type"] == "array" { "[]" } else { "" };
            rows(text, &format!("{path}{list}."), inner, root);
        }
    }
}

/// The tables of `docs/json.md`.
fn fields() -> String {
    let head = "| field | type | |\n|---|---|---|\n";
    let mut text = String::new();
    for (name, schema) in json::schemas() {
        let schema = schema.to_value();
        let about = schema["description"].as_str().unwrap_or_default();
        let _ = write!(text, "\n## {name}\n\n{about}\n\n{head}");
        rows(&mut text, "", &schema, &schema);
        for kind in schema["oneOf"].as_array().into_iter().flatten() {
            let name = kind["properties"]["type"]["const"].as_str().unwrap();
            let about = kind["description"].as_str().unwrap_or_default();
            let _ = write!(text, "\n### `{name}`\n\n{about}\n\n{head}");
            rows(&mut text, "", kind, &schema);
            if let Some(inner) = referred(kind, &schema) {
                rows(&mut text, "", inner, &schema);
            }
        }
    }
    text + "\n"
}

#[test]
fn schemas_and_their_description_are_up_to_date() {
    for (name, schema) in json::schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        hold(&docs().join(format!("schemas/{name}.json")), &text);
    }
    let path = docs().join("json.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- fields").unwrap();
    let (mark, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let fields = fields();
    hold(
        &path,
        &format!("{before}<!-- fields{mark}-->\n{fields}<!-- end -->{after}"),
    );
}

/// One document, held against its schema.
pub(crate) fn obeying(schema: &str, text: &str) -> Value {
    let value = document(text);
    obeys(&value, schema);
    value
}

fn obeys(value: &Value, schema: &str) {
    let mut schemas = json::schemas().into_iter();
    let (_, schema) = schemas.find(|(name, _)| *name == schema).unwrap();
    let mut schema = schema.to_value();
    // Readers take what they do not know; here, nothing may be there that the schema does not know.
    schema["unevaluatedProperties"] = false.into();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<_> = validator
        .iter_errors(value)
        .map(|e| e.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?} in {value:#}");
}

fn document(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1);
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_run_obeys_its_schemas_from_plan_to_end() {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    let plan = shop.run(["plan", "m.toml", "--json"]).ends_with(0);
    let plan = document(&plan.stdout());
    obeys(&plan, "plan");
    assert_eq!(plan["changes"], true);
    assert_eq!(plan["summary"]["tasks"]["run"], 3);
    assert_eq!(plan["tasks"][1]["id"], "task-1");
    assert_eq!(plan["pool"]["action"], "create");
    assert_eq!(plan["cleanup"]["pool"], "deleted_always");
    let dry = shop.run(["apply", "m.toml", "--dry-run", "--json"]);
    assert_eq!(document(&dry.ends_with(0).stdout()), plan);

    let run = shop
        .run(["apply", "m.toml", "--yes", "--json"])
        .ends_with(3);
    let lines: Vec<Value> = run.stdout().lines().map(document).collect();
    for line in &lines {
        obeys(line, "apply-event");
    }
    let of = |kind: &str| {
        lines
            .iter()
            .filter(|l| l["type"] == kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines[0]["type"], "planned");
    assert_eq!(of("step_started").len(), 7);
    assert_eq!(of("step_finished").len(), 7);
    assert_eq!(of("task_completed").len(), 3);
    let failed = of("task_failed");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["task"], "task-2");
    assert_eq!(failed[0]["exit_code"], 3);
    assert_eq!(failed[0]["stderr_tail"], "broken");
    let end = lines.last().unwrap();
    assert_eq!(end["type"], "finished");
    assert_eq!((&end["exit_code"], &end["failed"]), (&3.into(), &1.into()));

    let answer = |args: &[&str], schema: &str| {
        let args = [args, &["--json"]].concat();
        obeying(schema, &shop.run(&args).ends_with(0).stdout())
    };
    let status = answer(&["status", "m.toml"], "status");
    assert_eq!(status["tasks"]["succeeded"], 2);
    assert_eq!(status["failures"][0]["cause"], "application");
    let why = answer(&["explain", "m.toml", "task-2"], "explain");
    assert_eq!(why["failure"]["stderr_tail"], "broken");
    fs::remove_file(shop.path("out/1.txt")).unwrap();
    let home = answer(&["download", "m.toml"], "download");
    assert_eq!((&home["files"], &home["bytes"]), (&1.into(), &2.into()));
    let gone = answer(&["destroy", "m.toml", "--yes"], "destroy");
    assert_eq!(gone["resources"], 3);
    let gone = answer(&["destroy", "m.toml", "--yes"], "destroy");
    assert_eq!(gone["resources"], 0);
    let images = answer(&["images", "--local", "ubuntu-24_04-lts"], "images");
    assert_eq!(images["images"][0]["os_type"], "linux");
    let account = answer(&["account", "--local"], "account");
    assert_eq!(account["rights"][0]["allowed"], true);
}

#[test]
fn an_apply_that_cannot_begin_says_so_in_json() {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    let run = shop.run(["apply", "m.toml", "--json"]).ends_with(1);
    let lines: Vec<Value> = run.stdout().lines().map(document).collect();
    lines.iter().for_each(|line| obeys(line, "apply-event"));
    assert_eq!(lines[1]["type"], "failed");
    assert_eq!(lines[1]["help"][0], "--yes applies without asking");
    let run = shop.run(["apply", "absent.toml", "--json"]).ends_with(1);
    let failed = document(&run.stdout());
    obeys(&failed, "apply-event");
    assert_eq!(
        failed["causes"][0],
        "No such file or directory (os error 2)"
    );
}

#[test]
fn problems_obey_their_schema() {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    let fine = document(
        &shop
            .run(["validate", "m.toml", "--json"])
            .ends_with(0)
            .stdout(),
    );
    obeys(&fine, "validate");
    assert_eq!(fine["valid"], true);
    let text = MANIFEST
        .replace("vm_size", "vm_syze")
        .replace("[job]", "# ö\n[jobs]");
    shop.write("m.toml", &text);
    let run = shop.run(["validate", "m.toml", "--json"]).ends_with(4);
    assert_eq!(run.stderr(), "");
    let found = document(&run.stdout());
    obeys(&found, "validate");
    assert_eq!(found["valid"], false);
    let problem = found["diagnostics"].as_array().unwrap();
    let problem = problem
        .iter()
        .find(|p| p["message"] == "unknown key `vm_syze` in `pool`");
    let problem = problem.unwrap();
    assert_eq!(problem["code"], "unknown-key");
    assert_eq!(problem["help"], "did you mean `vm_size`?");
    let start = &problem["labels"][0]["start"];
    assert_eq!((&start["line"], &start["column"]), (&6.into(), &1.into()));
}

/// As in `batchflow plan m.toml | head -1`.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    for args in [
        &["plan", "m.toml"][..],
        &["plan", "m.toml", "--json"],
        &["explain"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = shop.command(args);
        let output = command.stdout(writer).stderr(Stdio::piped()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
    // What was begun is finished.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = shop.command(["apply", "m.toml", "--yes", "--json"]);
    assert_eq!(command.stdout(writer).status().unwrap().code(), Some(3));
    assert_eq!(shop.read("out/1.txt"), "1\n");
}
