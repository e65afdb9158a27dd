//! The examples of `manifests/` that are about tasks, applied as a person would, and what comes of them.

use std::fs;
use std::path::Path;

use crate::support::{Workshop, files};

/// A copy of an example with all samples, so that nothing is written into the source tree.
fn example(name: &str) -> (Workshop, String) {
    let shop = Workshop::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!("manifests/{name}.toml");
    shop.write(
        &manifest,
        &fs::read_to_string(root.join(&manifest)).unwrap(),
    );
    for (sample, _) in files(&root.join("samples")) {
        let path = shop.write(&format!("samples/{sample}"), "");
        fs::copy(root.join("samples").join(&sample), path).unwrap();
    }
    (shop, manifest)
}

fn words(text: &[u8]) -> usize {
    String::from_utf8_lossy(text).split_whitespace().count()
}

#[test]
fn map_then_reduce() {
    let (shop, manifest) = example("dependencies");
    let texts = "samples/top-n-words/texts";
    let total = |shop: &Workshop| {
        let texts = files(&shop.path(texts));
        texts.values().map(|t| words(t)).sum::<usize>()
    };
    let got = |shop: &Workshop| shop.read("out/dependencies/total").trim().to_owned();
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["8 tasks done"]);
    assert_eq!(got(&shop), total(&shop).to_string());
    assert_eq!(shop.read("out/dependencies/done"), "counted\n");
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);

    // One text changes: its count and what depends on it run again, on the counts that are there.
    shop.write(&format!("{texts}/bread.txt"), "flour water salt");
    shop.run(["apply", &manifest, "--yes"]).ends_with(0).says(&[
        "3 to run, 5 up to date",
        "1 of 8 to run: input changed",
        "2 of 8 to run: a task it depends on runs",
    ]);
    assert_eq!(got(&shop), total(&shop).to_string());

    // The last step's output is gone, everything else is there.
    fs::remove_file(shop.path("out/dependencies/done")).unwrap();
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    assert_eq!(shop.read("out/dependencies/done"), "counted\n");

    // Without the counts in storage, they are made again before they are added up.
    shop.run(["destroy", &manifest, "--yes"]).ends_with(0);
    fs::remove_file(shop.path("out/dependencies/total")).unwrap();
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["its outputs are read again and not in storage"]);
    assert_eq!(got(&shop), total(&shop).to_string());
    shop.run(["destroy", &manifest, "--yes"]).ends_with(0);
}

#[test]
fn exit_conditions_and_retries() {
    let (shop, manifest) = example("exit-conditions");
    shop.run(["apply", &manifest, "--yes"]).ends_with(3).says(&[
        "failed task optional: exit code 3",
        "failed task broken: exit code 9",
        "the input is not a table",
        "2 tasks done, 0 up to date, 2 failed",
        "1 task: application (exit code 9); the end of its stderr is above",
        "1 task never ran: what they depend on failed",
    ]);
    let out = files(&shop.path("out/exit-conditions"));
    assert_eq!(out["flaky.txt"], b"3\n");
    assert_eq!(out["after-optional.txt"], b"went on\n");
    assert_eq!(out.len(), 2);

    // Repaired, the rest runs: in the job that waited for it.
    let repaired = shop.read(&manifest).replace("\"exit 9\"", "\"exit 0\"");
    shop.write(&manifest, &repaired.replace("[\"exit 3\"]", "[\"exit 0\"]"));
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["0 failed"]);
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);
}

#[test]
fn exit_conditions_that_act_on_the_job() {
    for (action, says) in [
        (
            "terminate",
            "The exit conditions of a failed task ended the job",
        ),
        (
            "disable",
            "The exit conditions of a failed task disabled the job",
        ),
    ] {
        let (shop, manifest) = example("exit-conditions");
        let text = shop.read(&manifest).replace(
            "job_action = \"none\", dependency_action = \"block\"",
            &format!("job_action = \"{action}\""),
        );
        shop.write(&manifest, &text);
        shop.run(["apply", &manifest, "--yes"])
            .ends_with(3)
            .says(&["failed task broken: exit code 9", says]);
        shop.write(
            &manifest,
            &text.replace("exit 9", "exit 0").replace("exit 3", "exit 0"),
        );
        shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    }
}

