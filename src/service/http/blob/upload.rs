//! Bodies on their way in.

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures::StreamExt as _;
use md5::{Digest as _, Md5};

use super::call::Call;
use super::headers;
use crate::service::core::storage::{BlobRefusal, Segment};
use crate::service::extents::{Unclaimed, WriteError};
use crate::wire::blob::error::Code;

/// Content that lies in an extent and is what its sender says it is.
pub(super) struct Received {
    pub(super) unclaimed: Unclaimed,
    pub(super) segment: Segment,
    pub(super) md5: [u8; 16],
}

/// Writes the body to an extent and compares it with its length and with the MD5 in each of the headers.
pub(super) async fn receive(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    limit: u64,
    md5_headers: &[&str],
) -> Result<Received, BlobRefusal> {
    let length = headers::content_length(call.headers(), limit)?;
    let claims: Vec<_> = md5_headers
        .iter()
        .map(|name| headers::md5(call.headers(), name))
        .collect::<Result<_, _>>()?;
    let written = match call.state.extents.write(body, length).await {
        Ok(written) => written,
        Err(WriteError::Disk(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot store content"
            );
            // Whoever runs the service is who asks it: a full disk is theirs to know of.
            let cause = std::error::Error::source(&error);
            let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
            let refusal = BlobRefusal::new(Code::InternalError);
            return Err(refusal.with("Reason", format!("{error}{cause}")));
        }
        Err(WriteError::Sender(_)) => return Err(Code::InvalidInput.into()),
        Err(WriteError::TooLong { .. }) => return Err(Code::RequestBodyTooLarge.into()),
    };
    if written.length != length {
        return Err(Code::InvalidInput.into());
    }
    check_md5(claims.into_iter().flatten(), written.md5)?;
    Ok(Received {
        unclaimed: written.unclaimed,
        segment: Segment {
            content: written.content,
            length,
            block: None,
        },
        md5: written.md5,
    })
}

/// Reads a small body of text, compared with `Content-MD5`.
pub(super) async fn receive_text(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    limit: u64,
) -> Result<String, BlobRefusal> {
    let length = headers::content_length(call.headers(), limit)?;
    let claim = headers::md5(call.headers(), "content-md5")?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk: Bytes = chunk.map_err(|_| Code::InvalidInput)?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > length {
            return Err(Code::RequestBodyTooLarge.into());
        }
    }
    check_md5(claim.into_iter(), Md5::digest(&bytes).into())?;
    String::from_utf8(bytes).map_err(|_| Code::InvalidXmlDocument.into())
}

fn check_md5(
    mut claims: impl Iterator<Item = [u8; 16]>,
    actual: [u8; 16],
) -> Result<(), BlobRefusal> {
    if claims.all(|claim| claim == actual) {
        Ok(())
    } else {
        Err(Code::Md5Mismatch.into())
    }
}
