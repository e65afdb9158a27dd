//! The account and the service as such, and who may see containers without a signature: nobody.

use axum::body::BodyDataStream;
use axum::response::Response;

use super::call::{Call, unexpected};
use super::{headers, reply, upload};
use crate::ids::ContainerName;
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply};
use crate::wire::blob::{acl, service_properties};

const MAX_DOCUMENT: u64 = 1 << 20;

/// Get Account Information: what the account would be on Azure.
pub(super) fn account(call: &Call<'_>) -> Response {
    let mut response = call.success();
    for (name, value) in [
        ("x-ms-sku-name", "Standard_LRS"),
        ("x-ms-account-kind", "StorageV2"),
        ("x-ms-is-hns-enabled", "false"),
    ] {
        reply::set(&mut response, name, value);
    }
    response
}

pub(super) fn get_service(call: &Call<'_>) -> Response {
    reply::xml(call.spec.success, service_properties::document())
}

pub(super) async fn set_service(
    call: &Call<'_>,
    body: &mut BodyDataStream,
) -> Result<Response, BlobRefusal> {
    let document = upload::receive_text(call, body, MAX_DOCUMENT).await?;
    service_properties::check(document.trim_start_matches('\u{feff}'))?;
    Ok(call.success())
}

pub(super) async fn get_acl(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    let lease = headers::lease(call.headers())?;
    let command = BlobCommand::GetContainer { container, lease };
    match call.send(command).await? {
        BlobReply::Container(found) => {
            let mut response = reply::xml(call.spec.success, acl::document());
            reply::set_modified(&mut response, found.modified);
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn set_acl(
    call: &Call<'_>,
    body: &mut BodyDataStream,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    headers::check_private(call.headers())?;
    let document = upload::receive_text(call, body, MAX_DOCUMENT).await?;
    acl::check(document.trim_start_matches('\u{feff}'))?;
    let command = BlobCommand::SetContainerAcl {
        container,
        conditions: headers::conditions(call.headers())?,
    };
    match call.send(command).await? {
        BlobReply::Written(modified) => {
            let mut response = call.success();
            reply::set_modified(&mut response, modified);
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}
