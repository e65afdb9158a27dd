//! Manifests as people write them: those that are accepted, and those that are not with the report each gets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use batchflow::desired;
use batchflow::diagnostic::{Diagnostic, codes};
use batchflow::inputs::{read_lists, scan};
use batchflow::manifest;
use batchflow::report::diagnostic::render;
use batchflow::report::width::columns;
use serde_json::Value;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data")
}

/// `# --var name=value` lines at the top of a manifest stand for the command line.
fn settings(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map_while(|line| line.strip_prefix("# --var "))
        .filter_map(|setting| setting.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Everything that is found before anything is made: each pass only when the one before found no error.
pub(crate) fn problems(text: &str, folder: &Path) -> Vec<Diagnostic> {
    let (manifest, mut found) = manifest::load(text, &settings(text));
    let Some(manifest) = manifest else {
        return found;
    };
    let (snapshot, diagnostics) = scan(
        &desired::sources(&manifest),
        folder,
        None,
        batchflow::clock::now(),
    );
    let (lists, unreadable) = read_lists(&desired::lists(&manifest), folder);
    let readable = diagnostics.is_empty() && unreadable.is_empty();
    found.extend(diagnostics);
    found.extend(unreadable);
    let snapshot = snapshot.with_lists(lists);
    if readable {
        found.extend(
            desired::compile(&manifest, &snapshot, folder)
                .err()
                .unwrap_or_default(),
        );
    }
    found
}

/// Each `NAME.toml` has its report in `NAME.txt`. After a change that is meant: `BLESS=1 cargo test rejected`.
#[test]
fn rejected_manifests_get_their_reports() {
    let folder = data().join("rejected");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    assert!(paths.len() >= 60);
    let mut with_several = 0;
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let found = problems(&text, &folder);
        assert!(found.iter().any(Diagnostic::is_error), "{name} is accepted");
        with_several += usize::from(found.len() > 1);
        for diagnostic in &found {
            seen.insert(diagnostic.code);
            assert!(
                codes::ALL.iter().any(|(code, _)| *code == diagnostic.code),
                "{}",
                diagnostic.code
            );
            for label in &diagnostic.labels {
                assert!(
                    text.get(label.span.clone()).is_some(),
                    "{name}: {diagnostic:?}"
                );
            }
        }
        let report = render(&found, &name, &text, false, None);
        let expected = path.with_extension("txt");
        if bless {
            fs::write(&expected, &report).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != report {
            wrong.push(format!("{name} now gets:\n{report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(with_several >= 30, "{with_several}");
    // These need a disk that misbehaves, a file name no repository should hold, or a service.
    let elsewhere = [
        codes::UNREADABLE_FILE,
        codes::FILE_CHANGED,
        codes::REFUSED_VALUE,
    ];
    for (code, _) in codes::ALL {
        assert!(
            seen.contains(code) || elsewhere.contains(code),
            "no rejected manifest shows `{code}`"
        );
    }
}

/// On any terminal: no line is wider, unless it is one word, and nothing that is said is left out.
#[test]
fn reports_fit_the_terminal() {
    let folder = data().join("rejected");
    let words = |text: &str| {
        let words = text.split_whitespace().map(str::to_owned);
        words.collect::<BTreeSet<String>>()
    };
    for path in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let found = problems(&text, &folder);
        for width in [1, 20, 40, 80, 200] {
            let report = render(&found, "m.toml", &text, false, Some(width));
            for line in report.lines() {
                let is_word = !line.trim().contains(' ');
                assert!(
                    columns(line) <= width || is_word,
                    "{}, {width} columns: {line}",
                    path.display()
                );
            }
            let shown = words(&report);
            for said in &found {
                let help = said.help.as_deref().unwrap_or_default();
                let lost: Vec<_> = words(&said.message)
                    .union(&words(help))
                    .filter(|word| !shown.contains(*word))
                    .cloned()
                    .collect();
                assert!(lost.is_empty(), "{}, {width}: {lost:?}", path.display());
            }
        }
    }
}

#[test]
fn a_report_on_narrow_terminals() {
    let text = "name = \"m\"\n[pool]\nid = \"m\"\nvm_size = \"Standard_D2s_v5\"\ntarget_dedicated_nodes = 1\nimage = { publisher = \"canonical\", offer = \"ubuntu-24_04-lts\", skew = \"server\" }\n[job]\nid = \"m\"\n[[tasks]]\nid = \"a\"\ncommands = [\"date\"]\n";
    let (_, found) = manifest::load(text, &[]);
    let at = |width| render(&found, "m.toml", text, false, Some(width));
    let all: String = [20, 40, 80, 200]
        .map(|w| format!("=== {w}\n{}", at(w)))
        .concat();
    insta::assert_snapshot!(all);
}

#[test]
fn the_same_report_in_colour_says_the_same() {
    let text = "name = \"a b\"\n";
    let (_, found) = manifest::load(text, &[]);
    let coloured = render(&found, "x.toml", text, true, None);
    assert!(coloured.contains('\u{1b}'));
    assert!(!render(&found, "x.toml", text, false, None).contains('\u{1b}'));
}

fn keys_of_schema(schema: &Value, root: &Value, path: &str, keys: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|r| r.strip_prefix("#/$defs/"))
    {
        return keys_of_schema(&root["$defs"][name], root, path, keys);
    }
    for schema in ["anyOf", "oneOf"]
        .iter()
        .filter_map(|k| schema[k].as_array())
        .flatten()
    {
        keys_of_schema(schema, root, path, keys);
    }
    keys_of_schema_opt(schema.get("items"), root, path, keys);
    keys_of_schema_opt(
        schema.get("additionalProperties"),
        root,
        &format!("{path}.*"),
        keys,
    );
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        assert!(
            schema["description"].is_string(),
            "`{path}` has no description"
        );
        keys.insert(path.clone());
        keys_of_schema(schema, root, &path, keys);
    }
}

fn keys_of_schema_opt(
    schema: Option<&Value>,
    root: &Value,
    path: &str,
    keys: &mut BTreeSet<String>,
) {
    if let Some(schema) = schema.filter(|s| s.is_object()) {
        keys_of_schema(schema, root, path, keys);
    }
}

fn keys_of_value(value: &toml::Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                for path in [format!("{path}.{key}"), format!("{path}.*")] {
                    keys.insert(path.clone());
                    keys_of_value(value, &path, keys);
                }
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|v| keys_of_value(v, path, keys)),
        _ => {}
    }
}

/// A manifest that uses every key there is: accepted, and complete.
#[test]
fn every_key_is_accepted() {
    let text = fs::read_to_string(data().join("every-key.toml")).unwrap();
    let (manifest, found) = manifest::load(&text, &[]);
    assert_eq!(
        found,
        [],
        "{}",
        render(&found, "every-key.toml", &text, false, None)
    );
    assert_eq!(manifest.unwrap().tasks.len(), 7);
    let mut used = BTreeSet::new();
    keys_of_value(&toml::from_str(&text).unwrap(), "", &mut used);
    let mut known = BTreeSet::new();
    keys_of_schema(manifest::schema(), manifest::schema(), "", &mut known);
    // Each excludes a key that is there.
    used.insert(".pool.image.virtual_machine_image_id".to_owned());
    used.insert(".pool.auto_scale_formula".to_owned());
    used.insert(".pool.auto_scale_evaluation_interval".to_owned());
    used.extend(
        known
            .iter()
            .filter(|k| k.starts_with(".pool.auto_pool"))
            .cloned(),
    );
    used.insert(".pool.start_task.command_line".to_owned());
    for task in ["preparation", "manager"] {
        used.insert(format!(".job.job_{task}_task.command_line"));
    }
    used.insert(".job.job_release_task.commands".to_owned());
    // It excludes tasks.
    used.extend(known.iter().filter(|k| k.starts_with(".schedule")).cloned());
    // A pool takes tasks of several slots or tasks of several nodes, not both; the example has these keys.
    let several_nodes = |key: &&String| key.contains(".multi_instance_settings");
    let unused: Vec<_> = known
        .difference(&used)
        .filter(|k| !several_nodes(k))
        .collect();
    assert!(unused.is_empty(), "not in every-key.toml: {unused:?}");
    assert!(known.len() > 60);
}

#[test]
fn vars_are_overridden_in_their_own_type() {
    let text = fs::read_to_string(data().join("every-key.toml")).unwrap();
    let set = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        manifest::load(&text, &pairs)
    };
    let (manifest, found) = set(&[
        ("top", "5"),
        ("where", "other folder"),
        ("exact", "false"),
        ("share", "1"),
    ]);
    assert_eq!(found, []);
    let manifest = manifest.unwrap();
    assert_eq!(manifest.vars["top"], manifest::Scalar::Integer(5));
    assert_eq!(manifest.vars["share"], manifest::Scalar::Float(1.0));
    assert_eq!(manifest.uploads[1].files[0].value, "other folder/**/*.csv");
    for (name, value) in [("top", "x"), ("exact", "yes"), ("share", "half")] {
        assert_eq!(
            set(&[(name, value)]).1[0].code,
            codes::INVALID_VAR,
            "{name}"
        );
    }
}

