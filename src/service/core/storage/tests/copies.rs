//! Blobs that share extents.

use super::*;

fn copy(source: BlobRef, blob: BlobRef) -> BlobCommand {
    BlobCommand::CopyBlob(Box::new(Copy {
        source,
        source_conditions: Conditions::default(),
        blob,
        kind: CopyKind::Copy {
            id: "id".to_owned(),
            from: "http://x".to_owned(),
        },
        metadata: Metadata::new(),
        conditions: Conditions::default(),
        create_only: false,
    }))
}

#[test]
fn the_last_user_of_an_extent_deletes_it() {
    let mut s = Driven::default();
    s.ok(create("in1"));
    s.ok(put(at("in1", "a"), extent("one", 3)));
    s.ok(copy(at("in1", "a"), at("in1", "b")));
    s.ok(copy(at("in1", "b"), at("in1", "b")));
    assert_eq!(s.deleted(), [""; 0]);
    s.ok(put(at("in1", "c"), extent("two", 2)));
    s.ok(copy(at("in1", "a"), at("in1", "c")));
    assert_eq!(s.deleted(), ["two"], "what a copy replaces");
    s.assert_restartable();
    let [mut restarted, _] = s.restarted();
    let mut effects = Vec::new();
    let now = Time::from_ticks(1);
    for (name, left) in [("a", 0), ("b", 0), ("c", 1)] {
        let gone = delete(at("in1", name));
        restarted.handle(gone.clone(), now, &mut effects).unwrap();
        assert_eq!(effects.len(), left, "after a restart: {name}");
        s.ok(gone);
    }
    assert_eq!(s.deleted(), ["one"]);
    assert_eq!(s.extents(), [""; 0]);
}

#[test]
fn containers_share_too() {
    let mut s = Driven::default();
    s.ok(create("in1"));
    s.ok(create("in2"));
    s.ok(put_block(at("in1", "a"), "MQ==", extent("one", 1)));
    let twice = [(Source::Latest, "MQ=="), (Source::Latest, "MQ==")];
    s.ok(commit(at("in1", "a"), &twice));
    s.ok(copy(at("in1", "a"), at("in2", "a")));
    s.ok(delete_container("in1"));
    assert_eq!(s.deleted(), [""; 0]);
    // The blocks came along.
    s.ok(commit(at("in2", "a"), &[(Source::Committed, "MQ==")]));
    assert_eq!(s.deleted(), [""; 0]);
    assert_eq!(
        s.refused(copy(at("in1", "a"), at("in2", "b"))),
        Code::ContainerNotFound
    );
    s.ok(delete_container("in2"));
    assert_eq!(s.deleted(), ["one"]);
}
