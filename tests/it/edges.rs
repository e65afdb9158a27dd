//! Sizes that nobody has by design, and some have by accident.

use std::fmt::Write;
use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::{Ran, Workshop};

/// MiB; the program has a tenth of that when it does nothing.
const LITTLE: u64 = 200;

/// A pool of one node, a job and one task.
fn manifest(id: &str, task: &str) -> String {
    format!(
        r#"
name = "edge"
[pool]
id = "{id}"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "{id}"
[[tasks]]
id = "{id}"
{task}
"#
    )
}

/// Waits for the end, and gives the most MiB it had in memory at once.
fn watched(mut child: Child) -> (Ran, u64) {
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kilobytes = mark.and_then(|m| m.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0_u64));
        thread::park_timeout(Duration::from_millis(5));
    }
    (Ran::of(child.wait_with_output().unwrap()), peak / 1024)
}

#[test]
fn ids_have_64_characters_at_most() {
    let shop = Workshop::new();
    shop.write(
        "m.toml",
        &manifest(&"i".repeat(64), "command_line = '/bin/true'"),
    );
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    shop.write(
        "m.toml",
        &manifest(&"i".repeat(65), "command_line = '/bin/true'"),
    );
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(4)
        .says(&["more than 64", "nothing was changed"]);
}

/// The service takes a mebibyte in a request, here as there; what is larger has to be named, before anything is done
/// where there is a way around it.
#[test]
fn a_task_that_does_not_fit_into_a_request() {
    let mut many = "command_line = '/bin/true'\nresource_files = [\n".to_owned();
    for i in 0..32_000 {
        let _ = writeln!(
            many,
            "{{ http_url = 'https://example.org/{i}', file_path = 'f{i}' }},"
        );
    }
    many.push(']');
    let long = format!("command_line = '/bin/echo {}'", "x".repeat(5_000_000));
    for (task, code, what) in [
        (long, 1, "RequestBodyTooLarge"),
        (many, 4, "do not fit into a request"),
    ] {
        let shop = Workshop::new();
        shop.write("m.toml", &manifest("large", &task));
        shop.run(["apply", "m.toml", "--yes", "--quiet"])
            .ends_with(code)
            .says(&["`large`", what]);
    }
}

#[test]
#[ignore = "writes two gigabytes: cargo test --test it edges:: -- --ignored"]
fn a_line_of_a_gibibyte_is_never_held() {
    let shop = Workshop::new();
    let task = "commands = ['head -c 1073741824 /dev/zero | tee /dev/stderr; exit 3']";
    shop.write("m.toml", &manifest("line", task));
    let (ran, peak) = watched(shop.start(["apply", "m.toml", "--yes", "--quiet"]));
    ran.ends_with(3).says(&["the end of its stderr"]);
    assert!(peak < LITTLE, "{peak} MiB");
}

#[test]
#[ignore = "reads 200 GB: cargo test --release --test it edges:: -- --ignored"]
fn a_file_of_200_gigabytes_is_never_held() {
    let shop = Workshop::new();
    let text = manifest(
        "sparse",
        "command_line = '/bin/true'\nresource_files = [{ container = 'input' }]",
    );
    shop.write(
        "m.toml",
        &(text + "[containers.input]\n[[uploads]]\ncontainer = 'input'\nfiles = 'sparse'\n"),
    );
    let file = File::create(shop.path("sparse")).unwrap();
    file.set_len(200_000_000_000).unwrap();
    let mut command = shop.command(["plan", "m.toml"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (ran, peak) = watched(child);
    ran.ends_with(0).says(&["1 to run"]);
    assert!(peak < LITTLE, "{peak} MiB");
}

#[test]
#[ignore = "moves 10 000 files: cargo test --test it edges:: -- --ignored"]
fn ten_thousand_files_in_one_directory() {
    let shop = Workshop::new();
    let task = "commands = ['seq 10000 | while read i; do echo $i > $i.out; done']\n\
        output_files = [{ pattern = '*.out', container = 'output' }]\n\
        [containers.output]\n[download]\ncontainer = 'output'\nto = 'out'";
    shop.write("m.toml", &manifest("many", task));
    let (ran, peak) = watched(shop.start(["apply", "m.toml", "--yes", "--quiet"]));
    ran.ends_with(0);
    assert_eq!(crate::support::files(&shop.path("out")).len(), 10_000);
    assert!(peak < LITTLE, "{peak} MiB");
}
