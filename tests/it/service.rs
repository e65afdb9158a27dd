//! The local service as its callers see it: our own client, real sockets, real processes, real files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use batchflow::client::Client;
use batchflow::client::blob::Upload;
use batchflow::clock;
use batchflow::service::{Options, Service, ServiceError, StateDirError, start};
use batchflow::wire::batch::task::{Task, TaskCreate, TaskState};
use batchflow::wire::sas::Permissions;
use batchflow::wire::time::{self, Time};
use futures::StreamExt;
use md5::{Digest, Md5};
use serde_json::json;

use crate::azurite::one_holder_at_a_time;
use crate::protocol::caller::Caller;
use crate::support::client;

/// Far beyond what anything here takes; reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(60);

fn options(state_dir: Option<PathBuf>) -> Options {
    Options {
        state_dir,
        account: "local".to_owned(),
        ..Options::new(env!("CARGO_BIN_EXE_batchflow").into())
    }
}

async fn start_in(dir: &Path) -> Service {
    start(options(Some(dir.to_owned()))).await.unwrap()
}

async fn make_pool(client: &Client, nodes: i32, start_task: Option<&str>) {
    let pool = json!({
        "id": "p", "vmSize": "standard_d2s_v5", "targetDedicatedNodes": nodes, "taskSlotsPerNode": 2,
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"},
        "startTask": start_task.map(|command| json!({"commandLine": command})),
    });
    let pool = serde_json::from_value(pool).unwrap();
    client.batch.create_pool(&pool).await.unwrap();
    let job = json!({"id": "j", "poolInfo": {"poolId": "p"}});
    let job = serde_json::from_value(job).unwrap();
    client.batch.create_job(&job).await.unwrap();
}

async fn add(client: &Client, tasks: Vec<serde_json::Value>) {
    let read = |t| serde_json::from_value::<TaskCreate>(t).unwrap();
    let tasks: Vec<TaskCreate> = tasks.into_iter().map(read).collect();
    let mut added = client.batch.add_tasks("j", tasks, 2);
    while let Some(some) = added.next().await {
        for task in some.unwrap() {
            assert_eq!(task.addition, batchflow::client::batch::TaskAddition::Added);
        }
    }
}

