//! What is kept of containers, blobs and blocks, and how it goes to disk and back.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::BlobStorage;
use super::lease::Lease;
use crate::service::core::effect::ExtentId;
use crate::wire::blob::block::BlockId;
use crate::wire::blob::condition::Validators;
use crate::wire::time::Time;

/// User metadata by name, in lower case.
pub(in crate::service) type Metadata = BTreeMap<String, String>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::service) struct Container {
    pub(in crate::service) modified: Time,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::service) metadata: Metadata,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) lease: Option<Lease>,
}

/// The headers that describe content and come back with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::service) struct ContentHeaders {
    /// None is `application/octet-stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) cache_control: Option<String>,
    /// Base64. A blob of blocks has one only if its writer gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) content_md5: Option<String>,
}

/// A blob without its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::service) struct Properties {
    pub(in crate::service) created: Time,
    pub(in crate::service) modified: Time,
    /// In bytes.
    pub(in crate::service) length: u64,
    #[serde(default)]
    pub(in crate::service) headers: ContentHeaders,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::service) metadata: Metadata,
    /// Where the content came from, if it was copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) copy: Option<CopyRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) lease: Option<Lease>,
}

/// A copy that has been made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::service) struct CopyRecord {
    pub(in crate::service) id: String,
    /// The URL of the source without its query.
    pub(in crate::service) source: String,
    pub(in crate::service) completed: Time,
}

/// Where the bytes of a segment are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::service) enum Content {
    /// A whole extent.
    Extent(ExtentId),
    /// Here: a file would cost more than what is in it.
    Small { base64: Small },
}

/// A few bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::service) struct Small(pub(in crate::service) Bytes);

impl TryFrom<String> for Small {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(|bytes| Self(bytes.into()))
    }
}

impl From<Small> for String {
    fn from(small: Small) -> Self {
        STANDARD.encode(small.0)
    }
}

impl Content {
    pub(in crate::service) fn extent(&self) -> Option<&ExtentId> {
        match self {
            Self::Extent(extent) => Some(extent),
            Self::Small { .. } => None,
        }
    }
}

/// A part of a blob that was written in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::service) struct Segment {
    /// Called otherwise in records from before there was small content.
    #[serde(alias = "extent")]
    pub(in crate::service) content: Content,
    /// In bytes.
    pub(in crate::service) length: u64,
    /// The block it was uploaded as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::service) block: Option<BlockId>,
}

/// A block that waits to be committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::service) struct Staged {
    #[serde(flatten)]
    pub(in crate::service) segment: Segment,
    pub(in crate::service) at: Time,
}

/// A committed blob: its segments one after the other are the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::service) struct Blob {
    pub(in crate::service) properties: Properties,
    pub(in crate::service) segments: Vec<Segment>,
}

/// The ETag of what was last modified then, in quotes.
pub(in crate::service) fn etag(modified: Time) -> String {
    format!("\"{}\"", modified.etag())
}

/// Evaluates `check` on the validators of something modified then.
pub(super) fn validated<T>(modified: Time, check: impl FnOnce(Validators<'_>) -> T) -> T {
    check(Validators {
        etag: &etag(modified),
        last_modified: modified,
    })
}

/// The name of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Container(String),
    Blob(String, String),
    Block(String, String, BlockId),
}

/// A record that cannot be taken back.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum RestoreError {
    #[error("the stored record {key:?} has no name of ours")]
    Key { key: String },
    #[error("the stored record {key:?} cannot be read")]
    Value {
        key: String,
        #[source]
        source: serde_json::Error,
    },
}

impl Key {
    /// Neither container nor blob names contain NUL.
    fn to_text(&self) -> String {
        match self {
            Self::Container(container) => format!("container/{container}"),
            Self::Blob(container, blob) => format!("blob/{container}\0{blob}"),
            Self::Block(container, blob, block) => format!("block/{container}\0{blob}\0{block}"),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('/')?;
        let parts: Vec<&str> = rest.split('\0').collect();
        match (kind, parts.as_slice()) {
            ("container", [container]) => Some(Self::Container((*container).to_owned())),
            ("blob", [container, blob]) => {
                Some(Self::Blob((*container).to_owned(), (*blob).to_owned()))
            }
            ("block", [container, blob, block]) => Some(Self::Block(
                (*container).to_owned(),
                (*blob).to_owned(),
                BlockId::new(block).ok()?,
            )),
            _ => None,
        }
    }
}

impl BlobStorage {
    pub(in crate::service) fn has_changes(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// The records changed since the last call: JSON, or None for a record to delete.
    pub(in crate::service) fn take_dirty(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        let dirty = std::mem::take(&mut self.dirty);
        dirty
            .iter()
            .map(|key| (key.to_text(), self.record(key)))
            .collect()
    }

    fn record(&self, key: &Key) -> Option<Vec<u8>> {
        match key {
            Key::Container(container) => self.containers.get(container).map(json),
            Key::Blob(container, blob) => {
                let contents = self.contents.get(container)?;
                contents.blobs.get(blob).map(json)
            }
            Key::Block(container, blob, block) => {
                let contents = self.contents.get(container)?;
                contents.blocks.get(blob)?.get(block).map(json)
            }
        }
    }

    /// Takes back a record as [`Self::take_dirty`] gave it.
    pub(in crate::service) fn restore(
        &mut self,
        key: &str,
        value: &[u8],
    ) -> Result<(), RestoreError> {
        let name = Key::from_text(key).ok_or_else(|| RestoreError::Key {
            key: key.to_owned(),
        })?;
        let invalid = |source| RestoreError::Value {
            key: key.to_owned(),
            source,
        };
        match name {
            Key::Container(container) => {
                let record: Container = serde_json::from_slice(value).map_err(invalid)?;
                self.last_change = self.last_change.max(Some(record.modified));
                self.containers.insert(container, record);
            }
            Key::Blob(container, blob) => {
                let record: Blob = serde_json::from_slice(value).map_err(invalid)?;
                self.last_change = self.last_change.max(Some(record.properties.modified));
                self.hold(&record.segments);
                let contents = self.contents.entry(container).or_default();
                contents.blobs.insert(blob, record);
            }
            Key::Block(container, blob, block) => {
                let record: Staged = serde_json::from_slice(value).map_err(invalid)?;
                self.hold([&record.segment]);
                // It may be late by now.
                self.next_look = Some(record.at);
                let contents = self.contents.entry(container).or_default();
                contents
                    .blocks
                    .entry(blob)
                    .or_default()
                    .insert(block, record);
            }
        }
        Ok(())
    }
}

fn json(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("records are plain data with text keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_earlier_records() {
        let segment: Segment = serde_json::from_str(r#"{"extent":"ab12","length":3}"#).unwrap();
        let extent = Content::Extent(ExtentId("ab12".into()));
        assert_eq!((segment.content, segment.length), (extent, 3));
    }
}
