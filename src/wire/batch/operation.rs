//! The operations of api-version 2025-06-01, each once: the router, the client and the contract tests all
//! read this table.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The newest stable api-version, which our client speaks.
pub const API_VERSION: &str = "2025-06-01";

/// The verb of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether a request carries a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Empty,
    Json,
}

/// Which conditional headers an operation honours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    None,
    /// If-Modified-Since and If-Unmodified-Since.
    Modified,
    /// Those two, If-Match and If-None-Match.
    Full,
}

/// What there is to know about an operation without its bodies.
#[derive(Debug)]
pub struct Spec {
    pub operation: Operation,
    pub name: &'static str,
    pub verb: Verb,
    /// Pattern with `{parameters}`.
    pub path: &'static str,
    /// Status of success.
    pub success: u16,
    pub body: Body,
    pub conditions: Conditions,
    /// Query parameters besides `api-version` and `timeout`.
    pub query: &'static [&'static str],
}

macro_rules! operations {
    ($($name:ident = $verb:ident $path:literal $success:literal $body:ident $conditions:ident [$($query:literal),*];)+) => {
        /// An operation of the Batch service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $($name,)+ }

        /// Every operation, in the order of the REST reference.
        pub const OPERATIONS: &[Spec] = &[$(Spec {
            operation: Operation::$name,
            name: stringify!($name),
            verb: Verb::$verb,
            path: $path,
            success: $success,
            body: Body::$body,
            conditions: Conditions::$conditions,
            query: &[$($query),*],
        },)+];
    };
}

