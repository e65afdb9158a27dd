//! An answer that says no, read from the error body of either service.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde::Deserialize;

use super::exchange::TRIED;
use super::transport::{Tried, in_vain};
use crate::clock;
use crate::wire::batch::error::property_of;
use crate::wire::batch::error_body::ErrorBody;
use crate::wire::batch::quota;
use crate::wire::sas;
use crate::wire::time::Time;

/// How far the clocks may be apart before we say that they are: the service allows 15 minutes.
const SKEW_WORTH_SAYING: i64 = 5 * 60;

/// What the service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    /// Absent from proxies, and from answers without a body.
    pub code: Option<String>,
    /// One line, without the request id and the time that the service puts below it.
    pub message: String,
    /// Details by name.
    pub values: Vec<(String, String)>,
    /// What Microsoft's support asks for.
    pub request_id: Option<String>,
    /// How many seconds our clock was ahead of the service's.
    pub clock_ahead: Option<i64>,
    /// How often the request was sent, when the service said no more than once.
    pub tried: Option<Tried>,
}

/// The error body of Blob Storage; details differ from error to error.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct StorageError {
    code: Option<String>,
    message: Option<String>,
    authentication_error_detail: Option<String>,
    header_name: Option<String>,
    header_value: Option<String>,
    query_parameter_name: Option<String>,
    query_parameter_value: Option<String>,
    reason: Option<String>,
}

impl Refused {
    pub(super) fn new(response: &Response<Bytes>) -> Self {
        Self::read(
            response.status().as_u16(),
            response.headers(),
            response.body(),
            clock::now().into(),
        )
    }

    fn read(status: u16, headers: &HeaderMap, body: &[u8], now: Time) -> Self {
        let header = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        let from_body = batch(body).or_else(|| storage(body));
        let (code, message, values) = from_body.unwrap_or_default();
        let date = header("date").and_then(|d| Time::from_rfc1123(&d));
        Self {
            status,
            code: header("x-ms-error-code")
                .or(code)
                .map(|code| one_line(&code)),
            message: one_line(&without_ids(&message.unwrap_or_default())),
            values,
            request_id: header("request-id").or_else(|| header("x-ms-request-id")),
            clock_ahead: date.map(|date| (now.ticks() - date.ticks()) / 10_000_000),
            tried: header(TRIED.as_str()).and_then(|text| read_tried(&text)),
        }
    }

    /// Of one task of a collection.
    pub(super) fn of_task(status: u16, body: ErrorBody) -> Self {
        let (code, message, values) = parts(body);
        Self {
            status,
            code,
            message: one_line(&without_ids(&message.unwrap_or_default())),
            values,
            request_id: None,
            clock_ahead: None,
            tried: None,
        }
    }

    /// The detail of this name.
    pub fn value(&self, key: &str) -> Option<&str> {
        let found = self.values.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The property of the request that it is about.
    pub fn property(&self) -> Option<&str> {
        self.value("PropertyName")
            .or_else(|| property_of(self.code.as_deref()?))
    }

    /// What a person can do.
    pub fn hint(&self) -> Option<String> {
        let text = match self.code.as_deref().unwrap_or_default() {
            "AuthenticationFailed" => return Some(self.authentication_hint()),
            "AuthorizationFailure" => {
                "check the account name and its key; the account may also allow certain networks only, or no account keys"
            }
            "InvalidAuthenticationInfo" => "check the account name and its key",
            "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" => {
                "the credentials are good, but do not allow this: `batchflow account` says which role is missing"
            }
            "AccountIsDisabled" => "the account is disabled; look at its subscription",
            "KeyBasedAuthenticationNotPermitted" => {
                "the account does not allow access with account keys"
            }
            "RequestBodyTooLarge" => {
                "resource files that lie below one `blob_prefix` of a container take one entry, whatever their number"
            }
            "PoolNotFound" => "the pool is gone; running apply again makes it anew",
            "JobNotFound" => "the job is gone; running apply again makes it anew",
            "PoolBeingDeleted" | "JobBeingDeleted" | "ContainerBeingDeleted" => {
                "it is being deleted; wait until that is done, then run the command again"
            }
            "PoolBeingResized" => "the pool is being resized; wait until that is done",
            "ContainerNotFound" => "the container is gone; running apply again makes it anew",
            "LeaseIdMissing" | "LeaseAlreadyPresent" => {
                "somebody else holds a lease on it; perhaps another apply is running"
            }
            "NotImplemented" => "the local service does not support this; Azure may",
            code if quota::advice(code).is_some() => return quota::advice(code).map(str::to_owned),
            "UnsupportedRequestVersion" => "the service is too old for this version of batchflow",
            _ => match self.status {
                // It says itself what is wrong with it.
                500 if self.value("Reason").is_some() => return None,
                429 | 503 => "the service is busy; try again later",
                500..=599 => "the service has a fault; try again later",
                301 | 302 | 307 | 308 => {
                    "check the endpoint: what answers there is not the service"
                }
                401 => "check the account name and its key",
                _ => return None,
            },
        };
        Some(text.to_owned())
    }

    fn authentication_hint(&self) -> String {
        match self.clock_ahead {
            Some(seconds) if seconds.abs() > SKEW_WORTH_SAYING => format!(
                "the clock of this machine is {} minutes {}: set it right",
                seconds.abs() / 60,
                if seconds > 0 { "fast" } else { "slow" }
            ),
            _ => "check the account name and its key: the key may have been renewed, or be that of another account".to_owned(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match &self.code {
            Some(code) => write!(f, " {code}")?,
            None => {
                let status = http::StatusCode::from_u16(self.status).ok();
                if let Some(reason) = status.and_then(|s| s.canonical_reason()) {
                    write!(f, " {reason}")?;
                }
            }
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        // The string to sign is for the log, not for a person.
        let shown = self
            .values
            .iter()
            .filter(|(key, _)| key != "AuthenticationErrorDetail");
        let details: Vec<String> = shown
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        if !details.is_empty() {
            write!(f, " ({})", details.join(", "))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        f.write_str(&in_vain(self.tried))?;
        Ok(())
    }
}

fn read_tried(text: &str) -> Option<Tried> {
    let (times, seconds) = text.split_once(' ')?;
    Some(Tried {
        times: times.parse().ok()?,
        within: Duration::from_secs(seconds.parse().ok()?),
    })
}

type Parts = (Option<String>, Option<String>, Vec<(String, String)>);

fn parts(body: ErrorBody) -> Parts {
    let values = body.values.into_iter().map(|detail| {
        (
            one_line(&detail.key.unwrap_or_default()),
            one_line(&detail.value.unwrap_or_default()),
        )
    });
    let message = body.message.and_then(|m| m.value);
    (body.code, message, values.collect())
}

fn batch(body: &[u8]) -> Option<Parts> {
    let body: ErrorBody = serde_json::from_slice(body).ok()?;
    body.code.is_some().then(|| parts(body))
}

fn storage(body: &[u8]) -> Option<Parts> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.trim_start_matches('\u{feff}');
    let error: StorageError = quick_xml::de::from_str(text).ok()?;
    error.code.as_ref()?;
    let values = [
        (
            "AuthenticationErrorDetail",
            error.authentication_error_detail,
        ),
        ("HeaderName", error.header_name),
        ("HeaderValue", error.header_value),
        ("QueryParameterName", error.query_parameter_name),
        ("QueryParameterValue", error.query_parameter_value),
        ("Reason", error.reason),
    ];
    let values = values
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), one_line(&value?))));
    Some((error.code, error.message, values.collect()))
}

