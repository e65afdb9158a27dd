//! Resource files in, output files out.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::wire::batch::command::{
    OutputFile, OutputFileBlobContainerDestination, OutputFileDestination,
    OutputFileUploadCondition, OutputFileUploadConfiguration, OutputFileUploadHeader, ResourceFile,
};

fn http(url: String, path: &str) -> ResourceFile {
    ResourceFile {
        http_url: Some(url),
        file_path: Some(path.to_owned()),
        ..ResourceFile::default()
    }
}

fn output(
    pattern: &str,
    url: String,
    path: &str,
    upload_condition: OutputFileUploadCondition,
) -> OutputFile {
    OutputFile {
        file_pattern: pattern.to_owned(),
        destination: OutputFileDestination {
            container: Some(OutputFileBlobContainerDestination {
                path: Some(path.to_owned()).filter(|p| !p.is_empty()),
                container_url: url,
                identity_reference: None,
                upload_headers: vec![OutputFileUploadHeader {
                    name: "x-ms-meta-task".into(),
                    value: Some("t".into()),
                }],
            }),
        },
        upload_options: OutputFileUploadConfiguration { upload_condition },
    }
}

use OutputFileUploadCondition::{TaskCompletion, TaskFailure, TaskSuccess};

#[tokio::test]
async fn files_come_in_with_their_modes() {
    let mut fixture = Fixture::start().await;
    let blobs = &fixture.blobs;
    blobs.put("in/tool é+%.sh", "echo tool ran");
    for name in ["data/a & b.txt", "data/c/d.txt", "data/e.txt", "other.txt"] {
        blobs.put(&format!("in/{name}"), name);
    }
    blobs.put("in/data/", "");
    let large = "0123456789abcdef".repeat(200_000);
    blobs.put("in/large", &large);
    blobs.kept().troubles.insert("/acct/in/large".into(), 2);
    let former = "http://127.0.0.1:9/acct/in/other.txt?sv=1&sig=good";
    let launch = Launch {
        resource_files: vec![
            ResourceFile {
                file_mode: Some("0755".into()),
                ..http(blobs.url("in/tool%20%C3%A9+%25.sh"), "bin/tool.sh")
            },
            ResourceFile {
                storage_container_url: Some(blobs.url("in")),
                blob_prefix: Some("data/".into()),
                file_path: Some("all".into()),
                ..ResourceFile::default()
            },
            http(blobs.url("in/large"), "large"),
            http(former.to_owned(), "moved.txt"),
        ],
        ..shell(1, "sh bin/tool.sh")
    };
    assert_eq!(fixture.run(launch).await, (Some(0), None));
    assert_eq!(fixture.read("stdout.txt"), "tool ran\n");
    for name in ["data/a & b.txt", "data/c/d.txt", "data/e.txt"] {
        assert_eq!(fixture.read(&format!("wd/all/{name}")), name);
    }
    assert!(!fixture.file("wd/all/other.txt").exists());
    assert_eq!(fixture.read("wd/moved.txt"), "other.txt");
    assert_eq!(fixture.read("wd/large"), large);
    let mode = |name| fixture.file(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("wd/bin/tool.sh"), mode("wd/large")), (0o755, 0o770));
    let entries = std::fs::read_dir(fixture.file("wd")).unwrap();
    assert_eq!(entries.count(), 4, "no temporary file is left");
    fixture.agent.stop().await;
}

