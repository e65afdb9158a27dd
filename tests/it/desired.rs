//! The desired state of manifests: request bodies, digests, and what is wrong with tasks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use batchflow::desired::{self, Access, Desired};
use batchflow::diagnostic::Diagnostic;
use batchflow::ids::{BlobName, ContainerName};
use batchflow::inputs::{File, Snapshot, read_lists, scan};
use batchflow::manifest;
use serde_json::{Value, json};

const MANIFEST: &str = r#"
name = "demo"
[vars]
top = 3
[containers.application]
[containers.input]
[containers.output]
[[uploads]]
container = "input"
files = "*"
[pool]
id = "pool"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
image = { publisher = "canonical", offer = "ubuntu", sku = "server" }
[pool.start_task]
commands = ["cp run.sh $AZ_BATCH_NODE_SHARED_DIR"]
resource_files = [{ container = "application" }]
[job]
id = "job"
common_environment_settings = { LEVEL = 1 }
[[tasks]]
for_each = { container = "input" }
id = "t-{{file.stem}}"
commands = ["run {{file.name}} {{vars.top}}", "done"]
output_files = [{ pattern = "out.txt", container = "output", path = "{{file.stem}}.out" }]
constraints = { max_wall_clock_time = "10m" }
[download]
container = "output"
to = "../out"
"#;

fn file(container: &str, blob: &str, content: u8) -> File {
    File {
        container: ContainerName::new(container).unwrap(),
        blob: BlobName::new(blob).unwrap(),
        path: PathBuf::from(format!("/somewhere/{blob}")),
        length: 1,
        md5: [content; 16],
        sha256: [content; 32],
    }
}

fn files() -> Vec<File> {
    vec![
        file("application", "run.sh", 1),
        file("input", "a.txt", 2),
        file("input", "it's b.txt", 3),
    ]
}

fn compile(text: &str, files: Vec<File>) -> Result<Desired, Vec<Diagnostic>> {
    let (manifest, diagnostics) = manifest::load(text, &[]);
    let manifest = manifest.unwrap_or_else(|| panic!("{diagnostics:?}"));
    desired::compile(&manifest, &Snapshot::new(files), Path::new("/m"))
}

fn demo() -> String {
    MANIFEST.replace("t-{{file.stem}}", "t-{{id file.stem}}")
}

fn urls(access: Access<'_>) -> String {
    match access {
        Access::ReadContainer(c) => format!("sas:rl/{c}"),
        Access::ReadBlob(c, b) => format!("sas:r/{c}/{b}"),
        Access::WriteContainer(c) => format!("sas:w/{c}"),
    }
}

#[test]
fn bodies_hold_everything_but_the_urls() {
    let desired = compile(&demo(), files()).unwrap();
    let task = &desired.tasks[1];
    assert_eq!(
        serde_json::to_value(task.body(&urls)).unwrap(),
        json!({
            "id": task.id.as_str(),
            "commandLine": r"/bin/sh -c 'set -e
run '\''it'\''\'\'''\''s b.txt'\'' 3
done'",
            "resourceFiles": [{ "httpUrl": "sas:r/input/it's b.txt", "filePath": "it's b.txt" }],
            "outputFiles": [{
                "filePattern": "out.txt",
                "destination": { "container": {
                    "path": "it's b.out",
                    "containerUrl": "sas:w/output",
                    "uploadHeaders": [
                        { "name": "x-ms-meta-batchflow_task", "value": task.id.as_str() },
                        { "name": "x-ms-meta-batchflow_digest", "value": task.digest },
                    ],
                }},
                "uploadOptions": { "uploadCondition": "TaskSuccess" },
            }],
            "environmentSettings": [{ "name": "BATCHFLOW_DIGEST", "value": task.digest }],
            "constraints": { "maxWallClockTime": "PT10M" },
        })
    );
    let pool = serde_json::to_value(desired.pool.body("batch.node.ubuntu 24.04", &urls)).unwrap();
    assert_eq!(
        pool["virtualMachineConfiguration"]["nodeAgentSKUId"],
        "batch.node.ubuntu 24.04"
    );
    assert_eq!(
        pool["virtualMachineConfiguration"]["imageReference"]["version"],
        "latest"
    );
    assert_eq!(
        pool["startTask"]["resourceFiles"],
        json!([{ "storageContainerUrl": "sas:rl/application" }])
    );
    assert_eq!(pool["startTask"]["waitForSuccess"], true);
    let marks = |digest: &str| {
        json!([
            { "name": "batchflow_manifest", "value": "demo" },
            { "name": "batchflow_digest", "value": digest },
        ])
    };
    assert_eq!(pool["metadata"], marks(&desired.pool.digest));
    let job = serde_json::to_value(&desired.job.template).unwrap();
    assert_eq!(job["poolInfo"], json!({ "poolId": "pool" }));
    assert_eq!(job["metadata"], marks(&desired.job.digest));
    assert_eq!(job.get("onAllTasksComplete"), None::<&Value>);
    assert_eq!(desired.uploads[0].md5, [1; 16]);
    assert_eq!(desired.download.unwrap().to, Path::new("/m/../out"));
    assert_eq!(
        desired.containers[0].metadata,
        BTreeMap::from([("batchflow_manifest".into(), "demo".into())])
    );
}

