//! Manifests as people write them: those that are accepted, and those that are not with the report each gets.

use batchflow::manifest;

#[test]
fn the_demo_is_accepted() {
    let text = include_str!("../../manifests/top-n-words.toml");
    let (manifest, diagnostics) = manifest::load(text, &[]);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(manifest.unwrap().tasks.len(), 1);
}
