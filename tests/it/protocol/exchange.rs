//! Headers and bodies of answers that succeed, and what the versions of the API differ in.

use batchflow::wire::batch::operation::{OPERATIONS, Operation as Op, Verb};
use serde_json::{Value, json};

use super::caller::{Call, Caller};
use super::furnished::{furnished, path};
use crate::support::local_service;

fn pool(id: &str) -> Value {
    json!({"id": id, "vmSize": "standard_d2s_v5", "targetDedicatedNodes": 0,
        "upgradePolicy": {"mode": "manual"},
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"}})
}

#[tokio::test]
async fn headers_of_every_answer() {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    let base = service.batch_endpoint();
    let made = caller.post("/pools", pool("Pool-1")).await.expect(201);
    assert_eq!(made.text, "");
    assert_eq!(made.header("location"), format!("{base}/pools/Pool-1"));
    assert_eq!(made.header("dataserviceid"), made.header("location"));
    let job = json!({"id": "mine", "poolInfo": {"poolId": "Pool-1"}});
    let made = caller.post("/jobs", job).await.expect(201);
    assert_eq!(
        made.header("location"),
        format!("{base}/jobs/job-1"),
        "as the real service has it"
    );

    let call = Call::batch("GET", "/pools/pool-1")
        .header("client-request-id", "mine-1")
        .header("return-client-request-id", "true");
    let got = caller.send(call).await.expect(200);
    assert_eq!(got.header("client-request-id"), "mine-1");
    assert_eq!(got.header("dataserviceversion"), "3.0");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert_eq!(
        got.header("content-type"),
        "application/json;odata=minimalmetadata"
    );
    let metadata = format!("{{\"odata.metadata\":\"{base}/$metadata#pools/@Element\",");
    assert!(got.text.starts_with(&metadata), "{}", got.text);
    let etag = got.header("etag").to_owned();
    assert!(etag.starts_with("0x8"), "unquoted: {etag}");
    assert_eq!(got.json()["eTag"], etag);

    let quiet = Call::batch("GET", "/pools/pool-1").header("client-request-id", "mine-2");
    assert_eq!(caller.send(quiet).await.header("client-request-id"), "");
    for (header, value, status) in [
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "0x1", 200),
        ("if-match", etag.as_str(), 200),
        ("if-match", "0x1", 412),
        ("if-modified-since", "Sun, 14 Mar 2100 20:33:30 GMT", 304),
    ] {
        for verb in ["GET", "HEAD"] {
            let call = Call::batch(verb, "/pools/pool-1").header(header, value);
            let answer = caller.send(call).await.expect(status);
            assert!(verb == "GET" && status != 304 || answer.text.is_empty());
        }
    }
    let missing = caller
        .send(Call::batch("HEAD", "/pools/none"))
        .await
        .expect(404);
    assert_eq!(missing.text, "");
    service.stop().await;
}

#[tokio::test]
async fn lists_by_pages_with_every_way_to_write_the_link() {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    for n in 0..5 {
        caller
            .post("/pools", pool(&format!("p{n}")))
            .await
            .expect(201);
    }
    let mut path = "/pools?$select=id&maxresults=2&$filter=startswith(id,'P')".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = caller.get(&path).await.expect(200);
        assert!(
            page.text.starts_with("{\"odata.metadata\":"),
            "{}",
            page.text
        );
        let page = page.json();
        assert!(
            page["odata.metadata"]
                .as_str()
                .unwrap()
                .ends_with("$metadata#pools")
        );
        seen.extend(page["value"].as_array().unwrap().clone());
        let Some(link) = page["odata.nextLink"].as_str() else {
            break;
        };
        path = link
            .strip_prefix(service.batch_endpoint())
            .unwrap()
            .to_owned();
    }
    let expected: Vec<Value> = (0..5).map(|n| json!({"id": format!("p{n}")})).collect();
    assert_eq!(seen, expected, "only what is selected, in the order of ids");
    service.stop().await;
}

#[tokio::test]
async fn an_older_version_neither_takes_nor_shows_what_came_later() {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    caller.post("/pools", pool("new")).await.expect(201);
    for (version, shows) in [
        ("2025-06-01", true),
        ("2024-07-01.20.0", true),
        ("2024-02-01.19.0", true),
        ("2022-10-01.16.0", false),
        ("2022-01-01.15.0", false),
        ("2021-06-01.14.0", false),
    ] {
        let got = caller
            .get(&format!("/pools/new?api-version={version}"))
            .await;
        let shown = got.expect(200).json();
        assert_eq!(shown.get("upgradePolicy").is_some(), shows, "{version}");
        let list = caller.get(&format!("/pools?api-version={version}")).await;
        let shown = &list.expect(200).json()["value"][0];
        assert_eq!(shown.get("upgradePolicy").is_some(), shows, "{version}");
        let call = Call::batch("POST", &format!("/pools?api-version={version}"));
        let id = version.replace('.', "-");
        let answer = caller.send(call.json(&pool(&id))).await;
        if shows {
            answer.expect(201);
        } else {
            assert_eq!(answer.code(), "UnsupportedProperty", "{version}");
            assert_eq!(answer.value("PropertyName"), "upgradePolicy");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_says_what_it_is() {
    let (service, caller, node) = furnished().await;
    for spec in OPERATIONS.iter().filter(|spec| spec.verb == Verb::Get) {
        let entity = match spec.operation {
            Op::ListPools => "pools",
            Op::GetPool => "pools/@Element",
            Op::ListPoolUsageMetrics => "poolusagemetrics",
            Op::ListSupportedImages => "supportedimages",
            Op::ListPoolNodeCounts => "poolnodecounts",
            Op::ListApplications => "applications",
            Op::ListJobs | Op::ListJobsFromSchedule => "jobs",
            Op::GetJob => "jobs/@Element",
            Op::GetJobTaskCounts => "taskcountsresult/@Element",
            Op::ListJobSchedules => "jobschedules",
            Op::GetJobSchedule => "jobschedules/@Element",
            Op::ListTasks => "tasks",
            Op::GetTask => "tasks/@Element",
            Op::ListNodes => "nodes",
            Op::GetNode => "nodes/@Element",
            Op::ListNodeExtensions => "extensions",
            // Of what is not there, or needs a node that runs.
            Op::GetApplication
            | Op::GetNodeExtension
            | Op::GetNodeRemoteLoginSettings
            | Op::ListJobPreparationAndReleaseTaskStatus
            | Op::ListSubtasks
            | Op::ListTaskFiles
            | Op::DownloadTaskFile
            | Op::ListNodeFiles
            | Op::DownloadNodeFile => continue,
            other => panic!("what does {other:?} say it is?"),
        };
        let answer = caller.get(&path(spec, &node, None)).await.expect(200);
        let metadata = format!("{}/$metadata#{entity}", service.batch_endpoint());
        let first = format!("{{\"odata.metadata\":\"{metadata}\"");
        assert!(
            answer.text.starts_with(&first),
            "{}: {}",
            spec.name,
            answer.text
        );
        let is_list = !entity.ends_with("@Element");
        assert_eq!(answer.json()["value"].is_array(), is_list, "{}", spec.name);
    }
    service.stop().await;
}