async fn until(client: &Client, task: &str, state: TaskState) -> Task {
    let start = clock::monotonic();
    loop {
        let found = client.batch.get_task("j", task).await.unwrap().unwrap();
        if found.state == state {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "still {found:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn stdout(client: &Client, task: &str) -> String {
    let bytes = client.batch.task_file("j", task, "stdout.txt", None).await;
    String::from_utf8(bytes.unwrap().unwrap().to_vec()).unwrap()
}

async fn upload(client: &Client, blob: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, text).unwrap();
    let upload = Upload {
        container: "input",
        blob,
        file: &file,
        length: text.len() as u64,
        md5: Md5::digest(text).into(),
        content_type: None,
        metadata: Default::default(),
    };
    client.blob.upload_file(&upload).await.unwrap();
}

fn in_an_hour() -> Time {
    Time::from(clock::now()).plus(time::Duration::from_secs(3600))
}

#[tokio::test]
async fn files_go_in_and_come_out() {
    let service = start(options(None)).await.unwrap();
    let client = client(&service);
    for container in ["input", "output"] {
        let none = Default::default();
        client
            .blob
            .create_container(container, &none)
            .await
            .unwrap();
    }
    upload(&client, "words/a b.txt", "some words\n").await;
    let command = "/bin/sh -c 'echo prepared > \"$AZ_BATCH_NODE_SHARED_DIR/mark\"'";
    make_pool(&client, 1, Some(command)).await;
    let input = client
        .sas
        .blob_url("input", "words/a b.txt", Permissions::READ, in_an_hour());
    let output = client
        .sas
        .container_url("output", Permissions::ADD_CREATE_WRITE, in_an_hour());
    let task = |id: &str, exit: i32| {
        json!({
            "id": id,
            "commandLine": format!("/bin/sh -c 'cat in.txt \"$AZ_BATCH_NODE_SHARED_DIR/mark\" > out.txt; echo $AZ_BATCH_TASK_ID; exit {exit}'"),
            "resourceFiles": [{"httpUrl": input.expose(), "filePath": "in.txt"}],
            "outputFiles": [{
                "filePattern": "out.txt",
                "destination": {"container": {"containerUrl": output.expose(), "path": format!("{id}.txt")}},
                "uploadOptions": {"uploadCondition": "tasksuccess"}}],
        })
    };
    add(&client, vec![task("good", 0), task("bad", 5)]).await;
    let good = until(&client, "good", TaskState::Completed).await;
    assert_eq!(good.execution_info.unwrap().exit_code, Some(0));
    let bad = until(&client, "bad", TaskState::Completed).await;
    assert_eq!(bad.execution_info.unwrap().exit_code, Some(5));
    assert_eq!(stdout(&client, "good").await, "good\n");
    let blob = client.blob.read_small("output", "good.txt", 1000).await;
    assert_eq!(blob.unwrap().unwrap(), "some words\nprepared\n".as_bytes());
    let blob = client.blob.read_small("output", "bad.txt", 1000).await;
    assert_eq!(blob.unwrap(), None);
    client.batch.delete_job("j").await.unwrap();
    client.batch.delete_pool("p").await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let service = start_in(folder.path()).await;
    let (endpoint, key) = (service.blob_endpoint().to_owned(), service.key().clone());
    let before = client(&service);
    let none = Default::default();
    before.blob.create_container("input", &none).await.unwrap();
    upload(&before, "a.txt", "still here").await;
    make_pool(&before, 1, None).await;
    let go = folder.path().join("nodes/go");
    let waiting = format!(
        "/bin/sh -c 'until test -e {}; do sleep 0.05; done; cat in.txt'",
        go.display()
    );
    let input = before
        .sas
        .blob_url("input", "a.txt", Permissions::READ, in_an_hour());
    let file = json!([{"httpUrl": input.expose(), "filePath": "in.txt"}]);
    add(
        &before,
        vec![json!({"id": "done", "commandLine": "/bin/echo once"})],
    )
    .await;
    until(&before, "done", TaskState::Completed).await;
    add(
        &before,
        vec![json!({"id": "cut", "commandLine": waiting, "resourceFiles": file})],
    )
    .await;
    until(&before, "cut", TaskState::Running).await;
    service.stop().await;

    // Somebody else took the port, so the signed URL in the stored task points nowhere.
    let port = endpoint
        .rsplit(':')
        .next()
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let squatter = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    let service = start_in(folder.path()).await;
    assert_ne!(service.blob_endpoint(), endpoint);
    assert_eq!(*service.key(), key);
    let after = client(&service);
    let done = after.batch.get_task("j", "done").await.unwrap().unwrap();
    assert_eq!(done.state, TaskState::Completed);
    assert_eq!(stdout(&after, "done").await, "once\n");
    let blob = after.blob.read_small("input", "a.txt", 100).await;
    assert_eq!(blob.unwrap().unwrap(), "still here".as_bytes());
    std::fs::write(&go, "").unwrap();
    let cut = until(&after, "cut", TaskState::Completed).await;
    let info = cut.execution_info.unwrap();
    assert_eq!((info.exit_code, info.requeue_count), (Some(0), 0));
    assert_eq!(stdout(&after, "cut").await, "still here");
    drop(squatter);
    service.stop().await;
}

#[tokio::test]
async fn ports_are_kept_when_they_are_free() {
    let folder = tempfile::tempdir().unwrap();
    let service = start_in(folder.path()).await;
    let before = (
        service.batch_endpoint().to_owned(),
        service.blob_endpoint().to_owned(),
    );
    service.stop().await;
    let service = start_in(folder.path()).await;
    let after = (
        service.batch_endpoint().to_owned(),
        service.blob_endpoint().to_owned(),
    );
    assert_eq!(before, after);
    service.stop().await;
}

#[tokio::test]
async fn what_keeps_a_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let service = start_in(folder.path()).await;
    let second = start(options(Some(folder.path().to_owned()))).await;
    match second {
        Err(ServiceError::StateDir(StateDirError::InUse { pid, .. })) => {
            assert_eq!(pid, Some(std::process::id()));
        }
        other => panic!("{other:?}"),
    }
    let port = service.batch_endpoint().rsplit(':').next().unwrap();
    let taken = Options {
        batch_port: port.parse().unwrap(),
        ..options(None)
    };
    let error = start(taken).await.unwrap_err();
    assert!(matches!(error, ServiceError::PortInUse { .. }));
    assert!(error.to_string().contains(port), "{error}");
    service.stop().await;

    let no_launcher = Options {
        launcher_executable: "/nonexistent".into(),
        ..options(None)
    };
    assert!(matches!(
        start(no_launcher).await,
        Err(ServiceError::Agent(_))
    ));
    let bad_key = Options {
        key: Some(batchflow::wire::secret::Secret::new("not base64!")),
        ..options(None)
    };
    assert!(matches!(start(bad_key).await, Err(ServiceError::Key(_))));
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("state.db"), "not ours").unwrap();
    let foreign = start(options(Some(other.path().to_owned()))).await;
    assert!(matches!(
        foreign,
        Err(ServiceError::StateDir(StateDirError::Foreign { .. }))
    ));
    std::fs::write(other.path().join("lock"), "").unwrap();
    let broken = start(options(Some(other.path().to_owned()))).await;
    assert!(matches!(broken, Err(ServiceError::Store(_))));
}

