//! Lease Container and Lease Blob.

use axum::response::Response;

use super::call::{Call, unexpected};
use super::{headers, reply};
use crate::ids::ContainerName;
use crate::service::core::storage::{BlobCommand, BlobRef, BlobRefusal, BlobReply};
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::error::Code;
use crate::wire::blob::lease::Action;
use crate::wire::time::Duration;

pub(super) async fn container(
    call: &Call<'_>,
    container: ContainerName,
) -> Result<Response, BlobRefusal> {
    let (action, conditions) = read(call)?;
    let command = BlobCommand::LeaseContainer {
        container,
        action: action.clone(),
        conditions,
    };
    send(call, command, &action).await
}

pub(super) async fn blob(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    let (action, conditions) = read(call)?;
    let command = BlobCommand::LeaseBlob {
        blob,
        action: action.clone(),
        conditions,
    };
    send(call, command, &action).await
}

fn read(call: &Call<'_>) -> Result<(Action, Conditions), BlobRefusal> {
    let action = Action::read(
        |name| headers::text(call.headers(), name),
        || uuid::Uuid::new_v4().to_string(),
    )?;
    // The right to delete is one to break leases, and to no more.
    if !matches!(action, Action::Break { .. }) && !call.access.may_replace() {
        return Err(Code::AuthorizationPermissionMismatch.into());
    }
    Ok((action, headers::conditions(call.headers())?))
}

async fn send(
    call: &Call<'_>,
    command: BlobCommand,
    action: &Action,
) -> Result<Response, BlobRefusal> {
    let leasing = match call.send(command).await? {
        BlobReply::Leasing(leasing) => leasing,
        other => return Err(unexpected(&other)),
    };
    let mut response = reply::empty(action.success());
    reply::set_modified(&mut response, leasing.modified);
    if let (Some(id), false) = (&leasing.id, matches!(action, Action::Break { .. })) {
        reply::set(&mut response, "x-ms-lease-id", id.as_str());
    }
    if let (Some(left), Action::Break { .. }) = (leasing.left, action) {
        // A second that has begun still has to pass.
        let second = Duration::from_secs(1).ticks();
        let seconds = (left.ticks() + second - 1) / second;
        reply::set(&mut response, "x-ms-lease-time", &seconds.to_string());
    }
    Ok(response)
}
