use crate::service::core::Site;
use crate::service::core::command::{BatchCommand, JobRequest, Reply, Request};
use crate::service::core::effect::Effect;
use crate::service::driver::{Cores, Driver, DriverHandle};
use crate::service::store::Store;
use crate::wire::precondition::Preconditions;

fn site() -> Site {
    Site {
        account: "local".to_owned(),
        batch_endpoint: "http://127.0.0.1:1".to_owned(),
        autoscale_interval: None,
    }
}

fn start(store: Option<Store>) -> DriverHandle {
    let stored = store.as_ref().map(|s| s.load().unwrap());
    let cores = Cores::restore(site(), stored.unwrap_or_default()).unwrap();
    let driver = Driver::new(cores, store);
    let handle = driver.handle();
    let perform = Box::new(|effect: Effect| panic!("nobody asked for {effect:?}"));
    driver.start(perform).unwrap();
    handle
}

fn command(request: Request) -> BatchCommand {
    BatchCommand {
        conditions: Preconditions::default(),
        request,
    }
}

fn create_job(id: &str) -> BatchCommand {
    let body = serde_json::json!({"id": id, "poolInfo": {"poolId": "p"}});
    command(Request::CreateJob(serde_json::from_value(body).unwrap()))
}

#[tokio::test]
async fn what_was_answered_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let handle = start(Some(Store::open(&path).unwrap()));
    let jobs: Vec<String> = (0..100).map(|i| format!("j{i}")).collect();
    let all = jobs.iter().map(|id| handle.batch(create_job(id)));
    for answer in futures::future::join_all(all).await {
        assert!(matches!(answer, Ok(Ok(Reply::Changed(_)))));
    }
    // As after a kill: nothing was closed.
    let again = start(Some(Store::open(&path).unwrap()));
    for id in jobs {
        let answer = again
            .batch(command(Request::Job(id, JobRequest::Get)))
            .await;
        assert!(matches!(answer, Ok(Ok(Reply::Job(_)))));
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let handle = start(Some(Store::open(&path).unwrap()));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("DROP TABLE record").unwrap();
    assert!(handle.batch(create_job("j")).await.is_err());
    let why = loop {
        let why = handle.batch(create_job("k")).await.unwrap_err().to_string();
        if why.contains(": ") {
            break why;
        }
    };
    assert!(why.contains("cannot write the state file"), "{why}");
    assert!(why.contains("no such table"), "{why}");
}
