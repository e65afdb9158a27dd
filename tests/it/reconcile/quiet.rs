//! After an apply there is nothing to do, for every manifest of this repository.

use std::fs;
use std::path::Path;

use crate::support::{Workshop, files};

/// A copy of the manifests and of what they use, so that nothing is written into the source tree.
fn workshop() -> Workshop {
    let shop = Workshop::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["manifests", "samples"] {
        for name in files(&root.join(folder)).keys() {
            let to = shop.write(&format!("{folder}/{name}"), "");
            fs::copy(root.join(folder).join(name), to).unwrap();
        }
    }
    shop
}

/// The manifest with everything kept, so that the next plan compares all of it.
fn keep_everything(shop: &Workshop, manifest: &str) {
    let mut table: toml::Table = shop.read(manifest).parse().unwrap();
    let never = toml::Value::String("never".to_owned());
    let kept = ["containers", "job", "pool"].map(|k| (k.to_owned(), never.clone()));
    table.insert("cleanup".to_owned(), toml::Table::from_iter(kept).into());
    shop.write(manifest, &toml::to_string(&table).unwrap());
}

/// The summary of a plan that finds everything as it should be but for tasks that are to run.
fn only_tasks<'a>(name: &str, text: &'a str) -> &'a str {
    let summary = text.lines().nth(1).unwrap();
    for noise in ["to create", "to upload", "pool to", "to change"] {
        assert!(!summary.contains(noise), "{name}: {summary}\n{text}");
    }
    summary
}

#[test]
fn apply_then_plan_is_empty_for_every_manifest() {
    let shop = workshop();
    let names: Vec<String> = files(&shop.path("manifests")).into_keys().collect();
    let (mut manifests, mut compared) = (0, 0);
    for name in names.iter().filter(|n| n.ends_with(".toml")) {
        manifests += 1;
        let manifest = &format!("manifests/{name}");
        keep_everything(&shop, manifest);
        let applied = shop.run(["apply", manifest, "--yes"]);
        if applied
            .stderr()
            .contains("the local service does not support")
        {
            continue;
        }
        // Some show what happens when tasks fail: these run again, and nothing else is to do.
        let fails = ["exit-conditions.toml", "output-files.toml"].contains(&name.as_str());
        applied.ends_with(if fails { 3 } else { 0 });
        compared += 1;
        let planned = shop.run(["plan", manifest, "--detailed-exitcode"]);
        if fails {
            let text = planned
                .ends_with(2)
                .says(&["failed with exit code"])
                .stdout();
            only_tasks(name, &text);
            continue;
        }
        planned.ends_with(0).says(&["No changes."]);
        // Told to run everything again, it compares everything that is there.
        let text = shop
            .run(["plan", manifest, "--force"])
            .ends_with(0)
            .stdout();
        let summary = only_tasks(name, &text);
        if name == "schedule.toml" {
            // Its jobs make their tasks themselves.
            assert!(summary.starts_with("No changes."), "{text}");
            continue;
        }
        // The job ended with its tasks: the only reason to make another one.
        let other_job = summary.contains("job to replace");
        let completed = text.contains("is completed and takes no more tasks");
        assert_eq!(other_job, completed, "{name}: {text}");
        assert!(summary.contains("to run"), "{name}: {summary}");
        shop.run(["destroy", manifest, "--yes"]).ends_with(0);
        shop.run(["plan", manifest, "--detailed-exitcode"])
            .ends_with(0)
            .says(&["No changes."]);
    }
    // A custom image and containers are only planned here.
    assert_eq!(compared, manifests - 2);
}