/// Where a string is written without escapes, a name is pointed at exactly; elsewhere, the whole string.
#[test]
fn names_in_templates_are_pointed_at() {
    for (written, pointed) in [
        (r#""a-{{vars.oops}}""#, "vars.oops"),
        (r"'a-{{ vars.oops }}'", "vars.oops"),
        ("\"\"\"\nä {{vars.top}}\nb {{vars.oops}}\"\"\"", "vars.oops"),
        ("'''{{#if vars.oops}}x{{/if}}'''", "vars.oops"),
        (
            r#""{{#if vars.top}}ü{{else}}{{vars.oops}}{{/if}}""#,
            "vars.oops",
        ),
        (r#""\t{{vars.oops}}""#, r#""\t{{vars.oops}}""#),
    ] {
        let text = fs::read_to_string(data().join("every-key.toml")).unwrap();
        let text = text.replacen(
            "display_name = \"a pool\"",
            &format!("display_name = {written}"),
            1,
        );
        let (_, found) = manifest::load(&text, &[]);
        let [diagnostic] = found.as_slice() else {
            panic!("{written}: {found:?}")
        };
        assert_eq!(diagnostic.code, codes::UNDEFINED_VARIABLE);
        assert_eq!(
            &text[diagnostic.labels[0].span.clone()],
            pointed,
            "{written}"
        );
    }
}

/// Whatever stands in a file, reading it ends with a manifest or with messages whose places are in the file.
#[test]
fn mutilated_manifests_never_panic() {
    let text = fs::read_to_string(data().join("every-key.toml")).unwrap();
    let marks = [
        "",
        "\"",
        "{{",
        "}}",
        "]",
        "= 1",
        "\n[",
        "ä",
        "'''",
        "{{id ",
        "{{#if x}}",
        "\u{0}",
    ];
    for (at, _) in text.char_indices().step_by(7) {
        for mark in [marks[at % marks.len()], marks[at / 7 % marks.len()]] {
            let mut cut = text.clone();
            let end = (at + at % 5..)
                .find(|i| *i >= text.len() || text.is_char_boundary(*i))
                .unwrap()
                .min(text.len());
            cut.replace_range(at..end, mark);
            let (manifest, found) = manifest::load(&cut, &[]);
            assert!(manifest.is_some() != found.iter().any(Diagnostic::is_error));
            for label in found.iter().flat_map(|d| &d.labels) {
                assert!(cut.get(label.span.clone()).is_some(), "{:?}", label);
            }
            assert_eq!(
                render(&found, "x", &cut, false, None).is_empty(),
                found.is_empty()
            );
        }
    }
}

/// The lines around a problem are shown; passwords in them are not.
#[test]
fn reports_show_no_passwords() {
    let text = "[[pool.user_accounts]]\nname = 3\npassword = \"hush ✓\"\naccount_key='key'\nsas_key = \"{{vars.sas}}\"\n";
    let (_, found) = manifest::load(text, &[]);
    let report = render(&found, "x.toml", text, false, None);
    assert!(report.contains("password = \"********\""), "{report}");
    assert!(
        !report.contains("hush") && !report.contains("'key'"),
        "{report}"
    );
    let all = "sas_key = 1\nsas_key = \"{{vars.sas}}\"\n";
    let (_, found) = manifest::load(all, &[]);
    assert!(render(&found, "x.toml", all, false, None).contains("{{vars.sas}}"));
}