#[tokio::test]
async fn files_that_cannot_come_in() {
    let mut fixture = Fixture::start().await;
    fixture.blobs.put("in/a", "a");
    fixture.blobs.put("up/../../x", "x");
    let good = fixture.blobs.url("in/a");
    let bad_signature = good.replace("good", "TOPSECRET");
    let container = |url: String, path: &str| ResourceFile {
        storage_container_url: Some(url),
        file_path: Some(path.to_owned()),
        ..ResourceFile::default()
    };
    let cases = [
        (http(fixture.blobs.url("in/none"), "a"), "BlobNotFound"),
        (http(bad_signature.clone(), "a"), "BlobAccessDenied"),
        (container(bad_signature, ""), "BlobAccessDenied"),
        (container(fixture.blobs.url("absent/x"), ""), "BlobNotFound"),
        (
            http("file:///etc/passwd".into(), "a"),
            "BlobDownloadMiscError",
        ),
        (http(good.clone(), "../a"), "ResourceFileCreateFailed"),
        (http(good.clone(), "/tmp/a"), "ResourceFileCreateFailed"),
        (http(good.clone(), ""), "ResourceFileCreateFailed"),
        (
            container(fixture.blobs.url("up"), ""),
            "ResourceFileCreateFailed",
        ),
        (
            container(fixture.blobs.url("in"), "../.."),
            "ResourceFileCreateFailed",
        ),
        (
            container(fixture.blobs.url("in"), "/tmp"),
            "ResourceFileCreateFailed",
        ),
        (
            ResourceFile {
                file_mode: Some("rwx".into()),
                ..http(good.clone(), "a")
            },
            "ResourceFileCreateFailed",
        ),
        (
            ResourceFile {
                auto_storage_container_name: Some("c".into()),
                ..ResourceFile::default()
            },
            "BlobAccessDenied",
        ),
        (ResourceFile::default(), "ResourceFileCreateFailed"),
    ];
    for (run, (file, code)) in (1..).zip(cases) {
        let shown = format!("{file:?}");
        let launch = Launch {
            resource_files: vec![file],
            ..shell(run, "echo ran")
        };
        fixture.launch(launch);
        let end = fixture.ended(run).await;
        assert_eq!(end.exit_code, None, "{shown}");
        assert_eq!(
            failure_code(&end).as_deref(),
            Some(code),
            "{shown}: {end:?}"
        );
        let said = format!("{end:?}");
        assert!(
            !said.contains("sig=") && !said.contains("TOPSECRET"),
            "{said}"
        );
        assert_eq!(fixture.read("stdout.txt"), "");
    }
    assert!(!fixture.file("../a").exists() && !fixture.file("a").exists());
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_stop_while_files_are_coming_in() {
    let mut fixture = Fixture::start().await;
    let stalled = |run| Launch {
        resource_files: vec![http(fixture.blobs.url("stall/a"), "a")],
        ..shell(run, "true")
    };
    let (first, second) = (stalled(1), stalled(2));
    fixture.launch(first);
    fixture.stop(1, StopReason::Terminated);
    let end = fixture.ended(1).await;
    assert_eq!((end.exit_code, end.failure), (None, None));
    fixture.launch(second);
    fixture.stop(2, StopReason::Abandoned);
    assert_eq!(fixture.run(shell(3, "true")).await, (Some(0), None));
    fixture.agent.stop().await;
}

#[tokio::test]
async fn outputs_go_out_as_their_conditions_say() {
    let mut fixture = Fixture::start().await;
    let outputs = |run, end: &str| {
        let container = fixture.blobs.url(&format!("out{run}"));
        let output = |pattern, path, condition| output(pattern, container.clone(), path, condition);
        Launch {
            output_files: vec![
                output("*_OUTPUT.txt", "", TaskSuccess),
                output("sub/**", "dir", TaskSuccess),
                output("../std*.txt", "$not/é x", TaskFailure),
                output("${AZ_BATCH_TASK_DIR}/stdout.txt", "log", TaskCompletion),
                output("none*", "", TaskCompletion),
            ],
            ..shell(
                run,
                &format!(
                    "mkdir -p sub/x; echo r > a_OUTPUT.txt; echo s > sub/x/y; echo out; {end}"
                ),
            )
        }
    };
    let (good, bad, killed) = (
        outputs(1, "true"),
        outputs(2, "exit 5"),
        outputs(3, "echo ready > ready; exec sleep 1000"),
    );
    assert_eq!(fixture.run(good).await, (Some(0), None));
    assert_eq!(
        fixture.blobs.names("out1"),
        ["a_OUTPUT.txt", "dir/x/y", "log"]
    );
    assert_eq!(fixture.blobs.get("out1/a_OUTPUT.txt").unwrap(), "r\n");
    let log = fixture.read("fileuploadout.txt");
    assert!(
        log.contains("/acct/out1/dir/x/y (2 bytes)") && !log.contains("sig"),
        "{log}"
    );
    assert_eq!(fixture.read("fileuploaderr.txt"), "");
    {
        let kept = fixture.blobs.kept();
        let put = kept
            .requests
            .iter()
            .find(|r| r.path.ends_with("log"))
            .unwrap();
        assert_eq!(put.method, "PUT");
        assert_eq!(put.query, "sv=1&sig=good");
        assert_eq!(put.headers["x-ms-blob-type"], "BlockBlob");
        assert_eq!(put.headers["x-ms-meta-task"], "t");
        assert_eq!(put.headers["content-md5"], "+3eStllv0SUC3RMsCroFaA==");
    }
    let failed = ["$not/é x/stderr.txt", "$not/é x/stdout.txt", "log"];
    assert_eq!(fixture.run(bad).await, (Some(5), None));
    assert_eq!(fixture.blobs.names("out2"), failed);

    fixture.launch(killed);
    fixture.started(3).await;
    fixture.line_of("wd/ready").await;
    fixture.stop(3, StopReason::WallClock);
    assert_eq!(fixture.ended(3).await.exit_code, Some(137));
    assert_eq!(fixture.blobs.names("out3"), failed);
    fixture.agent.stop().await;
}

#[tokio::test]
async fn a_large_output_goes_in_blocks() {
    let mut fixture = Fixture::start().await;
    let mut file = output("large", fixture.blobs.url("out"), "", TaskSuccess);
    let header = OutputFileUploadHeader {
        name: "Content-Type".into(),
        value: Some("text/plain".into()),
    };
    let container = file.destination.container.as_mut().unwrap();
    container.upload_headers.push(header);
    let launch = Launch {
        output_files: vec![file],
        ..shell(1, "seq 1 3000000 > large; md5sum < large | cut -c-32")
    };
    assert_eq!(fixture.run(launch).await, (Some(0), None));
    let sent = fixture.blobs.get("out/large").unwrap();
    assert!(sent.len() > 20 << 20);
    assert_eq!(sent, std::fs::read(fixture.file("wd/large")).unwrap());
    let kept = fixture.blobs.kept();
    let list = kept
        .requests
        .iter()
        .find(|r| r.query.ends_with("comp=blocklist"));
    let headers = &list.unwrap().headers;
    assert_eq!(headers["x-ms-blob-content-type"], "text/plain");
    let digest = hex(headers["x-ms-blob-content-md5"].as_bytes());
    assert_eq!(digest, fixture.read("stdout.txt").trim());
}

fn hex(base64: &[u8]) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64);
    data_encoding::HEXLOWER.encode(&bytes.unwrap())
}

