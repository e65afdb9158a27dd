//! The examples of the repository, inside the program, with the files that they name.

use std::path::Path;

/// The manifests of the repository, by name.
const EXAMPLES: &[(&str, &str)] = &[
    ("auto-pool", include_str!("../../manifests/auto-pool.toml")),
    ("autoscale", include_str!("../../manifests/autoscale.toml")),
    (
        "containers",
        include_str!("../../manifests/containers.toml"),
    ),
    (
        "custom-image",
        include_str!("../../manifests/custom-image.toml"),
    ),
    (
        "dependencies",
        include_str!("../../manifests/dependencies.toml"),
    ),
    (
        "exit-conditions",
        include_str!("../../manifests/exit-conditions.toml"),
    ),
    (
        "job-manager",
        include_str!("../../manifests/job-manager.toml"),
    ),
    ("matrix", include_str!("../../manifests/matrix.toml")),
    (
        "multi-instance",
        include_str!("../../manifests/multi-instance.toml"),
    ),
    (
        "output-files",
        include_str!("../../manifests/output-files.toml"),
    ),
    (
        "prep-release",
        include_str!("../../manifests/prep-release.toml"),
    ),
    ("schedule", include_str!("../../manifests/schedule.toml")),
    ("spot", include_str!("../../manifests/spot.toml")),
    ("sweep", include_str!("../../manifests/sweep.toml")),
    (
        "top-n-words",
        include_str!("../../manifests/top-n-words.toml"),
    ),
    (
        "top-n-words-folder",
        include_str!("../../manifests/top-n-words-folder.toml"),
    ),
];

/// Where the files that examples name lie, beside the manifest.
pub(super) const FOLDER: &str = "samples";

/// Folder there, file in it, text.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "sweep",
        "loans.csv",
        include_str!("../../samples/sweep/loans.csv"),
    ),
    (
        "sweep",
        "scenarios.jsonl",
        include_str!("../../samples/sweep/scenarios.jsonl"),
    ),
    (
        "top-n-words",
        "top-n-words.sh",
        include_str!("../../samples/top-n-words/top-n-words.sh"),
    ),
    (
        "top-n-words",
        "texts/bread.txt",
        include_str!("../../samples/top-n-words/texts/bread.txt"),
    ),
    (
        "top-n-words",
        "texts/chess.txt",
        include_str!("../../samples/top-n-words/texts/chess.txt"),
    ),
    (
        "top-n-words",
        "texts/cranes.txt",
        include_str!("../../samples/top-n-words/texts/cranes.txt"),
    ),
    (
        "top-n-words",
        "texts/lighthouse.txt",
        include_str!("../../samples/top-n-words/texts/lighthouse.txt"),
    ),
    (
        "top-n-words",
        "texts/printing.txt",
        include_str!("../../samples/top-n-words/texts/printing.txt"),
    ),
    (
        "top-n-words",
        "texts/tides.txt",
        include_str!("../../samples/top-n-words/texts/tides.txt"),
    ),
];

/// A manifest of the repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Example {
    pub(super) name: &'static str,
    text: &'static str,
}

/// All of them, by name.
pub(super) fn all() -> impl Iterator<Item = Example> {
    EXAMPLES.iter().map(|&(name, text)| Example { name, text })
}

pub(super) fn named(name: &str) -> Option<Example> {
    all().find(|example| example.name == name)
}

impl Example {
    /// The first sentence of its comment.
    pub(super) fn about(self) -> String {
        let comment = self.text.lines().map_while(|line| line.strip_prefix('#'));
        let paragraph = comment.map(str::trim).take_while(|line| !line.is_empty());
        let whole = paragraph.collect::<Vec<_>>().join(" ");
        let first = whole
            .split_once(". ")
            .map_or(whole.as_str(), |(first, _)| first);
        format!("{}.", first.trim_end_matches(['.', ':']))
    }

    /// Its text for a file that is not in the repository: what it names lies beside it.
    pub(super) fn manifest(self, file: &Path) -> String {
        let here = format!("manifests/{}.toml", self.name);
        self.text
            .replace("\"../samples/", "\"samples/")
            .replace("\"../out/", "\"out/")
            .replace(&here, &file.display().to_string())
    }

    /// The files that it names, by their path from the manifest.
    pub(super) fn samples(&self) -> impl Iterator<Item = (String, &'static str)> {
        let text = self.text;
        SAMPLES
            .iter()
            .filter(move |(folder, ..)| text.contains(&format!("\"../samples/{folder}/")))
            .map(|(folder, file, text)| (format!("{FOLDER}/{folder}/{file}"), *text))
    }
}
