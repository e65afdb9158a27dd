//! `logs`: from the node while a task runs, from blob storage when the node is gone.

use std::io::{BufRead, BufReader};

use crate::support::{Workshop, wait_for};

const MANIFEST: &str = r#"
name = "talks"
[containers.out]
[pool]
id = "p"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "j"
[[tasks]]
id = "good"
commands = ["echo fine", "until [ -e GATE ]; do sleep 0.02; done", "echo well", "echo aside >&2"]
[[tasks]]
id = "bad"
depends_on = { task_ids = ["good"] }
commands = ["echo oops >&2", "exit 3"]
[logs]
keep = KEEP
"#;

fn shop(keep: bool) -> Workshop {
    let shop = Workshop::new();
    let gate = shop.path("gate").display().to_string();
    let manifest = MANIFEST
        .replace("GATE", &gate)
        .replace("KEEP", &keep.to_string());
    shop.write("m.toml", &manifest);
    shop
}

#[test]
fn they_outlive_the_node() {
    let shop = shop(true);
    shop.write("gate", "");
    shop.run(["apply", "m.toml", "--yes"]).ends_with(3);
    shop.run(["status", "m.toml"]).ends_with(0).says(&[
        "Pool: none",
        "bad  exit code 3",
        "batchflow logs m.toml bad",
    ]);
    for (args, expected) in [
        (&["good"][..], "fine\nwell\naside\n"),
        (&["good", "--stdout"], "fine\nwell\n"),
        (&["good", "--stderr"], "aside\n"),
        // Of all that failed.
        (&[], "oops\n"),
    ] {
        let args = [&["logs", "m.toml"], args].concat();
        assert_eq!(shop.run(&args).ends_with(0).stdout(), expected, "{args:?}");
    }
    shop.run(["logs", "m.toml", "nobody"])
        .ends_with(1)
        .says(&["nothing is kept of what the task `nobody` wrote"]);
    // Kept logs change nothing about what has to run, and go with the rest.
    shop.run(["plan", "m.toml"])
        .ends_with(0)
        .says(&["1 to run, 1 up to date"]);
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["talks-logs"]);
}

#[test]
fn unless_nobody_wants_them() {
    let shop = shop(false);
    shop.write("gate", "");
    let apply = shop.run(["apply", "m.toml", "--yes"]).ends_with(3);
    assert!(!apply.stdout().contains("talks-logs"), "{}", apply.stdout());
    shop.run(["logs", "m.toml", "good"])
        .ends_with(1)
        .says(&["nothing is kept of what the task `good` wrote"]);
}

#[test]
fn they_are_followed_while_an_apply_runs() {
    let shop = shop(true);
    let mut apply = shop.start(["apply", "m.toml", "--yes", "--quiet"]);
    wait_for("the task to run", || {
        shop.run(["tasks", "m.toml", "--state", "running"])
            .stdout()
            .contains("good")
    });
    let mut follow = shop.start(["logs", "m.toml", "good", "--follow", "--stdout"]);
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "fine");
    shop.write("gate", "");
    assert_eq!(lines.next().unwrap().unwrap(), "well");
    assert!(follow.wait().unwrap().success());
    assert_eq!(apply.wait().unwrap().code(), Some(3));
}
