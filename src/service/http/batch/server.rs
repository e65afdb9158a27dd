//! One request from the wire to its answer.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use futures::StreamExt;

use super::answer::{Asked, created_url};
use super::gate::{self, Outside};
use super::query::{self, Query};
use super::version::Version;
use super::{command, files, remote_login, reset};
use crate::clock;
use crate::service::core::Site;
use crate::service::core::command::{self as core, BatchCommand, Reply};
use crate::service::driver::DriverHandle;
use crate::wire::auth::AccountKey;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::operation::{self, NoRoute, Operation, Spec};
use crate::wire::precondition::Preconditions;
use crate::wire::time::Time;

/// Bytes of a body; what the service says as `MaxLimit`.
const MAX_BODY: usize = 1024 * 1024;
/// Bytes of a refused body that are still read, so that the caller gets to read the refusal.
const DRAINED: usize = 16 * 1024 * 1024;

/// The verbs that HTTP knows.
const VERBS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
];

/// What the routes need.
#[derive(Clone)]
pub(in crate::service) struct BatchState(Arc<Inner>);

struct Inner {
    site: Site,
    key: AccountKey,
    driver: DriverHandle,
    nodes_dir: PathBuf,
}

impl BatchState {
    pub(in crate::service) fn new(
        site: Site,
        key: AccountKey,
        driver: DriverHandle,
        nodes_dir: PathBuf,
    ) -> Self {
        Self(Arc::new(Inner {
            site,
            key,
            driver,
            nodes_dir,
        }))
    }
}

pub(in crate::service) fn router(state: BatchState) -> Router {
    Router::new().fallback(serve).with_state(state)
}

async fn serve(State(state): State<BatchState>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let now: Time = clock::now().into();
    let started = clock::monotonic();
    let request_id = uuid::Uuid::new_v4().to_string();
    let verb = parts.method.as_str();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let mut asked = Asked {
        endpoint: &state.0.site.batch_endpoint,
        spec: None,
        path,
        query,
        version: Version::V2025_06,
        select: None,
        is_head: verb == "HEAD",
        request_id: &request_id,
        client_request_id: client_request_id(&parts.headers),
        now,
    };
    let response = match answer(&state.0, verb, &parts.headers, body, &mut asked).await {
        Ok(response) => response,
        Err(Outside::Refused(refusal)) => {
            // A refusal has all of its properties, whatever the caller wanted to see of the resource.
            asked.select = None;
            asked.refuse(&refusal)
        }
        Err(Outside::Anonymous(refusal)) => {
            let mut response = asked.refuse(&refusal);
            *response.status_mut() = axum::http::StatusCode::UNAUTHORIZED;
            let challenge = HeaderValue::from_static("SharedKey");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
    };
    // Without the query: it may be somebody's filter, and is long.
    tracing::info!(
        method = verb,
        path,
        status = response.status().as_u16(),
        ms = started.elapsed().as_secs_f64() * 1e3,
        request_id,
        "batch"
    );
    response
}

impl From<Refusal> for Outside {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

async fn answer(
    state: &Inner,
    verb: &str,
    headers: &HeaderMap,
    body: Body,
    asked: &mut Asked<'_>,
) -> Result<Response<Body>, Outside> {
    if asked.path == reset::PATH {
        let checked = check_reset(state, verb, headers, asked);
        drain(body).await;
        checked?;
        reset::reset(&state.driver).await?;
        return Ok(asked.start(204));
    }
    let checked = check(state, verb, headers, asked);
    let (operation, parameters, query, conditions) = match checked {
        Ok(checked) => checked,
        Err(outside) => {
            drain(body).await;
            return Err(outside);
        }
    };
    asked.select = query.select();
    let bytes = read_body(headers, body).await?;
    let bytes = asked.version.upgrade(operation, bytes)?;
    let request = command::read(operation, &parameters, &query, &bytes)?;
    let created = created_url(asked.endpoint, operation, &parameters, new_id(&request));
    let command = BatchCommand {
        conditions: conditions.clone(),
        request,
    };
    let reply = state
        .driver
        .batch(command)
        .await
        .map_err(|stopped| stopped_refusal(&stopped.to_string()))??;
    let place = match reply {
        Reply::NodeDirectory(node) => files::Place::of_node(&state.nodes_dir, &node),
        Reply::TaskDirectory { node, job, task } => {
            files::Place::of_task(&state.nodes_dir, &node, &job, &task)
        }
        Reply::RemoteLogin => return Ok(asked.remote_login(remote_login::find().await?)),
        reply => return Ok(asked.reply(reply, created.as_deref())),
    };
    let place = place.ok_or(Refusal::new(Code::FileNotFound))?;
    let file = parameters.last().map(String::as_str).unwrap_or_default();
    let request = files::FileRequest {
        place,
        conditions,
        range: header_text(headers, "ocp-range").map(str::to_owned),
    };
    match operation {
        Operation::ListTaskFiles | Operation::ListNodeFiles => {
            Ok(request.list(asked, &query).await?)
        }
        Operation::DeleteTaskFile | Operation::DeleteNodeFile => {
            Ok(request.delete(asked, file, &query).await?)
        }
        _ => Ok(request.file(asked, file).await?),
    }
}

type Checked = (Operation, Vec<String>, Query, Preconditions);

/// Everything that can be said before the body is read.
fn check(
    state: &Inner,
    verb: &str,
    headers: &HeaderMap,
    asked: &mut Asked<'_>,
) -> Result<Checked, Outside> {
    authenticate(state, verb, headers, asked)?;
    if !query::is_well_formed(asked.path) {
        return Err(Refusal::new(Code::RequestUrlFailedToParse).into());
    }
    let query = Query::parse(asked.query)?;
    asked.version = gate::version(&query)?;
    let (operation, parameters) = find(verb, asked)?;
    let spec = operation.spec();
    asked.spec = Some(spec);
    query.check(spec, asked.version)?;
    let conditions = Preconditions::read(|name| header_text(headers, name), spec.conditions)?;
    check_headers(spec, headers)?;
    Ok((operation, parameters, query, conditions))
}

fn find(verb: &str, asked: &Asked<'_>) -> Result<(Operation, Vec<String>), Refusal> {
    let (operation, parameters) =
        Operation::route(verb, asked.path).map_err(|no_route| match no_route {
            _ if !VERBS.contains(&verb) => Refusal::new(Code::InvalidHttpVerb).with("Verb", verb),
            NoRoute::UnknownPath => match asked.version.retired(asked.path) {
                Some(feature) => Refusal::new(Code::NotImplemented).with(
                    "Reason",
                    format!("the local service does not support {feature}"),
                ),
                None => invalid_uri(asked.path),
            },
            NoRoute::VerbNotAllowed => Refusal::new(Code::UnsupportedHttpVerb).with("Verb", verb),
        })?;
    if !asked.version.has(operation) {
        return Err(invalid_uri(asked.path));
    }
    Ok((operation, parameters))
}

fn invalid_uri(path: &str) -> Refusal {
    Refusal::new(Code::InvalidUri).with("Path", path)
}

/// What a body has to say about itself.
fn check_headers(spec: &Spec, headers: &HeaderMap) -> Result<(), Refusal> {
    if spec.body != operation::Body::Json {
        return Ok(());
    }
    let length = header_text(headers, "content-length");
    if length.is_none() && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Code::MissingContentLengthHeader.into());
    }
    match header_text(headers, "content-type") {
        // Nothing is said about nothing.
        None if length == Some("0") => Ok(()),
        None => Err(Refusal::new(Code::MissingRequiredHeader).with("HeaderName", "Content-Type")),
        Some(kind) => {
            let plain = kind.split(';').next().unwrap_or_default().trim();
            if plain.eq_ignore_ascii_case("application/json") {
                return Ok(());
            }
            Err(Refusal::new(Code::InvalidHeaderValue)
                .with("HeaderName", "Content-Type")
                .with("HeaderValue", kind))
        }
    }
}

