//! Reading request headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::request::Parts;

use super::target::Query;
use crate::service::core::storage::{BlobRefusal, ContentHeaders, Metadata};
use crate::wire::blob::condition::{Conditions, Tags};
use crate::wire::blob::error::Code;
use crate::wire::blob::lease::LeaseId;
use crate::wire::blob::operation::Operation;
use crate::wire::time::Time;

/// Older versions differ in what they sign and answer.
const OLDEST_VERSION: &str = "2019-12-12";
const METADATA: &str = "x-ms-meta-";
const PUBLIC_ACCESS: &str = "x-ms-blob-public-access";
const LEASE_ID: &str = "x-ms-lease-id";
const MAX_METADATA_BYTES: usize = 8 * 1024;

/// `x-ms-` headers that we honour or that ask for nothing.
const KNOWN: &[&str] = &[
    "x-ms-version",
    "x-ms-date",
    "x-ms-blob-type",
    "x-ms-blob-content-type",
    "x-ms-blob-content-encoding",
    "x-ms-blob-content-language",
    "x-ms-blob-content-disposition",
    "x-ms-blob-cache-control",
    "x-ms-blob-content-md5",
    "x-ms-range",
    "x-ms-range-get-content-md5",
    "x-ms-delete-snapshots",
    "x-ms-client-request-id",
    "x-ms-return-client-request-id",
    "x-ms-correlation-request-id",
    "x-ms-useragent",
];

/// Host and port as the client names them.
pub(super) fn host(parts: &Parts) -> &str {
    let authority = parts.uri.authority().map(|a| a.as_str());
    let named = text(&parts.headers, "host").or(authority);
    named.unwrap_or("localhost")
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// As [`text`], but a value that is no text is refused and an empty one absent.
pub(super) fn optional(headers: &HeaderMap, name: &str) -> Result<Option<String>, BlobRefusal> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_| BlobRefusal::header(name, ""))?;
    Ok(Some(value.to_owned()).filter(|v| !v.is_empty()))
}

/// The version of the request: the header, or else that of the signature.
pub(super) fn check_version(headers: &HeaderMap, query: &Query) -> Result<(), BlobRefusal> {
    let version = match (text(headers, "x-ms-version"), query.text("sv")) {
        (Some(version), _) => version,
        (None, "") => {
            return Err(
                BlobRefusal::new(Code::MissingRequiredHeader).with("HeaderName", "x-ms-version")
            );
        }
        (None, _) => return Ok(()),
    };
    let well_formed = version.len() == OLDEST_VERSION.len()
        && version.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !well_formed || version < OLDEST_VERSION {
        return Err(BlobRefusal::header("x-ms-version", version));
    }
    Ok(())
}

/// Those of an operation besides [`KNOWN`].
fn known_to(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::CopyBlob => &[
            "x-ms-copy-source",
            "x-ms-requires-sync",
            "x-ms-source-lease-id",
            "x-ms-source-if-match",
            "x-ms-source-if-none-match",
            "x-ms-source-if-modified-since",
            "x-ms-source-if-unmodified-since",
        ],
        Operation::PutBlobFromUrl => &[
            "x-ms-copy-source",
            "x-ms-copy-source-blob-properties",
            "x-ms-source-lease-id",
            "x-ms-source-if-match",
            "x-ms-source-if-none-match",
            "x-ms-source-if-modified-since",
            "x-ms-source-if-unmodified-since",
        ],
        Operation::CreateContainer | Operation::SetContainerAcl => &[PUBLIC_ACCESS],
        Operation::AbortCopyBlob => &["x-ms-copy-action"],
        Operation::LeaseContainer | Operation::LeaseBlob => &[
            "x-ms-lease-action",
            "x-ms-lease-duration",
            "x-ms-lease-break-period",
            "x-ms-proposed-lease-id",
        ],
        _ => &[],
    }
}

/// Whether `x-ms-lease-id` says anything to an operation.
fn heeds_lease(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::ListContainers
            | Operation::ListBlobs
            | Operation::CreateContainer
            | Operation::SubmitBatch
            | Operation::GetAccountInformation
            | Operation::GetServiceProperties
            | Operation::SetServiceProperties
    )
}

/// Refuses what we would have to ignore.
pub(super) fn check_known(headers: &HeaderMap, operation: Operation) -> Result<(), BlobRefusal> {
    let is_known = |name: &str| {
        KNOWN.contains(&name)
            || known_to(operation).contains(&name)
            || name.starts_with(METADATA)
            || name == LEASE_ID && heeds_lease(operation)
    };
    let unknown = headers
        .keys()
        .map(http::HeaderName::as_str)
        .find(|name| name.starts_with("x-ms-") && !is_known(name));
    match unknown {
        None => Ok(()),
        Some(name) => Err(BlobRefusal::new(Code::UnsupportedHeader).with("HeaderName", name)),
    }
}

/// No container can be read without a key or signature, as in accounts of Azure that do not allow it.
pub(super) fn check_private(headers: &HeaderMap) -> Result<(), BlobRefusal> {
    match optional(headers, PUBLIC_ACCESS)? {
        None => Ok(()),
        Some(_) => Err(Code::PublicAccessNotPermitted.into()),
    }
}

