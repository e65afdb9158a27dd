//! Replies to responses: headers, metadata, pages, errors.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;
use serde::Serialize;
use serde_json::Value;

use super::query::next_query;
use super::version::Version;
use crate::service::core::command::Reply;
use crate::wire::batch::error::Refusal;
use crate::wire::batch::node::NodeRemoteLoginSettings;
use crate::wire::batch::operation::{Operation, Spec, Verb};
use crate::wire::batch::task::{TaskAddResult, TaskAddStatus};
use crate::wire::page::Page;
use crate::wire::time::Time;

const JSON: &str = "application/json;odata=minimalmetadata";
const ERROR: &str = "Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element";

/// What an answer needs to know of its request.
pub(super) struct Asked<'a> {
    /// Without a slash at the end.
    pub(super) endpoint: &'a str,
    pub(super) spec: Option<&'static Spec>,
    /// As on the wire.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) version: Version,
    pub(super) select: Option<Vec<String>>,
    pub(super) is_head: bool,
    pub(super) request_id: &'a str,
    /// To be sent back, because the caller asked for that.
    pub(super) client_request_id: Option<HeaderValue>,
    pub(super) now: Time,
}

impl Asked<'_> {
    fn metadata(&self, entity: &str) -> String {
        format!("{}/$metadata#{entity}", self.endpoint)
    }

    /// The response every other is made from.
    pub(super) fn start(&self, status: u16) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert("dataserviceversion", HeaderValue::from_static("3.0"));
        headers.insert(
            header::SERVER,
            HeaderValue::from_static("Microsoft-HTTPAPI/2.0"),
        );
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if let Ok(id) = HeaderValue::from_str(self.request_id) {
            headers.insert("request-id", id);
        }
        if let Some(id) = &self.client_request_id {
            headers.insert("client-request-id", id.clone());
        }
        response
    }

    fn json(&self, status: u16, text: String) -> Response<Body> {
        let mut response = self.start(status);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        if !self.is_head {
            *response.body_mut() = Body::from(text);
        }
        response
    }

    pub(super) fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        let body = refusal.body(self.request_id, self.now);
        let mut response = self.json(refusal.code.status(), self.object(ERROR, &body));
        if let Ok(reason) = ReasonPhrase::try_from(refusal.code.message().as_bytes()) {
            response.extensions_mut().insert(reason);
        }
        response
    }

    /// `odata.metadata` and then the properties of `value`.
    fn object(&self, entity: &str, value: &impl Serialize) -> String {
        let properties = self.properties(value);
        let metadata = Value::from(self.metadata(entity));
        match properties.as_deref().map(|p| p.strip_prefix('{')) {
            Ok(Some("}")) | Ok(None) | Err(_) => format!("{{\"odata.metadata\":{metadata}}}"),
            Ok(Some(rest)) => format!("{{\"odata.metadata\":{metadata},{rest}"),
        }
    }

    /// What is asked for, as the version knows it.
    fn properties(&self, value: &impl Serialize) -> serde_json::Result<String> {
        if self.select.is_none() && self.version.is_newest() {
            return serde_json::to_string(value);
        }
        let mut value = serde_json::to_value(value)?;
        self.version.downgrade(&mut value);
        if let Some(names) = &self.select {
            value = selected(value, names);
        }
        Ok(value.to_string())
    }

    fn single(
        &self,
        entity: &str,
        value: &impl Serialize,
        modified: Option<Time>,
    ) -> Response<Body> {
        let mut response = self.json(200, self.object(entity, value));
        if let Some(modified) = modified {
            stamp(&mut response, modified);
        }
        response
    }

    pub(super) fn list<T: Serialize>(&self, entity: &str, page: &Page<T>) -> Response<Body> {
        let mut text = format!(
            "{{\"odata.metadata\":{},\"value\":[",
            Value::from(self.metadata(entity))
        );
        for (at, item) in page.value.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            let item = self.properties(item);
            text.push_str(item.as_deref().unwrap_or("null"));
        }
        text.push(']');
        if let Some(after) = &page.next {
            let query = next_query(self.query, after);
            let link = format!("{}{}?{query}", self.endpoint, self.path);
            text.push_str(",\"odata.nextLink\":");
            text.push_str(&Value::from(link).to_string());
        }
        text.push('}');
        self.json(200, text)
    }

    /// A reply of the core. File operations are answered elsewhere.
    pub(super) fn reply(&self, reply: Reply, created: Option<&str>) -> Response<Body> {
        let success = self.spec.map_or(200, |s| s.success);
        match reply {
            Reply::Done
            | Reply::NodeDirectory(_)
            | Reply::TaskDirectory { .. }
            | Reply::RemoteLogin => self.action(success, None, created),
            Reply::LogsUploading(result) => {
                let entity = "Microsoft.Azure.Batch.Protocol.Entities.UploadBatchServiceLogsResult";
                self.single(entity, &result, None)
            }
            Reply::AutoScaleRun(run) => {
                let entity = "Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun";
                self.single(entity, &run, None)
            }
            Reply::NoExtensions => self.nothing("extensions"),
            Reply::NoUsage => self.nothing("poolusagemetrics"),
            Reply::NoApplications => self.nothing("applications"),
            Reply::Changed(modified) => self.action(success, Some(modified), created),
            Reply::NotModified(modified) => {
                let mut response = self.start(304);
                stamp(&mut response, modified);
                response
            }
            Reply::Pool(pool) => self.single("pools/@Element", &pool, Some(pool.last_modified)),
            Reply::Pools(page) => self.list("pools", &page),
            Reply::NodeCounts(page) => self.list("poolnodecounts", &page),
            Reply::Images(page) => self.list("supportedimages", &page),
            Reply::Node(node) => self.single("nodes/@Element", &node, None),
            Reply::Nodes(page) => self.list("nodes", &page),
            Reply::Job(job) => self.single("jobs/@Element", &job, Some(job.last_modified)),
            Reply::Jobs(page) => self.list("jobs", &page),
            Reply::Preparations(page) => self.list("jobpreparationandreleasetaskstatuslist", &page),
            Reply::JobSchedule(schedule) => self.single(
                "jobschedules/@Element",
                &schedule,
                Some(schedule.last_modified),
            ),
            Reply::JobSchedules(page) => self.list("jobschedules", &page),
            Reply::TaskCounts(counts) => self.single("taskcountsresult/@Element", &counts, None),
            Reply::Task(task) => self.single("tasks/@Element", &task, Some(task.last_modified)),
            Reply::Tasks(page) => self.list("tasks", &page),
            Reply::Subtasks(value) => self.list("subtasks", &Page { value, next: None }),
            Reply::Added(results) => {
                let value = results
                    .into_iter()
                    .map(|(id, result)| self.added(id, result))
                    .collect();
                self.list("taskaddresult", &Page { value, next: None })
            }
        }
    }

    /// A list without items.
    fn nothing(&self, entity: &str) -> Response<Body> {
        let none: Page<()> = Page {
            value: Vec::new(),
            next: None,
        };
        self.list(entity, &none)
    }

    pub(super) fn remote_login(&self, settings: NodeRemoteLoginSettings) -> Response<Body> {
        let entity =
            "Microsoft.Azure.Batch.Protocol.Entities.ComputeNodeGetRemoteLoginSettingsResult";
        self.single(entity, &settings, None)
    }

    /// A success without content. `created` is the URL of what was made.
    fn action(&self, status: u16, modified: Option<Time>, created: Option<&str>) -> Response<Body> {
        let mut response = self.start(status);
        if let Some(modified) = modified {
            stamp(&mut response, modified);
        }
        let here = format!("{}{}", self.endpoint, self.path);
        let id = HeaderValue::from_str(created.unwrap_or(&here));
        let verb = self.spec.map(|s| s.verb);
        if let (Ok(id), Some(Verb::Post | Verb::Put | Verb::Patch)) = (id, verb) {
            let headers = response.headers_mut();
            if created.is_some() {
                headers.insert(header::LOCATION, id.clone());
            }
            headers.insert("dataserviceid", id);
        }
        response
    }

    fn added(&self, task_id: String, result: Result<Time, Refusal>) -> TaskAddResult {
        // The path is that of the collection: `…/jobs/{id}/addtaskcollection`.
        let job = self.path.rsplit_once('/').map_or("", |(job, _)| job);
        match result {
            Ok(modified) => TaskAddResult {
                status: TaskAddStatus::Success,
                etag: Some(modified.etag()),
                last_modified: Some(modified),
                location: Some(format!("{}{job}/tasks/{task_id}", self.endpoint)),
                task_id,
                error: None,
            },
            Err(refusal) => TaskAddResult {
                status: TaskAddStatus::ClientError,
                task_id,
                etag: None,
                last_modified: None,
                location: None,
                error: Some(refusal.body(self.request_id, self.now)),
            },
        }
    }
}

