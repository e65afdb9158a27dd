//! The nine steps through the program itself, on the local service: outputs, re-runs, failures, cleanup.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use futures::TryStreamExt;

use crate::support::{Workshop, client, files, local_service};

/// The N most frequent words, computed here and not by the sample's script.
fn top_words(text: &[u8], n: usize) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in text
        .split(|b| !b.is_ascii_alphabetic())
        .filter(|w| !w.is_empty())
    {
        let word = String::from_utf8_lossy(word).to_lowercase();
        *counts.entry(word).or_default() += 1;
    }
    let mut words: Vec<(usize, String)> = counts.into_iter().map(|(w, c)| (c, w)).collect();
    words.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    words
        .iter()
        .take(n)
        .map(|(c, w)| format!("{c} {w}\n"))
        .collect()
}

/// The repository's demo, copied so that nothing is written into the source tree.
fn demo() -> Workshop {
    let shop = Workshop::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for manifest in ["top-n-words.toml", "top-n-words-folder.toml"] {
        shop.write(
            &format!("manifests/{manifest}"),
            &fs::read_to_string(root.join("manifests").join(manifest)).unwrap(),
        );
    }
    let samples = root.join("samples/top-n-words");
    for (name, content) in files(&samples) {
        let path = shop.write(&format!("samples/top-n-words/{name}"), "");
        fs::copy(samples.join(&name), &path).unwrap();
        assert_eq!(fs::read(path).unwrap(), content);
    }
    shop
}

const DEMO: &str = "manifests/top-n-words.toml";

/// What the demo must produce.
fn expected(shop: &Workshop) -> BTreeMap<String, Vec<u8>> {
    files(&shop.path("samples/top-n-words/texts"))
        .into_iter()
        .map(|(name, text)| {
            let name = name.replace(".txt", "_OUTPUT.txt");
            (name, top_words(&text, 3).into_bytes())
        })
        .collect()
}

#[test]
fn the_demo_from_nothing_to_nothing_left() {
    let shop = demo();
    shop.run(["plan", DEMO, "--detailed-exitcode"])
        .ends_with(2)
        .says(&["6 to run", "pool to create"]);
    assert!(!shop.path("out").exists(), "a plan makes nothing");

    shop.run(["apply", DEMO, "--yes"])
        .ends_with(0)
        .says(&["6 tasks done, 0 up to date, 0 failed"]);
    assert_eq!(files(&shop.path("out/top-n-words")), expected(&shop));

    // Again: nothing to do, and nothing that changes anything is sent.
    let again = shop
        .run(["apply", DEMO, "--yes", "-vv"])
        .ends_with(0)
        .says(&["No changes. 6 tasks up to date."]);
    for verb in ["PUT", "POST", "PATCH", "DELETE"] {
        assert!(
            !again.stderr().contains(verb),
            "{verb} in:\n{}",
            again.stderr()
        );
    }
    assert!(
        again.stderr().contains("GET"),
        "the log shows requests:\n{}",
        again.stderr()
    );
    shop.run(["plan", DEMO, "--detailed-exitcode"]).ends_with(0);

    // An edited input runs its task alone.
    shop.write("samples/top-n-words/texts/chess.txt", "mate check mate");
    shop.run(["apply", DEMO, "--yes"])
        .ends_with(0)
        .says(&["1 of 6 to run", "5 up to date"]);
    assert_eq!(files(&shop.path("out/top-n-words")), expected(&shop));

    // An output that is gone or edited comes back, alone.
    fs::remove_file(shop.path("out/top-n-words/tides_OUTPUT.txt")).unwrap();
    shop.run(["apply", DEMO, "--yes"])
        .ends_with(0)
        .says(&["1 of 6 to run: output is missing", "5 up to date"]);
    shop.write("out/top-n-words/bread_OUTPUT.txt", "spoilt");
    shop.run(["apply", DEMO, "--yes"])
        .ends_with(0)
        .says(&["1 of 6 to run: output was edited", "5 up to date"]);
    assert_eq!(files(&shop.path("out/top-n-words")), expected(&shop));

    // A variable that goes into every command runs every task.
    shop.run(["plan", DEMO, "--var", "top=5"])
        .ends_with(0)
        .says(&["6 of 6 to run"]);

    shop.run(["destroy", DEMO, "--yes"])
        .ends_with(0)
        .says(&["Nothing to destroy"]);
}

