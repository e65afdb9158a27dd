//! Operations on a blob as a whole, but for reading its content.

use axum::body::BodyDataStream;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::call::{Call, unexpected};
use super::{headers, reply, upload};
use crate::service::core::storage::{
    BlobCommand, BlobRef, BlobRefusal, BlobReply, Properties, Put,
};
use crate::wire::blob::error::Code;
use crate::wire::blob::operation::Operation;

/// The limit of Put Blob: 5000 MiB.
const MAX_BLOB: u64 = 5000 << 20;

pub(super) async fn put(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    blob: BlobRef,
) -> Result<Response, BlobRefusal> {
    match headers::text(call.headers(), "x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some("AppendBlob") => return Err(BlobRefusal::unsupported("append blobs")),
        Some("PageBlob") => return Err(BlobRefusal::unsupported("page blobs")),
        Some(other) => return Err(BlobRefusal::header("x-ms-blob-type", other)),
        None => {
            return Err(
                BlobRefusal::new(Code::MissingRequiredHeader).with("HeaderName", "x-ms-blob-type")
            );
        }
    }
    let mut content_headers = headers::content_or_standard(call.headers())?;
    let metadata = headers::metadata(call.headers())?;
    let conditions = headers::conditions(call.headers())?;
    let received = upload::receive(
        call,
        body,
        MAX_BLOB,
        &["content-md5", "x-ms-blob-content-md5"],
    )
    .await?;
    let md5 = STANDARD.encode(received.md5);
    content_headers.content_md5 = Some(md5.clone());
    let command = BlobCommand::PutBlob(Box::new(Put {
        blob,
        content: received.segment,
        headers: content_headers,
        metadata,
        conditions,
        create_only: !call.access.may_replace(),
        copy: None,
    }));
    match call.send_with(command, received.unclaimed).await? {
        BlobReply::Written(modified) => {
            let mut response = reply::written(call.spec.success, modified);
            reply::set(&mut response, "content-md5", &md5);
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn get_properties(
    call: &Call<'_>,
    blob: BlobRef,
) -> Result<Response, BlobRefusal> {
    let conditions = headers::conditions(call.headers())?;
    let command = BlobCommand::GetBlobProperties { blob, conditions };
    let found = match call.send(command).await? {
        BlobReply::Properties(found) => found,
        other => return Err(unexpected(&other)),
    };
    let mut response = call.success();
    if call.spec.operation == Operation::GetBlobMetadata {
        reply::set_modified(&mut response, found.modified);
        reply::set_metadata(&mut response, &found.metadata);
    } else {
        set_all(&mut response, call, &found);
    }
    Ok(response)
}

fn set_all(response: &mut Response, call: &Call<'_>, found: &Properties) {
    reply::set_properties(response, found, call.now);
    reply::set(response, "content-length", &found.length.to_string());
    if let Some(md5) = &found.headers.content_md5 {
        reply::set(response, "content-md5", md5);
    }
    for (name, value) in call.access.response_headers() {
        reply::set(response, name, value);
    }
}

pub(super) async fn set_metadata(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    let command = BlobCommand::SetBlobMetadata {
        blob,
        metadata: headers::metadata(call.headers())?,
        conditions: headers::conditions(call.headers())?,
    };
    written(call, command).await
}

pub(super) async fn set_properties(
    call: &Call<'_>,
    blob: BlobRef,
) -> Result<Response, BlobRefusal> {
    let command = BlobCommand::SetBlobProperties {
        blob,
        headers: headers::content(call.headers())?,
        conditions: headers::conditions(call.headers())?,
    };
    written(call, command).await
}

async fn written(call: &Call<'_>, command: BlobCommand) -> Result<Response, BlobRefusal> {
    match call.send(command).await? {
        BlobReply::Written(modified) => Ok(reply::written(call.spec.success, modified)),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn delete(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    match headers::text(call.headers(), "x-ms-delete-snapshots") {
        // There are no snapshots to include.
        None | Some("include") => {}
        Some("only") => return Err(BlobRefusal::unsupported("snapshots")),
        Some(other) => return Err(BlobRefusal::header("x-ms-delete-snapshots", other)),
    }
    let conditions = headers::conditions(call.headers())?;
    call.send(BlobCommand::DeleteBlob { blob, conditions })
        .await?;
    let mut response = call.success();
    reply::set(&mut response, "x-ms-delete-type-permanent", "true");
    Ok(response)
}