#[tokio::test]
async fn leases_outlive_the_service() {
    let home = tempfile::tempdir().unwrap();
    let service = start_in(home.path()).await;
    let blob = client(&service).blob;
    let metadata = Default::default();
    blob.create_container("other", &metadata).await.unwrap();
    one_holder_at_a_time(&blob, "other").await;
    blob.create_blob("other", "lock", &metadata).await.unwrap();
    let minute = Duration::from_secs(60);
    let lease = blob.acquire_lease("other", "lock", minute).await.unwrap();
    service.stop().await;

    let service = start_in(home.path()).await;
    let blob = client(&service).blob;
    let second = blob.acquire_lease("other", "lock", minute).await.unwrap();
    assert_eq!(second, None);
    assert!(blob.renew_lease(&lease.unwrap()).await.unwrap());
    service.stop().await;
}

#[tokio::test]
async fn a_multi_instance_task_on_two_nodes() {
    let service = start(options(None)).await.unwrap();
    let client = client(&service);
    let none = Default::default();
    client.blob.create_container("input", &none).await.unwrap();
    upload(&client, "common.txt", "common\n").await;
    let caller = Caller::of(&service);
    let pool = json!({
        "id": "p", "vmSize": "standard_d2s_v5", "targetDedicatedNodes": 2,
        "enableInterNodeCommunication": true,
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04"},
    });
    caller.post("/pools", pool).await.expect(201);
    let job = json!({"id": "j", "poolInfo": {"poolId": "p"}});
    caller.post("/jobs", job).await.expect(201);
    let file = |path: &str| {
        let url = client
            .sas
            .blob_url("input", "common.txt", Permissions::READ, in_an_hour());
        json!([{"httpUrl": url.expose(), "filePath": path}])
    };
    // The application finds what the coordination started on its node.
    let coordination = "/bin/sh -c 'cat \"$AZ_BATCH_TASK_SHARED_DIR/common.txt\"; echo $AZ_BATCH_IS_CURRENT_NODE_MASTER; \
        setsid sleep 1000 & echo $! > \"$AZ_BATCH_TASK_SHARED_DIR/daemon\"'";
    let task = json!({
        "id": "t",
        "commandLine": "/bin/sh -c 'kill -0 $(cat ../daemon) && ls && echo $AZ_BATCH_HOST_LIST'",
        "resourceFiles": file("own.txt"),
        "multiInstanceSettings": {
            "numberOfInstances": 2,
            "coordinationCommandLine": coordination,
            "commonResourceFiles": file("common.txt"),
        },
    });
    caller.post("/jobs/j/tasks", task).await.expect(201);
    let ended = until(&client, "t", TaskState::Completed).await;
    assert_eq!(ended.execution_info.unwrap().exit_code, Some(0));
    let nodes = caller.get("/pools/p/nodes").await.json();
    let address = |at: usize| nodes["value"][at]["ipAddress"].as_str().unwrap().to_owned();
    let primary = ended.node_info.unwrap().node_id.unwrap();
    let first = usize::from(nodes["value"][0]["id"] != primary);
    let hosts = format!("{},{}", address(first), address(1 - first));
    assert_eq!(
        stdout(&client, "t").await,
        format!("common\ntrue\nown.txt\n{hosts}\n")
    );
    let subtasks = caller.get("/jobs/j/tasks/t/subtasksinfo").await.json();
    let subtask = &subtasks["value"][0];
    assert_eq!(
        (&subtask["id"], &subtask["exitCode"]),
        (&json!(1), &json!(0))
    );
    let node = subtask["nodeInfo"]["nodeId"].as_str().unwrap();
    let directory = subtask["nodeInfo"]["taskRootDirectory"].as_str().unwrap();
    let path = format!("{directory}/stdout.txt").replace('/', "%2F");
    let printed = caller
        .get(&format!("/pools/p/nodes/{node}/files/{path}"))
        .await;
    assert_eq!(
        (printed.status, printed.text.as_str()),
        (200, "common\nfalse\n")
    );
    service.stop().await;
}
