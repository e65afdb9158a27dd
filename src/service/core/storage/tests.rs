//! Commands driven one by one: the reply, the effects, and what a restart brings back.

mod copies;
mod expiry;
mod leases;

use std::collections::BTreeMap;

use super::state::Reply;
use super::*;
use crate::ids::{BlobName, ContainerName};
use crate::service::core::effect::{Effect, ExtentId};
use crate::wire::blob::block::{BlockId, Source};
use crate::wire::blob::condition::{Conditions, Tags};
use crate::wire::blob::error::Code;
use crate::wire::time::Time;

/// A storage whose effects have to be taken, and which must own exactly what it was given.
#[derive(Default)]
struct Driven {
    storage: BlobStorage,
    effects: Vec<Effect>,
    clock: i64,
    disk: BTreeMap<String, Vec<u8>>,
}

impl Driven {
    fn send(&mut self, command: BlobCommand) -> Reply {
        let now = Time::from_ticks(self.clock);
        assert_eq!(self.effects, [], "effects were left");
        let reply = self.storage.handle(command, now, &mut self.effects);
        for (key, value) in self.storage.take_dirty() {
            match value {
                Some(value) => self.disk.insert(key, value),
                None => self.disk.remove(&key),
            };
        }
        if reply.is_err() {
            assert_eq!(self.effects, [], "a refusal has no effects");
        }
        assert_eq!(self.storage.uses, counted(&self.storage));
        reply
    }

    fn ok(&mut self, command: BlobCommand) -> BlobReply {
        self.send(command).unwrap()
    }

    fn refused(&mut self, command: BlobCommand) -> Code {
        self.send(command).unwrap_err().code
    }