operations! {
    CreatePool = Post "/pools" 201 Json None [];
    ListPools = Get "/pools" 200 Empty None ["maxresults", "$filter", "$select", "$expand"];
    DeletePool = Delete "/pools/{poolId}" 202 Empty Full [];
    PoolExists = Head "/pools/{poolId}" 200 Empty Full [];
    GetPool = Get "/pools/{poolId}" 200 Empty Full ["$select", "$expand"];
    UpdatePool = Patch "/pools/{poolId}" 200 Json Full [];
    DisablePoolAutoScale = Post "/pools/{poolId}/disableautoscale" 200 Empty None [];
    EnablePoolAutoScale = Post "/pools/{poolId}/enableautoscale" 200 Json Full [];
    EvaluatePoolAutoScale = Post "/pools/{poolId}/evaluateautoscale" 200 Json None [];
    ResizePool = Post "/pools/{poolId}/resize" 202 Json Full [];
    StopPoolResize = Post "/pools/{poolId}/stopresize" 202 Empty Full [];
    ReplacePoolProperties = Post "/pools/{poolId}/updateproperties" 204 Json None [];
    RemoveNodes = Post "/pools/{poolId}/removenodes" 202 Json Full [];
    ListPoolUsageMetrics = Get "/poolusagemetrics" 200 Empty None ["maxresults", "startTime", "endtime", "$filter"];
    ListSupportedImages = Get "/supportedimages" 200 Empty None ["maxresults", "$filter"];
    ListPoolNodeCounts = Get "/nodecounts" 200 Empty None ["maxresults", "$filter"];
    ListApplications = Get "/applications" 200 Empty None ["maxresults"];
    GetApplication = Get "/applications/{applicationId}" 200 Empty None [];
    DeleteJob = Delete "/jobs/{jobId}" 202 Empty Full ["force"];
    GetJob = Get "/jobs/{jobId}" 200 Empty Full ["$select", "$expand"];
    UpdateJob = Patch "/jobs/{jobId}" 200 Json Full [];
    ReplaceJob = Put "/jobs/{jobId}" 200 Json Full [];
    DisableJob = Post "/jobs/{jobId}/disable" 202 Json Full [];
    EnableJob = Post "/jobs/{jobId}/enable" 202 Empty Full [];
    TerminateJob = Post "/jobs/{jobId}/terminate" 202 Json Full ["force"];
    CreateJob = Post "/jobs" 201 Json None [];
    ListJobs = Get "/jobs" 200 Empty None ["maxresults", "$filter", "$select", "$expand"];
    ListJobPreparationAndReleaseTaskStatus = Get "/jobs/{jobId}/jobpreparationandreleasetaskstatus" 200 Empty None ["maxresults", "$filter", "$select"];
    GetJobTaskCounts = Get "/jobs/{jobId}/taskcounts" 200 Empty None [];
    ListJobsFromSchedule = Get "/jobschedules/{jobScheduleId}/jobs" 200 Empty None ["maxresults", "$filter", "$select", "$expand"];
    JobScheduleExists = Head "/jobschedules/{jobScheduleId}" 200 Empty Full [];
    DeleteJobSchedule = Delete "/jobschedules/{jobScheduleId}" 202 Empty Full ["force"];
    GetJobSchedule = Get "/jobschedules/{jobScheduleId}" 200 Empty Full ["$select", "$expand"];
    UpdateJobSchedule = Patch "/jobschedules/{jobScheduleId}" 200 Json Full [];
    ReplaceJobSchedule = Put "/jobschedules/{jobScheduleId}" 200 Json Full [];
    DisableJobSchedule = Post "/jobschedules/{jobScheduleId}/disable" 204 Empty Full [];
    EnableJobSchedule = Post "/jobschedules/{jobScheduleId}/enable" 204 Empty Full [];
    TerminateJobSchedule = Post "/jobschedules/{jobScheduleId}/terminate" 202 Empty Full ["force"];
    CreateJobSchedule = Post "/jobschedules" 201 Json None [];
    ListJobSchedules = Get "/jobschedules" 200 Empty None ["maxresults", "$filter", "$select", "$expand"];
    CreateTask = Post "/jobs/{jobId}/tasks" 201 Json None [];
    ListTasks = Get "/jobs/{jobId}/tasks" 200 Empty None ["maxresults", "$filter", "$select", "$expand"];
    CreateTaskCollection = Post "/jobs/{jobId}/addtaskcollection" 200 Json None [];
    DeleteTask = Delete "/jobs/{jobId}/tasks/{taskId}" 200 Empty Full [];
    GetTask = Get "/jobs/{jobId}/tasks/{taskId}" 200 Empty Full ["$select", "$expand"];
    ReplaceTask = Put "/jobs/{jobId}/tasks/{taskId}" 200 Json Full [];
    ListSubtasks = Get "/jobs/{jobId}/tasks/{taskId}/subtasksinfo" 200 Empty None ["$select"];
    TerminateTask = Post "/jobs/{jobId}/tasks/{taskId}/terminate" 204 Empty Full [];
    ReactivateTask = Post "/jobs/{jobId}/tasks/{taskId}/reactivate" 204 Empty Full [];
    DeleteTaskFile = Delete "/jobs/{jobId}/tasks/{taskId}/files/{filePath}" 200 Empty None ["recursive"];
    DownloadTaskFile = Get "/jobs/{jobId}/tasks/{taskId}/files/{filePath}" 200 Empty Modified [];
    GetTaskFileProperties = Head "/jobs/{jobId}/tasks/{taskId}/files/{filePath}" 200 Empty Modified [];
    ListTaskFiles = Get "/jobs/{jobId}/tasks/{taskId}/files" 200 Empty None ["maxresults", "$filter", "recursive"];
    CreateNodeUser = Post "/pools/{poolId}/nodes/{nodeId}/users" 201 Json None [];
    DeleteNodeUser = Delete "/pools/{poolId}/nodes/{nodeId}/users/{userName}" 200 Empty None [];
    ReplaceNodeUser = Put "/pools/{poolId}/nodes/{nodeId}/users/{userName}" 200 Json None [];
    GetNode = Get "/pools/{poolId}/nodes/{nodeId}" 200 Empty None ["$select"];
    RebootNode = Post "/pools/{poolId}/nodes/{nodeId}/reboot" 202 Json None [];
    StartNode = Post "/pools/{poolId}/nodes/{nodeId}/start" 202 Empty None [];
    ReimageNode = Post "/pools/{poolId}/nodes/{nodeId}/reimage" 202 Json None [];
    DeallocateNode = Post "/pools/{poolId}/nodes/{nodeId}/deallocate" 202 Json None [];
    DisableNodeScheduling = Post "/pools/{poolId}/nodes/{nodeId}/disablescheduling" 200 Json None [];
    EnableNodeScheduling = Post "/pools/{poolId}/nodes/{nodeId}/enablescheduling" 200 Empty None [];
    GetNodeRemoteLoginSettings = Get "/pools/{poolId}/nodes/{nodeId}/remoteloginsettings" 200 Empty None [];
    UploadNodeLogs = Post "/pools/{poolId}/nodes/{nodeId}/uploadbatchservicelogs" 200 Json None [];
    ListNodes = Get "/pools/{poolId}/nodes" 200 Empty None ["maxresults", "$filter", "$select"];
    GetNodeExtension = Get "/pools/{poolId}/nodes/{nodeId}/extensions/{extensionName}" 200 Empty None ["$select"];
    ListNodeExtensions = Get "/pools/{poolId}/nodes/{nodeId}/extensions" 200 Empty None ["maxresults", "$select"];
    DeleteNodeFile = Delete "/pools/{poolId}/nodes/{nodeId}/files/{filePath}" 200 Empty None ["recursive"];
    DownloadNodeFile = Get "/pools/{poolId}/nodes/{nodeId}/files/{filePath}" 200 Empty Modified [];
    GetNodeFileProperties = Head "/pools/{poolId}/nodes/{nodeId}/files/{filePath}" 200 Empty Modified [];
    ListNodeFiles = Get "/pools/{poolId}/nodes/{nodeId}/files" 200 Empty None ["maxresults", "$filter", "recursive"];
}

