use futures::TryStreamExt;
use http::{Method, Response};

use super::*;
use crate::client::test_transport::{Canned, answer, refuse};
use crate::client::transport::{TransportError, TransportErrorKind};
use crate::client::{ClientError, Create, Failure};
use crate::wire::batch::job::JobUpdate;

#[tokio::test]
async fn a_create_says_whether_it_created() {
    let job = serde_json::from_str(r#"{"id":"j","poolInfo":{"poolId":"p"}}"#).unwrap();
    for (reply, outcome) in [
        (answer(201, ""), Ok(Create::Created)),
        (refuse(409, "JobExists"), Ok(Create::AlreadyExists)),
        (
            refuse(409, "ActiveJobAndScheduleQuotaReached"),
            Err("cannot create job `j`: 409 ActiveJobAndScheduleQuotaReached"),
        ),
    ] {
        let canned = Canned::in_order(vec![reply]);
        let got = canned.client().batch.create_job(&job).await;
        let got = got.map_err(|e| e.to_string());
        assert_eq!(got, outcome.map_err(str::to_owned));
        let request = &canned.seen()[0];
        assert_eq!(request.method(), Method::POST);
        assert_eq!(
            request.headers()["content-type"],
            "application/json; odata=minimalmetadata"
        );
    }
}

#[tokio::test]
async fn what_does_not_exist_is_none_and_what_is_gone_is_gone() {
    let canned = Canned::new(|_, _| refuse(404, "TaskNotFound"));
    let batch = canned.client().batch;
    assert_eq!(batch.get_task("j", "t").await.unwrap(), None);
    assert_eq!(batch.task_file("j", "t", "x", None).await.unwrap(), None);
    assert_eq!(batch.tail("j", "t", "x", 9).await.unwrap(), None);
    batch.delete_task("j", "t").await.unwrap();
    batch.delete_job("j").await.unwrap();
    batch.delete_pool("p").await.unwrap();
    let error = batch.terminate_task("j", "t").await.unwrap_err();
    assert!(error.is_not_found());

    for (status, code) in [(409, "PoolBeingDeleted"), (409, "poolbeingdeleted")] {
        let canned = Canned::in_order(vec![refuse(status, code)]);
        canned.client().batch.delete_pool("p").await.unwrap();
    }
    let canned = Canned::in_order(vec![refuse(409, "PoolBeingResized")]);
    let error = canned.client().batch.delete_pool("p").await.unwrap_err();
    assert_eq!(error.code(), Some("PoolBeingResized"));
}

#[tokio::test]
async fn what_passes_is_sent_again_and_what_does_not_is_not() {
    let broken = || Err(TransportError::new(TransportErrorKind::Broken));
    let counts = r#"{"taskCounts":{"active":1,"running":0,"completed":0,"succeeded":0,"failed":0},"taskSlotCounts":{"active":"1","running":0,"completed":0,"succeeded":0,"failed":0}}"#;
    let canned = Canned::in_order(vec![
        refuse(503, "ServerBusy"),
        broken(),
        answer(500, ""),
        answer(200, counts),
    ]);
    let got = canned.client().batch.task_counts("j").await.unwrap();
    assert_eq!(got.task_counts.active, 1);

    let canned = Canned::in_order(vec![refuse(400, "InvalidInput")]);
    let error = canned.client().batch.task_counts("j").await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidInput"));

    let canned = Canned::new(move |_, _| broken());
    let error = canned.client().batch.task_counts("j").await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Transport { .. }));
    assert_eq!(canned.seen().len(), 6);
    let text = error.to_string();
    assert_eq!(
        text,
        "cannot count the tasks of job `j`: no answer from http://batch.test"
    );
}

