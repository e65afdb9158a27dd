//! The examples of pools and jobs in `manifests/`, applied as they stand; what they make is looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{Workshop, files};

/// A copy of one example, so that nothing is written into the source tree.
fn example(name: &str) -> (Workshop, String) {
    let shop = Workshop::new();
    let manifest = format!("manifests/{name}.toml");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(&manifest);
    shop.write(&manifest, &fs::read_to_string(source).unwrap());
    (shop, manifest)
}

/// The outputs of an example as text.
fn outputs(shop: &Workshop, name: &str) -> Vec<(String, String)> {
    files(&shop.path(&format!("out/{name}")))
        .into_iter()
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}

#[test]
fn an_autoscale_pool_grows_with_its_work() {
    let (shop, manifest) = example("autoscale");
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["autoscale × Standard_D2s_v5"]);
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    let outputs = outputs(&shop, "autoscale");
    let names: Vec<_> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<_> = (0..6).map(|n| format!("node-{n}.txt")).collect();
    assert_eq!(names, expected);
    // There is no node but those the formula asked for.
    let nodes: BTreeSet<_> = outputs.iter().map(|(_, node)| node).collect();
    assert!((1..=3).contains(&nodes.len()), "{nodes:?}");
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);
}

/// The samples an example reads.
fn texts(shop: &Workshop) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/top-n-words/texts");
    for (name, text) in files(&folder) {
        let path = shop.write(&format!("samples/top-n-words/texts/{name}"), "");
        fs::write(path, text).unwrap();
    }
}

#[test]
fn nodes_are_prepared_before_tasks_and_released_after() {
    let (shop, manifest) = example("prep-release");
    texts(&shop);
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["with preparation and release task"]);
    let ran = shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    assert!(!ran.stderr().contains("warning"), "{}", ran.stderr());

    let all: BTreeSet<String> = files(&shop.path("samples/top-n-words/texts"))
        .into_values()
        .flat_map(|text| {
            let text = String::from_utf8(text).unwrap().to_lowercase();
            let words = text.split(|c: char| !c.is_ascii_alphabetic());
            words.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let outputs = outputs(&shop, "prep-release");
    assert_eq!(outputs.len(), 6);
    for (name, words) in outputs {
        let length: usize = name.trim_end_matches(".txt").parse().unwrap();
        let found: BTreeSet<String> = words.lines().map(str::to_lowercase).collect();
        let expected = all.iter().filter(|w| w.len() == length).cloned().collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn failing_preparation_and_release_tasks_are_told() {
    let (shop, manifest) = example("prep-release");
    texts(&shop);
    let text = shop.read(&manifest);
    let tidy = r#"commands = ['rm "$AZ_BATCH_NODE_SHARED_DIR/words"']"#;
    assert!(text.contains(tidy));
    shop.write(
        "manifests/untidy.toml",
        &text.replace(tidy, "commands = ['echo cannot tidy >&2', 'exit 3']"),
    );
    // The outputs are whole all the same.
    shop.run(["apply", "manifests/untidy.toml", "--yes"])
        .ends_with(0)
        .says(&[
            "the release task of the job failed with exit code 3",
            "cannot tidy",
        ]);
    assert_eq!(outputs(&shop, "prep-release").len(), 6);

    let begin = text.find("commands = [\"cat").unwrap();
    let end = begin + text[begin..].find('\n').unwrap();
    let mut unprepared = text.replace("out/prep-release", "out/unprepared");
    unprepared.replace_range(begin..end, "commands = ['echo no words >&2', 'exit 4']");
    shop.write("manifests/unprepared.toml", &unprepared);
    shop.run(["apply", "manifests/unprepared.toml", "--yes"])
        .ends_with(7)
        .says(&[
            "the preparation task of job `prep-release` failed on every node, with exit code 4",
            "no words",
            "correct [job.job_preparation_task]",
        ]);
}

#[test]
fn a_job_manager_goes_before_the_tasks() {
    let (shop, manifest) = example("job-manager");
    shop.run(["plan", &manifest])
        .ends_with(0)
        .says(&["with a manager task"]);
    shop.run(["apply", &manifest, "--yes"]).ends_with(0);
    let expected: Vec<(String, String)> = (1..5)
        .map(|n| (format!("{n}.txt"), format!("{}\n", n * 12)))
        .chain([("decision.txt".to_owned(), "multiply by 12\n".to_owned())])
        .collect();
    assert_eq!(outputs(&shop, "job-manager"), expected);
    shop.run(["apply", &manifest, "--yes"])
        .ends_with(0)
        .says(&["No changes."]);

    // A manager that fails fails the run.
    let text = shop.read(&manifest);
    shop.write(
        "manifests/failing.toml",
        &text
            .replace("'echo 12 >", "'exit 5; echo 12 >")
            .replace("out/job-manager", "out/failing")
            .replace("$(cat", "$(echo 3 || cat"),
    );
    shop.run(["apply", "manifests/failing.toml", "--yes"])
        .ends_with(3)
        .says(&["manager", "exit code 5"]);
}