impl Operation {
    pub fn spec(self) -> &'static Spec {
        &OPERATIONS[self as usize]
    }

    /// The path with its parameters filled in, each percent-encoded (a `/` in a file path becomes `%2F`).
    pub fn path(self, parameters: &[&str]) -> String {
        const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b'~');
        let mut parameters = parameters.iter();
        let mut path = String::new();
        for segment in self.spec().path.split('/').skip(1) {
            path.push('/');
            if segment.starts_with('{') {
                let value = parameters.next().copied().unwrap_or_default();
                path.extend(utf8_percent_encode(value, PLAIN));
            } else {
                path.push_str(segment);
            }
        }
        path
    }

    /// Finds the operation of a request. `path` is the raw path; parameters come back decoded.
    /// A file path may arrive with its slashes plain or encoded.
    pub fn route(verb: &str, path: &str) -> Result<(Operation, Vec<String>), NoRoute> {
        let mut known_path = false;
        for spec in OPERATIONS {
            let Some(parameters) = matches(spec.path, path) else {
                continue;
            };
            if spec.verb.as_str() == verb {
                return Ok((spec.operation, parameters));
            }
            known_path = true;
        }
        Err(if known_path {
            NoRoute::VerbNotAllowed
        } else {
            NoRoute::UnknownPath
        })
    }
}

/// Why a request belongs to no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    UnknownPath,
    VerbNotAllowed,
}

fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut segments = path.strip_prefix('/')?.split('/');
    let mut parameters = Vec::new();
    for expected in pattern.split('/').skip(1) {
        let segment = segments.next()?;
        if expected == "{filePath}" {
            let rest: Vec<&str> = std::iter::once(segment).chain(segments.by_ref()).collect();
            parameters.push(decode(&rest.join("/"))?);
        } else if expected.starts_with('{') {
            parameters.push(decode(segment)?);
        } else if !expected.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    segments.next().is_none().then_some(parameters)
}

fn decode(segment: &str) -> Option<String> {
    if segment.is_empty() {
        return None;
    }
    percent_decode_str(segment)
        .decode_utf8()
        .ok()
        .map(|s| s.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_routes_to_itself() {
        assert_eq!(OPERATIONS.len(), 72);
        for spec in OPERATIONS {
            let parameters: Vec<&str> =
                ["a", "b c", "d%2"][..spec.path.matches('{').count()].to_vec();
            let path = spec.operation.path(&parameters);
            let (found, got) = Operation::route(spec.verb.as_str(), &path).unwrap();
            assert_eq!(
                (found, got),
                (
                    spec.operation,
                    parameters.iter().map(|p| p.to_string()).collect()
                )
            );
        }
    }

    #[test]
    fn file_paths_with_either_slash() {
        let want = (
            Operation::DownloadTaskFile,
            vec!["j".into(), "t".into(), "wd/a b.txt".into()],
        );
        for path in [
            "/jobs/j/tasks/t/files/wd%2Fa%20b.txt",
            "/jobs/j/tasks/t/files/wd/a%20b.txt",
        ] {
            assert_eq!(Operation::route("GET", path), Ok(want.clone()));
        }
        let made = Operation::DownloadTaskFile.path(&["j", "t", "wd/a b.txt"]);
        assert_eq!(made, "/jobs/j/tasks/t/files/wd%2Fa%20b.txt");
    }

    #[test]
    fn unknown_paths_and_verbs() {
        assert_eq!(
            Operation::route("GET", "/nothing"),
            Err(NoRoute::UnknownPath)
        );
        assert_eq!(
            Operation::route("GET", "/pools/"),
            Err(NoRoute::UnknownPath)
        );
        assert_eq!(
            Operation::route("PUT", "/pools/p"),
            Err(NoRoute::VerbNotAllowed)
        );
    }
}
