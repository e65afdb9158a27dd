//! Planning many files, and applying what is there already.

use std::fs;
use std::path::{Path, PathBuf};

use super::pairs::{Row, seconds};
use super::programs::{apply, batchflow, folder, run, run_watched};

/// A manifest with a task for each of so many files of 1 KiB.
fn manifest(files: usize, command: &str) -> PathBuf {
    let folder = folder();
    let input = folder.join("in");
    fs::create_dir(&input).expect("the folder is writable");
    for i in 0..files {
        let line = format!("{i:07}\n");
        fs::write(input.join(format!("{i:07}.txt")), line.repeat(128)).expect("it is writable");
    }
    let text = format!(
        r#"name = "files"
[containers.input]
[containers.output]
[[uploads]]
container = "input"
files = "in/*.txt"
[pool]
id = "files"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "files"
[[tasks]]
for_each = {{ container = "input", pattern = "*.txt" }}
id = "task-{{{{file.stem}}}}"
commands = ['{command}']
output_files = [{{ pattern = "*.out", container = "output" }}]
[download]
container = "output"
to = "out"
"#
    );
    let manifest = folder.join("files.toml");
    fs::write(&manifest, text).expect("the folder is writable");
    manifest
}

fn forget(manifest: &Path) {
    let cache = manifest.with_file_name(".batchflow");
    if cache.exists() {
        fs::remove_dir_all(cache).expect("the cache can be deleted");
    }
}

/// `plan` of many files with the digest cache empty and full, and the memory the first takes.
pub(crate) fn plan(files: usize, rounds: usize) -> [Row; 3] {
    let manifest = manifest(files, "wc -w {{file.name}} > {{file.stem}}.out");
    let plan = || {
        let mut command = batchflow(&["plan", "--quiet"]);
        command.arg(&manifest);
        command
    };
    let mut memory = Row::new(
        format!("the same, memory, of {files} tasks"),
        "< 300",
        " MiB",
    );
    let cold = Row::new(
        format!("plan of {files} files of 1 KiB, cold digest cache"),
        "< 3",
        " s",
    )
    .measure(
        rounds,
        || {
            forget(&manifest);
            let mut peak = 0.0;
            let took = seconds(|| peak = run_watched(&mut plan()));
            memory.ours.push(peak);
            took
        },
        &mut [],
    );
    let warm = Row::new("the same, warm", "< 1", " s").measure(
        rounds,
        || seconds(|| run(&mut plan())),
        &mut [],
    );
    [cold, warm, memory]
}

/// An apply that finds everything done: all outputs are here.
pub(crate) fn nothing_to_do(files: usize, rounds: usize) -> Row {
    let manifest = manifest(files, "wc -w < {{file.name}} > {{file.stem}}.out");
    run(&mut apply(&manifest));
    let again = || seconds(|| run(&mut apply(&manifest)));
    Row::new(
        format!("apply of {files} tasks and files that are up to date"),
        "< 2",
        " s",
    )
    .measure(rounds, again, &mut [])
}
