//! Every command of docs/azure.md, over https against the local service taken for Azure.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use batchflow::service::{Options, Service, Tls, start};

use crate::docs;
use crate::support::{Ran, Workshop};

/// The lines of the blocks of a kind, block by block.
fn blocks(page: &str, kind: &str) -> Vec<Vec<String>> {
    let all = docs::blocks(page).into_iter();
    all.filter(|b| b.kind == kind).map(|b| b.lines).collect()
}

/// The section of the page with the endpoints of the service.
fn account(page: &str, service: &Service) -> String {
    let section = blocks(page, "toml").concat().join("\n");
    let mut known = vec![
        (
            "\"https://mybatch.westeurope.batch.azure.com\"",
            service.batch_endpoint(),
        ),
        (
            "\"https://mystorage.blob.core.windows.net\"",
            service.blob_endpoint(),
        ),
        ("\"mybatch\"", service.account()),
        ("\"mystorage\"", service.account()),
    ];
    known.drain(..).fold(section, |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in\n{text}");
        text.replace(from, &format!("\"{to}\""))
    })
}

#[test]
fn every_command_of_the_page_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/azure.md")).unwrap();
    let shop = Workshop::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options {
        state_dir: Some(shop.path("azure")),
        tls: Tls::Own,
        ..Options::new(env!("CARGO_BIN_EXE_batchflow").into())
    };
    let service = runtime.block_on(start(options)).unwrap();
    let demo = fs::read_to_string(root.join("manifests/top-n-words.toml")).unwrap();
    let demo = demo.replace("../samples", &root.join("samples").display().to_string());
    let demo = demo.replace("../out", "out");
    shop.write("words.toml", &demo);
    fs::create_dir(shop.path("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_batchflow"), shop.path("bin/batchflow")).unwrap();

    let mut environment: BTreeMap<String, String> = BTreeMap::new();
    let mut said = Vec::new();
    for block in blocks(&page, "console") {
        for line in block {
            let line = line.strip_prefix("$ ").unwrap();
            if let Some(name) = line
                .strip_prefix("export ")
                .and_then(|l| l.strip_suffix("=…"))
            {
                // From here on it is Azure.
                if environment.is_empty() {
                    let account = account(&page, &service);
                    shop.write("words.toml", &format!("{demo}\n{account}\n"));
                }
                environment.insert(name.to_owned(), service.key().expose().to_owned());
                continue;
            }
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", line]).current_dir(shop.path(""));
            let path = format!("{}:/usr/bin:/bin", shop.path("bin").display());
            let authority = service.authority().unwrap();
            shell
                .env_clear()
                .env("PATH", path)
                .env("HOME", shop.path(""));
            shell.env("SSL_CERT_FILE", authority).envs(&environment);
            let ran = Ran::of(shell.output().unwrap()).ends_with(0);
            said.push((line.to_owned(), ran.stdout() + &ran.stderr()));
        }
    }
    let says = |command: &str, words: &str| {
        let all = said.iter().filter(|(line, _)| line.contains(command));
        let texts: Vec<&String> = all.map(|(_, text)| text).collect();
        assert!(
            texts.iter().any(|t| t.contains(words)),
            "{words:?} is not in {texts:#?}"
        );
    };
    says("batchflow plan", "Target: Azure Batch account");
    says("batchflow plan", "Cost: at most 48.5 node-hours");
    says("batchflow apply", "6 tasks done");
    says("--detailed-exitcode", "No changes.");
    says("batchflow account", "Batch: AZURE_BATCH_ACCESS_KEY");
    says("batchflow account", "✓ change blobs");
    says("--local", "Target: local service");
    assert_eq!(said.len(), 9, "{said:#?}");
    runtime.block_on(service.stop());
}