fn digests(text: &str, files: Vec<File>) -> BTreeMap<String, String> {
    let desired = compile(text, files).unwrap();
    desired
        .tasks
        .into_iter()
        .map(|t| (t.id.to_string(), t.digest))
        .collect()
}

/// A digest that changes without reason runs every task of every user again: change `VERSION` with it, knowingly.
#[test]
fn digests_stay_what_they_were() {
    let digests = digests(&demo(), files());
    assert_eq!(
        digests["t-a"],
        "c5823ad02020bb9f75536aa5bbff76a8b847c991e8eadc803acbdf9b00e9193a"
    );
}

#[test]
fn digests_follow_what_decides_the_outputs_and_nothing_else() {
    let before = digests(&demo(), files());
    let changed = |text: &str, files: Vec<File>| -> usize {
        digests(text, files)
            .into_iter()
            .filter(|(id, d)| before.get(id).is_none_or(|b| b != d))
            .count()
    };
    let edit = |from: &str, to: &str| {
        let text = demo();
        assert!(text.contains(from), "{from}");
        changed(&text.replace(from, to), files())
    };
    // What a task reads, runs or is asked for.
    assert_eq!(edit("top = 3", "top = 4"), 2);
    assert_eq!(edit(r#""done"]"#, r#""done2"]"#), 2);
    assert_eq!(edit("LEVEL = 1", "LEVEL = 2"), 2);
    assert_eq!(edit("LEVEL = 1", "LEVEL = 1, MORE = \"\""), 2);
    assert_eq!(edit("sku = \"server\"", "sku = \"minimal\""), 2);
    assert_eq!(edit("cp run.sh", "cp -p run.sh"), 2);
    assert_eq!(edit("{{file.stem}}.out", "{{file.stem}}.txt"), 2);
    assert_eq!(
        edit(
            "[pool.start_task]",
            "node_agent_sku_id = \"x\"\n[pool.start_task]"
        ),
        2
    );
    // What it does not.
    assert_eq!(
        edit("target_dedicated_nodes = 2", "target_dedicated_nodes = 9"),
        0
    );
    assert_eq!(edit("Standard_D2s_v5", "Standard_D4s_v5"), 0);
    assert_eq!(
        edit(
            "max_wall_clock_time = \"10m\"",
            "max_wall_clock_time = \"20m\""
        ),
        0
    );
    assert_eq!(edit("id = \"job\"", "id = \"job2\"\npriority = 5"), 0);
    assert_eq!(edit("name = \"demo\"", "name = \"demo2\""), 0);
    assert_eq!(edit("to = \"../out\"", "to = \"../elsewhere\""), 0);
    // Files.
    let with = |at: usize, change: fn(&mut File)| {
        let mut files = files();
        change(&mut files[at]);
        changed(&demo(), files)
    };
    assert_eq!(with(1, |f| f.sha256 = [9; 32]), 1, "one input, one task");
    assert_eq!(
        with(0, |f| f.sha256 = [9; 32]),
        2,
        "the start task's input, every task"
    );
    assert_eq!(with(1, |f| f.path = "/elsewhere/x".into()), 0);
    let more = [files(), vec![file("input", "c.txt", 4)]].concat();
    assert_eq!(changed(&demo(), more), 1, "a new file, one new task");
}

#[test]
fn pool_and_job_have_digests_of_their_own() {
    let of = |text: &str, files| {
        let desired = compile(text, files).unwrap();
        (desired.pool.digest, desired.job.digest)
    };
    let (pool, job) = of(&demo(), files());
    let (pool_b, job_b) = of(
        &demo().replace("target_dedicated_nodes = 2", "target_dedicated_nodes = 3"),
        files(),
    );
    assert!(pool_b != pool && job_b == job);
    let (pool_c, job_c) = of(&demo().replace("LEVEL = 1", "LEVEL = 2"), files());
    assert!(pool_c == pool && job_c != job);
    let mut edited = files();
    edited[0].sha256 = [9; 32];
    assert_ne!(
        of(&demo(), edited).0,
        pool,
        "the start task reads another file"
    );
}

#[test]
fn what_is_wrong_with_tasks_is_said_once_with_its_number() {
    let many =
        |blobs: &[&str]| -> Vec<File> { blobs.iter().map(|b| file("input", b, 1)).collect() };
    for (text, files, code, message, label) in [
        (
            MANIFEST.to_owned(),
            many(&["a b.txt", "c.txt", "d e.txt", "f g.txt"]),
            "invalid-id",
            "the id `t-a b` contains ' ', which Azure Batch does not allow (and 2 more like this)",
            "for the file `a b.txt`",
        ),
        (
            MANIFEST
                .to_owned()
                .replace("{{file.stem}}.out", "{{index}}"),
            many(&["A.txt", "x/a.txt"]),
            "duplicate-task-id",
            "two tasks have the id `t-a`",
            "for the file `A.txt` and for the file `x/a.txt`",
        ),
        (
            demo().replace("t-{{id file.stem}}", "t-{{index}}"),
            many(&["x/a.txt", "y/a.txt"]),
            "duplicate-output",
            "two outputs would be the blob `a.out` of \"output\"",
            "for the file `x/a.txt` and for the file `y/a.txt`",
        ),
        (
            demo().replace("{{file.stem}}.out", "../{{file.stem}}"),
            many(&["a.txt"]),
            "escapes-download-folder",
            "the output `../a` would leave the download folder: it goes up with `..`",
            "this path",
        ),
        (
            demo(),
            vec![],
            "empty-for-each",
            "no file that is uploaded to \"input\" matches \"**\"",
            "yields no task",
        ),
    ] {
        let diagnostics = compile(&text, files).unwrap_err();
        let [diagnostic] = diagnostics.as_slice() else {
            panic!("{diagnostics:?}")
        };
        assert_eq!(
            (diagnostic.code, diagnostic.message.as_str()),
            (code, message)
        );
        assert_eq!(diagnostic.labels[0].text, label);
        assert!(!diagnostic.labels[0].span.is_empty());
    }
}

#[test]
fn ranges_make_tasks_too() {
    let text = demo()
        .replace(
            "{ container = \"input\" }\nid = \"t-{{id file.stem}}\"",
            "{ range = [3, 6] }\nid = \"t-{{item}}\"",
        )
        .replace("run {{file.name}}", "run {{item}} {{index}}")
        .replace("{{file.stem}}.out", "{{task.id}}.out");
    let desired = compile(&text, vec![]).unwrap();
    let tasks: Vec<_> = desired
        .tasks
        .iter()
        .map(|t| (t.id.as_str(), t.outputs[0].path.as_deref()))
        .collect();
    assert_eq!(
        tasks,
        [
            ("t-3", Some("t-3.out")),
            ("t-4", Some("t-4.out")),
            ("t-5", Some("t-5.out"))
        ]
    );
    assert!(desired.tasks[2].template.command_line.contains("run 5 2 3"));
}

#[test]
fn the_manifests_of_this_repository_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (manifest, diagnostics) = manifest::load(&text, &[]);
        assert_eq!(diagnostics, [], "{}", path.display());
        let manifest = manifest.unwrap();
        let (snapshot, diagnostics) = scan(
            &desired::sources(&manifest),
            &folder,
            None,
            batchflow::clock::now(),
        );
        assert_eq!(diagnostics, [], "{}", path.display());
        let (lists, diagnostics) = read_lists(&desired::lists(&manifest), &folder);
        assert_eq!(diagnostics, [], "{}", path.display());
        let desired = desired::compile(&manifest, &snapshot.with_lists(lists), &folder).unwrap();
        assert!(
            desired.job.schedule.is_some() == desired.tasks.is_empty(),
            "{}",
            path.display()
        );
        count += 1;
    }
    assert!(count >= 2);
}