#[tokio::test]
async fn an_answer_against_the_contract_is_an_error_that_says_where() {
    let canned = Canned::in_order(vec![answer(200, r#"{"taskCounts":{"active":"x"}}"#)]);
    let error = canned.client().batch.task_counts("j").await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("taskCounts.active"), "{source}");
}

#[tokio::test]
async fn conditions_and_names_go_into_the_request() {
    let canned = Canned::new(|_, _| answer(200, ""));
    let batch = canned.client().batch;
    let update = JobUpdate {
        priority: Some(3),
        ..JobUpdate::default()
    };
    batch.patch_job("j", &update, Some("0x8D")).await.unwrap();
    let range = Some(5..10);
    batch
        .task_file("j", "t", "wd/ä b.txt", range)
        .await
        .unwrap();
    let seen = canned.seen();
    assert_eq!(seen[0].headers()["if-match"], "0x8D");
    assert_eq!(seen[0].body(), r#"{"priority":3}"#);
    assert_eq!(seen[1].headers()["ocp-range"], "bytes=5-9");
    assert_eq!(
        canned.lines(),
        [
            "PATCH /jobs/j?api-version=2025-06-01",
            "GET /jobs/j/tasks/t/files/wd%2F%C3%A4%20b.txt?api-version=2025-06-01"
        ]
    );
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_not_sent() {
    let canned = Canned::in_order(Vec::new());
    let batch = canned.client().batch;
    for error in [
        batch.get_pool("..").await.unwrap_err(),
        batch.delete_task("j", ".").await.unwrap_err(),
        batch
            .patch_job("j", &JobUpdate::default(), Some("a\nb"))
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error.failure(), Failure::Unsendable { .. }));
    }
}

async fn ids(batch: &Batch, options: &ListOptions) -> Result<Vec<String>, ClientError> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    let tasks = batch.list_tasks::<Id>("j", options);
    tasks.map_ok(|task| task.id).try_collect().await
}

#[tokio::test]
async fn pages_follow_their_links_as_they_are() {
    let link = "http://batch.test/jobs/j/tasks?$filter=state%20eq%20%27completed%27&api-version=2025-06-01&$skiptoken=WATV2:1$1";
    let canned = Canned::in_order(vec![
        answer(
            200,
            format!(r#"{{"value":[{{"id":"a"}},{{"id":"b"}}],"odata.nextLink":"{link}"}}"#),
        ),
        answer(200, r#"{"value":[]}"#),
    ]);
    let options = ListOptions::default()
        .filter("state eq 'completed'")
        .select("id");
    let got = ids(&canned.client().batch, &options).await.unwrap();
    assert_eq!(got, ["a", "b"]);
    assert_eq!(
        canned.lines(),
        [
            "GET /jobs/j/tasks?api-version=2025-06-01&$filter=state%20eq%20%27completed%27&$select=id".to_owned(),
            format!("GET {}", link.strip_prefix("http://batch.test").unwrap()),
        ]
    );
}

#[tokio::test]
async fn a_link_to_another_host_does_not_get_our_signature() {
    for link in ["http://evil.test/x", "https://batch.test/x", "nonsense"] {
        let page = format!(r#"{{"value":[],"odata.nextLink":"{link}"}}"#);
        let canned = Canned::in_order(vec![answer(200, page)]);
        let error = ids(&canned.client().batch, &ListOptions::default()).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error.failure(), Failure::Unreadable { .. }),
            "{link}"
        );
    }
}

#[tokio::test]
async fn a_tail_is_the_end_of_a_file() {
    for (length, range, cut) in [
        (100, Some("bytes=90-99"), true),
        (4, Some("bytes=0-3"), false),
        (0, None, false),
    ] {
        let canned = Canned::new(move |request, _| {
            let sent = Response::builder().header("content-length", length);
            match request.headers().get("ocp-range") {
                Some(_) => Ok(sent.body(vec![b'x'; length.min(10)].into()).unwrap()),
                None => Ok(sent.body(Default::default()).unwrap()),
            }
        });
        let batch = canned.client().batch;
        let tail = batch.tail("j", "t", "stderr.txt", 10).await.unwrap();
        let tail = tail.unwrap();
        assert_eq!(tail.bytes.len(), length.min(10));
        assert_eq!(tail.is_cut(), cut);
        let seen = canned.seen();
        assert_eq!(seen[0].method(), Method::HEAD);
        let asked = seen
            .get(1)
            .map(|r| r.headers()["ocp-range"].to_str().unwrap());
        assert_eq!(asked, range);
    }
}
