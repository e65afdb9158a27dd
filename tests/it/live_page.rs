//! The live page without a browser: what is served, and that no key is in it.

use reqwest::header;

use crate::support::{Workshop, local_service};

#[tokio::test(flavor = "multi_thread")]
async fn its_files_hold_no_key_and_may_do_nothing_elsewhere() {
    let service = local_service(None, false).await;
    let page = service.live_page();
    let (address, fragment) = page.split_once('#').unwrap();
    assert_eq!(address, format!("{}/_batchflow/", service.batch_endpoint()));
    assert!(fragment.starts_with("key="));
    for (file, kind) in [
        ("", "text/html"),
        ("theme.css", "text/css"),
        ("live.css", "text/css"),
        ("table.js", "text/javascript"),
        ("batch.js", "text/javascript"),
        ("live.js", "text/javascript"),
        ("account", "application/json"),
    ] {
        let answer = reqwest::get(format!("{address}{file}")).await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        let headers = answer.headers().clone();
        let text = |name| headers[name].to_str().unwrap().to_owned();
        assert!(text(header::CONTENT_TYPE).starts_with(kind), "{file}");
        let policy = text(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(text(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        let body = answer.text().await.unwrap();
        assert!(!body.contains(service.key().expose()), "{file}");
        if file == "account" {
            assert_eq!(body, r#"{"account":"batchflow","key":null}"#);
        }
    }
    // Nothing else is there without a signature, and nothing is written without one.
    for file in ["nothing", "../pools"] {
        let answer = reqwest::get(format!("{address}{file}")).await.unwrap();
        assert_eq!(answer.status(), 401, "{file}");
    }
    let http = reqwest::Client::new();
    let answer = http.post(format!("{address}reset")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    service.stop().await;
}

#[test]
fn apply_has_no_page_of_azure() {
    let shop = Workshop::new();
    shop.write(
        "far.toml",
        r#"
name = "far"
[account]
batch_account = "acme"
batch_endpoint = "http://127.0.0.1:9"
storage_account = "acme"
storage_endpoint = "http://127.0.0.1:9"
[pool]
id = "far"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "far"
[[tasks]]
id = "t"
commands = ["true"]
"#,
    );
    let mut command = shop.command(["apply", "far.toml", "--yes", "--ui"]);
    command.env("AZURE_BATCH_ACCESS_KEY", "a2V5");
    command.env("AZURE_STORAGE_KEY", "a2V5");
    let ran = crate::support::Ran::of(command.output().unwrap()).ends_with(1);
    ran.says(&["--ui shows the local service", "--local"]);
}
