//! Whole applies against what else runs commands on one machine.

use std::fs;
use std::path::{Path, PathBuf};

use super::installed::Peers;
use super::pairs::{Row, seconds};
use super::programs::{apply, folder, run, shell};

const POOL: &str = r#"vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }"#;

/// N × `/bin/true`: manifest, plan, pool, job, tasks, monitoring, receipt and cleaning up, by two nodes of a local
/// service that starts and ends with it, against two processes at once.
pub(crate) fn trues(tasks: usize, target: &'static str, rounds: usize, peers: &Peers) -> [Row; 2] {
    let ours = || {
        let manifest = manifest_of_trues(tasks, true);
        seconds(|| run(&mut apply(&manifest)))
    };
    let mut xargs = || {
        seconds(|| {
            run(&mut shell(&format!(
                "seq {tasks} | xargs -P2 -I{{}} /bin/true"
            )))
        })
    };
    let mut parallel = || {
        seconds(|| {
            run(&mut shell(&format!(
                "seq {tasks} | parallel --will-cite -j2 /bin/true"
            )))
        })
    };
    let mut hyperqueue = || peers.hyperqueue(tasks);
    let mut others: Vec<(&str, &mut dyn FnMut() -> f64)> = vec![("xargs -P2", &mut xargs)];
    if peers.has_parallel() {
        others.push(("GNU parallel -j2", &mut parallel));
    }
    if peers.has_hyperqueue() {
        others.push(("HyperQueue, 2 CPUs", &mut hyperqueue));
    }
    let kept = Row::new(format!("apply of {tasks} × `/bin/true`"), target, " s");
    let kept = kept.measure(rounds, ours, &mut others);
    // Which is nearer to what the others do.
    let ours = || {
        let manifest = manifest_of_trues(tasks, false);
        seconds(|| run(&mut apply(&manifest)))
    };
    let unkept = Row::new("the same with `logs.keep = false`", "", " s");
    [kept, unkept.measure(rounds, ours, &mut others[..1])]
}

fn manifest_of_trues(tasks: usize, keep_logs: bool) -> PathBuf {
    let manifest = folder().join("true.toml");
    let text = format!(
        r#"name = "true"
[pool]
id = "true"
{POOL}
[job]
id = "true"
[logs]
keep = {keep_logs}
[[tasks]]
for_each = {{ range = [0, {tasks}] }}
id = "true-{{{{item}}}}"
command_line = "/bin/true"
"#
    );
    fs::write(&manifest, text).expect("the folder is writable");
    manifest
}

/// A thousand texts, their most frequent words: uploaded, fetched by the task, counted, uploaded, downloaded;
/// against the same script over the files where they lie.
pub(crate) fn top_words(files: usize, rounds: usize) -> Row {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/top-n-words");
    let script = sample.join("top-n-words.sh");
    let texts = folder().join("texts");
    fs::create_dir(&texts).expect("the folder is writable");
    let text = fs::read(sample.join("texts/tides.txt")).expect("the sample is there");
    for i in 0..files {
        fs::write(texts.join(format!("{i:05}.txt")), &text).expect("the folder is writable");
    }
    let ours = || {
        let manifest = folder().join("top.toml");
        let text = format!(
            r#"name = "top"
[containers.application]
[containers.input]
[containers.output]
[[uploads]]
container = "application"
files = "{script}"
[[uploads]]
container = "input"
files = "{texts}/*.txt"
[pool]
id = "top"
{POOL}
[pool.start_task]
commands = ['cp -p top-n-words.sh "$AZ_BATCH_NODE_SHARED_DIR"']
resource_files = [{{ container = "application" }}]
[job]
id = "top"
[[tasks]]
for_each = {{ container = "input", pattern = "*.txt" }}
id = "top-{{{{file.stem}}}}"
commands = ['"$AZ_BATCH_NODE_SHARED_DIR/top-n-words.sh" {{{{file.name}}}} 3 > {{{{file.stem}}}}_OUTPUT.txt']
output_files = [{{ pattern = "*_OUTPUT.txt", container = "output" }}]
[download]
container = "output"
to = "out"
"#,
            script = script.display(),
            texts = texts.display(),
        );
        fs::write(&manifest, text).expect("the folder is writable");
        let took = seconds(|| run(&mut apply(&manifest)));
        let out = manifest.with_file_name("out");
        let written = fs::read_dir(out).map_or(0, Iterator::count);
        assert!(written >= files, "{written} outputs");
        took
    };
    let mut xargs = || {
        let out = folder();
        let script = format!(
            "cd {out}; ls {texts} | xargs -P2 -I{{}} sh -c '{script} {texts}/{{}} 3 > {{}}_OUTPUT.txt'",
            out = out.display(),
            texts = texts.display(),
            script = script.display(),
        );
        seconds(|| run(&mut shell(&script)))
    };
    Row::new(
        format!("apply of {files} × top-n-words, files in and out"),
        "≤ 1.5",
        " s",
    )
    .measure(
        rounds,
        ours,
        &mut [("xargs -P2 over local files", &mut xargs)],
    )
}
