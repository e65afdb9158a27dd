//! Operations on the blocks of a blob.

use axum::body::BodyDataStream;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::call::{Call, unexpected};
use super::{headers, reply, upload};
use crate::service::core::storage::{BlobCommand, BlobRef, BlobRefusal, BlobReply, Put};
use crate::wire::blob::block::{self, BlockId, ListType};
use crate::wire::blob::error::Code;

/// The limit of Put Block: 4000 MiB.
const MAX_BLOCK: u64 = 4000 << 20;
/// 50,000 of the longest ids fit in.
const MAX_BLOCK_LIST: u64 = 8 << 20;

pub(super) async fn put(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    blob: BlobRef,
) -> Result<Response, BlobRefusal> {
    let block = match call.query.text("blockid") {
        "" => {
            return Err(BlobRefusal::new(Code::MissingRequiredQueryParameter)
                .with("QueryParameterName", "blockid"));
        }
        text => BlockId::new(text)?,
    };
    let lease = headers::lease(call.headers())?;
    if headers::content_length(call.headers(), MAX_BLOCK)? == 0 {
        return Err(BlobRefusal::header("Content-Length", "0"));
    }
    let received = upload::receive(call, body, MAX_BLOCK, &["content-md5"]).await?;
    let command = BlobCommand::PutBlock {
        blob,
        block,
        content: received.segment,
        lease,
    };
    call.send_with(command, received.unclaimed).await?;
    let mut response = call.success();
    let md5 = STANDARD.encode(received.md5);
    reply::set(&mut response, "content-md5", &md5);
    reply::set(&mut response, "x-ms-request-server-encrypted", "true");
    Ok(response)
}

pub(super) async fn commit(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    blob: BlobRef,
) -> Result<Response, BlobRefusal> {
    let content_headers = headers::content(call.headers())?;
    let metadata = headers::metadata(call.headers())?;
    let conditions = headers::conditions(call.headers())?;
    let document = upload::receive_text(call, body, MAX_BLOCK_LIST).await?;
    let blocks = block::parse_block_list(document.trim_start_matches('\u{feff}'))?;
    let command = BlobCommand::PutBlockList(Box::new(Put {
        blob,
        content: blocks,
        headers: content_headers,
        metadata,
        conditions,
        create_only: !call.access.may_replace(),
        copy: None,
    }));
    match call.send(command).await? {
        BlobReply::Written(modified) => Ok(reply::written(call.spec.success, modified)),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn list(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    let wanted = call.query.text("blocklisttype");
    let wanted = ListType::parse(wanted).ok_or_else(|| {
        BlobRefusal::parameter("blocklisttype", wanted, "committed, uncommitted or all")
    })?;
    let lease = headers::lease(call.headers())?;
    let command = BlobCommand::GetBlockList { blob, lease };
    let lists = match call.send(command).await? {
        BlobReply::Blocks(lists) => lists,
        other => return Err(unexpected(&other)),
    };
    let committed = (wanted != ListType::Uncommitted).then_some(lists.committed.as_slice());
    let uncommitted = (wanted != ListType::Committed).then_some(lists.uncommitted.as_slice());
    let document = block::block_list(committed, uncommitted);
    let mut response = reply::xml(call.spec.success, document);
    let length = lists.blob.as_ref().map_or(0, |blob| blob.length);
    reply::set(
        &mut response,
        "x-ms-blob-content-length",
        &length.to_string(),
    );
    if let Some(blob) = lists.blob {
        reply::set_modified(&mut response, blob.modified);
    }
    Ok(response)
}
