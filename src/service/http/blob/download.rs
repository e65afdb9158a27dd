//! Reading the content of a blob.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use http::HeaderMap;
use md5::{Digest as _, Md5};

use super::call::{Call, unexpected};
use super::{headers, reply};
use crate::service::core::storage::{BlobCommand, BlobRef, BlobRefusal, BlobReply, Content};
use crate::service::extents::Reading;
use crate::wire::blob::error::Code;

/// The MD5 of a part is computed for parts up to this.
const MAX_RANGE_MD5: u64 = 4 << 20;

pub(super) async fn get(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    let conditions = headers::conditions(call.headers())?;
    let asked = range(call.headers())?;
    // From before the question until the last byte is sent, no extent of the answer is deleted.
    let reading = Arc::new(call.state.extents.reading());
    let found = match call.send(BlobCommand::GetBlob { blob, conditions }).await? {
        BlobReply::Blob(found) => *found,
        other => return Err(unexpected(&other)),
    };
    let length = found.properties.length;
    let part = asked.map(|asked| asked.within(length)).transpose()?;
    let range = part.clone().unwrap_or(0..length);
    let segments = found.segments.into_iter().map(|s| (s.content, s.length));
    let contents: Vec<_> = segments.collect();

    let mut response = reply::empty(if part.is_some() {
        206
    } else {
        call.spec.success
    });
    reply::set_properties(&mut response, &found.properties, call.now);
    let size = (range.end - range.start).to_string();
    reply::set(&mut response, "content-length", &size);
    let whole_md5 = found.properties.headers.content_md5.as_deref();
    match &part {
        None => {
            if let Some(md5) = whole_md5 {
                reply::set(&mut response, "content-md5", md5);
            }
        }
        Some(part) => {
            let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            reply::set(&mut response, "content-range", &place);
            if let Some(md5) = whole_md5 {
                reply::set(&mut response, "x-ms-blob-content-md5", md5);
            }
        }
    }
    if let Some(md5) = range_md5(call.headers(), part.as_ref(), &reading, &contents).await? {
        reply::set(&mut response, "content-md5", &md5);
    }
    for (name, value) in call.access.response_headers() {
        reply::set(&mut response, name, value);
    }
    *response.body_mut() = Body::from_stream(reading.stream(contents, range));
    Ok(response)
}

/// What `x-ms-range-get-content-md5` asks for.
async fn range_md5(
    headers: &HeaderMap,
    part: Option<&Range<u64>>,
    reading: &Arc<Reading>,
    contents: &[(Content, u64)],
) -> Result<Option<String>, BlobRefusal> {
    const NAME: &str = "x-ms-range-get-content-md5";
    match (headers::text(headers, NAME), part) {
        (None | Some("false"), _) => Ok(None),
        (Some("true"), Some(part)) if part.end - part.start <= MAX_RANGE_MD5 => {
            let content = reading.clone().stream(contents.to_vec(), part.clone());
            let md5 = content
                .try_fold(Md5::new(), |md5, chunk| async move {
                    Ok(md5.chain_update(chunk))
                })
                .await
                .map_err(|error| {
                    tracing::error!(%error, "cannot read content");
                    Code::InternalError
                })?;
            Ok(Some(STANDARD.encode(md5.finalize())))
        }
        (Some("true"), Some(_)) => Err(Code::OutOfRangeInput.into()),
        (Some(value), _) => Err(BlobRefusal::header(NAME, value)),
    }
}

/// `bytes=from-` or `bytes=from-to`, both inclusive, as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AskedRange {
    from: u64,
    to: Option<u64>,
}

impl AskedRange {
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
        let from = from.parse().ok()?;
        let to = match to {
            "" => None,
            to => Some(to.parse().ok().filter(|to| *to >= from)?),
        };
        Some(Self { from, to })
    }

    /// The part of a blob of this length.
    fn within(self, length: u64) -> Result<Range<u64>, BlobRefusal> {
        if self.from >= length {
            return Err(
                BlobRefusal::new(Code::InvalidRange).with("ContentLength", length.to_string())
            );
        }
        let end = self
            .to
            .map_or(length, |to| length.min(to.saturating_add(1)));
        Ok(self.from..end)
    }
}

/// `x-ms-range` goes before `Range`.
fn range(headers: &HeaderMap) -> Result<Option<AskedRange>, BlobRefusal> {
    for name in ["x-ms-range", "range"] {
        if let Some(value) = headers::optional(headers, name)? {
            let range = AskedRange::parse(&value);
            return range
                .map(Some)
                .ok_or_else(|| BlobRefusal::header(name, &value));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-", Some(0..10)),
            ("bytes=3-4", Some(3..5)),
            ("bytes=9-9", Some(9..10)),
            ("bytes=3-99", Some(3..10)),
            ("bytes=0-18446744073709551615", Some(0..10)),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("bytes=-5", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("", None),
        ] {
            let found = AskedRange::parse(text).and_then(|r| r.within(10).ok());
            assert_eq!(found, expected, "{text}");
        }
    }
}
