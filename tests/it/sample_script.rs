//! The demo's script against a computation of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/top-n-words")
}

fn run(arguments: &[&str]) -> Output {
    Command::new(samples().join("top-n-words.sh"))
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

fn top(text: &[u8], most: usize) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in text
        .split(|b| !b.is_ascii_alphabetic())
        .filter(|w| !w.is_empty())
    {
        *counts
            .entry(String::from_utf8_lossy(word).to_ascii_lowercase())
            .or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    counts
        .iter()
        .take(most)
        .map(|(word, count)| format!("{count} {word}\n"))
        .collect()
}

#[test]
fn the_script_counts_right() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("-odd 'name' ä.txt");
    fs::write(&odd, "Été, été; naïve don't DON'T 3rd x\r\n\0b b").unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let texts = fs::read_dir(samples().join("texts"))
        .unwrap()
        .map(|e| e.unwrap().path());
    let files: Vec<PathBuf> = texts.chain([odd, empty]).collect();
    assert!(files.len() >= 7);
    for file in files {
        let text = fs::read(&file).unwrap();
        for most in [1, 3, 1000] {
            let output = run(&[file.to_str().unwrap(), &most.to_string()]);
            assert!(output.status.success(), "{output:?}");
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                top(&text, most),
                "{}",
                file.display()
            );
        }
    }
}

#[test]
fn wrong_arguments_are_told_the_usage() {
    for arguments in [
        &[][..],
        &["x"],
        &["x", "0"],
        &["x", "many"],
        &["x", "-1"],
        &["x", "1", "2"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).starts_with("usage: top-n-words.sh FILE N")
        );
    }
    let missing = run(&["/nowhere", "3"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot read /nowhere"));
}
