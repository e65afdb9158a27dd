//! Names that try to leave their directory go nowhere, whoever chose them: the caller of the service, a task, or whoever
//! may write to the container that outputs are downloaded from.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;
use walkdir::WalkDir;

use crate::protocol::caller::{Call, Caller};
use crate::serve::Serving;
use crate::support::{Ran, Workshop, wait_for};

const POOL: &str = r#"{"id": "p", "vmSize": "standard_d2s_v5", "targetDedicatedNodes": 1,
    "virtualMachineConfiguration": {"nodeAgentSKUId": "batch.node.ubuntu 24.04",
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"}}}"#;

/// What is in a folder, but for where the service keeps what it is given.
fn outside(folder: &Path) -> BTreeSet<String> {
    let kept = ["state/extents/", "state/nodes/", "state/state.db"];
    let all = WalkDir::new(folder).into_iter().map(|entry| {
        let path = entry.unwrap().into_path();
        path.strip_prefix(folder).unwrap().display().to_string()
    });
    all.filter(|name| !kept.iter().any(|k| name.starts_with(k)))
        .collect()
}

/// One segment of a URL.
fn segment(name: &str) -> String {
    let encode = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    name.bytes().map(encode).collect()
}

async fn put(caller: &Caller, container: &str, name: &str) -> u16 {
    let path = format!("/batchflow/{container}/{}", segment(name));
    let mut blob = Call::blob("PUT", &path).header("x-ms-blob-type", "BlockBlob");
    blob.body = b"evil".to_vec();
    caller.send(blob).await.status
}

async fn make_container(caller: &Caller, name: &str) {
    let path = format!("/batchflow/{name}?restype=container");
    caller.send(Call::blob("PUT", &path)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_blobs_and_of_the_files_of_tasks() {
    let shop = Workshop::new();
    let args = ["--json", "--own-key", "--state-dir", "state"];
    let serving = Serving::start(&shop, &args);
    let caller = serving.caller(reqwest::Client::new());
    let long = "l".repeat(2000);
    let hostile = [
        "..",
        "../x",
        "../../state/account.key",
        "/etc/x",
        "//x",
        "a/../../x",
        "a\0b",
        "C:\\x",
        "..\\x",
        "NUL",
        "\u{202e}x",
        "a\nb",
        long.as_str(),
    ];
    make_container(&caller, "con").await;
    let before = outside(&shop.path(""));
    // A URL cannot say `..` by itself: clients take it for a step up.
    for name in &hostile[1..] {
        let status = put(&caller, "con", name).await;
        assert!(matches!(status, 201 | 400), "{name:?}: {status}");
        let container = format!("/batchflow/{}?restype=container", segment(name));
        let status = caller.send(Call::blob("PUT", &container)).await.status;
        assert!((400..500).contains(&status), "{name:?}: {status}");
    }

    caller
        .post("/pools", serde_json::from_str(POOL).unwrap())
        .await
        .expect(201);
    caller
        .post("/jobs", json!({"id": "j", "poolInfo": {"poolId": "p"}}))
        .await
        .expect(201);
    for name in hostile {
        let task = json!({"id": name, "commandLine": "/bin/true"});
        let answer = caller.post("/jobs/j/tasks", task).await;
        assert!(
            matches!(answer.status, 201 | 400),
            "{name:?}: {}",
            answer.text
        );
        assert!(
            answer.status == 400 || !name.contains(['/', '.', '\\']),
            "{name:?}"
        );
    }
    let traps = "/bin/sh -c 'ln -s / root; ln -s ../../../../../../../account.key key; mkfifo pipe; ln -s /dev/zero zero; \
        touch ready; sleep 1000'";
    let task = json!({"id": "traps", "commandLine": traps});
    caller.post("/jobs/j/tasks", task).await.expect(201);
    let ready =
        |entry: walkdir::Result<walkdir::DirEntry>| entry.is_ok_and(|e| e.file_name() == "ready");
    wait_for("the traps", || {
        WalkDir::new(shop.path("state/nodes"))
            .into_iter()
            .any(ready)
    });
    for name in [
        "../stdout.txt",
        "../../../../../../account.key",
        "/etc/passwd",
        "wd/../../../x",
        "wd/root/etc/passwd",
        "wd/key",
        "wd/pipe",
        "wd/zero",
        "wd/ready\0",
        &long,
    ] {
        let path = format!("/jobs/j/tasks/traps/files/{}", segment(name));
        for verb in ["GET", "HEAD", "DELETE"] {
            let is_own = verb == "DELETE" && ["wd/key", "wd/pipe", "wd/zero"].contains(&name);
            if !is_own {
                let answer = caller.send(Call::batch(verb, &path)).await;
                assert!(
                    matches!(answer.status, 400 | 404),
                    "{verb} {name:?}: {}",
                    answer.status
                );
            }
        }
    }
    assert_eq!(outside(&shop.path("")), before);
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_downloads() {
    let shop = Workshop::new();
    let serving = Serving::start(&shop, &["--json", "--in-memory"]);
    let caller = serving.caller(reqwest::Client::new());
    make_container(&caller, "paths-out").await;
    shop.write(
        "m.toml",
        r#"
name = "paths"
[account]
[containers.paths-out]
[pool]
id = "paths"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "paths"
[[tasks]]
id = "t"
commands = ["echo fine > fine.out"]
output_files = [{ pattern = "*.out", container = "paths-out" }]
[download]
container = "paths-out"
to = "out"
[cleanup]
containers = "never"
"#,
    );
    fs::create_dir_all(shop.path("out")).unwrap();
    fs::create_dir_all(shop.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", shop.path("out/link")).unwrap();
    for (name, says) in [
        ("a//b", "would be written outside the download folder"),
        (
            ".batchflow/receipt.json",
            "would be written outside the download folder",
        ),
        ("link/evil", "out/link is a link"),
    ] {
        let before = outside(&shop.path(""));
        assert_eq!(put(&caller, "paths-out", name).await, 201, "{name}");
        let mut command = shop.command(["apply", "m.toml", "--yes", "--adopt", "--force"]);
        let ran = Ran::of(command.envs(serving.environment()).output().unwrap());
        ran.ends_with(1).says(&[says, "help:"]);
        let mut after = outside(&shop.path(""));
        after.retain(|path| !path.contains(".batchflow"));
        assert!(after.is_subset(&before), "{name}: {after:?}");
        let path = format!("/batchflow/paths-out/{}", segment(name));
        caller.send(Call::blob("DELETE", &path)).await.expect(202);
    }
    serving.stop();
}
