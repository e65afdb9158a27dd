//! Two applies of one manifest: one works, one explains.

use std::process::Child;

use batchflow::apply::{Holder, Lock, LockError};
use batchflow::wire::time::Time;

use super::rig::{Account, waiting};
use crate::support::{Ran, Workshop, client, local_service, wait_for};

#[test]
fn started_together_ten_times() {
    let account = Account::new();
    let shop = Workshop::new();
    waiting(&shop);
    for round in 0..10 {
        let _ = std::fs::remove_file(shop.path("go"));
        let variable = format!("round={round}");
        let start = || -> Child {
            let args = ["apply", "m.toml", "--yes", "--var", &variable];
            account.command(&shop, &args).spawn().unwrap()
        };
        let mut both = [start(), start()];
        // The task waits, so one of them is over only when it could not begin.
        wait_for("one of them to give up", || {
            both.iter_mut().any(|c| c.try_wait().unwrap().is_some())
        });
        shop.write("go", "");
        let [a, b] = both.map(|c| Ran::of(c.wait_with_output().unwrap()));
        let (works, explains) = if a.code() == 0 { (a, b) } else { (b, a) };
        works.ends_with(0).says(&["1 task done"]);
        explains.ends_with(1).says(&[
            "another apply or destroy of `waiting` is running",
            "its lock ends by itself within 60 seconds",
        ]);
    }
    assert_eq!(shop.read("trace").lines().count(), 10);
}

#[test]
fn a_killed_one_does_not_keep_the_next_out() {
    let account = Account::new();
    let shop = Workshop::new();
    waiting(&shop);
    let args = ["apply", "m.toml", "--yes"];
    let mut first = account.command(&shop, &args).spawn().unwrap();
    wait_for("the task", || !shop.read("trace").is_empty());
    let told = format!("process {} ", first.id());
    account
        .run(&shop, &["destroy", "m.toml", "--yes"])
        .ends_with(1)
        .says(&["another apply or destroy", &told, "since 20"]);
    account.run(&shop, &["plan", "m.toml"]).ends_with(0);
    first.kill().unwrap();
    first.wait().unwrap();
    shop.write("go", "");
    account.run(&shop, &args).ends_with(0);
    assert_eq!(shop.read("trace").lines().count(), 1, "the task went on");
}

#[tokio::test]
async fn a_holder_elsewhere_is_never_taken_for_dead() {
    let service = local_service(None, false).await;
    let client = client(&service);
    let since: Time = batchflow::clock::now().into();
    let holder = |name: &str| Holder::new(name, since, "machine", 7);
    let (ann, bob) = (holder("ann"), holder("bob"));
    let first = Lock::take(&client, "m", &ann, |_| false).await.unwrap();
    let other = Lock::take(&client, "n", &bob, |_| false).await.unwrap();
    let held = |error: LockError| match error {
        LockError::Held { holder, .. } => holder,
        LockError::Client(error) => panic!("{error}"),
    };
    let refused = Lock::take(&client, "m", &bob, |_| false).await.unwrap_err();
    assert_eq!(held(refused), Some(ann.clone()));
    // Known to be dead, it is not waited for, and learns of it should it be alive after all.
    let second = Lock::take(&client, "m", &bob, |h| *h == ann).await.unwrap();
    assert!(!first.lost().is_cancelled());
    second.release().await.unwrap();
    other.release().await.unwrap();
    // One that was described since is not taken for that of whoever was read before.
    let blob = &client.blob;
    let stale = blob.break_lease_of("batchflow-locks", "m.lock", "\"0x1\"");
    assert!(!stale.await.unwrap());
    let third = Lock::take(&client, "m", &ann, |_| false).await.unwrap();
    third.release().await.unwrap();
    service.stop().await;
}
