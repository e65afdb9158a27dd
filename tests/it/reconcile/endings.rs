//! The ways an apply can end, each with what the service is left with: whatever it is, it ends by itself. The table
//! of docs/cost.md names these tests.

use std::fs;

use batchflow::client::Client;
use batchflow::desired::{CALL_MINUTES, EVALUATION_MINUTES, IDLE_MINUTES, Size};
use batchflow::wire::autoscale::{Formula, History, Inputs, Metric, SAMPLE_PERIOD};
use batchflow::wire::batch::job::{Job, OnAllTasksComplete};
use batchflow::wire::batch::pool::{NodeDeallocationOption, Pool};
use batchflow::wire::time::{Duration, Time};

use super::faulty::{Fault, Faulty, Kind, Span};
use super::rig::{Account, Rig, waiting};
use crate::support::{Ran, Workshop, client, local_service, wait_for};

const SIZE: Size = Size {
    dedicated: 1,
    low_priority: 0,
};

/// What is left of the pool and the job of [`waiting`].
struct Left {
    pool: Option<Pool>,
    job: Option<Job>,
}

impl Left {
    async fn of(client: &Client) -> Self {
        Self {
            pool: client.batch.get_pool("waiting-pool").await.unwrap(),
            job: client.batch.get_job("waiting-job").await.unwrap(),
        }
    }

    fn on(account: &Account) -> Self {
        account.block_on(async { Self::of(&client(&account.service)).await })
    }

    /// The pool goes to no nodes when there is no work, and there is none after a day at the latest.
    #[track_caller]
    fn is_bounded(&self, size: Size) {
        let pool = self.pool.as_ref().unwrap();
        assert_eq!(pool.enable_auto_scale, Some(true));
        let formula = pool.auto_scale_formula.as_deref().unwrap();
        assert_eq!(Size::in_formula(formula), Some(size));
        let interval = Duration::from_secs(EVALUATION_MINUTES * 60);
        assert_eq!(pool.auto_scale_evaluation_interval, Some(interval));
        if let Some(job) = &self.job {
            let constraints = job.constraints.as_ref().unwrap();
            let day = Some(Duration::from_days(1));
            assert_eq!(constraints.max_wall_clock_time, day);
        }
    }

    fn ends_with_its_tasks(&self) -> bool {
        let job = self.job.as_ref().unwrap();
        job.on_all_tasks_complete == Some(OnAllTasksComplete::TerminateJob)
    }
}

/// An apply that has added its only task, which has begun.
fn underway(account: &Account, shop: &Workshop) -> std::process::Child {
    waiting(shop);
    let apply = account.command(shop, &["apply", "m.toml", "--yes"]);
    let apply = { apply }.spawn().unwrap();
    wait_for("the task", || !shop.read("trace").is_empty());
    wait_for("the end of the additions", || {
        Left::on(account).ends_with_its_tasks()
    });
    apply
}

#[test]
fn success_leaves_no_pool() {
    let account = Account::new();
    let shop = Workshop::new();
    waiting(&shop);
    shop.write("go", "");
    account
        .run(&shop, &["apply", "m.toml", "--yes"])
        .ends_with(0)
        .says(&["at most 24.2 node-hours: 1 node for 24h 15m if nothing else ends them"]);
    let left = Left::on(&account);
    assert!(left.pool.is_none() && left.job.is_none());
}

#[test]
fn failed_tasks_leave_what_the_policy_keeps_without_nodes() {
    let account = Account::new();
    let shop = Workshop::new();
    waiting(&shop);
    let text = shop.read("m.toml").replace("echo done", "exit 3; echo");
    shop.write("m.toml", &(text + "[cleanup]\npool = \"on_success\"\n"));
    shop.write("go", "");
    account
        .run(&shop, &["apply", "m.toml", "--yes"])
        .ends_with(3);
    let left = Left::on(&account);
    left.is_bounded(SIZE);
    assert!(left.ends_with_its_tasks());
}

#[test]
fn an_error_leaves_no_pool() {
    let account = Account::new();
    let shop = Workshop::new();
    let mut apply = underway(&account, &shop);
    // The outputs have nowhere to go.
    fs::remove_dir_all(shop.path("out")).unwrap();
    shop.write("out", "in the way");
    shop.write("go", "");
    assert_eq!(apply.wait().unwrap().code(), Some(1));
    assert!(Left::on(&account).pool.is_none());
}

#[test]
fn an_interrupt_leaves_what_ends_by_itself() {
    let account = Account::new();
    let shop = Workshop::new();
    let apply = underway(&account, &shop);
    super::interrupts::signal(apply.id(), "INT");
    Ran::of(apply.wait_with_output().unwrap())
        .ends_with(130)
        .says(&["until there has been no work for 10 minutes"]);
    let left = Left::on(&account);
    left.is_bounded(SIZE);
    assert!(left.ends_with_its_tasks());
}