#[test]
fn a_sweep_over_rows() {
    let (shop, manifest) = example("sweep");
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["11 tasks done"]);
    let mut expected = vec!["calm 0".to_owned(), "storm 2.5".to_owned()];
    for (name, amount, rate, years) in [
        ("bicycle", 1200.0_f64, 4.5, 2),
        ("car", 18000.0, 3.9, 5),
        ("house", 250_000.0, 2.1, 30),
    ] {
        for shift in 0..if name == "bicycle" { 2 } else { 3 } {
            let due = amount * (1.0 + (rate + f64::from(shift)) / 100.0).powi(years);
            expected.push(format!("{name} {shift} {due:.2}"));
        }
    }
    expected.sort();
    let report = shop.read("out/sweep/report.txt");
    let mut lines: Vec<&str> = report.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, expected);

    // One row changes: its three tasks and the report run again, and no others.
    let table = "samples/sweep/loans.csv";
    shop.write(table, &shop.read(table).replace("18000", "19000"));
    shop.run(["plan", &manifest]).ends_with(0).says(&[
        "4 to run, 7 up to date",
        "3 of 11 to run: command changed",
        "1 of 11 to run: a task it depends on runs",
    ]);
    shop.write(table, &shop.read(table).replace("rate,", "interest,"));
    shop.run(["validate", &manifest])
        .ends_with(4)
        .says(&["`item.rate` is not defined for every item", "sweep.toml"]);
}

#[test]
fn every_combination() {
    let (shop, manifest) = example("matrix");
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    let out = files(&shop.path("out/matrix"));
    let mut expected = std::collections::BTreeMap::new();
    let mut add = |path: String, text: String| expected.insert(path, (text + "\n").into_bytes());
    let count = |text: &str, letter| text.matches(letter).count().to_string();
    for (name, text) in files(&shop.path("samples/top-n-words/texts")) {
        let stem = name.trim_end_matches(".txt");
        let text = String::from_utf8(text).unwrap();
        if stem.contains('e') {
            let folded = text.to_ascii_lowercase();
            add(format!("{stem}/a-keep"), count(&text, 'a'));
            add(format!("{stem}/a-fold"), count(&folded, 'a'));
            add(format!("{stem}/e-keep"), count(&text, 'e'));
        }
        if stem.starts_with('t') {
            add(format!("names/{stem}"), name.clone());
        }
    }
    for (path, text) in [
        ("frames/008", "008"),
        ("frames/011", "011"),
        ("cities/NO", "Oslo"),
        ("cities/IT", "Rome"),
        ("values/0", "plain text"),
        ("values/1", "7"),
    ] {
        add(path.to_owned(), text.to_owned());
    }
    assert!(expected.len() > 12);
    assert_eq!(out, expected);
}

#[test]
fn several_nodes_at_once() {
    let (shop, manifest) = example("multi-instance");
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    let text = fs::read(shop.path("samples/top-n-words/texts/bread.txt")).unwrap();
    assert_eq!(shop.read("out/multi-instance/hosts").trim(), "3");
    assert_eq!(
        shop.read("out/multi-instance/first").trim(),
        words(&text).to_string()
    );
}

#[test]
fn output_files_by_condition() {
    let (shop, manifest) = example("output-files");
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(3)
        .says(&["failed task divide-by-0", "2 tasks done"]);
    let out = files(&shop.path("out/output-files"));
    let names: Vec<&str> = out.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "faults/0/trace.log",
            "logs/0/stderr.txt",
            "logs/0/stdout.txt",
            "logs/3/stderr.txt",
            "logs/3/stdout.txt",
            "logs/8/stderr.txt",
            "logs/8/stdout.txt",
            "results/3/deep/quotient.txt",
            "results/8/deep/quotient.txt",
        ]
    );
    assert_eq!(out["results/3/deep/quotient.txt"], b"8\n");
}

#[test]
fn containers_are_planned_and_refused_locally() {
    let (shop, manifest) = example("containers");
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["2 to run"]);
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(1)
        .says(&["containerConfiguration"]);
}

/// Each cause has its name, the service's code and what to do.
#[test]
fn failures_carry_their_cause() {
    let shop = Workshop::new();
    shop.write(
        "m.toml",
        r#"
name = "causes"
[containers.causes]
[pool]
id = "causes"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
task_slots_per_node = 4
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "causes"
[[tasks]]
id = "absent-file"
command_line = "true"
resource_files = [{ container = "causes", blob = "absent" }]
[[tasks]]
id = "absent-program"
command_line = "no-such-program"
[[tasks]]
id = "too-slow"
command_line = "sleep 60"
constraints = { max_wall_clock_time = "1s" }
[[tasks]]
id = "wrong"
commands = "exit 7"
"#,
    );
    shop.run(["apply", "m.toml", "--yes"]).ends_with(3).says(&[
        "4 failed",
        "1 task: scheduling (BlobNotFound); a file in `resource_files` is not in its container",
        "1 task: scheduling (CommandProgramNotFound); the program is not on the node",
        "1 task: constraint (TaskEnded); it took longer than `constraints.max_wall_clock_time`",
        "1 task: application (exit code 7)",
    ]);
}
