//! A world with a clock that only tests move.

use serde_json::json;

use crate::service::core::command::{
    Answer, BatchCommand, JobRequest, List, PoolRequest, Reply, Request, TaskRequest,
};
use crate::service::core::effect::{
    Effect, Launch, NodeRef, Report, Role, RunEnd, RunId, StopReason,
};
use crate::service::core::{Input, Site, World};
use crate::wire::batch::error::Code;
use crate::wire::batch::job::Job;
use crate::wire::batch::node::{Node, NodeState};
use crate::wire::batch::pool::Pool;
use crate::wire::batch::task::{Task, TaskCounts};
use crate::wire::precondition::Preconditions;
use crate::wire::time::{Duration, Time};

pub(super) struct Harness {
    pub(super) world: World,
    pub(super) now: Time,
    effects: Vec<Effect>,
}

pub(super) fn site() -> Site {
    Site {
        account: "local".to_owned(),
        batch_endpoint: "http://127.0.0.1:1".to_owned(),
        autoscale_interval: None,
    }
}

pub(super) fn everything() -> List {
    List {
        filter: None,
        after: None,
        max: 1000,
        without_bodies: false,
    }
}

/// A pool body with the properties that a test adds.
pub(super) fn pool(id: &str, more: serde_json::Value) -> Request {
    let mut body = json!({
        "id": id,
        "vmSize": "standard_d2s_v5",
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04",
        },
    });
    merge(&mut body, more);
    Request::CreatePool(serde_json::from_value(body).expect("a pool body"))
}

pub(super) fn job(id: &str, pool: &str, more: serde_json::Value) -> Request {
    let mut body = json!({"id": id, "poolInfo": {"poolId": pool}});
    merge(&mut body, more);
    Request::CreateJob(serde_json::from_value(body).expect("a job body"))
}

pub(super) fn task(job: &str, id: &str, more: serde_json::Value) -> Request {
    let mut body = json!({"id": id, "commandLine": "true"});
    merge(&mut body, more);
    let body = serde_json::from_value(body).expect("a task body");
    Request::Job(job.to_owned(), JobRequest::AddTask(body))
}

fn merge(body: &mut serde_json::Value, more: serde_json::Value) {
    if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}

impl Harness {
    pub(super) fn new() -> Self {
        Self {
            world: World::new(site()),
            now: "2026-01-02T00:00:00Z".parse().expect("a time"),
            effects: Vec::new(),
        }
    }

    pub(super) fn input(&mut self, input: Input) -> Answer {
        let answer = self.world.handle(input, self.now, &mut self.effects);
        self.world.settle(self.now, &mut self.effects);
        if let Err(broken) = self.world.check_invariants() {
            panic!("{broken}");
        }
        answer
    }

    pub(super) fn ask(&mut self, request: Request) -> Answer {
        self.ask_if(request, Preconditions::default())
    }

    pub(super) fn ask_if(&mut self, request: Request, conditions: Preconditions) -> Answer {
        self.wait(Duration::from_ticks(1));
        self.input(Input::Batch(Box::new(BatchCommand {
            conditions,
            request,
        })))
    }

    /// Asks for what must work.
    pub(super) fn must(&mut self, request: Request) -> Reply {
        self.ask(request).expect("the request is accepted")
    }

    /// Asks for what must be refused.
    pub(super) fn refused(&mut self, request: Request) -> Code {
        self.ask(request).expect_err("the request is refused").code
    }

    pub(super) fn pool_do(&mut self, id: &str, request: PoolRequest) -> Answer {
        self.ask(Request::Pool(id.to_owned(), request))
    }

    pub(super) fn job_do(&mut self, id: &str, request: JobRequest) -> Answer {
        self.ask(Request::Job(id.to_owned(), request))
    }

