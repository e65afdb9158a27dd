//! `kill -9` in the middle of an apply, at moments of every step; apply again; same outputs, and no task that
//! was completed has run a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Child;

use batchflow::observed::LiveTask;
use futures::TryStreamExt;

use crate::support::{Workshop, files, wait_for};

const TASKS: usize = 24;

/// Files large enough for uploads and downloads to take a while, tasks that leave a trace outside the node.
fn workshop() -> Workshop {
    let shop = Workshop::new();
    for i in 0..TASKS {
        shop.write(&format!("in/{i:02}.txt"), &format!("{i}\n").repeat(60_000));
    }
    let trace = shop.write("trace", "");
    let command = format!(
        "echo {{{{file.stem}}}} >> {}; tr 0-9 a-j < {{{{file.name}}}} > {{{{file.stem}}}}.out; sleep 0.05",
        trace.display()
    );
    shop.write(
        "m.toml",
        &format!(
            r#"
name = "crash"
[containers.input]
[containers.output]
[[uploads]]
container = "input"
files = "in/*.txt"
[pool]
id = "crash"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
task_slots_per_node = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "crash"
[[tasks]]
for_each = {{ container = "input" }}
id = "t{{{{file.stem}}}}"
commands = ['''{command}''']
output_files = [{{ pattern = "*.out", container = "output" }}]
[download]
container = "output"
to = "out"
"#
        ),
    );
    shop
}

fn expected() -> BTreeMap<String, Vec<u8>> {
    let letters = |i: usize| {
        format!("{i}\n")
            .bytes()
            .map(|b| {
                if b.is_ascii_digit() {
                    b - b'0' + b'a'
                } else {
                    b
                }
            })
            .collect::<Vec<u8>>()
    };
    (0..TASKS)
        .map(|i| (format!("{i:02}.out"), letters(i).repeat(60_000)))
        .collect()
}

/// How often each task began.
fn starts(shop: &Workshop) -> BTreeMap<String, usize> {
    let mut starts = BTreeMap::new();
    for line in shop.read("trace").lines() {
        *starts.entry(format!("t{line}")).or_default() += 1;
    }
    starts
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |d| {
        d.flatten()
            .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
            .count()
    })
}

/// The tasks that the service holds as completed, asked of it while it runs no nodes.
fn completed(shop: &Workshop) -> BTreeSet<String> {
    let state_dir = shop.path(".batchflow/m/local");
    if !state_dir.exists() {
        return BTreeSet::new();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let service = crate::support::local_service(Some(state_dir), false).await;
        let client = crate::support::client(&service);
        let tasks = match client.batch.get_job("crash").await.unwrap() {
            None => Vec::new(),
            Some(_) => {
                let options =
                    batchflow::client::batch::ListOptions::default().select(LiveTask::SELECT);
                let tasks = client.batch.list_tasks::<LiveTask>("crash", &options);
                tasks.try_collect::<Vec<_>>().await.unwrap()
            }
        };
        service.stop().await;
        tasks
            .into_iter()
            .filter(LiveTask::is_completed)
            .map(|t| t.id)
            .collect()
    })
}

