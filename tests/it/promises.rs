//! `docs/promises.md`: every sentence names the test that holds it, and the tests exist.

use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Whether a test of this path, such as `reconcile::faults::of_a_destroy`, is in the sources.
fn exists(test: &str, files: &[(PathBuf, String)]) -> bool {
    let (module, name) = test.rsplit_once("::").unwrap_or(("", test));
    let folder = module.replace("::", "/");
    let names_it = |text: &str| text.contains(&format!("fn {name}("));
    files.iter().any(|(path, text)| {
        let place = path.with_extension("").to_string_lossy().into_owned();
        let place = place.trim_end_matches("/mod").to_owned();
        let inner = folder.trim_end_matches("/tests");
        (place.ends_with(&format!("/{folder}")) || place.ends_with(&format!("/{inner}")))
            && names_it(text)
    })
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    rust_files(&root.join("tests/it"), &mut paths);
    rust_files(&root.join("src"), &mut paths);
    let files: Vec<(PathBuf, String)> = paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    let page = fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let mut wrong = Vec::new();
    let mut promises = 0;
    for line in page.lines().filter(|l| l.starts_with("- ")) {
        promises += 1;
        let Some((_, tests)) = line.rsplit_once(" — ") else {
            wrong.push(format!("no test: {line}"));
            continue;
        };
        for test in tests.split(", ").map(|t| t.trim_matches(['`', '.'])) {
            if !exists(test, &files) {
                wrong.push(format!("no such test: {test}"));
            }
        }
    }
    assert!(promises > 20, "only {promises} promises found");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!exists("reconcile::faults::no_such_thing", &files));
    assert!(!exists("reconcile::rig::of_a_destroy", &files));
}
