//! Tasks with bubblewrap around them; where it cannot be had, the refusal.

use crate::serve::Serving;
use crate::support::{Ran, Workshop, files};

fn manifest(secret: &str) -> String {
    format!(
        r#"
name = "sandbox"
[account]
[containers.sandbox-in]
[containers.sandbox-out]
[[uploads]]
container = "sandbox-in"
files = "in/*"
[pool]
id = "sandbox"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[pool.start_task]
commands = ["echo shared > $AZ_BATCH_NODE_SHARED_DIR/s"]
[job]
id = "sandbox"
[[tasks]]
for_each = {{ container = "sandbox-in" }}
id = "{{{{id file.name}}}}"
commands = [
    "test ! -e {secret}",
    "if touch /usr/x /etc/x 2> t; then exit 2; fi",
    "echo mine > /tmp/mine",
    "test $(ls -d /proc/[0-9]* | wc -l) -lt 20",
    "cat {{{{file.name}}}} $AZ_BATCH_NODE_SHARED_DIR/s > t.out",
]
output_files = [{{ pattern = "t.out", container = "sandbox-out" }}]
[download]
container = "sandbox-out"
to = "out"
"#
    )
}

/// None: it works here.
fn reason_against() -> Option<String> {
    let mut bwrap = std::process::Command::new("bwrap");
    bwrap.args([
        "--ro-bind",
        "/",
        "/",
        "--unshare-pid",
        "--proc",
        "/proc",
        "true",
    ]);
    match bwrap.output() {
        Err(error) => Some(error.to_string()),
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

const SERVE: &[&str] = &["serve", "--port", "0", "--blob-port", "0", "--in-memory"];

#[test]
fn tasks_see_their_node_and_nothing_of_yours() {
    let shop = Workshop::new();
    if let Some(reason) = reason_against() {
        println!("no sandbox here: {reason}");
        let args = [SERVE, &["--sandbox"]].concat();
        shop.run(args).ends_with(1).says(&["--sandbox out"]);
        return;
    }
    let args = ["--json", "--own-key", "--in-memory", "--sandbox"];
    let serving = Serving::start(&shop, &args);
    let secret = shop.write("secret", "");
    shop.write("in/a.txt", "one\n");
    shop.write("m.toml", &manifest(&secret.display().to_string()));
    let mut apply = shop.command(["apply", "m.toml", "--yes"]);
    apply.envs(serving.environment());
    Ran::of(apply.output().unwrap()).ends_with(0);
    assert_eq!(files(&shop.path("out"))["t.out"], b"one\nshared\n");
    assert!(serving.stop().contains("in a sandbox"));
}

#[test]
fn without_bubblewrap_the_service_does_not_start() {
    let shop = Workshop::new();
    let mut serve = shop.command([SERVE, &["--sandbox"]].concat());
    serve.env("PATH", "/nowhere");
    Ran::of(serve.output().unwrap())
        .ends_with(1)
        .says(&["`bwrap` is not there", "install the package bubblewrap"]);
}
