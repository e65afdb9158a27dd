use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use futures::TryStreamExt;
use http::{Request, Response};

use super::*;
use crate::client::test_transport::{Canned, answer, refuse};
use crate::client::transport::TransportError;

fn task(id: &str, command: &str) -> TaskCreate {
    let json = serde_json::json!({ "id": id, "commandLine": command });
    serde_json::from_value(json).unwrap()
}

fn tasks(count: usize) -> Vec<TaskCreate> {
    (0..count).map(|n| task(&format!("t{n}"), "true")).collect()
}

fn chunk_sizes(tasks: Vec<TaskCreate>) -> Vec<usize> {
    let chunks = Chunks {
        tasks: tasks.into_iter(),
        carried: None,
    };
    chunks
        .map(|chunk| {
            let chunk = chunk.unwrap();
            assert!(chunk.len() == 1 || body(&chunk).len() <= MOST_BYTES);
            chunk.len()
        })
        .collect()
}

#[test]
fn chunks_by_count_and_by_bytes() {
    assert_eq!(chunk_sizes(tasks(0)), Vec::<usize>::new());
    assert_eq!(chunk_sizes(tasks(100)), [100]);
    assert_eq!(chunk_sizes(tasks(250)), [100, 100, 50]);

    let long = "x".repeat(400_000);
    let five = (0..5).map(|n| task(&format!("t{n}"), &long)).collect();
    assert_eq!(chunk_sizes(five), [2, 2, 1]);

    let too_long = "x".repeat(MOST_BYTES);
    let mixed = vec![task("a", "true"), task("b", &too_long), task("c", "true")];
    assert_eq!(chunk_sizes(mixed), [1, 1, 1]);
}

#[test]
fn a_chunk_may_be_full_to_the_last_byte() {
    let overhead = |n| body(&[item(task("a", &"x".repeat(n))).unwrap()]).len() - n;
    let fits = MOST_BYTES - overhead(1);
    for (length, chunks) in [(fits - 40, 1), (fits, 2)] {
        let second = task("b", "");
        let got = chunk_sizes(vec![task("a", &"x".repeat(length)), second]);
        assert_eq!(got.len(), chunks, "{length}");
    }
}

type Answer = Result<Response<Bytes>, TransportError>;

/// Answers a collection with a result for each of its tasks.
fn results(request: &Request<Bytes>, result: impl Fn(&str) -> serde_json::Value) -> Answer {
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let ids = body["value"].as_array().unwrap().iter();
    let mut value: Vec<_> = ids
        .map(|task| result(task["id"].as_str().unwrap()))
        .collect();
    value.reverse();
    answer(200, serde_json::json!({ "value": value }).to_string())
}

fn success(id: &str) -> serde_json::Value {
    serde_json::json!({ "status": "success", "taskId": id })
}

fn failure(status: &str, id: &str, code: &str) -> serde_json::Value {
    serde_json::json!({
        "status": status, "taskId": id,
        "error": { "code": code, "message": { "value": "No.\nRequestId:1" } }
    })
}

async fn add(
    canned: &std::sync::Arc<Canned>,
    tasks: Vec<TaskCreate>,
) -> Result<BTreeMap<String, TaskAddition>, ClientError> {
    let batch = canned.client().batch;
    let added: Vec<Vec<AddedTask>> = batch.add_tasks("j", tasks, 3).try_collect().await?;
    let added: Vec<_> = added.into_iter().flatten().collect();
    let count = added.len();
    let by_id: BTreeMap<_, _> = added.into_iter().map(|t| (t.id, t.addition)).collect();
    assert_eq!(by_id.len(), count, "a task came out twice");
    Ok(by_id)
}

#[tokio::test]
async fn every_task_comes_out_once() {
    let canned = Canned::new(|request, _| results(request, success));
    let added = add(&canned, tasks(250)).await.unwrap();
    assert_eq!(added.len(), 250);
    assert!(added.values().all(|a| *a == TaskAddition::Added));
    assert_eq!(canned.seen().len(), 3);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_halved() {
    let canned = Canned::new(|request, _| {
        let body = String::from_utf8_lossy(request.body());
        if body.contains(r#""t3""#) {
            refuse(413, "RequestBodyTooLarge")
        } else {
            results(request, success)
        }
    });
    let added = add(&canned, tasks(7)).await.unwrap();
    let refused: Vec<_> = added
        .iter()
        .filter(|(_, a)| **a != TaskAddition::Added)
        .collect();
    let [(id, TaskAddition::Refused(why))] = &refused[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(id.as_str(), "t3");
    assert_eq!(why.code.as_deref(), Some("RequestBodyTooLarge"));
}

#[tokio::test]
async fn each_task_has_its_own_result() {
    let seen = Mutex::new(HashMap::<String, u32>::new());
    let canned = Canned::new(move |request, _| {
        results(request, |id| {
            let times = *seen
                .lock()
                .unwrap()
                .entry(id.to_owned())
                .and_modify(|n| *n += 1)
                .or_insert(1);
            match id {
                "t0" => failure("ClientError", id, "TaskExists"),
                "t1" => failure("clienterror", &id.to_uppercase(), "InvalidPropertyValue"),
                "t2" if times < 3 => failure("ServerError", id, "ServerBusy"),
                "t3" => failure("servererror", id, "InternalError"),
                _ => success(id),
            }
        })
    });
    let added = add(&canned, tasks(5)).await.unwrap();
    let text = |id: &str| match &added[id] {
        TaskAddition::Refused(refused) => refused.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(text("t0"), "Existing");
    assert_eq!(text("t1"), "400 InvalidPropertyValue: No.");
    assert_eq!(text("t2"), "Added");
    assert_eq!(text("t3"), "500 InternalError: No.");
    assert_eq!(text("t4"), "Added");
    assert_eq!(canned.seen().len(), 6, "as often as the policy says");
}

#[tokio::test]
async fn what_concerns_the_whole_request_is_an_error() {
    let canned = Canned::new(|_, _| refuse(404, "JobNotFound"));
    let error = add(&canned, tasks(2)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot add tasks to job `j`: 404 JobNotFound"
    );
    let canned = Canned::new(|_, _| answer(200, r#"{"value":[]}"#));
    let error = add(&canned, tasks(1)).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Unreadable { .. }));
}
