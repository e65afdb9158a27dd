//! Things that are not as they should be: a clear error, and no output lost or overwritten.

use std::fs;
use std::process::Command;

use super::rig::{Account, Rig, left_over, waiting};
use crate::support::{Ran, Workshop, client, files, local_service, wait_for};

const MANIFEST: &str = r#"
name = "bad"
[containers.bad-in]
[containers.bad-out]
[[uploads]]
container = "bad-in"
files = "in/*"
[pool]
id = "bad"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "bad"
[[tasks]]
for_each = { container = "bad-in" }
id = "{{file.stem}}"
commands = ["cat {{file.name}} > {{file.stem}}.out"]
output_files = [{ pattern = "{{file.stem}}.out", container = "bad-out" }]
[download]
container = "bad-out"
to = "out"
"#;

fn workshop() -> Workshop {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    shop.write("in/a.txt", "a");
    shop.write("in/b.txt", "b");
    shop
}

#[test]
fn a_receipt_that_is_damaged_edited_or_of_another_version() {
    let shop = workshop();
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    let receipt = "out/.batchflow/receipt.json";
    let whole = shop.read(receipt);
    for (text, says) in [
        (
            whole[..whole.len() / 2].to_owned(),
            "is not one that batchflow wrote",
        ),
        (String::new(), "is not one that batchflow wrote"),
        (
            whole.replace("\"version\": 1", "\"version\": 9"),
            "has version 9",
        ),
        (
            whole.replace("\"manifest\": \"bad\"", "\"manifest\": \"good\""),
            "belongs to the manifest `good`",
        ),
    ] {
        shop.write(receipt, &text);
        for verb in [&["plan", "m.toml"][..], &["apply", "m.toml", "--yes"]] {
            shop.run(verb)
                .ends_with(1)
                .says(&[says, "receipt.json", "help:"]);
        }
        assert_eq!(shop.read(receipt), text, "it is left as it is");
        shop.run(["destroy", "m.toml", "--yes"]).ends_with(0);
    }
    // A digest that was edited: the task is taken for another one, and its output is its own.
    let digest = whole.find("\"digest\": \"").unwrap() + 11;
    let mut edited = whole.clone();
    edited.replace_range(digest..digest + 4, "0000");
    shop.write(receipt, &edited);
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["1 of 2 to run", "1 of 2 up to date"]);
    assert_eq!(files(&shop.path("out")).len(), 2);
    assert_eq!(shop.read("out/a.out"), "a");
}

#[test]
fn without_the_receipt_the_account_tells_what_is_done() {
    let shop = workshop();
    let kept = MANIFEST.replace(
        "[download]",
        "[cleanup]\ncontainers = \"never\"\n[download]",
    );
    shop.write("m.toml", &kept);
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    fs::remove_dir_all(shop.path("out")).unwrap();
    // The job is gone as well: the outputs in storage carry the digests of their tasks.
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["2 of 2 only downloaded"]);
    assert_eq!(shop.read("out/a.out"), "a");
    // The receipt alone is gone: the files are those of the account, and stay.
    fs::remove_dir_all(shop.path("out/.batchflow")).unwrap();
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["2 of 2 only downloaded", "0 B down"]);
    // The account is gone: the receipt tells.
    shop.run(["destroy", "m.toml", "--yes"]).ends_with(0);
    fs::remove_dir_all(shop.path(".batchflow/m/local")).unwrap();
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["No changes."]);
}

#[test]
fn foreign_files_are_found_before_anything_is_made() {
    let shop = workshop();
    shop.write("out/b.out", "my own notes");
    shop.run(["apply", "m.toml", "--yes"]).ends_with(1).says(&[
        "out/b.out exists and was not written by batchflow; task `b` would overwrite it",
        "move it away",
    ]);
    assert_eq!(shop.read("out/b.out"), "my own notes");
    assert!(!shop.path("out/.batchflow").exists());
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["Nothing to destroy"]);
}

#[test]
fn a_manifest_edited_while_it_is_applied_changes_the_next_apply_alone() {
    let account = Account::new();
    let shop = Workshop::new();
    waiting(&shop);
    let args = ["apply", "m.toml", "--yes"];
    let first = account.command(&shop, &args).spawn().unwrap();
    wait_for("the task", || !shop.read("trace").is_empty());
    let edited = shop.read("m.toml").replace("echo done", "echo edited");
    shop.write("m.toml", &edited);
    shop.write("go", "");
    Ran::of(first.wait_with_output().unwrap()).ends_with(0);
    assert_eq!(shop.read("out/1.out"), "done\n");
    account
        .run(&shop, &args)
        .ends_with(0)
        .says(&["1 of 1 to run: command changed"]);
    assert_eq!(shop.read("out/1.out"), "edited\n");
}

