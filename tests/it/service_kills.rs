//! `kill -9` of the local service while a client works: started again on the same ports and state it goes on, and the
//! client, which waits for it, comes to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use batchflow::client::batch::ListOptions;
use batchflow::client::credentials::Named;
use batchflow::client::{Account, Client, Reqwest};
use batchflow::clock;
use batchflow::observed::LiveTask;
use futures::TryStreamExt;
use tokio::runtime::Runtime;

use crate::serve::Serving;
use crate::support::{Ran, Workshop, files};

/// A number below `end`.
fn random(end: u64) -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 % end
}

/// A free port that no client's connection gets while nobody listens on it: those come from higher ones.
fn free_port() -> String {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| 12_000 + random(20_000) as u16);
    ports.find(free).unwrap().to_string()
}

fn workshop(uploads: usize, tasks: usize) -> Workshop {
    let shop = Workshop::new();
    for i in 0..uploads {
        let text = format!("{i:07}\n").repeat(1 << 16);
        shop.write(&format!("in/{i:03}.txt"), &text);
    }
    let trace = shop.write("trace", "");
    let manifest = format!(
        r#"
name = "kills"
[account]
[containers.kills-in]
[containers.kills-out]
[[uploads]]
container = "kills-in"
files = "in/*"
[pool]
id = "kills"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 2
task_slots_per_node = 2
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[pool.start_task]
commands = ["true"]
resource_files = [{{ container = "kills-in" }}]
[job]
id = "kills"
[[tasks]]
for_each = {{ range = [0, {tasks}] }}
id = "t{{{{item}}}}"
commands = ["echo {{{{item}}}} >> {}; echo {{{{item}}}} > {{{{item}}}}.out"]
output_files = [{{ pattern = "*.out", container = "kills-out" }}]
[download]
container = "kills-out"
to = "out"
[cleanup]
job = "never"
"#,
        trace.display()
    );
    shop.write("m.toml", &manifest);
    shop
}

/// A service that is killed again and again, and what it said was completed.
struct Mortal {
    shop: Workshop,
    ports: [String; 2],
    serving: Serving,
    environment: BTreeMap<&'static str, String>,
    client: Client,
    runtime: Runtime,
    /// How often each completed task had been started.
    done: BTreeMap<String, usize>,
}

impl Mortal {
    fn new(shop: Workshop) -> Self {
        let ports = [free_port(), free_port()];
        let serving = Self::start(&shop, &ports);
        let environment = serving.environment();
        let of_environment = |name: &str| environment.get(name).cloned();
        let account = Account::from_environment(&of_environment, &Named::default()).unwrap();
        let client = Client::new(&account.account, Arc::new(Reqwest::new().unwrap())).unwrap();
        Self {
            shop,
            ports,
            serving,
            environment,
            client,
            runtime: Runtime::new().unwrap(),
            done: BTreeMap::new(),
        }
    }

    fn start(shop: &Workshop, [batch, blob]: &[String; 2]) -> Serving {
        let ports = ["--port", batch, "--blob-port", blob];
        Serving::run(
            shop,
            &[&ports[..], &["--json", "--state-dir", "state"]].concat(),
        )
    }

    fn client(&self, args: &[&str]) -> Child {
        let mut command = self.shop.command(args);
        command.envs(&self.environment).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.client(args).wait_with_output().unwrap())
    }

    fn completed(&self) -> BTreeSet<String> {
        let tasks = async {
            match self.client.batch.get_job("kills").await.unwrap() {
                None => Vec::new(),
                Some(_) => {
                    let options = ListOptions::default().select(LiveTask::SELECT);
                    let tasks = self.client.batch.list_tasks::<LiveTask>("kills", &options);
                    tasks.try_collect().await.unwrap()
                }
            }
        };
        let tasks = self.runtime.block_on(tasks);
        let completed = tasks.into_iter().filter(LiveTask::is_completed);
        completed.map(|t| t.id).collect()
    }

    /// What was completed is still completed, and did not run again.
    #[track_caller]
    fn look(&mut self) {
        let completed = self.completed();
        let mut starts: BTreeMap<String, usize> = BTreeMap::new();
        for line in self.shop.read("trace").lines() {
            *starts.entry(format!("t{line}")).or_default() += 1;
        }
        for (task, count) in &self.done {
            assert!(completed.contains(task), "{task} was forgotten");
            assert_eq!(starts.get(task), Some(count), "{task} ran again");
        }
        for task in completed {
            let count = starts.get(&task).copied();
            self.done.insert(task, count.expect("it was started"));
        }
    }

    fn kill(&mut self) {
        self.look();
        self.serving.kill();
        self.serving = Self::start(&self.shop, &self.ports);
        self.look();
    }
}

/// Kills the service while one apply works, at most `most` times, at moments up to `apart` from each other.
fn killed_during_an_apply(shop: Workshop, tasks: usize, most: usize, apart: Duration) -> usize {
    let mut mortal = Mortal::new(shop);
    let mut apply = mortal.client(&["apply", "m.toml", "--yes", "--quiet"]);
    let mut kills = 0;
    while kills < most {
        let begin = clock::monotonic();
        let moment = Duration::from_micros(random(apart.as_micros() as u64));
        while begin.elapsed() < moment && apply.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        if apply.try_wait().unwrap().is_some() {
            break;
        }
        mortal.kill();
        kills += 1;
    }
    Ran::of(apply.wait_with_output().unwrap()).ends_with(0);
    mortal.look();
    assert_eq!(mortal.done.len(), tasks, "after {kills} kills");
    let outputs = files(&mortal.shop.path("out"));
    assert_eq!(outputs.len(), tasks);
    for (name, content) in outputs {
        let item = name.trim_end_matches(".out");
        assert_eq!(content, format!("{item}\n").into_bytes(), "{name}");
    }
    mortal.kill();
    let again = mortal.run(&["apply", "m.toml", "--yes"]);
    again.ends_with(0).says(&["No changes."]);
    mortal.run(&["destroy", "m.toml", "--yes"]).ends_with(0);
    mortal.done.clear();
    mortal.kill();
    let over = mortal.run(&["destroy", "m.toml", "--yes"]);
    over.ends_with(0).says(&["Nothing to destroy."]);
    kills
}

#[test]
fn a_few_while_an_apply_works() {
    let kills = killed_during_an_apply(workshop(8, 40), 40, 8, Duration::from_millis(250));
    assert!(kills > 3, "the apply was over after {kills} kills");
}

#[test]
#[ignore = "takes minutes: cargo test --test it service_kills::two_hundred_at_random_moments -- --ignored"]
fn two_hundred_at_random_moments() {
    let (mut kills, mut applies) = (0, 0);
    while kills < 200 {
        kills +=
            killed_during_an_apply(workshop(100, 500), 500, 200 - kills, Duration::from_secs(2));
        applies += 1;
    }
    println!("{kills} kills of the service during {applies} applies");
}
