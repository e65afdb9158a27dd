//! Our client against a storage server that others wrote.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use batchflow::client::blob::{Blob, Upload};
use batchflow::client::{Account, Client, Create, Reqwest};
use batchflow::wire::sas::Permissions;
use batchflow::wire::time::Time;
use futures::TryStreamExt;
use md5::{Digest, Md5};

use crate::peers::{Node, Server, skip};

const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

#[test]
fn our_client_works_with_azurite() {
    let node = match Node::with_packages() {
        Ok(node) => node,
        Err(needs) => {
            return skip("our_client_works_with_azurite", &needs);
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let script = node.modules().join("azurite/dist/src/blob/main.js");
    let mut command = Command::new("node");
    command.arg(script).args([
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        "0",
        "--disableTelemetry",
    ]);
    command.args([
        "--location".as_ref(),
        folder.path().join("azurite").as_os_str(),
    ]);
    let mut server = Server::start(&mut command).unwrap();
    let endpoint = server.wait_for(Duration::from_secs(30), |line| {
        line.rsplit_once("successfully listens on ")
            .map(|(_, url)| url.to_owned())
    });

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(scenario(
        &client(&format!("{endpoint}/{ACCOUNT}")),
        folder.path(),
    ));
    server.stop();
}

fn client(storage: &str) -> Client {
    let connection = format!("AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={storage};");
    let variables = |name: &str| {
        Some(match name {
            "AZURE_BATCH_ACCOUNT" => "unused".to_owned(),
            "AZURE_BATCH_ACCESS_KEY" => KEY.to_owned(),
            "AZURE_BATCH_ENDPOINT" => "http://127.0.0.1:1".to_owned(),
            "AZURE_STORAGE_CONNECTION_STRING" => connection.clone(),
            _ => return None,
        })
    };
    let found = Account::from_environment(&variables, &Default::default()).unwrap();
    let account = found.account;
    Client::new(&account, Arc::new(Reqwest::new().unwrap())).unwrap()
}

async fn scenario(client: &Client, folder: &Path) {
    let blob = &client.blob;
    let metadata = [("batchflow".to_owned(), "yes".to_owned())].into();

    assert_eq!(
        blob.create_container("in", &metadata)
            .await
            .unwrap_err()
            .refused()
            .unwrap()
            .status,
        400
    );
    assert_eq!(
        blob.create_container("input", &metadata).await.unwrap(),
        Create::Created
    );
    assert_eq!(
        blob.create_container("input", &metadata).await.unwrap(),
        Create::AlreadyExists
    );
    let found = blob.get_container("input").await.unwrap().unwrap();
    assert_eq!(found.metadata, metadata);
    assert!(blob.get_container("absent").await.unwrap().is_none());
    blob.create_container("other", &Default::default())
        .await
        .unwrap();
    let names: Vec<_> = blob
        .list_containers(None)
        .map_ok(|c| c.name)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names, ["input", "other"]);

    // Names sorted as the server lists them. The longest is more than one block and than one part.
    let files = [
        ("a b/c+d%.txt", 10),
        ("big/seventy", 70 * 1024 * 1024),
        ("deep/er/and/deeper.txt", 4 * 1024 * 1024 + 1),
        ("empty", 0),
        ("plain.txt", 10),
        ("q?a=b#c&d", 3),
        ("~tilde'and(brackets)!", 5),
        ("ünï/κό.txt", 7),
    ];
    for (n, (name, length)) in files.into_iter().enumerate() {
        let content = content(n, length);
        let file = folder.join(format!("file-{n}"));
        fs::write(&file, &content).unwrap();
        let upload = Upload {
            container: "input",
            blob: name,
            file: &file,
            length: length as u64,
            md5: Md5::digest(&content).into(),
            content_type: Some("text/plain"),
            metadata: [("digest".to_owned(), format!("{n}"))].into(),
        };
        blob.upload_file(&upload).await.unwrap();
    }

    let listed: Vec<_> = blob.list_blobs("input", None).try_collect().await.unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|b| (b.name.as_str(), b.length as usize))
        .collect();
    assert_eq!(names, files);
    for (n, (name, length)) in files.into_iter().enumerate() {
        let content = content(n, length);
        let md5: [u8; 16] = Md5::digest(&content).into();
        let item = &listed[n];
        assert_eq!(item.md5, Some(md5), "{name}");
        assert_eq!(item.metadata["digest"], format!("{n}"));
        assert_eq!(item.content_type.as_deref(), Some("text/plain"));
        let one = blob
            .get_blob_properties("input", name)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (one.md5, one.length, &one.metadata),
            (item.md5, item.length, &item.metadata)
        );

        let to = folder.join("down");
        let got = blob.download_file("input", name, &to, 0).await.unwrap();
        assert_eq!((got.length, got.md5), (length as u64, md5), "{name}");
        assert!(
            fs::read(&to).unwrap() == content,
            "{name} came back different"
        );

        let url = client
            .sas
            .blob_url("input", name, Permissions::READ, in_an_hour());
        let answer = reqwest::get(url.expose()).await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(
            answer.bytes().await.unwrap() == content,
            "{name} by its own URL"
        );
    }
    let below: Vec<_> = blob
        .list_blobs("input", Some("deep/"))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(below.len(), 1);
    assert!(
        blob.get_blob_properties("input", "absent")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        blob.read_small("input", "plain.txt", 100)
            .await
            .unwrap()
            .unwrap(),
        content(4, 10)
    );
    assert!(
        blob.read_small("input", "absent", 100)
            .await
            .unwrap()
            .is_none()
    );

    // What a node does with the URL of a container: list it, and nothing that it does not say.
    let url = client
        .sas
        .container_url("input", Permissions::READ_LIST, in_an_hour());
    let list = format!("{}&restype=container&comp=list", url.expose());
    let answer = reqwest::get(&list).await.unwrap();
    assert_eq!(answer.status(), 200);
    let xml = answer.text().await.unwrap();
    assert_eq!(xml.matches("<Blob>").count(), files.len(), "{xml}");
    let write = client
        .sas
        .container_url("input", Permissions::ADD_CREATE_WRITE, in_an_hour());
    let list = format!("{}&restype=container&comp=list", write.expose());
    assert_eq!(reqwest::get(&list).await.unwrap().status(), 403);

    one_holder_at_a_time(blob, "other").await;

    // Replaced, and gone.
    let file = folder.join("replaced");
    fs::write(&file, "new").unwrap();
    let upload = Upload {
        container: "input",
        blob: "plain.txt",
        file: &file,
        length: 3,
        md5: Md5::digest("new").into(),
        content_type: None,
        metadata: Default::default(),
    };
    blob.upload_file(&upload).await.unwrap();
    assert_eq!(
        blob.read_small("input", "plain.txt", 100)
            .await
            .unwrap()
            .unwrap(),
        "new"
    );
    blob.delete_blob("input", "plain.txt").await.unwrap();
    blob.delete_blob("input", "plain.txt").await.unwrap();
    assert!(
        blob.get_blob_properties("input", "plain.txt")
            .await
            .unwrap()
            .is_none()
    );
    for container in ["input", "other", "absent"] {
        blob.delete_container(container).await.unwrap();
        assert!(blob.get_container(container).await.unwrap().is_none());
    }
}