    pub(super) fn task_do(&mut self, job: &str, id: &str, request: TaskRequest) -> Answer {
        self.job_do(job, JobRequest::Task(id.to_owned(), request))
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    /// Lets the time pass, waking the core whenever it asked for it.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now.plus(time);
        while let Some(at) = self.world.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let _ = self.input(Input::Tick);
        }
        self.now = until;
    }

    /// States that are only passed through end now.
    pub(super) fn tick(&mut self) {
        self.pass(Duration::ZERO);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.wait(Duration::from_ticks(1));
        let _ = self.input(Input::Report(report));
    }

    pub(super) fn take_prepared(&mut self, count: usize) -> Vec<NodeRef> {
        let mut nodes = Vec::new();
        self.effects.retain(|e| match e {
            Effect::PrepareNode(node) => {
                nodes.push(node.clone());
                false
            }
            _ => true,
        });
        assert_eq!(nodes.len(), count, "nodes to prepare");
        nodes
    }

    pub(super) fn take_launches(&mut self) -> Vec<Launch> {
        let mut launches = Vec::new();
        self.effects.retain(|e| match e {
            Effect::Launch(launch) => {
                launches.push(launch.as_ref().clone());
                false
            }
            _ => true,
        });
        launches
    }

    /// The tasks that were launched, as `task@number of the node`.
    pub(super) fn take_tasks(&mut self) -> Vec<(String, RunId)> {
        let name = |l: Launch| match l.role {
            Role::Task { task, .. } => (task, l.run),
            Role::StartTask => ("start task".to_owned(), l.run),
        };
        self.take_launches().into_iter().map(name).collect()
    }

    pub(super) fn take_stops(&mut self) -> Vec<(RunId, StopReason)> {
        let mut stops = Vec::new();
        self.effects.retain(|e| match e {
            Effect::Stop { run, reason } => {
                stops.push((*run, *reason));
                false
            }
            _ => true,
        });
        stops
    }

    pub(super) fn take_effect(&mut self) -> Effect {
        assert!(!self.effects.is_empty(), "no effect");
        self.effects.remove(0)
    }

    pub(super) fn nothing_left(&self) {
        assert_eq!(self.effects, [], "effects nobody expected");
    }

    /// A pool whose nodes are up.
    pub(super) fn ready_pool(&mut self, id: &str, nodes: usize, more: serde_json::Value) {
        let mut body = json!({"targetDedicatedNodes": nodes});
        merge(&mut body, more);
        self.must(pool(id, body));
        for node in self.take_prepared(nodes) {
            self.report(Report::NodePrepared { node, error: None });
        }
        self.nothing_left();
    }

    pub(super) fn started(&mut self, run: RunId) {
        let at = self.now;
        self.report(Report::RunStarted { run, at });
    }

    pub(super) fn ended(&mut self, run: RunId, exit_code: i32) {
        let end = RunEnd {
            at: self.now,
            exit_code: Some(exit_code),
            failure: None,
        };
        self.report(Report::RunEnded { run, end });
    }

    pub(super) fn pool(&mut self, id: &str) -> Pool {
        match self.pool_do(id, PoolRequest::Get) {
            Ok(Reply::Pool(pool)) => *pool,
            other => panic!("no pool: {other:?}"),
        }
    }

    pub(super) fn nodes(&mut self, pool: &str) -> Vec<Node> {
        match self.pool_do(pool, PoolRequest::Nodes(everything())) {
            Ok(Reply::Nodes(page)) => page.value,
            other => panic!("no nodes: {other:?}"),
        }
    }

    pub(super) fn node_states(&mut self, pool: &str) -> Vec<NodeState> {
        self.nodes(pool).iter().map(|n| n.state).collect()
    }

    pub(super) fn job(&mut self, id: &str) -> Job {
        match self.job_do(id, JobRequest::Get) {
            Ok(Reply::Job(job)) => *job,
            other => panic!("no job: {other:?}"),
        }
    }

    pub(super) fn task(&mut self, job: &str, id: &str) -> Task {
        match self.task_do(job, id, TaskRequest::Get) {
            Ok(Reply::Task(task)) => *task,
            other => panic!("no task: {other:?}"),
        }
    }

    pub(super) fn counts(&mut self, job: &str) -> TaskCounts {
        match self.job_do(job, JobRequest::TaskCounts) {
            Ok(Reply::TaskCounts(counts)) => counts.task_counts,
            other => panic!("no counts: {other:?}"),
        }
    }

    /// Kills the service and starts it from its records.
    pub(super) fn restart(&mut self, stored: &mut std::collections::BTreeMap<String, Vec<u8>>) {
        self.store(stored);
        self.effects.clear();
        self.world = World::restore(site(), stored.clone()).expect("the records are good");
        self.world.recover(self.now, &mut self.effects);
        self.world.settle(self.now, &mut self.effects);
        if let Err(broken) = self.world.check_invariants() {
            panic!("after the restart: {broken}");
        }
    }

    pub(super) fn store(&mut self, stored: &mut std::collections::BTreeMap<String, Vec<u8>>) {
        for (key, value) in self.world.take_changes() {
            match value {
                Some(value) => stored.insert(key, value),
                None => stored.remove(&key),
            };
        }
    }

    pub(super) fn drop_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
