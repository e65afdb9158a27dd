//! Digests of what was asked for. They are the same for the same manifest and the same files on every machine: no
//! absolute path, account, key or time goes in.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Input, InputSource, Output};
use crate::ids::ContainerName;
use crate::inputs::snapshot::Snapshot;

/// Changes when what is hashed does, which makes every task run again.
const VERSION: &str = "batchflow 1";

/// The start of a digest; 16 digits in lower-case hex where it is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Part([u8; 8]);

/// Text that is no start of a digest.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the start of a digest")]
pub struct NotAPart(String);

impl TryFrom<String> for Part {
    type Error = NotAPart;

    fn try_from(text: String) -> Result<Self, NotAPart> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or(NotAPart(text))
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        HEXLOWER.encode(&part.0)
    }
}

/// A canonical serialisation, hashed on its way: each field with its name and length, so that no two ways to fill
/// them give the same bytes.
#[derive(Clone)]
pub(super) struct Canon(Sha256);

impl Canon {
    pub(super) fn new(kind: &str) -> Self {
        let mut canon = Self(Sha256::new());
        canon.field(VERSION, kind);
        canon
    }

    pub(super) fn field(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        for part in [name.as_bytes(), value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// An absent value is not an empty one.
    pub(super) fn option(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.field(name, value),
            None => self.field("absent", name),
        }
    }

    pub(super) fn input(&mut self, input: &Input, contents: &mut Contents<'_>) {
        self.option("file path", input.file_path.as_deref());
        self.option("file mode", input.file_mode.as_deref());
        match &input.source {
            InputSource::Container { container, prefix } => {
                self.field(
                    "files",
                    contents.below(container, prefix.as_deref().unwrap_or_default()),
                );
            }
            InputSource::Blob { container, blob } => {
                match contents.snapshot.file(container, blob.as_str()) {
                    Some(file) => self.field("content", file.sha256),
                    // Not a file of ours: its name is all there is to know.
                    None => self.field("blob", format!("{container}/{blob}")),
                }
            }
            InputSource::Url(url) => {
                // The query may be a signature, which differs from day to day.
                let (address, _) = url.split_once('?').unwrap_or((url, ""));
                self.field("url", address);
            }
        }
    }

    /// Where an input comes from by name, whatever it holds.
    pub(super) fn source(&mut self, source: &InputSource) {
        match source {
            InputSource::Container { container, prefix } => {
                self.field("from container", container.as_str());
                self.option("prefix", prefix.as_deref());
            }
            InputSource::Blob { container, blob } => {
                self.field("from container", container.as_str());
                self.field("blob", blob.as_str());
            }
            InputSource::Url(url) => self.field("from", url),
        }
    }

    pub(super) fn output(&mut self, output: &Output) {
        self.field("pattern", &output.pattern);
        self.field("to", output.container.as_str());
        self.option("path", output.path.as_deref());
        self.field("condition", output.condition.as_str());
    }

    /// The first bytes: enough to tell that something changed.
    pub(super) fn start(self) -> Part {
        let digest: [u8; 32] = self.0.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Part([a, b, c, d, e, f, g, h])
    }

    /// Lower-case hex.
    pub(super) fn finish(self) -> String {
        HEXLOWER.encode(&self.0.finalize())
    }
}

/// Digests of the files that containers hold, each computed once.
pub(super) struct Contents<'a> {
    snapshot: &'a Snapshot,
    known: std::collections::HashMap<(ContainerName, String), String>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            known: std::collections::HashMap::new(),
        }
    }

    fn below(&mut self, container: &ContainerName, prefix: &str) -> &str {
        let snapshot = self.snapshot;
        self.known
            .entry((container.clone(), prefix.to_owned()))
            .or_insert_with(|| {
                let mut canon = Canon::new("files");
                let files = snapshot.of_prefix(container, prefix);
                if files.is_empty() {
                    canon.field("container", container.as_str());
                    canon.field("prefix", prefix);
                }
                for file in files {
                    canon.field(file.blob.as_str(), file.sha256);
                }
                canon.finish()
            })
    }
}
