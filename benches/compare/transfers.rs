//! Uploads to Azurite: ours by an apply whose tasks need the files, against the vendor's SDK.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::installed::Peers;
use super::pairs::{Peer, Row, seconds};
use super::programs::{Served, apply, folder, run_watched};

/// Files of that many bytes, each different.
fn files(count: usize, bytes: usize) -> PathBuf {
    let files = folder().join("files");
    fs::create_dir(&files).expect("the folder is writable");
    for i in 0..count {
        let mut file =
            BufWriter::new(File::create(files.join(format!("{i:05}"))).expect("writable"));
        let mut state = i as u64 + 1;
        for _ in 0..bytes / 8 {
            // xorshift: quick, and nothing that compresses.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            file.write_all(&state.to_le_bytes()).expect("writable");
        }
    }
    files
}

/// The whole of an apply with one task, which takes the uploads along; pool and job are those of a local service.
fn manifest(files: &Path, container: &str) -> PathBuf {
    let manifest = folder().join("up.toml");
    let text = format!(
        r#"name = "{container}"
[account]
[containers.{container}]
[[uploads]]
container = "{container}"
files = "{files}/*"
[pool]
id = "{container}"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "{container}"
[[tasks]]
id = "one"
command_line = "/bin/true"
"#,
        files = files.display()
    );
    fs::write(&manifest, text).expect("the folder is writable");
    manifest
}

/// `settings`: threads and blocks a file of the SDK; each is tried, and each has its column.
pub(crate) fn upload(
    what: &str,
    (count, bytes): (usize, usize),
    settings: &[(usize, usize)],
    rounds: usize,
    peers: &Peers,
) -> Option<[Row; 2]> {
    let (server, connection) = peers.azurite()?;
    let served = Served::start(&folder().join("state"));
    let files = files(count, bytes);
    let next = AtomicUsize::new(0);
    let container = || format!("run-{}", next.fetch_add(1, Ordering::Relaxed));
    let mut row = Row::new(format!("upload of {what} to Azurite"), "≤ 0.8", " s");
    let mut memory = Row::new("the same, memory", "≤ 150", " MiB");
    row.peers = settings
        .iter()
        .map(|(threads, blocks)| Peer {
            name: format!("azure-storage-blob SDK, {threads} threads × {blocks}"),
            figures: Vec::new(),
        })
        .collect();
    for round in 0..=rounds {
        let manifest = manifest(&files, &container());
        let mut command = apply(&manifest);
        command
            .envs(served.environment())
            .env("AZURE_STORAGE_CONNECTION_STRING", &connection);
        let mut peak = 0.0;
        let ours = seconds(|| peak = run_watched(&mut command));
        let theirs: Vec<f64> = settings
            .iter()
            .map(|setting| peers.upload(&connection, &files, &container(), *setting))
            .collect();
        if round == 0 {
            continue;
        }
        row.ours.push(ours);
        memory.ours.push(peak);
        for (peer, figure) in row.peers.iter_mut().zip(theirs) {
            peer.figures.push(figure);
        }
    }
    server.stop();
    let note = "ours with digests, plan, pool, one task and cleaning up";
    Some([row.noting(note), memory])
}
