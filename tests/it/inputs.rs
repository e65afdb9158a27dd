//! Scanning real folders.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use batchflow::diagnostic::Diagnostic;
use batchflow::ids::ContainerName;
use batchflow::inputs::{Snapshot, Source, scan};

fn source(patterns: &[&str]) -> Source {
    Source {
        container: ContainerName::new("input").unwrap(),
        patterns: patterns.iter().map(|p| ((*p).to_owned(), 3..5)).collect(),
        base: None,
        prefix: String::new(),
        allow_empty: false,
    }
}

fn run(folder: &Path, source: Source) -> (Vec<String>, Vec<Diagnostic>) {
    let (snapshot, diagnostics) = scan(&[source], folder, None, jiff::Timestamp::UNIX_EPOCH);
    (blobs(&snapshot), diagnostics)
}

fn blobs(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .files()
        .iter()
        .map(|f| f.blob.to_string())
        .collect()
}

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "m/x",
        "texts/a.txt",
        "texts/b c.txt",
        "texts/.hidden.txt",
        "texts/sub/a.txt",
        "texts/.git/config",
        "texts/[1]/a.txt",
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.to_str().unwrap()).unwrap();
    }
    folder
}

#[test]
fn patterns_find_what_they_say() {
    let folder = tree();
    symlink(
        folder.path().join("texts/a.txt"),
        folder.path().join("texts/link.txt"),
    )
    .unwrap();
    symlink(
        folder.path().join("texts"),
        folder.path().join("texts/sub/circle"),
    )
    .unwrap();
    let manifest = folder.path().join("m");
    let cases: &[(&[&str], &[&str])] = &[
        (&["../texts/*.txt"], &["a.txt", "b c.txt", "link.txt"]),
        (
            &["../texts/**/*.txt"],
            &["[1]/a.txt", "a.txt", "b c.txt", "link.txt", "sub/a.txt"],
        ),
        (&["../texts/[1]/*"], &["a.txt"]),
        (&["../texts/.*"], &[".hidden.txt"]),
        (&["../texts/a.txt", "../texts/a*"], &["a.txt"]),
        (&["../*/?"], &["m/x"]),
    ];
    for (patterns, want) in cases {
        let (found, diagnostics) = run(&manifest, source(patterns));
        assert_eq!(found, *want, "{patterns:?}");
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
    }
    let absolute = format!("{}/texts/sub/*.txt", folder.path().display());
    assert_eq!(run(Path::new("/"), source(&[&absolute])).0, ["a.txt"]);
    let named = Source {
        base: Some("..".into()),
        prefix: "v1/".into(),
        ..source(&["../texts/sub/a.txt"])
    };
    assert_eq!(run(&manifest, named).0, ["v1/texts/sub/a.txt"]);
}

#[test]
fn what_cannot_be_uploaded_is_reported_at_its_pattern() {
    let folder = tree();
    fs::create_dir(folder.path().join("empty")).unwrap();
    symlink("nowhere", folder.path().join("empty/dangling")).unwrap();
    fs::create_dir(folder.path().join("dup")).unwrap();
    fs::write(folder.path().join("dup/a.txt"), "other").unwrap();
    let outside = Source {
        base: Some("dup".into()),
        ..source(&["texts/a.txt"])
    };
    for (source, code, count) in [
        (source(&["nothing.txt"]), "missing-file", 1),
        (source(&["texts"]), "missing-file", 1),
        (source(&["nowhere/*"]), "missing-file", 1),
        (source(&["texts/*.csv", "texts/*.doc"]), "empty-glob", 2),
        (source(&["empty/*"]), "unreadable-file", 1),
        (source(&["texts/*.txt", "dup/*"]), "duplicate-blob", 1),
        (outside, "invalid-blob-name", 1),
    ] {
        let (_, diagnostics) = run(folder.path(), source.clone());
        let codes: Vec<&str> = diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, vec![code; count], "{source:?}: {diagnostics:?}");
        assert!(diagnostics.iter().all(|d| d.labels[0].span == (3..5)));
    }
    let allowed = Source {
        allow_empty: true,
        ..source(&["texts/*.csv", "nowhere/*"])
    };
    assert_eq!(run(folder.path(), allowed).1, []);
}

#[test]
fn digests_are_those_of_the_content() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("abc"), "abc").unwrap();
    let (snapshot, _) = scan(
        &[source(&["*"])],
        folder.path(),
        None,
        jiff::Timestamp::UNIX_EPOCH,
    );
    let file = &snapshot.files()[0];
    let hex = |b: &[u8]| b.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(file.length, 3);
    assert_eq!(hex(&file.md5), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(
        hex(&file.sha256),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

/// The cache is trusted for settled files (shown by planting a wrong digest), and not for those changed just now.
#[test]
fn the_cache_spares_reading_but_never_hides_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in/f");
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(&file, "one").unwrap();
    let cache = folder.path().join("state/digests");
    let later = batchflow::clock::now() + jiff::SignedDuration::from_hours(1);
    let sha = |now| {
        let (snapshot, diagnostics) = scan(&[source(&["in/*"])], folder.path(), Some(&cache), now);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        snapshot.files()[0].sha256
    };
    let one = sha(batchflow::clock::now());
    assert_eq!(
        fs::read_to_string(&cache).unwrap().lines().count(),
        1,
        "too recent to be remembered"
    );
    assert_eq!(sha(later), one);
    let text = fs::read_to_string(&cache).unwrap();
    assert_eq!(text.lines().count(), 2);
    let hex: String = one.iter().map(|b| format!("{b:02x}")).collect();
    fs::write(&cache, text.replace(&hex, &"0".repeat(64))).unwrap();
    assert_eq!(sha(later), [0; 32], "not read again");
    let times = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "two").unwrap();
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(times)
        .unwrap();
    let two = sha(later);
    assert!(
        two != one && two != [0; 32],
        "same length, same mtime, other content"
    );
}

#[test]
fn an_unreadable_file_is_reported() {
    let folder = tree();
    let file = folder.path().join("texts/a.txt");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&file).is_ok() {
        return; // as root, nothing is unreadable
    }
    let (_, diagnostics) = run(folder.path(), source(&["texts/*.txt"]));
    assert_eq!(
        diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
        ["unreadable-file"]
    );
}
