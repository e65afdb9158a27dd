//! The files of a workload at one moment.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::ids::{BlobName, ContainerName};

/// Which files are to become blobs of a container: one `[[uploads]]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub container: ContainerName,
    /// Files or glob patterns, absolute or relative to the manifest's folder, each with its place in the manifest.
    pub patterns: Vec<(String, Range<usize>)>,
    /// The folder blob names are relative to; None: the fixed part of each pattern.
    pub base: Option<String>,
    /// Put before each blob name.
    pub prefix: String,
    /// Whether a pattern may match nothing.
    pub allow_empty: bool,
}

/// One file and the blob it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub container: ContainerName,
    pub blob: BlobName,
    /// Absolute.
    pub path: PathBuf,
    /// Bytes.
    pub length: u64,
    /// What blob storage keeps: for comparing with blobs.
    pub md5: [u8; 16],
    /// For digests of tasks.
    pub sha256: [u8; 32],
}

/// A list on this disk that tasks are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub kind: ListKind,
    /// A file, or a pattern over files; absolute or relative to the manifest's folder.
    pub path: String,
    /// Its place in the manifest.
    pub span: Range<usize>,
}

/// What a list lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Files that match a pattern.
    Files,
    /// Rows of a CSV or JSON Lines file.
    Rows,
}

/// Lists as they were read, by their paths as the manifest has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    files: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<String, Vec<Map<String, Value>>>,
}

impl Lists {
    pub fn add_files(&mut self, pattern: String, names: Vec<String>) {
        self.files.insert(pattern, names);
    }

    pub fn add_rows(&mut self, path: String, rows: Vec<Map<String, Value>>) {
        self.rows.insert(path, rows);
    }

    /// Names relative to the part before the first wildcard.
    pub fn files(&self, pattern: &str) -> &[String] {
        self.files.get(pattern).map_or(&[], Vec::as_slice)
    }

    pub fn rows(&self, path: &str) -> &[Map<String, Value>] {
        self.rows.get(path).map_or(&[], Vec::as_slice)
    }
}

/// All files, in the order of container and blob name, no blob twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    files: Vec<File>,
    /// Where the files of each container are.
    containers: BTreeMap<ContainerName, Range<usize>>,
    lists: Lists,
}

impl Snapshot {
    /// Takes files in any order; of two that are the same blob, the first stays.
    pub fn new(mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| (&a.container, &a.blob).cmp(&(&b.container, &b.blob)));
        files.dedup_by(|b, a| a.container == b.container && a.blob == b.blob);
        let mut containers = BTreeMap::new();
        let mut start = 0;
        for chunk in files.chunk_by(|a, b| a.container == b.container) {
            let end = start + chunk.len();
            containers.extend(chunk.first().map(|f| (f.container.clone(), start..end)));
            start = end;
        }
        Self {
            files,
            containers,
            lists: Lists::default(),
        }
    }

    /// The same, with lists.
    pub fn with_lists(self, lists: Lists) -> Self {
        Self { lists, ..self }
    }

    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The files of a container, in the order of their blob names.
    pub fn of_container(&self, container: &ContainerName) -> &[File] {
        let range = self.containers.get(container).cloned();
        range.map_or(&[], |range| &self.files[range])
    }

    /// The files of a container whose blob names begin with `prefix`.
    pub fn of_prefix(&self, container: &ContainerName, prefix: &str) -> &[File] {
        let files = self.of_container(container);
        let start = files.partition_point(|f| f.blob.as_str() < prefix);
        let length = files[start..].partition_point(|f| f.blob.as_str().starts_with(prefix));
        &files[start..start + length]
    }

    pub fn file(&self, container: &ContainerName, blob: &str) -> Option<&File> {
        let files = self.of_container(container);
        let at = files.binary_search_by(|f| f.blob.as_str().cmp(blob)).ok()?;
        files.get(at)
    }
}
