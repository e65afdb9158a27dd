//! Blob Batch: up to 256 deletions in one request, each authorised and answered by itself.

use axum::body::BodyDataStream;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Request};

use super::call::Call;
use super::target::{Query, Target};
use super::{access, headers, object, reply, server, upload};
use crate::ids::ContainerName;
use crate::service::core::storage::BlobRefusal;
use crate::wire::blob::error::Code;
use crate::wire::blob::operation::Operation;

const MAX_BODY: u64 = 4 << 20;
const MAX_REQUESTS: usize = 256;

pub(super) async fn submit(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    container: Option<ContainerName>,
) -> Result<Response, BlobRefusal> {
    let boundary = boundary(headers::text(call.headers(), "content-type").unwrap_or_default())
        .ok_or_else(|| BlobRefusal::header("Content-Type", "not multipart/mixed with a boundary"))?
        .to_owned();
    let text = upload::receive_text(call, body, MAX_BODY).await?;
    let requests = split(&text, &boundary).ok_or_else(|| {
        BlobRefusal::new(Code::InvalidInput).with("Reason", "the body is not a batch of requests")
    })?;
    if requests.is_empty() || requests.len() > MAX_REQUESTS {
        let reason = format!("a batch has 1 to {MAX_REQUESTS} requests");
        return Err(BlobRefusal::new(Code::InvalidInput).with("Reason", reason));
    }
    let mut parts = Vec::new();
    for part in &requests {
        parts.push(part.to_request()?);
    }
    let answered_boundary = format!("batchresponse_{}", uuid::Uuid::new_v4());
    let mut answers = String::new();
    for (request, parts) in requests.iter().zip(&parts) {
        let answer = answer(call, parts, container.as_ref()).await;
        let id = request.id.map(|id| format!("Content-ID: {id}\r\n"));
        answers.push_str(&format!(
            "--{answered_boundary}\r\nContent-Type: application/http\r\n{}\r\n",
            id.unwrap_or_default()
        ));
        write(answer, &mut answers).await;
    }
    answers.push_str(&format!("--{answered_boundary}--\r\n"));
    let mut response = reply::xml(call.spec.success, answers);
    let kind = format!("multipart/mixed; boundary={answered_boundary}");
    reply::set(&mut response, "content-type", &kind);
    Ok(response)
}

async fn answer(call: &Call<'_>, parts: &Parts, container: Option<&ContainerName>) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let mut response = match delete(call, parts, container).await {
        Ok(response) => response,
        Err(refusal) => reply::refusal(&refusal, &parts.method, &request_id, call.now),
    };
    reply::finish(&mut response, parts, &request_id);
    if let Some(version) = call.headers().get("x-ms-version") {
        let version: HeaderValue = version.clone();
        response.headers_mut().insert("x-ms-version", version);
    }
    response
}

async fn delete(
    call: &Call<'_>,
    parts: &Parts,
    container: Option<&ContainerName>,
) -> Result<Response, BlobRefusal> {
    let state = call.state;
    let query = Query::parse(parts.uri.query().unwrap_or_default())?;
    let target = Target::parse(parts.uri.path(), &state.account, call.style)?;
    let access = access::authenticate(state, parts, &target, call.now)?;
    let spec = server::find(parts, &target, &query)?;
    access.authorise(spec)?;
    query.check(spec)?;
    headers::check_known(&parts.headers, spec.operation)?;
    let (Target::Blob(blob), Operation::DeleteBlob) = (target, spec.operation) else {
        return Err(BlobRefusal::unsupported(
            "other requests than Delete Blob in a batch",
        ));
    };
    if container.is_some_and(|container| *container != blob.container) {
        let reason = "the batch is for another container";
        return Err(BlobRefusal::new(Code::InvalidInput).with("Reason", reason));
    }
    let call = Call {
        state,
        parts,
        style: call.style,
        query: &query,
        access: &access,
        spec,
        now: call.now,
    };
    object::delete(&call, blob).await
}

/// As an HTTP/1.1 message.
async fn write(response: Response, out: &mut String) {
    let (head, body) = response.into_parts();
    // Only refusals have a body, and those are short.
    let body = axum::body::to_bytes(body, MAX_BODY as usize).await;
    let body = body.unwrap_or_default();
    let reason = head.status.canonical_reason().unwrap_or_default();
    out.push_str(&format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()));
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    out.push_str(&String::from_utf8_lossy(&body));
    out.push_str("\r\n");
}

/// One request of a batch.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    id: Option<&'a str>,
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl Part<'_> {
    fn to_request(&self) -> Result<Parts, BlobRefusal> {
        let mut request = Request::builder().method(self.method).uri(self.target);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).map_err(|_| {
            BlobRefusal::new(Code::InvalidInput)
                .with("Reason", "a request of the batch is malformed")
        })?;
        Ok(request.into_parts().0)
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let mut parameters = parameters
        .split(';')
        .filter_map(|p| p.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(value.trim_matches('"')).filter(|b| !b.is_empty())
}

fn split<'a>(body: &'a str, boundary: &str) -> Option<Vec<Part<'a>>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    for piece in body.split(&delimiter).skip(1) {
        if piece.starts_with("--") {
            return Some(parts);
        }
        parts.push(part(piece)?);
    }
    None
}

fn part(text: &str) -> Option<Part<'_>> {
    let mut lines = text.lines().skip(1);
    let mut id = None;
    for (name, value) in lines.by_ref().map_while(header) {
        if name.eq_ignore_ascii_case("content-id") {
            id = Some(value);
        }
    }
    let mut line = lines.next()?.split(' ');
    let (method, target) = (line.next()?, line.next()?);
    line.next().filter(|v| v.starts_with("HTTP/"))?;
    Some(Part {
        id,
        method,
        target,
        headers: lines.map_while(header).collect(),
    })
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries() {
        for (text, expected) in [
            ("multipart/mixed; boundary=b_1", Some("b_1")),
            ("Multipart/Mixed; x=y; Boundary=\"b 1\"", Some("b 1")),
            ("multipart/mixed", None),
            ("multipart/mixed; boundary=", None),
            ("text/plain; boundary=b", None),
            ("", None),
        ] {
            assert_eq!(boundary(text), expected, "{text}");
        }
    }

    #[test]
    fn parts() {
        let body = "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n\
                    DELETE /a/b/c?x=y HTTP/1.1\r\nx-ms-date: d: e\r\n\r\n\r\n\
                    --b\r\n\r\nDELETE /q HTTP/1.1\r\n\r\n--b--\r\n";
        let expected = vec![
            Part {
                id: Some("0"),
                method: "DELETE",
                target: "/a/b/c?x=y",
                headers: vec![("x-ms-date", "d: e")],
            },
            Part {
                id: None,
                method: "DELETE",
                target: "/q",
                headers: vec![],
            },
        ];
        assert_eq!(split(body, "b"), Some(expected));
        for bad in [
            "",
            "--b\r\n\r\nDELETE /q HTTP/1.1\r\n",
            "--b\r\n\r\nDELETE\r\n--b--",
            "--b\r\n\r\nDELETE /q\r\n--b--",
            "--b--b",
        ] {
            assert!(split(bad, "b").is_none_or(|p| p.is_empty()), "{bad}");
        }
    }
}
