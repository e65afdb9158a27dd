//! Files on a real disk: written, read in parts, deleted, swept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use futures::{StreamExt as _, TryStreamExt as _};

use super::write::Written;
use super::*;
use crate::service::core::effect::ExtentId;
use crate::service::core::storage::Content;

type Chunk = Result<&'static str, &'static str>;

/// More than is gathered before it is written.
const LIMIT: usize = 3 << 20;

fn store() -> (tempfile::TempDir, Extents) {
    let home = tempfile::tempdir().unwrap();
    let extents = Extents::open_for_files(&home.path().join("extents"));
    (home, extents)
}

fn files(home: &tempfile::TempDir) -> usize {
    fs::read_dir(home.path().join("extents")).unwrap().count()
}

async fn write(extents: &Extents, chunks: &[Chunk]) -> Result<Written, WriteError<&'static str>> {
    let chunks = chunks.to_vec();
    extents.write(&mut stream::iter(chunks), LIMIT as u64).await
}

/// What is under way on another thread removes its file there.
async fn wait_for_no_files(home: &tempfile::TempDir) {
    let gone = async {
        while files(home) != 0 {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(waited.is_ok(), "{} files are left", files(home));
}

async fn kept(extents: &Extents, text: &'static str) -> Content {
    let written = write(extents, &[Ok(text)]).await.unwrap();
    written.unclaimed.claim();
    written.content
}

fn id(content: &Content) -> &ExtentId {
    content.extent().unwrap()
}

async fn read(extents: &Extents, ids: &[(Content, u64)], range: std::ops::Range<u64>) -> String {
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
    assert_eq!(mode(&folder.join(&id(&written.content).0)), 0o600);
}

#[tokio::test]
async fn what_is_not_claimed_is_gone() {
    let (home, extents) = store();
    drop(write(&extents, &[Ok("ab")]).await.unwrap());
    assert!(matches!(
        write(&extents, &[Ok("ab"), Err("gone")]).await,
        Err(WriteError::Sender("gone"))
    ));
    let limit: &'static str = "x".repeat(LIMIT).leak();
    assert!(matches!(
        write(&extents, &[Ok(limit), Ok("x")]).await,
        Err(WriteError::TooLong { limit: at }) if at == LIMIT as u64
    ));
    wait_for_no_files(&home).await;
    // A request that is given up in the middle of its body.
    let mut endless = stream::iter([Ok(limit)]).chain(stream::pending::<Chunk>());
    let given_up = extents.write(&mut endless, LIMIT as u64);
    let at_once = async {
        while files(&home) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = given_up => panic!("there is no end to it"),
        () = at_once => {}
    }
    wait_for_no_files(&home).await;
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
    extents.delete(id(&first)).unwrap();
    let late = extents.reading();
    assert_eq!(files(&home), 1);

    let stream = early.stream(vec![(first.clone(), 5)], 0..5);
    let chunks: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"first");
    assert_eq!(files(&home), 0, "the late reader cannot know of it");
    drop(late);
    extents.delete(id(&first)).unwrap();
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
    let swept = extents.sweep([id(&keep), &lost].into_iter()).unwrap();
    assert_eq!((swept.deleted, swept.missing), (1, vec![lost]));
    assert_eq!(files(&home), 1);
    assert_eq!(read(&extents, &[(empty, 0)], 0..0).await, "");
    assert_eq!(read(&extents, &[(keep, 4)], 0..4).await, "keep");
}

#[tokio::test]
async fn what_is_small_has_no_file() {
    let home = tempfile::tempdir().unwrap();
    let extents = Extents::open(&home.path().join("extents")).unwrap();
    let long: &'static str = "x".repeat(600).leak();
    let mut contents = Vec::new();
    for (chunks, files_then) in [
        (vec![Ok("abc"), Ok(""), Ok("de")], 0),
        (vec![], 0),
        (vec![Ok(long)], 1),
        (vec![Ok("f"), Ok(long)], 2),
    ] {
        let written = write(&extents, &chunks).await.unwrap();
        written.unclaimed.claim();
        assert_eq!(files(&home), files_then, "{chunks:?}");
        let stored = serde_json::to_string(&written.content).unwrap();
        assert_eq!(
            serde_json::from_str::<Content>(&stored).unwrap(),
            written.content
        );
        contents.push((written.content, written.length));
    }
    assert_eq!(read(&extents, &contents, 1..8).await, "bcdexxx");
    assert_eq!(read(&extents, &contents, 604..606).await, "xf");
}
