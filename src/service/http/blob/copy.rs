//! Copies within the account. The source is a URL of this service, authorised by the signature in it, or by the
//! key that the request itself is signed with.

use axum::response::Response;
use http::Uri;

use super::access::{self, Access};
use super::call::{Call, unexpected};
use super::target::{Style, Target};
use super::{headers, reply};
use crate::service::core::storage::{BlobCommand, BlobRef, BlobRefusal, BlobReply, Copy, CopyKind};
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::error::Code;
use crate::wire::blob::operation::Operation;

const SOURCE: &str = "x-ms-copy-source";

pub(super) async fn copy(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    let (from, source) = source(call)?;
    let id = uuid::Uuid::new_v4().to_string();
    let kind = if call.spec.operation == Operation::PutBlobFromUrl {
        check_put(call)?;
        CopyKind::Put {
            headers: headers::content(call.headers())?,
            source_headers: flag(call, "x-ms-copy-source-blob-properties", true)?,
        }
    } else {
        // A copy within the account is always done when it is answered.
        flag(call, "x-ms-requires-sync", false)?;
        CopyKind::Copy {
            id: id.clone(),
            from,
        }
    };
    let command = BlobCommand::CopyBlob(Box::new(Copy {
        source,
        source_conditions: headers::source_conditions(call.headers())?,
        blob,
        kind,
        metadata: headers::metadata(call.headers())?,
        conditions: headers::conditions(call.headers())?,
        create_only: !call.access.may_replace(),
    }));
    match call.send(command).await? {
        BlobReply::Written(modified) => {
            let mut response = reply::written(call.spec.success, modified);
            if call.spec.operation == Operation::CopyBlob {
                reply::set(&mut response, "x-ms-copy-id", &id);
                reply::set(&mut response, "x-ms-copy-status", "success");
            }
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

/// No copy is ever pending.
pub(super) async fn abort(call: &Call<'_>, blob: BlobRef) -> Result<Response, BlobRefusal> {
    const ACTION: &str = "x-ms-copy-action";
    match headers::text(call.headers(), ACTION) {
        Some("abort") => {}
        None => {
            return Err(BlobRefusal::new(Code::MissingRequiredHeader).with("HeaderName", ACTION));
        }
        Some(other) => return Err(BlobRefusal::header(ACTION, other)),
    }
    let conditions = Conditions {
        lease: headers::lease(call.headers())?,
        ..Conditions::default()
    };
    call.send(BlobCommand::GetBlobProperties { blob, conditions })
        .await?;
    Err(Code::NoPendingCopyOperation.into())
}

fn check_put(call: &Call<'_>) -> Result<(), BlobRefusal> {
    match headers::text(call.headers(), "x-ms-blob-type") {
        Some("BlockBlob") => {}
        other => return Err(BlobRefusal::header("x-ms-blob-type", other.unwrap_or(""))),
    }
    match headers::content_length(call.headers(), u64::MAX)? {
        0 => Ok(()),
        other => Err(BlobRefusal::header("Content-Length", &other.to_string())),
    }
}

fn flag(call: &Call<'_>, name: &str, default: bool) -> Result<bool, BlobRefusal> {
    match headers::text(call.headers(), name) {
        None => Ok(default),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
        Some(value) => Err(BlobRefusal::header(name, value)),
    }
}

/// The source as a URL without its query, and what it names.
fn source(call: &Call<'_>) -> Result<(String, BlobRef), BlobRefusal> {
    let text = headers::optional(call.headers(), SOURCE)?.unwrap_or_default();
    // The value may carry a signature: no refusal repeats it.
    let invalid = || BlobRefusal::header(SOURCE, text.split('?').next().unwrap_or_default());
    let url: Uri = text.parse().map_err(|_| invalid())?;
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(invalid());
    };
    if !is_here(call, authority.host(), authority.port_u16()) {
        return Err(BlobRefusal::unsupported("copying from another host"));
    }
    let account = &call.state.account;
    let style = Style::of(authority.host(), account);
    let Target::Blob(source) = Target::parse(url.path(), account, style)? else {
        return Err(invalid());
    };
    let query = url.query().unwrap_or_default();
    let named = |name: &str| {
        query.split('&').any(|p| {
            p.split('=')
                .next()
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        })
    };
    if named("snapshot") || named("versionid") {
        return Err(BlobRefusal::unsupported("snapshots and versions"));
    }
    let allowed = access::may_read(call.state, query, &Target::Blob(source.clone()), call.now);
    match (allowed, call.access) {
        (Some(true), _) | (None, Access::SharedKey) => {}
        _ => return Err(Code::CannotVerifyCopySource.into()),
    }
    Ok((format!("{scheme}://{authority}{}", url.path()), source))
}

/// Whether a host is this service: as the request calls it, or another name of this machine.
fn is_here(call: &Call<'_>, host: &str, port: Option<u16>) -> bool {
    let known = headers::text(call.headers(), "host").unwrap_or_default();
    let Ok(known) = known.parse::<http::uri::Authority>() else {
        return false;
    };
    let loopback = |name: &str| {
        name == "localhost"
            || name.ends_with(".localhost")
            || name
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    };
    let same_name = host.eq_ignore_ascii_case(known.host());
    port == known.port_u16() && (same_name || loopback(host) && loopback(known.host()))
}