#[tokio::test]
async fn outputs_that_cannot_go_out() {
    let mut fixture = Fixture::start().await;
    let good = fixture.blobs.url("out");
    let cases = [
        (
            "a",
            fixture.blobs.url("absent/c"),
            "FileUploadContainerNotFound",
        ),
        (
            "a",
            good.replace("good", "TOPSECRET"),
            "FileUploadAccessDenied",
        ),
        ("a", "nonsense".into(), "FileUploadMiscError"),
        ("/etc/passwd", good.clone(), "FileUploadMiscError"),
        ("leak", good.clone(), "FileUploadMiscError"),
    ];
    for (run, (pattern, url, code)) in (1..).zip(cases) {
        let launch = Launch {
            output_files: vec![
                output(pattern, url, "", TaskCompletion),
                output("b", good.clone(), &format!("b{run}"), TaskCompletion),
            ],
            ..shell(run, "echo a > a; echo b > b; ln -s /etc/passwd leak")
        };
        fixture.launch(launch);
        fixture.started(run).await;
        let end = fixture.ended(run).await;
        assert_eq!(end.exit_code, Some(0), "{code}");
        assert_eq!(failure_code(&end).as_deref(), Some(code));
        assert_eq!(
            end.failure.as_ref().unwrap().stage,
            FailureStage::FileUpload
        );
        let said = format!("{end:?}{}", fixture.read("fileuploaderr.txt"));
        assert!(said.contains(code) && !said.contains("TOPSECRET"), "{said}");
        // The others go all the same.
        assert!(fixture.blobs.get(&format!("out/b{run}")).is_some());
    }
    assert!(
        fixture
            .blobs
            .names("out")
            .iter()
            .all(|name| name.starts_with('b'))
    );
    fixture.agent.stop().await;
}
