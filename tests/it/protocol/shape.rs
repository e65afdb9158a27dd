//! What every refusal of the Batch service looks like.

use batchflow::wire::batch::error::Code;
use serde_json::json;

use super::caller::Answer;

/// A refusal with one of the codes of its status, which is no fault of the service.
#[track_caller]
pub(super) fn is_some_refusal(said: &str, is_head: bool, answer: &Answer) -> Code {
    let found = Code::ALL.iter().find(|c| {
        c.status() == answer.status
            && (is_head && c.message() == answer.reason || !is_head && c.as_str() == answer.code())
    });
    let code = *found.unwrap_or_else(|| {
        panic!(
            "{said}: {} {}: {}",
            answer.status, answer.reason, answer.text
        )
    });
    assert!(
        code.status() < 500 || code == Code::NotImplemented,
        "{said}: {}",
        answer.text
    );
    is_refusal(code, said, is_head, answer);
    code
}

/// Status, code and shape of a refusal.
#[track_caller]
pub(super) fn is_refusal(code: Code, said: &str, is_head: bool, answer: &Answer) {
    assert_eq!(answer.status, code.status(), "{said}: {}", answer.text);
    assert_eq!(answer.reason, code.message(), "{said}");
    assert!(!answer.header("request-id").is_empty(), "{said}");
    assert!(answer.header("retry-after").is_empty(), "{said}");
    if is_head {
        return assert_eq!(answer.text, "", "{said}");
    }
    assert_eq!(answer.code(), code.as_str(), "{said}: {}", answer.text);
    assert_eq!(
        answer.header("content-type"),
        "application/json;odata=minimalmetadata"
    );
    assert!(
        answer.text.starts_with("{\"odata.metadata\":"),
        "{}",
        answer.text
    );
    let body = answer.json();
    let metadata = body["odata.metadata"].as_str().unwrap();
    let entity = "/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element";
    assert!(metadata.ends_with(entity), "{metadata}");
    assert_eq!(body["message"]["lang"], "en-US");
    let message = body["message"]["value"].as_str().unwrap();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[0], code.message());
    assert_eq!(
        lines[1],
        format!("RequestId:{}", answer.header("request-id"))
    );
    assert!(
        lines[2].starts_with("Time:2") && lines[2].ends_with('Z'),
        "{message}"
    );
    assert_ne!(body["values"], json!([]));
}
