//! The pages about diagnostic codes: their examples are what they say they are, and `explain` shows them.

use std::path::Path;

use batchflow::diagnostic::{Diagnostic, codes, pages};
use toml::{Table, Value};

use crate::manifest::problems;
use crate::support::Workshop;

/// What is not in an example is here.
const REST: &str = r#"
name = "demo"
[containers.input]
[containers.output]
[[uploads]]
container = "input"
files = "inputs/*.txt"
[pool]
id = "demo"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "demo"
[[tasks]]
id = "one"
commands = ["date"]
[download]
container = "output"
to = "out"
"#;

/// An example and the rest of its manifest. One with a `name` and a pool is whole; so is a table with an `id`.
fn completed(example: &str) -> String {
    let Ok(mut example_table) = example.parse::<Table>() else {
        return example.to_owned();
    };
    if example_table.contains_key("name") && example_table.contains_key("pool") {
        return example.to_owned();
    }
    let vars = example.lines().take_while(|l| l.starts_with('#'));
    let vars: String = vars.map(|l| format!("{l}\n")).collect();
    let rest: Table = REST.parse().unwrap();
    fill(&mut example_table, rest);
    vars + &example_table.to_string()
}

fn fill(table: &mut Table, rest: Table) {
    for (key, value) in rest {
        match (table.get_mut(&key), value) {
            (None, value) => {
                table.insert(key, value);
            }
            (Some(Value::Table(given)), Value::Table(rest)) if !given.contains_key("id") => {
                fill(given, rest);
            }
            (Some(_), _) => {}
        }
    }
}

/// The code blocks of a page, each with the word before it.
fn examples(page: &str) -> Vec<(&str, &str)> {
    page.split("```toml\n")
        .skip(1)
        .zip(page.split("```toml\n"))
        .map(|(block, before)| {
            let word = before.trim_end().lines().last().unwrap();
            (word, block.split("```").next().unwrap())
        })
        .collect()
}

#[test]
fn examples_are_wrong_and_right_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/rejected");
    let found = |example: &str| problems(&completed(example), &folder);
    assert!(!found("").iter().any(Diagnostic::is_error));
    let mut surprises = Vec::new();
    for (code, page) in pages::pages() {
        // What a disk or a service does cannot be written down.
        let elsewhere = [
            codes::UNREADABLE_FILE,
            codes::FILE_CHANGED,
            codes::REFUSED_VALUE,
        ];
        if elsewhere.contains(&code) {
            continue;
        }
        let examples = examples(page);
        let [("Wrong:", wrong), ("Right:", right)] = examples.as_slice() else {
            panic!("{code}: {examples:?}");
        };
        let in_wrong: Vec<_> = found(wrong).iter().map(|d| d.code).collect();
        let is_whole = wrong.parse::<Table>().is_ok();
        if in_wrong != [code] && (is_whole || !in_wrong.contains(&code)) {
            surprises.push(format!("the wrong example of {code}: {:?}", found(wrong)));
        }
        if !found(right).is_empty() {
            surprises.push(format!("the right example of {code}: {:?}", found(right)));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn every_code_can_be_explained() {
    let shop = Workshop::new();
    let all = shop.run(["explain"]).ends_with(0);
    for (code, explanation) in codes::ALL {
        assert!(all.stdout().contains(code) && all.stdout().contains(explanation));
    }
    shop.run(["explain", "unknown-key"]).ends_with(0).says(&[
        "unknown-key\n\nNo such key",
        "Wrong:\n\n    [pool]\n    task_slot_per_node = 2\n",
    ]);
    shop.run(["explain", "unknown-keys"]).ends_with(64).says(&[
        "there is no code `unknown-keys`",
        "did you mean `unknown-key`?",
    ]);
    shop.run(["explain", "42"])
        .ends_with(64)
        .says(&["`batchflow explain` lists all codes"]);
}