    /// The extents to be deleted since the last call.
    fn deleted(&mut self) -> Vec<String> {
        self.effects
            .drain(..)
            .map(|effect| match effect {
                Effect::DeleteExtent(ExtentId(id)) => id,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn extents(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.storage.extents().map(|id| id.0.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// A storage made of what is on disk, in the order of the keys and against it.
    fn restarted(&self) -> [BlobStorage; 2] {
        let restore = |records: Vec<(&String, &Vec<u8>)>| {
            let mut storage = BlobStorage::default();
            for (key, value) in records {
                storage.restore(key, value).unwrap();
            }
            storage
        };
        [
            restore(self.disk.iter().collect()),
            restore(self.disk.iter().rev().collect()),
        ]
    }

    fn assert_restartable(&self) {
        for storage in self.restarted() {
            assert_eq!(storage.containers, self.storage.containers);
            assert_eq!(storage.last_change, self.storage.last_change);
            assert_eq!(storage.uses, self.storage.uses);
            let shown = |s: &BlobStorage| {
                let contents = s.contents.iter();
                let full = contents.filter(|(_, c)| !c.blobs.is_empty() || !c.blocks.is_empty());
                format!("{:?}", full.collect::<Vec<_>>())
            };
            assert_eq!(shown(&storage), shown(&self.storage));
        }
    }
}

/// The uses of each extent, found by looking.
fn counted(storage: &BlobStorage) -> BTreeMap<ExtentId, usize> {
    let mut uses = BTreeMap::new();
    for contents in storage.contents.values() {
        let committed = contents.blobs.values().flat_map(|blob| &blob.segments);
        let waiting = contents.blocks.values().flat_map(BTreeMap::values);
        let waiting = waiting.map(|block| &block.segment);
        for extent in committed.chain(waiting).filter_map(|s| s.content.extent()) {
            *uses.entry(extent.clone()).or_default() += 1;
        }
    }
    uses
}

fn container(name: &str) -> ContainerName {
    ContainerName::new(name).unwrap()
}

fn at(container_name: &str, blob: &str) -> BlobRef {
    BlobRef {
        container: container(container_name),
        blob: BlobName::new(blob).unwrap(),
    }
}

fn extent(id: &str, length: u64) -> Segment {
    Segment {
        content: Content::Extent(ExtentId(id.to_owned())),
        length,
        block: None,
    }
}

fn id(text: &str) -> BlockId {
    BlockId::new(text).unwrap()
}

fn create(name: &str) -> BlobCommand {
    BlobCommand::CreateContainer {
        container: container(name),
        metadata: Metadata::new(),
    }
}

fn delete_container(name: &str) -> BlobCommand {
    BlobCommand::DeleteContainer {
        container: container(name),
        conditions: Conditions::default(),
    }
}

fn put_of<C>(blob: BlobRef, content: C) -> Put<C> {
    Put {
        blob,
        content,
        headers: ContentHeaders::default(),
        metadata: Metadata::new(),
        conditions: Conditions::default(),
        create_only: false,
        copy: None,
    }
}

fn put(blob: BlobRef, content: Segment) -> BlobCommand {
    BlobCommand::PutBlob(Box::new(put_of(blob, content)))
}

fn put_block(blob: BlobRef, block: &str, content: Segment) -> BlobCommand {
    BlobCommand::PutBlock {
        blob,
        block: id(block),
        content,
        lease: None,
    }
}

fn commit(blob: BlobRef, blocks: &[(Source, &str)]) -> BlobCommand {
    let blocks = blocks.iter().map(|(s, b)| (*s, id(b))).collect();
    BlobCommand::PutBlockList(Box::new(put_of(blob, blocks)))
}

fn get(blob: BlobRef) -> BlobCommand {
    BlobCommand::GetBlob {
        blob,
        conditions: Conditions::default(),
    }
}

fn delete(blob: BlobRef) -> BlobCommand {
    BlobCommand::DeleteBlob {
        blob,
        conditions: Conditions::default(),
    }
}

fn written(reply: BlobReply) -> Time {
    match reply {
        BlobReply::Written(time) => time,
        other => panic!("{other:?}"),
    }
}

fn blob(reply: BlobReply) -> Blob {
    match reply {
        BlobReply::Blob(blob) => *blob,
        other => panic!("{other:?}"),
    }
}

#[test]
fn containers_come_and_go() {
    let mut s = Driven::default();
    assert_eq!(s.refused(delete_container("in1")), Code::ContainerNotFound);
    let first = written(s.ok(create("in1")));
    assert_eq!(s.refused(create("in1")), Code::ContainerAlreadyExists);
    let second = written(s.ok(BlobCommand::SetContainerMetadata {
        container: container("in1"),
        metadata: Metadata::from([("k".into(), "v".into())]),
        conditions: Conditions::default(),
    }));
    assert!(second > first, "each change has its own ETag");
    let reply = s.ok(BlobCommand::GetContainer {
        container: container("in1"),
        lease: None,
    });
    let BlobReply::Container(found) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!((found.modified, found.metadata.len()), (second, 1));
    s.assert_restartable();

    s.ok(put(at("in1", "a"), extent("e1", 1)));
    s.ok(put_block(at("in1", "b"), "QQ==", extent("e2", 1)));
    s.ok(delete_container("in1"));
    assert_eq!(s.deleted(), ["e1", "e2"]);
    assert_eq!(s.disk.len(), 0);
    assert_eq!(s.refused(get(at("in1", "a"))), Code::ContainerNotFound);
    s.ok(create("in1"));
    assert_eq!(s.refused(get(at("in1", "a"))), Code::BlobNotFound);
}

#[test]
fn every_command_on_a_blob_needs_its_container() {
    let mut s = Driven::default();
    let conditions = Conditions::default;
    let blob = || at("in1", "a");
    for command in [
        put(blob(), extent("e", 1)),
        get(blob()),
        delete(blob()),
        put_block(blob(), "QQ==", extent("e", 1)),
        commit(blob(), &[]),
        BlobCommand::GetBlockList {
            blob: blob(),
            lease: None,
        },
        BlobCommand::GetBlobProperties {
            blob: blob(),
            conditions: conditions(),
        },
        BlobCommand::SetBlobMetadata {
            blob: blob(),
            metadata: Metadata::new(),
            conditions: conditions(),
        },
        BlobCommand::SetBlobProperties {
            blob: blob(),
            headers: ContentHeaders::default(),
            conditions: conditions(),
        },
        BlobCommand::ListBlobs {
            container: container("in1"),
            delimiter: String::new(),
            uncommitted: false,
            page: page("", None, 1),
        },
    ] {
        let shown = format!("{command:?}");
        assert_eq!(s.refused(command), Code::ContainerNotFound, "{shown}");
    }
}

#[test]
fn a_blob_is_replaced_and_deleted() {
    let mut s = Driven::default();
    s.ok(create("in1"));
    s.clock = 1_000;
    let first = written(s.ok(put(at("in1", "a"), extent("e1", 3))));
    assert_eq!(first.ticks(), 1_000);
    s.ok(put_block(at("in1", "a"), "QQ==", extent("e2", 9)));
    let second = written(s.ok(put(at("in1", "a"), extent("e3", 5))));
    assert_eq!(second.ticks(), 1_001, "later, though the clock stood still");
    assert_eq!(s.deleted(), ["e1", "e2"]);

    let found = blob(s.ok(get(at("in1", "a"))));
    assert_eq!(found.segments, [extent("e3", 5)]);
    assert_eq!(found.properties.length, 5);
    assert_eq!(
        (found.properties.created, found.properties.modified),
        (first, second)
    );
    assert_eq!(etag(second), "\"0x3E9\"");
    s.assert_restartable();

    s.ok(delete(at("in1", "a")));
    assert_eq!(s.deleted(), ["e3"]);
    assert_eq!(s.refused(get(at("in1", "a"))), Code::BlobNotFound);
    assert_eq!(s.refused(delete(at("in1", "a"))), Code::BlobNotFound);
    assert_eq!(s.extents(), [""; 0]);
}

#[test]
fn changes_of_headers_and_metadata() {
    let mut s = Driven::default();
    s.ok(create("in1"));
    let first = written(s.ok(put(at("in1", "a"), extent("e1", 3))));
    let headers = ContentHeaders {
        content_type: Some("text/plain".into()),
        ..ContentHeaders::default()
    };
    let second = written(s.ok(BlobCommand::SetBlobProperties {
        blob: at("in1", "a"),
        headers: headers.clone(),
        conditions: Conditions::default(),
    }));
    let third = written(s.ok(BlobCommand::SetBlobMetadata {
        blob: at("in1", "a"),
        metadata: Metadata::from([("k".into(), "v".into())]),
        conditions: Conditions::default(),
    }));
    assert!(first < second && second < third);
    let found = blob(s.ok(get(at("in1", "a")))).properties;
    assert_eq!(found.headers, headers);
    assert_eq!(found.metadata["k"], "v");
    assert_eq!(found.modified, third);
    s.assert_restartable();
}

#[test]
fn conditions_protect_a_blob() {
    let mut s = Driven::default();
    s.ok(create("in1"));
    let stamp = written(s.ok(put(at("in1", "a"), extent("e1", 1))));
    let stale = Conditions {
        if_match: Some(Tags::parse("\"0x1234\"")),
        ..Conditions::default()
    };
    let fresh = Conditions {
        if_match: Some(Tags::parse(&etag(stamp))),
        ..Conditions::default()
    };
    let absent = Conditions {
        if_none_match: Some(Tags::Any),
        ..Conditions::default()
    };
    let put_if = |conditions: &Conditions, create_only| {
        BlobCommand::PutBlob(Box::new(Put {
            conditions: conditions.clone(),
            create_only,
            ..put_of(at("in1", "a"), extent("e2", 1))
        }))
    };
    assert_eq!(s.refused(put_if(&stale, false)), Code::ConditionNotMet);
    assert_eq!(s.refused(put_if(&absent, false)), Code::BlobAlreadyExists);
    assert_eq!(
        s.refused(put_if(&fresh, true)),
        Code::AuthorizationPermissionMismatch
    );
    let delete_stale = BlobCommand::DeleteBlob {
        blob: at("in1", "a"),
        conditions: stale.clone(),
    };
    assert_eq!(s.refused(delete_stale), Code::ConditionNotMet);
    let unchanged = BlobCommand::GetBlob {
        blob: at("in1", "a"),
        conditions: Conditions {
            if_none_match: Some(Tags::parse(&etag(stamp))),
            ..Conditions::default()
        },
    };
    assert_eq!(s.refused(unchanged), Code::NotModified);
    assert_eq!(s.extents(), ["e1"]);
    s.ok(put_if(&fresh, false));
    assert_eq!(s.deleted(), ["e1"]);
}

#[test]
fn blocks_become_a_blob() {
    use Source::{Committed, Latest, Uncommitted};
    let mut s = Driven::default();
    s.ok(create("in1"));
    let a = || at("in1", "a");
    s.ok(put_block(a(), "QQ==", extent("q1", 1)));
    s.ok(put_block(a(), "UQ==", extent("r1", 2)));
    s.ok(put_block(a(), "QQ==", extent("q2", 4)));
    assert_eq!(s.deleted(), ["q1"]);
    assert_eq!(s.refused(get(a())), Code::BlobNotFound);
    assert_eq!(s.refused(delete(a())), Code::BlobNotFound);
    let longer = put_block(a(), "QUFBQQ==", extent("x", 1));
    assert_eq!(s.refused(longer), Code::InvalidBlobOrBlock);
    s.assert_restartable();

    for missing in [(Committed, "QQ=="), (Latest, "Wg=="), (Uncommitted, "Wg==")] {
        assert_eq!(s.refused(commit(a(), &[missing])), Code::InvalidBlockList);
    }
    s.ok(commit(a(), &[(Latest, "QQ=="), (Uncommitted, "QQ==")]));
    assert_eq!(s.deleted(), ["r1"], "what is not named is gone");
    let found = blob(s.ok(get(a())));
    assert_eq!(found.properties.length, 8);
    s.assert_restartable();

    // One committed block stays, a new one of the same name is preferred by Latest only.
    s.ok(put_block(a(), "QQ==", extent("q3", 16)));
    let reply = s.ok(BlobCommand::GetBlockList {
        blob: a(),
        lease: None,
    });
    let BlobReply::Blocks(lists) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(lists.committed, [(id("QQ=="), 4), (id("QQ=="), 4)]);
    assert_eq!(lists.uncommitted, [(id("QQ=="), 16)]);
    s.ok(commit(a(), &[(Committed, "QQ=="), (Latest, "QQ==")]));
    assert_eq!(s.deleted(), [""; 0]);
    assert_eq!(blob(s.ok(get(a()))).properties.length, 20);
    assert_eq!(s.extents(), ["q2", "q3"]);
    s.assert_restartable();

    s.ok(commit(a(), &[]));
    assert_eq!(s.deleted(), ["q2", "q3"]);
    assert_eq!(blob(s.ok(get(a()))).properties.length, 0);
    let absent = BlobCommand::GetBlockList {
        blob: at("in1", "z"),
        lease: None,
    };
    assert_eq!(s.refused(absent), Code::BlobNotFound);
}

fn page(prefix: &str, from: Option<String>, max_results: usize) -> Page {
    Page {
        prefix: prefix.to_owned(),
        from,
        max_results,
    }
}

#[test]
fn listings() {
    let mut s = Driven::default();
    s.ok(create("in1"));
    s.ok(create("in0"));
    for (i, name) in [
        "a",
        "a/1",
        "a/b/2",
        "a/b/3",
        "a0",
        "b/\u{10FFFF}",
        "b/x",
        "c",
        "ä",
    ]
    .iter()
    .enumerate()
    {
        s.ok(put(at("in1", name), extent(&format!("e{i}"), 1)));
    }
    s.ok(put_block(at("in1", "hidden"), "QQ==", extent("h", 1)));
    s.ok(put_block(at("in1", "a"), "QQ==", extent("h2", 1)));
    for (prefix, delimiter, uncommitted, expected) in [
        ("", "", false, "a a/1 a/b/2 a/b/3 a0 b/x b/\u{10FFFF} c ä"),
        (
            "",
            "",
            true,
            "a a/1 a/b/2 a/b/3 a0 b/x b/\u{10FFFF} c hidden ä",
        ),
        ("", "/", false, "a [a/] a0 [b/] c ä"),
        ("", "/", true, "a [a/] a0 [b/] c hidden ä"),
        (
            "",
            "i",
            true,
            "a a/1 a/b/2 a/b/3 a0 b/x b/\u{10FFFF} c [hi] ä",
        ),
        ("a", "/", false, "a [a/] a0"),
        ("a/", "/", true, "a/1 [a/b/]"),
        ("a/b", "", false, "a/b/2 a/b/3"),
        ("a/b", "/", false, "[a/b/]"),
        ("", "/b", false, "a a/1 [a/b] a0 b/x b/\u{10FFFF} c ä"),
        ("z", "", true, ""),
    ] {
        for size in [1, 2, 100] {
            let mut shown = Vec::new();
            let mut from = None;
            loop {
                let reply = s.ok(BlobCommand::ListBlobs {
                    container: container("in1"),
                    delimiter: delimiter.to_owned(),
                    uncommitted,
                    page: page(prefix, from, size),
                });
                let BlobReply::Blobs(found) = reply else {
                    panic!("{reply:?}")
                };
                assert!(found.blobs.len() <= size);
                shown.extend(found.blobs.into_iter().map(|entry| match entry {
                    ListedBlob::Blob { name, .. } => name,
                    ListedBlob::Prefix(prefix) => format!("[{prefix}]"),
                }));
                from = found.next;
                if from.is_none() {
                    break;
                }
            }
            assert_eq!(shown.join(" "), expected, "{prefix:?} {delimiter:?} {size}");
        }
    }
    let reply = s.ok(BlobCommand::ListContainers {
        page: page("in", None, 1),
    });
    let BlobReply::Containers(found) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(found.containers[0].0, "in0");
    assert_eq!(found.next.as_deref(), Some("in1"));
}

#[test]
fn foreign_records_are_refused() {
    let mut storage = BlobStorage::default();
    for key in ["", "container", "pool/x", "blob/c", "block/c\0b\0no base64"] {
        let refused = storage.restore(key, b"{}");
        assert!(matches!(refused, Err(RestoreError::Key { .. })), "{key}");
    }
    let refused = storage.restore("container/c", b"nonsense");
    assert!(matches!(refused, Err(RestoreError::Value { .. })));
}