/// ETag and Last-Modified.
fn stamp(response: &mut Response<Body>, modified: Time) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ETAG, modified.etag()),
        (header::LAST_MODIFIED, modified.to_rfc1123()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fn selected(value: Value, names: &[String]) -> Value {
    match value {
        Value::Object(properties) => properties
            .into_iter()
            .filter(|(name, _)| names.contains(name))
            .collect(),
        other => other,
    }
}

/// The URL of what a creation makes, from the id in its path or body.
pub(super) fn created_url(
    endpoint: &str,
    operation: Operation,
    parameters: &[String],
    id: Option<&str>,
) -> Option<String> {
    let id = id?;
    let path = match operation {
        Operation::CreatePool => Operation::GetPool.path(&[id]),
        // The real service says `job-1` whatever the id [rec].
        Operation::CreateJob => Operation::GetJob.path(&["job-1"]),
        Operation::CreateNodeUser => {
            Operation::ReplaceNodeUser.path(&[parameters.first()?, parameters.get(1)?, id])
        }
        Operation::CreateJobSchedule => Operation::GetJobSchedule.path(&[id]),
        Operation::CreateTask => Operation::GetTask.path(&[parameters.first()?, id]),
        _ => return None,
    };
    Some(format!("{endpoint}{path}"))
}
