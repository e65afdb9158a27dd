//! Watching a job: what is asked for follows what changed, not what there is.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::behind::Behind;
use crate::proxy::Fate;
use crate::support::{Workshop, client, wait_for};

const QUICK: usize = 250;
/// Looks at a job in which nothing changes.
const LOOKS: usize = 25;

#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn of(&self, what: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|l| l.contains(what)).cloned().collect()
    }
}

#[test]
fn a_job_in_which_nothing_changes_is_counted_and_rarely_listed() {
    let asked = Asked::default();
    let behind = Behind::new(|| {
        let asked = asked.clone();
        move |request: http::Request<bytes::Bytes>| {
            asked.note(format!("{} {}", request.method(), request.uri()));
            Fate::Pass(request)
        }
    });
    let shop = Workshop::new();
    let release = shop.path("release");
    shop.write(
        "m.toml",
        &format!(
            r#"
name = "looks"
[account]
[pool]
id = "looks"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
task_slots_per_node = 4
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[job]
id = "looks"
[logs]
keep = false
[[tasks]]
id = "slow"
commands = ["until [ -e {release} ]; do sleep 0.02; done"]
[[tasks]]
for_each = {{ range = [0, {QUICK}] }}
id = "t{{{{item}}}}"
command_line = "/bin/true"
"#,
            release = release.display()
        ),
    );
    let watching = client(&behind.service);
    let completed = || {
        let counts = behind.runtime.block_on(watching.batch.task_counts("looks"));
        counts.map_or(0, |c| c.task_counts.completed)
    };
    std::thread::scope(|scope| {
        let apply = scope.spawn(|| behind.run(&shop, &["apply", "m.toml", "--yes"]));
        wait_for("the quick tasks", || completed() == QUICK as i32);
        // The next look finds them all.
        let looks = || asked.of("/taskcounts").len();
        let then = looks();
        wait_for("a look or two", || looks() >= then + 2);
        let lists = || asked.of("GET /jobs/looks/tasks?");
        let (looks_before, lists_before) = (looks(), lists().len());
        wait_for("many looks", || looks() >= looks_before + LOOKS);
        let (looked, later) = (looks() - looks_before, lists().split_off(lists_before));
        fs::write(&release, "").unwrap();
        apply.join().unwrap().ends_with(0);
        assert!(lists_before > 0, "no list was recorded at all");
        assert!(
            (1..=looked / 10 + 2).contains(&later.len()),
            "{} lists in {looked} looks",
            later.len()
        );
        for list in later {
            assert!(list.contains("stateTransitionTime"), "{list}");
        }
    });
    // The job itself is asked for once a look, and nothing else of it.
    let jobs = asked.of("GET /jobs/looks?").len();
    assert!(
        (1..=asked.of("/taskcounts").len() + 10).contains(&jobs),
        "{jobs}"
    );
    behind.stop();
}
