//! `plan --out FILE`, `apply FILE`: just what was shown, or nothing.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Workshop, files};

const MANIFEST: &str = r#"
name = "saved"
[vars]
secret = "none"
[containers.input]
[containers.output]
[[uploads]]
container = "input"
files = "in/*.txt"
[pool]
id = "saved"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "saved"
[[tasks]]
for_each = { container = "input" }
id = "{{file.stem}}"
commands = ["echo {{vars.secret}} > {{file.stem}}.out"]
output_files = [{ pattern = "*.out", container = "output" }]
[download]
container = "output"
to = "out"
"#;

fn workshop() -> Workshop {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    shop.write("in/a.txt", "a");
    shop.write("in/b.txt", "b");
    shop
}

const SECRET: &str = "secret=hunter2";

#[test]
fn carried_out_as_shown_and_only_once() {
    let shop = workshop();
    shop.run([
        "plan", "m.toml", "--var", SECRET, "--task", "a", "--out", "p",
    ])
    .ends_with(0)
    .says(&["1 of 2 to run", "1 of 2 left out", "batchflow apply p"]);
    let mode = std::fs::metadata(shop.path("p")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert!(!shop.read("p").contains("hunter2"), "{}", shop.read("p"));
    shop.run(["apply", "p"])
        .ends_with(1)
        .says(&["the plan was made with --var secret=…; give the same again"]);
    shop.run(["apply", "p", "--var", "secret=guess"])
        .ends_with(1)
        .says(&["changed since: tasks of the manifest"]);
    shop.run(["apply", "p", "--var", SECRET, "--force"])
        .ends_with(1)
        .says(&["--force goes to `batchflow plan`"]);
    shop.run(["apply", "p", "--var", SECRET])
        .ends_with(0)
        .says(&["1 task done"]);
    assert_eq!(shop.read("out/a.out"), "hunter2\n");
    assert_eq!(files(&shop.path("out")).len(), 1, "what was planned alone");
    shop.run(["apply", "p", "--var", SECRET])
        .ends_with(1)
        .says(&["the world is not what it was when the plan was made"]);
}

#[test]
fn refused_when_the_world_has_moved() {
    let shop = workshop();
    shop.run(["plan", "m.toml", "--out", "p"]).ends_with(0);
    shop.write("in/b.txt", "other");
    shop.run(["apply", "p"])
        .ends_with(1)
        .says(&["changed since: input files, tasks of the manifest", "--out"]);
    shop.write("in/b.txt", "b");
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    let ran = shop.run(["apply", "p"]).ends_with(1);
    assert!(ran.stderr().contains("tasks"), "{}", ran.stderr());
}

#[test]
fn refused_when_it_is_not_what_was_written() {
    let shop = workshop();
    shop.run(["plan", "m.toml", "--out", "p"]).ends_with(0);
    let whole = shop.read("p");
    for (text, says) in [
        (
            whole.replace("\"force\": false", "\"force\": true"),
            "was edited or damaged",
        ),
        (whole[..whole.len() / 2].to_owned(), "is not a whole plan"),
        (
            whole.replace("\"version\": 1", "\"version\": 2"),
            "has version 2",
        ),
        (
            whole.replace("\"adopt\": false,", ""),
            "is not a whole plan",
        ),
    ] {
        shop.write("p", &text);
        shop.run(["apply", "p"])
            .ends_with(1)
            .says(&[says, "batchflow plan --out"]);
    }
    shop.run(["plan", "m.toml", "--out", "m.toml"])
        .ends_with(1)
        .says(&["m.toml exists and is not a plan"]);
    assert_eq!(shop.read("m.toml"), MANIFEST);
    assert!(!shop.path("out").exists(), "nothing was done");
}
