//! The tables of docs/local-service.md say what the router does: they are made here, from its own answers.
//! `UPDATE_DOCS=1 cargo test operations` writes them.

use std::fmt::Write as _;
use std::fs;

use batchflow::wire::batch::operation::{Body, OPERATIONS, Spec};
use batchflow::wire::blob::operation::{TABLE, UNSUPPORTED};
use batchflow::wire::sas::Level;
use serde_json::json;

use crate::protocol::caller::{Answer, Call, Caller};
use crate::support::local_service;

/// Compares the part of the page that begins with a marker; writes it when asked to.
#[track_caller]
fn compare(marker: &str, table: &str) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/local-service.md");
    let text = fs::read_to_string(page).unwrap();
    let begin = format!("<!-- {marker}: made by tests/it/operations.rs -->\n");
    let start = text.find(&begin).unwrap() + begin.len();
    let end = start + text[start..].find("<!-- end -->").unwrap();
    if text[start..end] == *table {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let new = format!("{}{table}{}", &text[..start], &text[end..]);
        return fs::write(page, new).unwrap();
    }
    panic!(
        "`UPDATE_DOCS=1 cargo test operations` corrects this: docs/local-service.md says\n{}\nbut it should be\n{table}",
        &text[start..end]
    );
}

/// What the page says about an answer.
fn verdict(answer: &Answer) -> String {
    if answer.status != 501 {
        return "supported".to_owned();
    }
    assert_eq!(answer.code(), "NotImplemented", "{}", answer.text);
    let reason = if answer.text.starts_with('<') {
        let reason = answer.text.split("<Reason>").nth(1).unwrap_or_default();
        reason.split('<').next().unwrap_or_default().to_owned()
    } else {
        answer.value("Reason")
    };
    assert!(!reason.is_empty(), "{}", answer.text);
    format!("refused: {reason}")
}

fn call(spec: &'static Spec) -> Call<'static> {
    let names = ["one", "two", "three"];
    let parameters = &names[..spec.path.matches('{').count()];
    let call = Call::batch(spec.verb.as_str(), &spec.operation.path(parameters));
    match spec.body {
        Body::Json => call.json(&json!({})),
        Body::Empty => call,
    }
}

#[tokio::test]
async fn every_batch_operation_is_what_the_page_says() {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    let mut table = "| operation | verb | path | |\n|---|---|---|---|\n".to_owned();
    for spec in OPERATIONS {
        let answer = caller.send(call(spec)).await;
        assert!(
            answer.status != 500 && answer.status != 405,
            "{}: {}",
            spec.name,
            answer.text
        );
        assert!(answer.code() != "InvalidUri", "{}", spec.name);
        let verb = spec.verb.as_str();
        // A HEAD has no body to say why.
        let said = match (answer.status, verb) {
            (501, "HEAD") => "refused".to_owned(),
            _ => verdict(&answer),
        };
        writeln!(
            table,
            "| {} | {verb} | `{}` | {said} |",
            spec.name, spec.path
        )
        .unwrap();
    }
    service.stop().await;
    compare("batch", &table);
}

fn blob_path(level: Level, restype: &str, comp: &str) -> (&'static str, String) {
    let query = {
        let comp = (!comp.is_empty()).then(|| format!("comp={comp}"));
        let restype = (!restype.is_empty()).then(|| format!("restype={restype}"));
        let both: Vec<String> = restype.into_iter().chain(comp).collect();
        both.join("&")
    };
    let path = match level {
        Level::Service => "/batchflow",
        Level::Container => "/batchflow/container",
        Level::Object => "/batchflow/container/blob",
    };
    (path, query)
}

#[tokio::test]
async fn every_blob_operation_is_what_the_page_says() {
    let service = local_service(None, false).await;
    let caller = Caller::of(&service);
    let mut table = "| operation | verb | resource | comp | |\n|---|---|---|---|---|\n".to_owned();
    let supported = TABLE.iter().map(|spec| {
        let name = format!("{:?}", spec.operation);
        (name, spec.method, spec.level, spec.restype, spec.comp)
    });
    let refused = UNSUPPORTED.iter().map(|(level, comp, feature)| {
        let restype = match (level, *comp) {
            (Level::Container, _) => "container",
            (Level::Service, "stats" | "userdelegationkey") => "service",
            _ => "",
        };
        ((*feature).to_owned(), "PUT", *level, restype, *comp)
    });
    for (name, method, level, restype, comp) in supported.chain(refused) {
        let (path, query) = blob_path(level, restype, comp);
        let answer = caller
            .send(Call::blob(method, &format!("{path}?{query}")))
            .await;
        assert!(
            answer.status != 500 && answer.status != 405,
            "{name}: {}",
            answer.text
        );
        let said = match (answer.status, method) {
            (501, "HEAD") => "refused".to_owned(),
            _ => verdict(&answer),
        };
        let level = format!("{level:?}").to_lowercase();
        writeln!(table, "| {name} | {method} | {level} | {comp} | {said} |").unwrap();
    }
    service.stop().await;
    compare("blob", &table);
}
