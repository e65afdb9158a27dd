//! Adding tasks to a served job that never starts them, and what a million of them cost.

use std::sync::Arc;
use std::time::Duration;

use batchflow::client::batch::TaskAddition;
use batchflow::client::{Account, Client, Reqwest};
use futures::StreamExt;
use serde_json::json;
use tokio::runtime::Runtime;

use super::installed::Peers;
use super::pairs::{Peer, Row, timed};
use super::programs::{Served, folder, memory};

/// Requests at once, as apply has them.
const AT_ONCE: usize = 64;

pub(crate) struct Job<'a> {
    runtime: &'a Runtime,
    client: Client,
    id: String,
}

impl<'a> Job<'a> {
    /// A job whose pool does not exist.
    pub(crate) fn new(runtime: &'a Runtime, served: &Served, id: &str) -> Self {
        let environment = served.environment();
        let lookup = |name: &str| {
            let found = environment.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.clone())
        };
        let account = Account::from_environment(&lookup, &Default::default()).expect("an account");
        let transport = Reqwest::new().expect("a transport");
        let client = Client::new(&account.account, Arc::new(transport)).expect("a client");
        let body = json!({"id": id, "poolInfo": {"poolId": "none"}});
        let body = serde_json::from_value(body).expect("a job");
        runtime
            .block_on(client.batch.create_job(&body))
            .expect("the job is made");
        let id = id.to_owned();
        Self {
            runtime,
            client,
            id,
        }
    }

    /// Adds tasks with these numbers and answers with the time that took.
    pub(crate) fn add(&self, numbers: std::ops::Range<usize>) -> Duration {
        let bodies: Vec<_> = numbers
            .clone()
            .map(|n| serde_json::from_value(body(n)).expect("a task"))
            .collect();
        let add = async {
            let mut additions = self.client.batch.add_tasks(&self.id, bodies, AT_ONCE);
            let mut added = 0;
            while let Some(answer) = additions.next().await {
                let answer = answer.expect("an answer");
                added += answer
                    .iter()
                    .filter(|a| a.addition == TaskAddition::Added)
                    .count();
            }
            assert_eq!(added, numbers.len());
        };
        timed(|| self.runtime.block_on(add)).1
    }
}

/// The same as `add_tasks.py` makes.
fn body(number: usize) -> serde_json::Value {
    json!({
        "id": format!("task-{number:07}"),
        "commandLine": format!("/bin/sh -c 'wc -w < input-{number:07}.txt > output-{number:07}.txt'"),
        "environmentSettings": [{"name": "NUMBER", "value": number.to_string()}],
    })
}

/// Tasks a second by our client and by the SDK, each to a service of its own; the ratio is of times.
pub(crate) fn against_the_sdk(rounds: usize, runtime: &Runtime, peers: &Peers) -> Row {
    const OURS: usize = 100_000;
    const THEIRS: usize = 10_000;
    let mut row = Row::new("adding 100 000 tasks, per 1000", "≤ 0.1", " ms");
    let concurrencies = [1, 4, 16];
    let mut sdk: Vec<Vec<f64>> = vec![Vec::new(); concurrencies.len()];
    for round in 0..rounds {
        let served = Served::start(&folder().join("state"));
        let ours = Job::new(runtime, &served, "ours").add(0..OURS);
        row.ours.push(ours.as_secs_f64() * 1e6 / OURS as f64);
        drop(served);
        if !peers.has_sdk() {
            continue;
        }
        for (at, concurrency) in concurrencies.iter().enumerate() {
            let served = Served::start(&folder().join("state"));
            let seconds = peers.add_tasks(&served, THEIRS, *concurrency);
            sdk[at].push(seconds * 1e6 / THEIRS as f64);
            eprintln!(
                "  round {round}: SDK with {concurrency} threads: {seconds:.2} s for {THEIRS}"
            );
        }
    }
    for (figures, concurrency) in sdk.into_iter().zip(concurrencies) {
        if !figures.is_empty() {
            row.peers.push(Peer {
                name: format!("azure-batch SDK, {concurrency} threads"),
                figures,
            });
        }
    }
    row.noting("the SDK adds 10 000, ours 100 000; both to a fresh service with its state on disk")
}

/// What a task costs a service that has few and one that has many, in time and in memory.
pub(crate) fn a_million(most: usize, runtime: &Runtime) -> [Row; 2] {
    const STEP: usize = 10_000;
    let served = Served::start(&folder().join("state"));
    let job = Job::new(runtime, &served, "many");
    let warm = Job::new(runtime, &served, "warm");
    warm.add(0..STEP);
    let before = memory(served.pid(), "VmRSS:");
    let mut times = Vec::new();
    for start in (0..most).step_by(STEP) {
        times.push(job.add(start..start + STEP).as_secs_f64() * 1e6 / STEP as f64);
    }
    let after = memory(served.pid(), "VmRSS:");
    let body = body(0).to_string().len() as f64;
    let each = (after - before) * 1024.0 * 1024.0 / most as f64;
    // Means, as now and then the records are moved to where they stay.
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    let window = 10.min(times.len());
    let mut cost = Row::new(
        format!("adding the last 100 000 of {most} tasks / the first 100 000, per task"),
        "≤ 1.2",
        " µs",
    );
    cost.ours = vec![mean(&times[times.len() - window..])];
    cost.peers = vec![Peer {
        name: "ours, the first 100 000".to_owned(),
        figures: vec![mean(&times[..window])],
    }];
    let mut space = Row::new(
        format!("memory of a service with {most} tasks, per task beyond its body"),
        "≤ 1024",
        " B",
    );
    space.ours = vec![each - body];
    [
        cost,
        space.noting(format!("{after:.0} MiB in all; a body has {body:.0} B")),
    ]
}