/// What a hundred thousand tasks depend on is said once, and told to the service as a range of numbers.
#[test]
fn a_hundred_thousand_tasks_wait_for_a_hundred_thousand_others() {
    let tasks = r#"
[[tasks]]
name = "first"
for_each = { matrix = { a = { range = [0, 100] }, b = { range = [0, 1000] } } }
id = "{{index}}"
commands = ["run {{item.a}} {{item.b}}"]
[[tasks]]
for_each = { range = [0, 100_000] }
id = "second-{{item}}"
depends_on = { tasks = "first" }
command_line = "true"
[download]"#;
    let desired = compile(&demo().replace("[download]", tasks), files()).unwrap();
    let [_, _, first, .., last] = desired.tasks.as_slice() else {
        panic!("{} tasks", desired.tasks.len())
    };
    assert!(first.after.is_empty());
    assert_eq!(last.after.first(), Some(&(2..100_002)));
    let ids = desired.tasks[2..100_002].iter().map(|t| t.id.as_str());
    assert_eq!(
        serde_json::to_value(desired::task_dependencies(ids)).unwrap(),
        json!({ "taskIdRanges": [{ "start": 0, "end": 99_999 }] })
    );
    let names = desired.tasks[100_002..].iter().map(|t| t.id.as_str());
    let few = names.clone().take(2);
    assert_eq!(
        serde_json::to_value(desired::task_dependencies(few)).unwrap(),
        json!({ "taskIds": ["second-0", "second-1"] })
    );
}