#[test]
fn a_kill_leaves_what_ends_by_itself() {
    let account = Account::new();
    let shop = Workshop::new();
    let mut apply = underway(&account, &shop);
    apply.kill().unwrap();
    apply.wait().unwrap();
    let left = Left::on(&account);
    left.is_bounded(SIZE);
    assert!(left.ends_with_its_tasks());
    // Nobody is there, and yet the job ends with its task.
    shop.write("go", "");
    wait_for("the end of the job", || {
        let job = Left::on(&account).job.unwrap();
        job.state == batchflow::wire::batch::job::JobState::Completed
    });
}

#[test]
fn a_machine_that_is_gone_leaves_what_another_can_end() {
    let account = Account::new();
    let shop = Workshop::new();
    let mut apply = underway(&account, &shop);
    apply.kill().unwrap();
    apply.wait().unwrap();
    let manifest = shop.read("m.toml");
    drop(shop);
    Left::on(&account).is_bounded(SIZE);
    let other = Workshop::new();
    other.write("m.toml", &manifest);
    account
        .run(&other, &["destroy", "m.toml", "--yes"])
        .ends_with(0);
    let left = Left::on(&account);
    assert!(left.pool.is_none() && left.job.is_none());
}

/// Whichever request is the last that arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_gone_leaves_what_ends_by_itself() {
    let service = local_service(None, true).await;
    let shop = Workshop::new();
    waiting(&shop);
    shop.write("go", "");
    let manifest = shop.read("m.toml").replace("[account]\n", "");
    let rig = || Rig::new(manifest.as_str());
    let plain = Faulty::new("waiting", None);
    assert!(rig().apply(&plain.client(&service)).await.is_ok());
    let places = plain.places();
    let pool = places
        .iter()
        .position(|(name, _)| name.starts_with("POST /pools"));
    let mut seen = 0;
    for at in &places[pool.unwrap() + 1..] {
        let fault = Fault {
            at: at.clone(),
            kind: Kind::LostRequest,
            span: Span::Rest,
        };
        let gone = Faulty::new("waiting", Some(fault));
        let cut = rig();
        let failed = cut.apply(&gone.client(&service)).await.is_err();
        let client = client(&service);
        let left = Left::of(&client).await;
        if left.pool.is_some() {
            left.is_bounded(SIZE);
            seen += 1;
        }
        assert!(failed || !gone.struck());
        assert!(cut.destroy(&client).await.is_ok());
    }
    assert!(seen > 5, "{seen} of {}", places.len());
    service.stop().await;
}

/// The minutes of the days after a call in which there are nodes, where `pending` says at which there is work and
/// `measured` when it is measured.
fn minutes_with_nodes(pending: impl Fn(i64) -> bool, measured: impl Fn(i64) -> bool) -> Vec<i64> {
    let start = Time::from(batchflow::clock::now());
    let size = Size {
        dedicated: 2,
        low_priority: 1,
    };
    let formula = Formula::parse(&size.formula(start)).unwrap();
    let mut history = History::default();
    let mut there = Vec::new();
    let (mut dedicated, mut low_priority) = (0, 0);
    for half in 0..2 * 2 * 24 * 60 {
        let minute = half / 2;
        let now = start.plus(Duration::from_ticks(SAMPLE_PERIOD.ticks() * half));
        if measured(minute) {
            let tasks = f64::from(u8::from(pending(minute)));
            history.record(now, vec![(Metric::PendingTasks, tasks)]);
        }
        if half % (2 * EVALUATION_MINUTES) == 0 {
            let outcome = formula
                .evaluate(&Inputs {
                    now,
                    dedicated,
                    low_priority,
                    history: &history,
                    seed: 0,
                })
                .unwrap();
            assert_eq!(outcome.deallocation, NodeDeallocationOption::TaskCompletion);
            (dedicated, low_priority) = (outcome.dedicated, outcome.low_priority);
            assert!([(0, 0), (2, 1)].contains(&(dedicated, low_priority)));
        }
        if dedicated > 0 && half % 2 == 0 {
            there.push(minute);
        }
    }
    there
}

#[test]
fn nodes_are_there_while_there_is_work_and_go_soon_after() {
    let always = |_| true;
    let until = |end: i64| (0..end).collect::<Vec<i64>>();
    let idle = IDLE_MINUTES + EVALUATION_MINUTES;

    let unused = minutes_with_nodes(|_| false, always);
    assert_eq!(
        unused,
        until(CALL_MINUTES),
        "the apply ended before there was a task"
    );
    let unmeasured = minutes_with_nodes(always, |_| false);
    assert_eq!(unmeasured, until(CALL_MINUTES), "nothing is known of tasks");

    let one = minutes_with_nodes(|m| m < 180, always);
    assert!(one.starts_with(&until(180)));
    assert!(one.len() as i64 <= 180 + idle, "{}", one.len());

    let lost = minutes_with_nodes(always, |m| m < 60);
    assert!(lost.len() as i64 <= 60 + idle, "{}", lost.len());

    // Work that comes later finds nodes again, after an evaluation.
    let late = minutes_with_nodes(|m| (600..700).contains(&m), always);
    let again: Vec<i64> = late.into_iter().filter(|m| *m >= CALL_MINUTES).collect();
    assert!((600..=600 + EVALUATION_MINUTES).contains(&again[0]));
    assert!(*again.last().unwrap() < 700 + idle);
}
