//! One task that reads very many files.

use std::fs;

use crate::support::{Workshop, files};

fn reads(number: usize) {
    let shop = Workshop::new();
    fs::create_dir(shop.path("in")).unwrap();
    for n in 0..number {
        fs::write(shop.path("in").join(format!("{n}.txt")), format!("{n}\n")).unwrap();
    }
    shop.write(
        "m.toml",
        r#"
name = "many"
[containers.many-in]
[containers.many-out]
[[uploads]]
container = "many-in"
files = "in/*"
[pool]
id = "many"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "many"
[[tasks]]
id = "all"
commands = ["cat *.txt | sort -n | tail -n 1 > last.out", "ls *.txt | wc -l > count.out"]
resource_files = [{ container = "many-in" }]
output_files = [{ pattern = "*.out", container = "many-out" }]
[download]
container = "many-out"
to = "out"
"#,
    );
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    let outputs = files(&shop.path("out"));
    let text = |name: &str| String::from_utf8(outputs[name].clone()).unwrap();
    assert_eq!(text("last.out").trim(), (number - 1).to_string());
    assert_eq!(text("count.out").trim(), number.to_string());
}

#[test]
fn a_task_reads_a_whole_container() {
    reads(300);
}

/// `cargo test --test it many_inputs -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn a_task_reads_thirty_two_thousand_files() {
    reads(32_000);
}