fn without_ids(message: &str) -> String {
    let kept = message
        .lines()
        .filter(|line| !line.starts_with("RequestId:") && !line.starts_with("Time:"));
    kept.collect::<Vec<_>>().join(" ")
}

/// Control characters would confuse a terminal, signatures would give rights away, and an error page of a
/// proxy would fill the screen.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 1000;
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(sas::redact);
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&'static str, &str)], body: &str) -> Refused {
        let now = Time::from_rfc1123("Tue, 14 Mar 2023 20:33:30 GMT").unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Refused::read(status, &headers, body.as_bytes(), now)
    }

    #[test]
    fn of_both_services_and_of_strangers() {
        let batch = r#"{"odata.metadata":"x","code":"InvalidPropertyValue","message":{"lang":"en-US","value":"The value is invalid.\nRequestId:1-2\nTime:2023"},"values":[{"key":"PropertyName","value":"url"},{"key":"PropertyValue","value":"https://a/c?sv=1&sig=secret"}]}"#;
        let storage = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed.\nRequestId:1-2\nTime:2023</Message><AuthenticationErrorDetail>The MAC 'x'</AuthenticationErrorDetail></Error>";
        for (status, headers, body, text) in [
            (
                400,
                &[("request-id", "1-2")][..],
                batch,
                "400 InvalidPropertyValue: The value is invalid. (PropertyName: url, PropertyValue: https://a/c) [request 1-2]",
            ),
            (
                403,
                &[("x-ms-request-id", "3-4")],
                storage,
                "403 AuthenticationFailed: Server failed. [request 3-4]",
            ),
            (404, &[], "", "404 Not Found"),
            (
                404,
                &[("x-ms-error-code", "BlobNotFound")],
                "",
                "404 BlobNotFound",
            ),
            (502, &[], "<html>oops</html>", "502 Bad Gateway"),
            (400, &[], "{}", "400 Bad Request"),
        ] {
            assert_eq!(read(status, headers, body).to_string(), text);
        }
        let refused = read(403, &[], storage);
        assert_eq!(
            refused.value("AuthenticationErrorDetail"),
            Some("The MAC 'x'")
        );
    }

    #[test]
    fn hints_for_wrong_keys_and_wrong_clocks() {
        let body = r#"{"code":"AuthenticationFailed"}"#;
        for (date, hint) in [
            ("Tue, 14 Mar 2023 20:33:00 GMT", "check the account name"),
            ("Tue, 14 Mar 2023 20:03:30 GMT", "30 minutes fast"),
            ("Tue, 14 Mar 2023 20:53:30 GMT", "20 minutes slow"),
            ("never", "check the account name"),
        ] {
            let got = read(403, &[("date", date)], body).hint().unwrap();
            assert!(got.contains(hint), "{got}");
        }
        assert_eq!(read(404, &[], r#"{"code":"TaskNotFound"}"#).hint(), None);
    }

    #[test]
    fn what_a_service_says_stays_on_one_line() {
        assert_eq!(one_line("a\u{1b}[31m\r\n b"), "a [31m b");
        assert_eq!(one_line(&"x".repeat(2000)).chars().count(), 1001);
    }
}
