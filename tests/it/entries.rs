//! The functions that `tests/fuzz` feeds for hours, here with their seeds and some variations of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

#[path = "../fuzz/entries.rs"]
#[allow(unreachable_pub, reason = "a crate of its own there")]
mod fuzzed;

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    let mut found: Vec<_> = fs::read_dir(folder.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    assert!(found.len() > 1, "{name}");
    found
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect()
}

/// A seed with pieces of it cut out, doubled or moved, and bytes that mean something put in.
fn variation(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    const MARKS: &[u8] = b"\0\n\"'{}[]()<>&%=,;:/\\.-+0979aZ$!\xff\xc3";
    let edit = (any::<u16>(), any::<u16>(), any::<u16>(), 0..MARKS.len());
    let edits = prop::collection::vec(edit, 0..6);
    (prop::sample::select(seeds), edits).prop_map(|(mut text, edits)| {
        for (at, from, length, mark) in edits {
            let place = |n: u16| usize::from(n) % (text.len() + 1);
            let (at, from) = (place(at), place(from));
            let to = (from + usize::from(length) % 12).min(text.len());
            match length % 3 {
                0 => drop(text.drain(from..to)),
                1 => {
                    let piece = text[from..to].to_vec();
                    drop(text.splice(at..at, piece));
                }
                _ => text.insert(at, MARKS[mark]),
            }
        }
        text
    })
}

/// How many inputs each function gets beside its seeds: the same ones each time.
fn cases() -> u32 {
    let asked = std::env::var("BATCHFLOW_ENTRY_CASES");
    asked.map_or(300, |number| number.parse().unwrap())
}

fn take_any_bytes(name: &str, entry: fn(&[u8])) {
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| entry(seed));
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let input = prop_oneof![
        4 => variation(seeds),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ];
    let outcome = runner.run(&input, |bytes| {
        entry(&bytes);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

macro_rules! entries {
    ($($name:ident,)+) => {
        $(
            #[test]
            fn $name() {
                take_any_bytes(stringify!($name), fuzzed::$name);
            }
        )+

        #[test]
        fn are_the_fuzz_targets() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/targets");
            let targets: BTreeSet<String> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            let tried = [$(stringify!($name)),+].map(|name| format!("{name}.rs"));
            assert_eq!(targets, BTreeSet::from(tried));
        }
    };
}

entries! {
    blob_xml,
    bodies,
    filter,
    formula,
    manifest,
    receipt,
    sas,
    shared_key,
    template,
}