fn check_reset(
    state: &Inner,
    verb: &str,
    headers: &HeaderMap,
    asked: &Asked<'_>,
) -> Result<(), Outside> {
    authenticate(state, verb, headers, asked)?;
    match verb {
        "POST" => Ok(()),
        _ => Err(Refusal::new(Code::UnsupportedHttpVerb).into()),
    }
}

fn authenticate(
    state: &Inner,
    verb: &str,
    headers: &HeaderMap,
    asked: &Asked<'_>,
) -> Result<(), Outside> {
    gate::authenticate(
        &state.site.account,
        &state.key,
        verb,
        asked.path,
        asked.query,
        headers,
        asked.now,
    )
}

fn stopped_refusal(reason: &str) -> Refusal {
    Refusal::new(Code::InternalError).with("Reason", reason)
}

fn new_id(request: &core::Request) -> Option<&str> {
    match request {
        core::Request::CreatePool(body) => Some(&body.id),
        core::Request::CreateJobSchedule(body) => Some(&body.id),
        core::Request::CreateJob(body) => Some(&body.id),
        core::Request::Pool(
            _,
            core::PoolRequest::OnNode(_, core::NodeRequest::CreateUser(body)),
        ) => Some(&body.name),
        core::Request::Job(_, core::JobRequest::AddTask(body)) => Some(&body.id),
        _ => None,
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

fn client_request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = header_text(headers, "return-client-request-id")?;
    if !wanted.eq_ignore_ascii_case("true") {
        return None;
    }
    headers.get("client-request-id").cloned()
}

fn too_large() -> Refusal {
    Refusal::new(Code::RequestBodyTooLarge).with("MaxLimit", MAX_BODY.to_string())
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let announced = header_text(headers, "content-length").and_then(|l| l.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        drain(body).await;
        return Err(too_large());
    }
    let mut data = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(part) = data.next().await {
        let part = part.map_err(|_| Refusal::new(Code::InvalidRequestBody))?;
        if bytes.len() + part.len() > MAX_BODY {
            drain(Body::from_stream(data)).await;
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.into())
}

/// Reads and forgets what a refused caller still sends.
async fn drain(body: Body) {
    let mut data = body.into_data_stream();
    let mut read = 0;
    while let Some(Ok(part)) = data.next().await {
        read += part.len();
        if read > DRAINED {
            return;
        }
    }
}