/// The program with a limit to the size of files, which is what a full disk looks like from inside.
fn with_full_disk(mut command: Command) -> Ran {
    let program = command.get_program().to_owned();
    let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\""])
        .arg(program)
        .args(args)
        .current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    command.stdin(std::process::Stdio::null());
    Ran::of(shell.output().unwrap())
}

#[test]
fn a_disk_that_fills_up_is_named() {
    // Larger than the limit of 512 × 512 (or 1024) bytes.
    let large = "x".repeat(3 << 20);
    let shop = workshop();
    shop.write("in/a.txt", &large);
    // The local service's.
    with_full_disk(shop.command(["apply", "m.toml", "--yes"]))
        .ends_with(1)
        .says(&["cannot be written to", "/extents/", "File too large"]);
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);

    // The download folder's.
    fs::remove_dir_all(shop.path("out")).unwrap();
    let account = Account::new();
    shop.write("m.toml", &format!("{MANIFEST}\n[account]\n"));
    with_full_disk(account.command(&shop, &["apply", "m.toml", "--yes"]))
        .ends_with(1)
        .says(&["cannot write", "out/", "File too large"]);
    let left = files(&shop.path("out"));
    assert!(
        left.keys().all(|name| name == "b.out"),
        "no half file: {:?}",
        left.keys()
    );
    account
        .run(&shop, &["apply", "m.toml", "--yes"])
        .ends_with(0);
    assert_eq!(shop.read("out/a.out"), large);
}

#[tokio::test]
async fn a_pool_that_others_use_is_not_taken_away_silently() {
    let service = local_service(None, false).await;
    let client = client(&service);
    let rig = Rig::new(MANIFEST);
    rig.shop.write("in/a.txt", "a");
    let desired = rig.desired();
    let pool = desired
        .pool
        .body("batch.node.ubuntu 24.04", &|_| String::new());
    client.batch.create_pool(&pool).await.unwrap();
    let mut job = desired.job.template.clone();
    job.id = "somebody".to_owned();
    job.metadata.clear();
    client.batch.create_job(&job).await.unwrap();
    let options = batchflow::plan::Options::default();
    let (plan, _) = rig.plan(&desired, &client, &options).await.ok().unwrap();
    assert_eq!(plan.pool_users, ["somebody"]);
    let view = batchflow::report::plan::PlanView {
        target: "here",
        desired: &desired,
        plan: &plan,
        verbose: false,
    };
    let text = view.render();
    assert!(
        text.contains("the pool is used by the job somebody, whose tasks are interrupted"),
        "{text}"
    );
    assert_eq!(left_over(&client, "bad").await, ["bad"]);
    service.stop().await;
}

#[tokio::test]
async fn a_pool_without_nodes_is_changed_in_place() {
    let service = local_service(None, true).await;
    let client = client(&service);
    let mut rig =
        Rig::new(MANIFEST.replace("[download]", "[cleanup]\npool = \"never\"\n[download]"));
    rig.shop.write("in/a.txt", "a");
    let desired = rig.desired();
    let mut pool = desired
        .pool
        .body("batch.node.ubuntu 24.04", &|_| String::new());
    pool.target_dedicated_nodes = Some(0);
    client.batch.create_pool(&pool).await.unwrap();
    let made = client.batch.get_pool("bad").await.unwrap().unwrap();
    rig.edit("Standard_D2s_v5", "Standard_D4s_v5");
    rig.edit("[job]", "task_slots_per_node = 2\n[job]");
    rig.apply(&client).await.map_err(|e| e.0).unwrap();
    let live = client.batch.get_pool("bad").await.unwrap().unwrap();
    assert_eq!(live.creation_time, made.creation_time, "the same pool");
    assert_eq!(live.vm_size.to_ascii_lowercase(), "standard_d4s_v5");
    assert_eq!(live.task_slots_per_node, Some(2));
    assert_eq!(live.target_dedicated_nodes, Some(1));
    service.stop().await;
}