/// Names cannot be told as ranges: beyond what the service takes, the manifest is refused.
#[test]
fn too_many_names_to_depend_on_are_refused() {
    let tasks = r#"
[[tasks]]
name = "first"
for_each = { range = [0, 10_000] }
id = "first-{{item}}"
command_line = "true"
[[tasks]]
id = "second"
depends_on = { tasks = "first" }
command_line = "true"
[download]"#;
    let problems = compile(&demo().replace("[download]", tasks), files()).unwrap_err();
    assert_eq!(problems[0].code, "out-of-range");
    assert!(problems[0].help.as_ref().unwrap().contains("whole numbers"));
}

/// A task is another task when what it waits for is.
#[test]
fn digests_follow_those_of_upstream() {
    let tasks = r#"
[[tasks]]
name = "count"
for_each = { range = [0, 3] }
id = "count-{{item}}"
commands = ["count {{item}}"]
output_files = [{ pattern = "n", container = "output", path = "{{item}}" }]
[[tasks]]
id = "one"
depends_on = { task_ids = ["count-1"] }
commands = ["echo"]
[[tasks]]
id = "sum"
gather = "count"
commands = ["sum"]
[download]"#;
    let text = demo().replace("[download]", tasks);
    let before = digests(&text, files());
    let changed = |from: &str, to: &str| -> Vec<String> {
        let after = digests(&text.replace(from, to), files());
        let differs = |(id, digest): &(String, String)| before.get(id) != Some(digest);
        after
            .into_iter()
            .filter(differs)
            .map(|(id, _)| id)
            .collect()
    };
    assert_eq!(
        changed(
            "\"count {{item}}\"",
            "\"count {{item}}{{#if (eq item 1)}}!{{/if}}\""
        ),
        ["count-1", "one", "sum"]
    );
    assert_eq!(
        changed(
            "\"count {{item}}\"",
            "\"count {{item}}{{#if (eq item 2)}}!{{/if}}\""
        ),
        ["count-2", "sum"]
    );
    assert_eq!(
        changed("range = [0, 3]", "range = [0, 4]"),
        ["count-3", "sum"]
    );
    assert_eq!(changed("[\"sum\"]", "[\"sum -v\"]"), ["sum"]);
    let desired = compile(&text, files()).unwrap();
    let sum = desired.tasks.last().unwrap();
    assert_eq!(
        serde_json::to_value(sum.body(&urls).resource_files).unwrap(),
        json!([
            { "httpUrl": "sas:r/output/0", "filePath": "0" },
            { "httpUrl": "sas:r/output/1", "filePath": "1" },
            { "httpUrl": "sas:r/output/2", "filePath": "2" },
        ])
    );
}

