//! Files on a real disk: written, read in parts, deleted, swept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use futures::stream;
use futures::{StreamExt as _, TryStreamExt as _};

use super::write::Written;
use super::*;
use crate::service::core::effect::ExtentId;

type Chunk = Result<&'static str, &'static str>;

fn store() -> (tempfile::TempDir, Extents) {
    let home = tempfile::tempdir().unwrap();
    let extents = Extents::open(&home.path().join("extents")).unwrap();
    (home, extents)
}

fn files(home: &tempfile::TempDir) -> usize {
    fs::read_dir(home.path().join("extents")).unwrap().count()
}

async fn write(extents: &Extents, chunks: &[Chunk]) -> Result<Written, WriteError<&'static str>> {
    extents.write(&mut stream::iter(chunks.to_vec()), 10).await
}

async fn kept(extents: &Extents, text: &'static str) -> ExtentId {
    let written = write(extents, &[Ok(text)]).await.unwrap();
    written.unclaimed.claim();
    written.extent
}

async fn read(extents: &Extents, ids: &[(ExtentId, u64)], range: std::ops::Range<u64>) -> String {
    let chunks: Vec<_> = Arc::new(extents.reading())
        .stream(ids.to_vec(), range)
        .try_collect()
        .await
        .unwrap();
    String::from_utf8(chunks.concat()).unwrap()
}

#[tokio::test]
async fn content_is_measured_and_private() {
    let (home, extents) = store();
    let written = write(&extents, &[Ok("ab"), Ok(""), Ok("c")]).await.unwrap();
    assert_eq!(written.length, 3);
    let hex: String = written.md5.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "900150983cd24fb0d6963f7d28e17f72");
    let folder = home.path().join("extents");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(&written.extent.0)), 0o600);
}

#[tokio::test]
async fn what_is_not_claimed_is_gone() {
    let (home, extents) = store();
    drop(write(&extents, &[Ok("ab")]).await.unwrap());
    assert!(matches!(
        write(&extents, &[Ok("ab"), Err("gone")]).await,
        Err(WriteError::Sender("gone"))
    ));
    assert!(matches!(
        write(&extents, &[Ok("0123456789"), Ok("x")]).await,
        Err(WriteError::TooLong { limit: 10 })
    ));
    // A request that is given up in the middle of its body.
    let mut endless = stream::iter([Ok("ab")]).chain(stream::pending::<Chunk>());
    let given_up = extents.write(&mut endless, 10);
    let at_once = async {
        while files(&home) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = given_up => panic!("there is no end to it"),
        () = at_once => {}
    }
    assert_eq!(files(&home), 0);
    kept(&extents, "ab").await;
    assert_eq!(files(&home), 1);
}

#[tokio::test]
async fn ranges_cross_extents() {
    let (_home, extents) = store();
    let mut ids = Vec::new();
    for text in ["abc", "", "de", "fghi"] {
        ids.push((kept(&extents, text).await, text.len() as u64));
    }
    for (range, expected) in [
        (0..9, "abcdefghi"),
        (0..1, "a"),
        (2..4, "cd"),
        (3..5, "de"),
        (1..8, "bcdefgh"),
        (8..9, "i"),
        (4..4, ""),
    ] {
        assert_eq!(
            read(&extents, &ids, range.clone()).await,
            expected,
            "{range:?}"
        );
    }
}

#[tokio::test]
async fn deletions_wait_for_earlier_readers_only() {
    let (home, extents) = store();
    let first = kept(&extents, "first").await;
    let early = Arc::new(extents.reading());
    extents.delete(&first).unwrap();
    let late = extents.reading();
    assert_eq!(files(&home), 1);

    let stream = early.stream(vec![(first.clone(), 5)], 0..5);
    let chunks: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"first");
    assert_eq!(files(&home), 0, "the late reader cannot know of it");
    drop(late);
    extents.delete(&first).unwrap();
    assert!(extents.0.readers().waiting.is_empty());
}

#[tokio::test]
async fn sweeping() {
    let (home, extents) = store();
    let keep = kept(&extents, "keep").await;
    kept(&extents, "rubbish").await;
    let lost = ExtentId("0000".into());
    let empty = kept(&extents, "").await;
    assert_eq!(files(&home), 2);
    let swept = extents.sweep([&keep, &lost, &empty].into_iter()).unwrap();
    assert_eq!((swept.deleted, swept.missing), (1, vec![lost]));
    assert_eq!(files(&home), 1);
    assert_eq!(read(&extents, &[(empty, 0)], 0..0).await, "");
    assert_eq!(read(&extents, &[(keep, 4)], 0..4).await, "keep");
}
