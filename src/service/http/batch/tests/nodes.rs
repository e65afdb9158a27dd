//! Nodes over HTTP: what is done to them, their users, their files.

use serde_json::json;

use super::{Service, service};

impl Service {
    /// The path of the only node.
    async fn node(&self) -> String {
        let idle = |v: &serde_json::Value| v["value"][0]["state"] == "idle";
        let nodes = self.until("/pools/P/nodes", idle).await;
        format!(
            "/pools/P/nodes/{}",
            nodes["value"][0]["id"].as_str().unwrap()
        )
    }
}

#[tokio::test]
async fn nodes_obey() {
    let s = service().await;
    s.with_job().await;
    let node = s.node().await;
    for (action, body, status, state) in [
        ("disablescheduling", json!({}), 200, "offline"),
        ("disablescheduling", json!({}), 409, "offline"),
        ("enablescheduling", json!(null), 200, "idle"),
        (
            "reboot",
            json!({"nodeRebootOption": "terminate"}),
            202,
            "idle",
        ),
        ("reimage", json!({}), 202, "idle"),
        ("start", json!(null), 409, "idle"),
        (
            "deallocate",
            json!({"nodeDeallocateOption": "taskcompletion"}),
            202,
            "deallocated",
        ),
        ("reboot", json!({}), 409, "deallocated"),
        ("start", json!(null), 202, "idle"),
        ("reboot", json!({"nodeRebootOption": "never"}), 400, "idle"),
    ] {
        let body = (!body.is_null()).then_some(body);
        let answer = s.send("POST", &format!("{node}/{action}"), body, &[]).await;
        assert_eq!(answer.status, status, "{action}: {}", answer.text);
        s.until(&node, |v| v["state"] == state).await;
    }
    let id = node.rsplit('/').next().unwrap();
    let body = json!({"nodeList": [id]});
    assert_eq!(s.post("/pools/P/removenodes", body).await.status, 202);
    s.until(&node, |v| v["code"] == "NodeNotFound").await;
    assert_eq!(s.get("/pools/P").await.json()["targetDedicatedNodes"], 0);
}

#[tokio::test]
async fn users_logins_logs_and_extensions() {
    let s = service().await;
    s.with_job().await;
    let node = s.node().await;
    let user = json!({"name": "ann", "password": "x", "isAdmin": true});
    let made = s.post(&format!("{node}/users"), user.clone()).await;
    let url = format!("{}{node}/users/ann", s.endpoint);
    assert_eq!((made.status, made.header("location")), (201, url.as_str()));
    let again = s.post(&format!("{node}/users"), user).await;
    assert_eq!(again.code(), "NodeUserExists");
    let path = format!("{node}/users/ann");
    let body = json!({"sshPublicKey": "ssh-ed25519 x"});
    assert_eq!(s.send("PUT", &path, Some(body), &[]).await.status, 200);
    assert_eq!(s.send("DELETE", &path, None, &[]).await.status, 200);
    let gone = s.send("DELETE", &path, None, &[]).await;
    assert_eq!(gone.code(), "NodeUserNotFound");

    // Whether this machine has an SSH server is not ours to say.
    let login = s.get(&format!("{node}/remoteloginsettings")).await;
    match login.status {
        200 => assert_eq!(login.json()["remoteLoginPort"], 22),
        501 => assert!(login.text.contains("no SSH server")),
        other => panic!("{other}: {}", login.text),
    }
    let logs = json!({"containerUrl": "http://127.0.0.1:1/a/c?sig=s", "startTime": "2026-01-01T00:00:00Z"});
    let logs = s
        .post(&format!("{node}/uploadbatchservicelogs"), logs)
        .await;
    assert_eq!(logs.json()["numberOfFilesUploaded"], 1, "{}", logs.text);
    let extensions = s.get(&format!("{node}/extensions")).await.json();
    assert_eq!(extensions["value"], json!([]));
    let absent = s.get(&format!("{node}/extensions/x")).await;
    assert_eq!(absent.code(), "ResourceNotFound");
}

#[tokio::test]
async fn a_pool_sizes_itself() {
    let s = service().await;
    s.with_job().await;
    s.until("/pools/P", |p| p["allocationState"] == "steady")
        .await;
    let formula = |text: &str| json!({"autoScaleFormula": text});
    let two = formula("$TargetDedicatedNodes = 2;");
    let evaluated = s.post("/pools/P/evaluateautoscale", two.clone()).await;
    assert_eq!(evaluated.status, 409);
    let enabled = s.post("/pools/P/enableautoscale", two.clone()).await;
    assert_eq!(enabled.status, 200, "{}", enabled.text);
    s.until("/pools/P", |p| p["currentDedicatedNodes"] == 2)
        .await;
    let again = s.post("/pools/P/enableautoscale", two).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (503, "TooManyEnableAutoScaleRequests")
    );
    let wrong = s
        .post("/pools/P/evaluateautoscale", formula("x = 1 +;"))
        .await;
    assert_eq!(wrong.code(), "AutoScalingFormulaSyntaxError");
    let evaluated = s
        .post("/pools/P/evaluateautoscale", formula("x = 3;"))
        .await;
    let results =
        "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;x=3";
    assert_eq!(evaluated.json()["results"], results);
    let off = s.send("POST", "/pools/P/disableautoscale", None, &[]).await;
    assert_eq!(off.status, 200);
    assert_eq!(s.get("/pools/P").await.json()["enableAutoScale"], false);
}

#[tokio::test]
async fn lists_that_are_always_empty() {
    let s = service().await;
    for path in [
        "/applications?maxresults=5",
        "/poolusagemetrics",
        "/poolusagemetrics?startTime=2026-01-01T00:00:00Z&endtime=2026-01-02T00:00:00Z&$filter=poolId%20eq%20'p'",
    ] {
        let answer = s.get(path).await;
        assert_eq!(answer.json()["value"], json!([]), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn files_are_deleted() {
    let s = service().await;
    s.with_job().await;
    s.post("/jobs/J/tasks", json!({"id": "T", "commandLine": "0"}))
        .await;
    s.until("/jobs/J/tasks/T", |t| t["state"] == "completed")
        .await;
    let node = s.node().await;
    let files = "/jobs/J/tasks/T/files";
    let by_node = format!("{node}/files/workitems%2FJ");
    for (path, status, code) in [
        (format!("{files}/stdout.txt"), 200, ""),
        (format!("{files}/stdout.txt"), 404, "FileNotFound"),
        (
            format!("{files}/wd"),
            409,
            "OperationInvalidForCurrentState",
        ),
        (format!("{files}/..%2F..%2Fjob-1"), 404, "FileNotFound"),
        (
            format!("{files}/wd%2F..?recursive=true"),
            404,
            "FileNotFound",
        ),
        // The link goes, what it leads to stays.
        (format!("{files}/wd%2Flink"), 200, ""),
        (format!("{files}/wd?recursive=true"), 200, ""),
        (by_node, 409, "OperationInvalidForCurrentState"),
    ] {
        let answer = s.send("DELETE", &path, None, &[]).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        if status != 200 {
            assert_eq!(answer.code(), code, "{path}");
        }
    }
    let outside = std::fs::read_to_string(s._nodes.path().join("outside.txt")).unwrap();
    assert_eq!(outside, "secret");
    let left = s.get(&format!("{files}?recursive=true")).await.json();
    assert_eq!(left["value"], json!([]));
}