#[test]
fn a_managed_identity_takes_the_place_of_signatures() {
    let urls = |access: Access<'_>| match access {
        Access::ReadContainer(c) | Access::WriteContainer(c) => format!("https://x/{c}?sig=s"),
        Access::ReadBlob(c, b) => format!("https://x/{c}/{b}?sig=s"),
    };
    let bodies = |manifest: &str| {
        let desired = compile(manifest, files()).unwrap();
        let task = serde_json::to_value(desired.tasks[0].body(&urls)).unwrap();
        let pool = serde_json::to_value(desired.pool.body("agent", &urls)).unwrap();
        let file = &pool["startTask"]["resourceFiles"][0];
        let output = &task["outputFiles"][0]["destination"]["container"];
        (
            desired.needs_signatures(),
            desired.tasks[0].digest.clone(),
            json!([
                file,
                task["resourceFiles"][0],
                output["containerUrl"],
                output["identityReference"]
            ]),
        )
    };
    let all = demo().replace(
        "[pool]",
        "[pool]\nidentity_reference = { resource_id = \"/pool\" }",
    );
    let (signed, digest, body) = bodies(&all);
    let of_pool = json!({ "resourceId": "/pool" });
    let expected = json!([
        { "storageContainerUrl": "https://x/application", "identityReference": of_pool },
        { "httpUrl": "https://x/input/a.txt", "filePath": "a.txt", "identityReference": of_pool },
        "https://x/output",
        of_pool,
    ]);
    assert_eq!(body, expected);
    assert!(!signed);

    let one = demo().replace(
        "container = \"application\" }",
        "container = \"application\", identity_reference = { resource_id = \"/one\" } }",
    );
    let (signed, same, body) = bodies(&one);
    assert_eq!(body[0]["identityReference"]["resourceId"], "/one");
    assert_eq!(body[2], "https://x/output?sig=s");
    assert!(signed);
    assert_eq!(digest, same, "it changes no output");
}

/// A request has 1 MiB, and each file takes some hundred bytes of it.
#[test]
fn a_list_that_is_too_long_becomes_a_prefix() {
    let listed = |number: usize, stored: usize| {
        let names: Vec<String> = (0..stored).map(|n| format!("parts/{n:05}.txt")).collect();
        let list: Vec<String> = names[..number]
            .iter()
            .map(|name| format!("{{ container = \"application\", blob = \"{name}\" }}"))
            .collect();
        let list = format!("resource_files = [{}]\noutput_files", list.join(", "));
        let manifest = demo().replace("output_files", &list);
        let stored = names.iter().map(|name| file("application", name, 1));
        compile(&manifest, files().into_iter().chain(stored).collect())
    };
    let few = listed(1000, 1000).unwrap();
    assert_eq!(few.tasks[0].inputs.len(), 1001);
    assert_eq!(few.tasks[0].fetched_by_prefix, 0);

    let many = listed(3000, 3000).unwrap();
    let task = &many.tasks[0];
    let body = serde_json::to_value(task.body(&urls)).unwrap();
    assert_eq!(
        body["resourceFiles"],
        json!([
            { "httpUrl": "sas:r/input/a.txt", "filePath": "a.txt" },
            { "storageContainerUrl": "sas:rl/application", "blobPrefix": "parts/0" },
        ])
    );
    assert_eq!(task.fetched_by_prefix, 2999);

    // With another file among them there is no way.
    let problems = listed(3000, 3001).unwrap_err();
    assert!(
        problems[0].message.contains("do not fit into a request"),
        "{problems:?}"
    );
}
