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

#[test]
fn apply_then_plan_is_empty_for_every_manifest() {
    let shop = workshop();
    let names: Vec<String> = files(&shop.path("manifests")).into_keys().collect();
    let manifests: Vec<_> = names.iter().filter(|n| n.ends_with(".toml")).collect();
    assert!(manifests.len() >= 2, "{names:?}");
    let mut compared = 0;
    for name in manifests {
        let manifest = &format!("manifests/{name}");
        keep_everything(&shop, manifest);
        let applied = shop.run(["apply", manifest, "--yes"]);
        if applied
            .stderr()
            .contains("the local service does not support")
        {
            continue;
        }
        applied.ends_with(0);
        compared += 1;
        shop.run(["plan", manifest, "--detailed-exitcode"])
            .ends_with(0)
            .says(&["No changes."]);
        // Told to run everything again, it compares everything that is there.
        let forced = shop.run(["plan", manifest, "--force"]).ends_with(0);
        let text = forced.stdout();
        let summary = text.lines().nth(1).unwrap();
        for noise in ["to create", "to upload", "pool to", "to change"] {
            assert!(!summary.contains(noise), "{name}: {summary}\n{text}");
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
    assert!(compared >= 2);
}