#[test]
fn any_folder_of_texts_at_two_nodes_with_two_slots() {
    let shop = demo();
    let texts = real_texts();
    assert!(texts.len() >= 200, "only {} texts found", texts.len());
    let mut expected = BTreeMap::new();
    for (name, text) in &texts {
        let path = shop.path("texts").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        expected.insert(name.clone(), top_words(text, 4).into_bytes());
    }
    let manifest = "manifests/top-n-words-folder.toml";
    let folder = format!("folder={}", shop.path("texts").display());
    let args = [
        "apply",
        manifest,
        "--yes",
        "--var",
        &folder,
        "--var",
        "pattern=**",
        "--var",
        "top=4",
    ];
    shop.run(args).ends_with(0);
    assert_eq!(files(&shop.path("out/top-n-words-folder")), expected);
    shop.run(args).ends_with(0).says(&["No changes."]);
}

/// Text files that nobody here wrote: what a Rust toolchain or any Debian machine has lying about.
fn real_texts() -> BTreeMap<String, Vec<u8>> {
    let home =
        std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|h| h + "/.cargo"));
    let registry = home.map(|h| h + "/registry/src").unwrap_or_default();
    let mut found = BTreeMap::new();
    for root in [
        "/usr/share/doc",
        "/usr/share/common-licenses",
        "/usr/share/perl",
        &registry,
    ] {
        let mut folders = vec![std::path::PathBuf::from(root)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && found.len() < 220 {
                    let Ok(text) = fs::read(&path) else { continue };
                    if (200..200_000).contains(&text.len()) && std::str::from_utf8(&text).is_ok() {
                        let name = path.to_string_lossy().trim_start_matches('/').to_owned();
                        found.insert(name, text);
                    }
                }
            }
        }
    }
    found
}

/// A small manifest whose tasks run `command` with `{{item}}` for 0, 1, 2.
fn manifest(command: &str, more: &str) -> String {
    format!(
        r#"
name = "small"
[containers.output]
[pool]
id = "small"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "small"
{more}
[[tasks]]
for_each = {{ range = [0, 3] }}
id = "task-{{{{item}}}}"
commands = ['''{command}''']
output_files = [{{ pattern = "*.out", container = "output" }}]
[download]
container = "output"
to = "out"
"#
    )
}

#[test]
fn a_task_that_fails_is_shown_and_run_again() {
    let shop = Workshop::new();
    shop.write("m.toml", &manifest("echo made > {{item}}.out; test -e /proc/self; if [ {{item}} = 1 ]; then echo no luck today >&2; exit 9; fi", ""));
    shop.run(["apply", "m.toml", "--yes"]).ends_with(3).says(&[
        "failed task task-1: exit code 9 on tvm",
        "no luck today",
        "2 tasks done, 0 up to date, 1 failed",
    ]);
    assert_eq!(files(&shop.path("out")).len(), 2, "what succeeded is here");
    shop.run(["plan", "m.toml"]).ends_with(0).says(&[
        "1 of 3 to run: failed with exit code 9",
        "2 of 3 up to date",
    ]);
    shop.write("m.toml", &manifest("echo made > {{item}}.out", ""));
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["3 tasks done"]);
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["Nothing to destroy"]);
}

#[test]
fn a_failed_start_task_is_explained() {
    let shop = Workshop::new();
    let start = r#"
[pool.start_task]
commands = ["echo the disk is on fire >&2", "exit 4"]
"#;
    shop.write("m.toml", &manifest("echo {{item}} > {{item}}.out", start));
    shop.run(["apply", "m.toml", "--yes"]).ends_with(7).says(&[
        "the start task of pool `small` failed on every node, with exit code 4",
        "the disk is on fire",
        "correct [pool.start_task]",
    ]);
    // The pool is what costs money: it is gone. The rest stays to be looked at.
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["3 resources to delete", "Destroy complete"]);
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["Nothing to destroy"]);
}

#[test]
fn time_limits_end_tasks_and_jobs() {
    let shop = Workshop::new();
    let task_limit = manifest("sleep 600", "").replace(
        "output_files",
        "constraints = { max_wall_clock_time = \"PT1S\" }\noutput_files",
    );
    shop.write("task.toml", &task_limit);
    shop.run(["apply", "task.toml", "--yes"])
        .ends_with(3)
        .says(&[
            "exit code 137",
            "The maximum execution time configured on the task was exceeded",
            "0 tasks done, 0 up to date, 3 failed",
        ]);
    let job_limit = "constraints = { max_wall_clock_time = \"PT1S\" }";
    shop.write("job.toml", &manifest("sleep 600", job_limit));
    shop.run(["apply", "job.toml", "--yes"])
        .ends_with(6)
        .says(&["job.constraints.max_wall_clock_time"]);
    // The same when the limit leaves no task open.
    let single = manifest("sleep 600", job_limit).replace("[0, 3]", "[0, 1]");
    shop.write("single.toml", &single);
    shop.run(["apply", "single.toml", "--yes"])
        .ends_with(6)
        .says(&[
            "job.constraints.max_wall_clock_time",
            "0 tasks done, 0 up to date, 1 failed",
        ]);
}