/// Leases, on any server: the container has to be there.
pub(crate) async fn one_holder_at_a_time(blob: &Blob, container: &str) {
    let metadata = Default::default();
    let fifteen = Duration::from_secs(15);
    for expected in [Create::Created, Create::AlreadyExists] {
        let created = blob
            .create_blob(container, "lock", &metadata)
            .await
            .unwrap();
        assert_eq!(created, expected);
    }
    let acquire = || blob.acquire_lease(container, "lock", fifteen);
    let lease = acquire().await.unwrap().unwrap();
    assert_eq!(acquire().await.unwrap(), None);
    let created = blob
        .create_blob(container, "lock", &metadata)
        .await
        .unwrap();
    assert_eq!(created, Create::AlreadyExists);
    let leased = blob.delete_blob(container, "lock").await.unwrap_err();
    assert_eq!(leased.code(), Some("LeaseIdMissing"));
    assert!(blob.renew_lease(&lease).await.unwrap());
    blob.release_lease(lease.clone()).await.unwrap();
    assert!(!blob.renew_lease(&lease).await.unwrap());
    blob.release_lease(lease).await.unwrap();
    let next = acquire().await.unwrap().unwrap();
    blob.break_lease(container, "lock").await.unwrap();
    blob.break_lease(container, "plain").await.unwrap();
    assert!(!blob.renew_lease(&next).await.unwrap());
    let absent = blob.acquire_lease(container, "none", fifteen).await;
    assert!(absent.unwrap_err().is_not_found());
    blob.delete_blob(container, "lock").await.unwrap();
}

/// Bytes that differ from file to file and do not repeat at the size of a block.
fn content(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at.wrapping_mul(31) >> 3).wrapping_add(at / 4093 + seed) as u8)
        .collect()
}

fn in_an_hour() -> Time {
    (batchflow::clock::now() + jiff::SignedDuration::from_hours(1)).into()
}
