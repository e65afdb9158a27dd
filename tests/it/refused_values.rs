//! What only the service refuses is shown at the value of the manifest that it came from.

use std::fmt::Write as _;

use crate::support::Workshop;

const MANIFEST: &str = r#"name = "m"
[pool]
id = "m"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
# pool
[job]
id = "m"
# job
[[tasks]]
id = "first"
commands = ["true"]
[[tasks]]
for_each = { range = [0, 3] }
id = "task-{{item}}"
commands = ["true"]
# task
"#;

/// What is put in the place of what.
const CASES: &[(&str, &str)] = &[
    (
        "# pool",
        r#"mount_configuration = [{ nfs_mount_configuration = { source = "10.0.0.4:/data", relative_mount_path = "data" } }]"#,
    ),
    (
        "# pool",
        r#"extensions = [{ name = "e", publisher = "p", type = "t" }]"#,
    ),
    ("# pool", r#"node_agent_sku_id = "batch.node.debian 12""#),
    (
        r#"sku = "server" }"#,
        "sku = \"desktop\" }\nnode_agent_sku_id = \"batch.node.ubuntu 24.04\"",
    ),
    (
        "# pool",
        "[[pool.application_package_references]]\napplication_id = \"blender\"",
    ),
    (
        "target_dedicated_nodes = 1",
        "auto_scale_formula = '$TargetDedicatedNodes = avg($CPUPercent.GetSample(1));'",
    ),
    (
        "# pool",
        "container_configuration = { type = \"docker_compatible\" }",
    ),
    (
        "# pool",
        "mount_configuration = [{ nfs_mount_configuration = { source = \"10.0.0.4:/data\", relative_mount_path = \"data\" } }]\n[pool.auto_pool]\npool_lifetime_option = \"job\"",
    ),
    (
        "# task",
        "environment_settings = { LONG = \"{{item}}\" }\napplication_package_references = [{ application_id = \"blender\" }]",
    ),
    (
        "# pool",
        "[pool.auto_pool]\npool_lifetime_option = \"job\"\n[[pool.application_package_references]]\napplication_id = \"blender\"",
    ),
];

#[test]
fn a_refusal_points_at_the_manifest() {
    let reports: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = CASES
            .iter()
            .map(|(place, text)| {
                scope.spawn(move || {
                    let shop = Workshop::new();
                    shop.write("m.toml", &MANIFEST.replace(place, text));
                    let run = shop.run(["apply", "m.toml", "--yes", "--progress", "none"]);
                    assert_ne!(run.code(), 0, "{text}");
                    run.stderr()
                })
            })
            .collect();
        running.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let mut all = String::new();
    for ((_, text), report) in CASES.iter().zip(reports) {
        let _ = writeln!(all, "=== {}\n{report}", text.lines().last().unwrap());
    }
    insta::with_settings!({ filters => vec![
        (r"\[request [^\]]+\]", "[request ID]"),
        (r"(?m)^Report: .*$", "Report: …"),
    ] }, { insta::assert_snapshot!(all) });
}