pub(super) fn conditions(headers: &HeaderMap) -> Result<Conditions, BlobRefusal> {
    Ok(Conditions {
        lease: lease(headers)?,
        ..conditions_of(headers, "")?
    })
}

/// The conditions of a copy on its source.
pub(super) fn source_conditions(headers: &HeaderMap) -> Result<Conditions, BlobRefusal> {
    Ok(Conditions {
        lease: lease_in(headers, "x-ms-source-lease-id")?,
        ..conditions_of(headers, "x-ms-source-")?
    })
}

fn conditions_of(headers: &HeaderMap, prefix: &str) -> Result<Conditions, BlobRefusal> {
    let value = |name: &str| {
        let name = format!("{prefix}{name}");
        Ok::<_, BlobRefusal>(optional(headers, &name)?.map(|value| (name, value)))
    };
    let tags = |name| Ok::<_, BlobRefusal>(value(name)?.map(|(_, text)| Tags::parse(&text)));
    let time = |name| match value(name)? {
        None => Ok(None),
        Some((name, text)) => Time::from_rfc1123(&text)
            .map(Some)
            .ok_or_else(|| BlobRefusal::header(&name, &text)),
    };
    Ok(Conditions {
        if_match: tags("if-match")?,
        if_none_match: tags("if-none-match")?,
        if_modified_since: time("if-modified-since")?,
        if_unmodified_since: time("if-unmodified-since")?,
        lease: None,
    })
}

/// The lease that the sender holds.
pub(super) fn lease(headers: &HeaderMap) -> Result<Option<LeaseId>, BlobRefusal> {
    lease_in(headers, LEASE_ID)
}

fn lease_in(headers: &HeaderMap, name: &str) -> Result<Option<LeaseId>, BlobRefusal> {
    let Some(value) = optional(headers, name)? else {
        return Ok(None);
    };
    let lease = LeaseId::new(&value).ok_or_else(|| BlobRefusal::header(name, &value))?;
    Ok(Some(lease))
}

pub(super) fn metadata(headers: &HeaderMap) -> Result<Metadata, BlobRefusal> {
    let mut found = Metadata::new();
    let mut bytes = 0;
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(METADATA) else {
            continue;
        };
        if name.is_empty() {
            return Err(Code::EmptyMetadataKey.into());
        }
        let identifier = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        let value = value.to_str().ok().filter(|_| identifier);
        let value = value.ok_or(Code::InvalidMetadata)?.trim();
        bytes += name.len() + value.len();
        found
            .entry(name.to_owned())
            .and_modify(|before| {
                before.push(',');
                before.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    if bytes > MAX_METADATA_BYTES {
        return Err(Code::MetadataTooLarge.into());
    }
    Ok(found)
}

/// The `x-ms-blob-…` headers that describe content.
pub(super) fn content(headers: &HeaderMap) -> Result<ContentHeaders, BlobRefusal> {
    Ok(ContentHeaders {
        content_type: optional(headers, "x-ms-blob-content-type")?,
        content_encoding: optional(headers, "x-ms-blob-content-encoding")?,
        content_language: optional(headers, "x-ms-blob-content-language")?,
        content_disposition: optional(headers, "x-ms-blob-content-disposition")?,
        cache_control: optional(headers, "x-ms-blob-cache-control")?,
        content_md5: md5(headers, "x-ms-blob-content-md5")?.map(|md5| STANDARD.encode(md5)),
    })
}

/// As [`content`]; Put Blob also takes the standard headers.
pub(super) fn content_or_standard(headers: &HeaderMap) -> Result<ContentHeaders, BlobRefusal> {
    let given = content(headers)?;
    let or = |given: Option<String>, name| match given {
        Some(value) => Ok(Some(value)),
        None => optional(headers, name),
    };
    Ok(ContentHeaders {
        content_type: or(given.content_type, "content-type")?,
        content_encoding: or(given.content_encoding, "content-encoding")?,
        content_language: or(given.content_language, "content-language")?,
        content_disposition: or(given.content_disposition, "content-disposition")?,
        cache_control: or(given.cache_control, "cache-control")?,
        content_md5: given.content_md5,
    })
}

/// A header with an MD5 in Base64.
pub(super) fn md5(headers: &HeaderMap, name: &str) -> Result<Option<[u8; 16]>, BlobRefusal> {
    let Some(value) = optional(headers, name)? else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(&value).ok();
    let md5 = bytes.and_then(|bytes| bytes.try_into().ok());
    md5.map(Some).ok_or_else(|| Code::InvalidMd5.into())
}

/// The length of the body, at most `limit`.
pub(super) fn content_length(headers: &HeaderMap, limit: u64) -> Result<u64, BlobRefusal> {
    let text = text(headers, "content-length").ok_or(Code::MissingContentLengthHeader)?;
    let length = text
        .parse()
        .map_err(|_| BlobRefusal::header("Content-Length", text))?;
    if length > limit {
        return Err(BlobRefusal::new(Code::RequestBodyTooLarge).with("MaxLimit", limit.to_string()));
    }
    Ok(length)
}