/// Kills an apply when `moment` has come, applies again, and holds the result to the promise.
#[track_caller]
fn killed_when(name: &str, moment: impl Fn(&Workshop) -> bool) {
    let shop = workshop();
    let mut first: Child = shop.start(["apply", "m.toml", "--yes"]);
    let over = std::cell::Cell::new(false);
    wait_for(name, || {
        over.set(first.try_wait().unwrap().is_some());
        over.get() || moment(&shop)
    });
    assert!(!over.get(), "{name}: the apply was over before");
    first.kill().unwrap();
    first.wait().unwrap();

    let done = completed(&shop);
    let before = starts(&shop);
    shop.run(["apply", "m.toml", "--yes"]).ends_with(0);
    assert!(
        files(&shop.path("out")) == expected(),
        "{name}: other outputs"
    );
    let after = starts(&shop);
    for task in &done {
        assert_eq!(
            after[task], before[task],
            "{name}: {task} was completed and ran again"
        );
    }
    shop.run(["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["No changes."]);
    shop.run(["destroy", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["Nothing to destroy."]);
}

fn extents(shop: &Workshop) -> usize {
    count(&shop.path(".batchflow/m/local/extents"))
}

#[test]
fn at_the_start() {
    killed_when("the lock", |shop| {
        shop.path(".batchflow/m/local/lock").exists()
    });
}

#[test]
fn in_the_first_upload() {
    killed_when("an upload", |shop| extents(shop) >= 1);
}

#[test]
fn in_the_middle_of_the_uploads() {
    killed_when("half of the uploads", |shop| extents(shop) >= TASKS / 2);
}

#[test]
fn when_the_nodes_come() {
    killed_when("a node", |shop| {
        count(&shop.path(".batchflow/m/local/nodes")) >= 1
    });
}

#[test]
fn when_the_first_task_runs() {
    killed_when("a task", |shop| !shop.read("trace").is_empty());
}

#[test]
fn when_some_tasks_are_done() {
    killed_when("six tasks", |shop| starts(shop).len() >= 6);
}

#[test]
fn when_half_of_the_tasks_are_done() {
    killed_when("half of the tasks", |shop| starts(shop).len() >= TASKS / 2);
}

#[test]
fn when_the_last_task_runs() {
    killed_when("the last task", |shop| starts(shop).len() == TASKS);
}

#[test]
fn in_the_first_download() {
    killed_when("an output", |shop| count(&shop.path("out")) >= 1);
}

#[test]
fn in_the_middle_of_the_downloads() {
    killed_when("half of the outputs", |shop| {
        count(&shop.path("out")) >= TASKS / 2
    });
}

/// Uploads of many megabytes and 500 tasks.
const MANY: usize = 500;

fn large_workshop() -> Workshop {
    let shop = Workshop::new();
    for i in 0..6 {
        shop.write(
            &format!("big/{i}.bin"),
            &format!("{i:07}\n").repeat(1 << 20),
        );
    }
    let trace = shop.write("trace", "");
    shop.write(
        "m.toml",
        &format!(
            r#"
name = "crash"
[containers.big]
[containers.output]
[[uploads]]
container = "big"
files = "big/*.bin"
[pool]
id = "crash"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
task_slots_per_node = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[pool.start_task]
commands = ["true"]
resource_files = [{{ container = "big" }}]
[job]
id = "crash"
[[tasks]]
for_each = {{ range = [0, {MANY}] }}
id = "t{{{{item}}}}"
commands = ["echo {{{{item}}}} >> {}; echo {{{{item}}}} > {{{{item}}}}.out"]
output_files = [{{ pattern = "*.out", container = "output" }}]
[download]
container = "output"
to = "out"
"#,
            trace.display()
        ),
    );
    shop
}

#[test]
#[ignore = "takes minutes: cargo test --test it crash::at_two_hundred_random_moments -- --ignored"]
fn at_two_hundred_random_moments() {
    let (mut kills, mut applies) = (0, 0);
    while kills < 200 {
        let shop = large_workshop();
        let mut done: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let mut child = shop.start(["apply", "m.toml", "--yes", "--quiet"]);
            let moment = uuid::Uuid::new_v4().as_u128() % 4000;
            let start = batchflow::clock::monotonic();
            let early = || kills >= 200 || start.elapsed().as_millis() < moment;
            while early() && child.try_wait().unwrap().is_none() {
                std::thread::park_timeout(std::time::Duration::from_millis(2));
            }
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "after {kills} kills: {status}");
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let now = starts(&shop);
            for (task, count) in &done {
                assert_eq!(now.get(task), Some(count), "{task} ran again");
            }
            let tasks = completed(&shop);
            let now = starts(&shop);
            done.extend(tasks.into_iter().map(|t| (t.clone(), now[&t])));
        }
        applies += 1;
        let outputs = files(&shop.path("out"));
        assert_eq!(outputs.len(), MANY);
        for (name, content) in outputs {
            let item = name.trim_end_matches(".out");
            assert_eq!(content, format!("{item}\n").into_bytes(), "{name}");
        }
        let after = starts(&shop);
        for (task, count) in &done {
            assert_eq!(after.get(task), Some(count), "{task} ran again");
        }
        shop.run(["apply", "m.toml", "--yes"])
            .ends_with(0)
            .says(&["No changes."]);
        shop.run(["destroy", "m.toml", "--yes"])
            .ends_with(0)
            .says(&["Nothing to destroy."]);
    }
    println!("{kills} kills during {applies} applies");
}