#[test]
fn destroy_removes_what_apply_made_and_nothing_else() {
    let shop = Workshop::new();
    let keep = manifest("echo {{item}} > {{item}}.out", "").replace(
        "[download]",
        "[cleanup]\ncontainers = \"never\"\njob = \"never\"\npool = \"never\"\n[download]",
    );
    shop.write("m.toml", &keep);
    let state_dir = shop.path(".batchflow/m/local");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ask = |runtime: &tokio::runtime::Runtime| {
        runtime.block_on(async {
            let service = local_service(Some(state_dir.clone()), false).await;
            let client = client(&service);
            client
                .blob
                .create_container("somebody-elses", &BTreeMap::new())
                .await
                .unwrap();
            let containers = client.blob.list_containers(None).map_ok(|c| c.name);
            let containers: Vec<String> = containers.try_collect().await.unwrap();
            let pool = client.batch.get_pool("small").await.unwrap().is_some();
            let job = client.batch.get_job("small").await.unwrap().is_some();
            service.stop().await;
            (containers, pool, job)
        })
    };
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["3 tasks done"]);
    let all = ["output", "small-logs", "somebody-elses"].map(str::to_owned);
    assert_eq!(ask(&runtime), (all.to_vec(), true, true));
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["No changes."]);

    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["4 resources to delete", "Destroy complete"]);
    assert_eq!(
        ask(&runtime),
        (vec!["somebody-elses".to_owned()], false, false)
    );
    assert_eq!(files(&shop.path("out")).len(), 3, "outputs stay");
}

#[test]
fn an_answer_other_than_yes_changes_nothing() {
    let shop = Workshop::new();
    shop.write("m.toml", &manifest("true", ""));
    shop.run(["apply", "m.toml"])
        .ends_with(1)
        .says(&["there is no terminal to ask on", "--yes"]);
    assert!(!shop.path("out").exists());
}

#[test]
fn foreign_files_in_the_download_folder_stay() {
    let shop = Workshop::new();
    shop.write("m.toml", &manifest("echo {{item}} > {{item}}.out", ""));
    shop.write("out/1.out", "my own notes");
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(1)
        .says(&["out/1.out exists and was not written by batchflow"]);
    assert_eq!(shop.read("out/1.out"), "my own notes");
    fs::remove_file(shop.path("out/1.out")).unwrap();
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    assert_eq!(shop.read("out/1.out"), "1\n");
}

#[test]
fn state_that_cannot_be_used_is_said_so() {
    let shop = Workshop::new();
    shop.write("m.toml", &manifest("sleep 600", ""));
    let file = shop.write("a-file", "");
    shop.run([
        "apply",
        "m.toml",
        "--yes",
        "--state-dir",
        file.to_str().unwrap(),
    ])
    .ends_with(1)
    .says(&["the local service did not start", "a-file"]);

    // Another apply holds it.
    let mut first = shop.start(["apply", "m.toml", "--yes"]);
    let lock = shop.path(".batchflow/m/local/lock");
    crate::support::wait_for("the lock", || {
        fs::read_to_string(&lock).is_ok_and(|t| !t.trim().is_empty())
    });
    shop.run(["apply", "m.toml", "--yes"]).ends_with(1).says(&[
        "belongs to a running service",
        &first.id().to_string(),
        "--state-dir",
    ]);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_download_folder_that_cannot_be_written_is_known_before_anything_is_made() {
    let shop = Workshop::new();
    shop.write("m.toml", &manifest("touch ran", ""));
    std::os::unix::fs::symlink("/nonexistent/folder", shop.path("out")).unwrap();
    let ran = shop
        .run(["apply", "m.toml", "--yes"])
        .ends_with(1)
        .says(&["the receipt could not be kept"]);
    assert!(!ran.stderr().contains("containers"), "{}", ran.stderr());
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["Nothing to destroy"]);
}
