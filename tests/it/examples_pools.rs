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
