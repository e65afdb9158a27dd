//! From a request to an answer.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::response::Response;
use futures::StreamExt as _;
use http::Request;
use http::request::Parts;

use super::call::Call;
use super::target::{Query, Style, Target};
use super::{
    access, account, batch, block, container, copy, download, headers, lease, object, properties,
    reply,
};
use crate::clock;
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply};
use crate::service::extents::Extents;
use crate::wire::auth::AccountKey;
use crate::wire::blob::error::Code;
use crate::wire::blob::operation::{Operation, Route, Spec, route};
use crate::wire::time::Time;

/// Where the commands go.
#[async_trait]
pub(in crate::service) trait BlobPort: Send + Sync + 'static {
    /// Carries out the command; what it changed is kept when this answers.
    async fn blob(&self, command: BlobCommand) -> Result<BlobReply, BlobRefusal>;
}

/// What the blob endpoint needs.
pub(in crate::service) struct BlobState {
    /// The account that the paths begin with.
    pub(in crate::service) account: String,
    pub(in crate::service) key: AccountKey,
    /// Whether clients come by https.
    pub(in crate::service) secure: bool,
    pub(in crate::service) extents: Extents,
    pub(in crate::service) port: Arc<dyn BlobPort>,
}

/// The whole endpoint.
pub(in crate::service) fn router(state: BlobState) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(state))
}

async fn serve(State(state): State<Arc<BlobState>>, request: Request<Body>) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let now = Time::from(clock::now());
    let started = clock::monotonic();
    let mut response = match handle(&state, &parts, &mut body, now).await {
        Ok(response) => response,
        Err(refusal) => {
            drain(&parts, &mut body).await;
            tracing::debug!(%request_id, method = %parts.method, %refusal, "refused");
            reply::refusal(&refusal, &parts.method, &request_id, now)
        }
    };
    reply::finish(&mut response, &parts, &request_id);
    // Without the query: it may hold a signature.
    tracing::info!(
        method = %parts.method,
        path = parts.uri.path(),
        status = response.status().as_u16(),
        ms = started.elapsed().as_secs_f64() * 1e3,
        %request_id,
        "blob"
    );
    response
}

async fn handle(
    state: &BlobState,
    parts: &Parts,
    body: &mut BodyDataStream,
    now: Time,
) -> Result<Response, BlobRefusal> {
    let query = Query::parse(parts.uri.query().unwrap_or_default())?;
    let style = Style::of(headers::host(parts), &state.account);
    let target = Target::parse(parts.uri.path(), &state.account, style)?;
    let access = access::authenticate(state, parts, &target, now)?;
    headers::check_version(&parts.headers, &query)?;
    let spec = find(parts, &target, &query)?;
    access.authorise(spec)?;
    query.check(spec)?;
    headers::check_known(&parts.headers, spec.operation)?;
    let call = Call {
        state,
        parts,
        style,
        query: &query,
        access: &access,
        spec,
        now,
    };
    match (target, spec.operation) {
        (Target::Account, Operation::ListContainers) => account::list_containers(&call).await,
        (_, Operation::GetAccountInformation) => Ok(properties::account(&call)),
        (Target::Account, Operation::GetServiceProperties) => Ok(properties::get_service(&call)),
        (Target::Account, Operation::SetServiceProperties) => {
            properties::set_service(&call, body).await
        }
        (Target::Container(name), Operation::GetContainerAcl) => {
            properties::get_acl(&call, name).await
        }
        (Target::Container(name), Operation::SetContainerAcl) => {
            properties::set_acl(&call, body, name).await
        }
        (Target::Account, Operation::SubmitBatch) => batch::submit(&call, body, None).await,
        (Target::Container(name), Operation::SubmitBatch) => {
            batch::submit(&call, body, Some(name)).await
        }
        (Target::Container(name), Operation::ListBlobs) => container::list_blobs(&call, name).await,
        (Target::Container(name), Operation::CreateContainer) => {
            container::create(&call, name).await
        }
        (Target::Container(name), Operation::DeleteContainer) => {
            container::delete(&call, name).await
        }
        (Target::Container(name), Operation::SetContainerMetadata) => {
            container::set_metadata(&call, name).await
        }
        (
            Target::Container(name),
            Operation::GetContainerProperties | Operation::GetContainerMetadata,
        ) => container::get(&call, name).await,
        (Target::Container(name), Operation::LeaseContainer) => lease::container(&call, name).await,
        (Target::Blob(at), Operation::LeaseBlob) => lease::blob(&call, at).await,
        (Target::Blob(at), Operation::PutBlob) => object::put(&call, body, at).await,
        (Target::Blob(at), Operation::CopyBlob | Operation::PutBlobFromUrl) => {
            copy::copy(&call, at).await
        }
        (Target::Blob(at), Operation::AbortCopyBlob) => copy::abort(&call, at).await,
        (Target::Blob(at), Operation::GetBlob) => download::get(&call, at).await,
        (Target::Blob(at), Operation::GetBlobProperties | Operation::GetBlobMetadata) => {
            object::get_properties(&call, at).await
        }
        (Target::Blob(at), Operation::SetBlobMetadata) => object::set_metadata(&call, at).await,
        (Target::Blob(at), Operation::SetBlobProperties) => object::set_properties(&call, at).await,
        (Target::Blob(at), Operation::DeleteBlob) => object::delete(&call, at).await,
        (Target::Blob(at), Operation::PutBlock) => block::put(&call, body, at).await,
        (Target::Blob(at), Operation::PutBlockList) => block::commit(&call, body, at).await,
        (Target::Blob(at), Operation::GetBlockList) => block::list(&call, at).await,
        _ => Err(Code::InvalidUri.into()),
    }
}

pub(super) fn find(
    parts: &Parts,
    target: &Target,
    query: &Query,
) -> Result<&'static Spec, BlobRefusal> {
    let (restype, comp) = (query.text("restype"), query.text("comp"));
    let has = |name: &str| parts.headers.contains_key(name);
    match route(parts.method.as_str(), target.level(), restype, comp, has) {
        Route::Supported(spec) => Ok(spec),
        Route::Unsupported(feature) => Err(BlobRefusal::unsupported(feature)),
        Route::WrongMethod => Err(Code::UnsupportedHttpVerb.into()),
        Route::Unknown if comp.is_empty() && restype.is_empty() => Err(Code::InvalidUri.into()),
        Route::Unknown => Err(BlobRefusal::parameter(
            "comp",
            comp,
            &format!("no operation with restype `{restype}` on this resource"),
        )),
    }
}

/// Reads a body of moderate size to its end, so that a client which sends first and listens then hears why it
/// is refused; a client that waits for `100 Continue` needs no such thing.
async fn drain(parts: &Parts, body: &mut BodyDataStream) {
    const MODERATE: u64 = 16 << 20;
    let length = headers::text(&parts.headers, "content-length").and_then(|l| l.parse().ok());
    if parts.headers.contains_key(http::header::EXPECT) || length.is_none_or(|l: u64| l > MODERATE)
    {
        return;
    }
    while let Some(Ok(_)) = body.next().await {}
}
