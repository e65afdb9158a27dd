//! The catalogue of refusals: every error code with its HTTP status and text.

use super::error_body::{ErrorBody, ErrorDetail, ErrorMessage};

macro_rules! codes {
    ($($name:ident = $text:literal $status:literal $message:literal;)+) => {
        /// An error code of the Batch service; `NotImplemented` is the local service's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($name,)+ }

        impl Code {
            /// Every code, by status.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as it stands on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The HTTP status it comes with.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The first line of its message.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }
        }
    };
}

codes! {
    MissingRequiredHeader = "MissingRequiredHeader" 400 "A required HTTP header was not specified.";
    MissingRequiredProperty = "MissingRequiredProperty" 400 "A required property was not specified in the request body.";
    UnsupportedHeader = "UnsupportedHeader" 400 "One of the HTTP headers specified in the request is not supported.";
    UnsupportedProperty = "UnsupportedProperty" 400 "One of the properties specified in the request body is not supported.";
    InvalidHeaderValue = "InvalidHeaderValue" 400 "The value for one of the HTTP headers is not in the correct format.";
    InvalidPropertyValue = "InvalidPropertyValue" 400 "The value provided for one of the properties in the request body is invalid.";
    MissingRequiredQueryParameter = "MissingRequiredQueryParameter" 400 "A required query parameter was not specified for this request.";
    UnsupportedQueryParameter = "UnsupportedQueryParameter" 400 "One of the query parameters specified in the request URI is not supported.";
    InvalidQueryParameterValue = "InvalidQueryParameterValue" 400 "An invalid value was specified for one of the query parameters in the request URI.";
    OutOfRangeQueryParameterValue = "OutOfRangeQueryParameterValue" 400 "A query parameter specified in the request URI is outside the permissible range.";
    RequestUrlFailedToParse = "RequestUrlFailedToParse" 400 "The url in the request could not be parsed.";
    InvalidUri = "InvalidUri" 400 "The requested URI does not represent any resource on the server.";
    InvalidHttpVerb = "InvalidHttpVerb" 400 "The HTTP verb specified was not recognized by the server.";
    EmptyMetadataKey = "EmptyMetadataKey" 400 "The key for one of the metadata key-value pairs is empty.";
    InvalidRequestBody = "InvalidRequestBody" 400 "The specified Request Body is not syntactically valid.";
    OutOfRangeInput = "OutOfRangeInput" 400 "One of the request inputs is out of range.";
    InvalidAuthenticationInfo = "InvalidAuthenticationInfo" 400 "The authentication information was not provided in the correct format. Verify the value of Authorization header.";
    InvalidInput = "InvalidInput" 400 "One of the request inputs is not valid.";
    InvalidMetadata = "InvalidMetadata" 400 "The metadata specified is invalid. It has characters that are not permitted.";
    MetadataTooLarge = "MetadataTooLarge" 400 "The size of the specified metadata exceeds the maximum size permitted.";
    MultipleConditionHeadersNotSupported = "MultipleConditionHeadersNotSupported" 400 "Multiple condition headers are not supported.";
    UnsupportedRequestVersion = "UnsupportedRequestVersion" 400 "The specified api version string is invalid.";
    InvalidAutoScalingSettings = "InvalidAutoScalingSettings" 400 "The autoscale settings are invalid.";
    AutoScalingFormulaSyntaxError = "AutoScalingFormulaSyntaxError" 400 "The specified autoscale formula has a syntax error.";
    AutoScaleFormulaTooLong = "AutoScaleFormulaTooLong" 400 "The specified autoscale formula is longer than 8192 bytes.";
    TaskDependenciesNotSpecifiedOnJob = "TaskDependenciesNotSpecifiedOnJob" 400 "The task has dependencies, but the job does not use task dependencies.";
    TaskDependencyListTooLong = "TaskDependencyListTooLong" 400 "The list of task dependencies is too long.";
    TaskDependencyRangesTooLong = "TaskDependencyRangesTooLong" 400 "The list of task dependency ranges is too long.";
    OutOfRangePriority = "OutOfRangePriority" 400 "The priority is outside the range -1000 to 1000.";
    InvalidConstraintValue = "InvalidConstraintValue" 400 "The value of one of the constraints is invalid.";
    AuthenticationFailed = "AuthenticationFailed" 403 "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";
    InsufficientAccountPermissions = "InsufficientAccountPermissions" 403 "The account being accessed does not have sufficient permissions to execute this operation.";
    AccountIsDisabled = "AccountIsDisabled" 403 "The specified account is disabled.";
    IoError = "IOError" 403 "An I/O error occurred.";
    ResourceNotFound = "ResourceNotFound" 404 "The specified resource does not exist.";
    PoolNotFound = "PoolNotFound" 404 "The specified pool does not exist.";
    NodeNotFound = "NodeNotFound" 404 "The specified node does not exist.";
    JobNotFound = "JobNotFound" 404 "The specified job does not exist.";
    JobScheduleNotFound = "JobScheduleNotFound" 404 "The specified job schedule does not exist.";
    TaskNotFound = "TaskNotFound" 404 "The specified task does not exist.";
    FileNotFound = "FileNotFound" 404 "The specified file does not exist.";
    NodeUserNotFound = "NodeUserNotFound" 404 "The specified node user does not exist.";
    CertificateNotFound = "CertificateNotFound" 404 "The specified certificate does not exist.";
    ApplicationNotFound = "ApplicationNotFound" 404 "The specified application does not exist.";
    JobPreparationTaskNotRunOnNode = "JobPreparationTaskNotRunOnNode" 404 "The job preparation task was not run on the specified node.";
    JobReleaseTaskNotRunOnNode = "JobReleaseTaskNotRunOnNode" 404 "The job release task was not run on the specified node.";
    NodeAgentSKUNotFound = "NodeAgentSKUNotFound" 404 "The specified node agent SKU does not exist.";
    UnsupportedHttpVerb = "UnsupportedHttpVerb" 405 "The resource does not support the specified HTTP verb.";
    MissingContentLengthHeader = "MissingContentLengthHeader" 411 "The Content-Length header was not specified.";
    ConditionNotMet = "ConditionNotMet" 412 "The condition specified using HTTP conditional header(s) is not met.";
    RequestBodyTooLarge = "RequestBodyTooLarge" 413 "The request body is too large and exceeds the maximum permissible limit.";
    InvalidRange = "InvalidRange" 416 "The range specified is invalid for the current size of the resource.";
    OperationInvalidForCurrentState = "OperationInvalidForCurrentState" 409 "The specified operation is not valid for the current state of the resource.";
    PoolBeingDeleted = "PoolBeingDeleted" 409 "The specified pool is being deleted.";
    PoolBeingResized = "PoolBeingResized" 409 "The specified pool is being resized.";
    PoolBeingCreated = "PoolBeingCreated" 409 "The specified pool is being created.";
    NodeBeingCreated = "NodeBeingCreated" 409 "The specified node is being created.";
    NodeBeingStarted = "NodeBeingStarted" 409 "The specified node is being started.";
    NodeBeingRebooted = "NodeBeingRebooted" 409 "The specified node is being rebooted.";
    NodeBeingReimaged = "NodeBeingReimaged" 409 "The specified node is being reimaged.";
    NodeStateUnusable = "NodeStateUnusable" 409 "The specified node is unusable.";
    PoolExists = "PoolExists" 409 "The specified pool already exists.";
    JobExists = "JobExists" 409 "The specified job already exists.";
    JobScheduleExists = "JobScheduleExists" 409 "The specified job schedule already exists.";
    TaskExists = "TaskExists" 409 "The specified task already exists.";
    NodeUserExists = "NodeUserExists" 409 "The specified node user already exists.";
    JobBeingTerminated = "JobBeingTerminated" 409 "The specified job is being terminated.";
    JobBeingDeleted = "JobBeingDeleted" 409 "The specified job is being deleted.";
    JobDisabled = "JobDisabled" 409 "The specified job is disabled.";
    JobCompleted = "JobCompleted" 409 "The specified job is already in a completed state.";
    JobNotActive = "JobNotActive" 409 "The specified job is not active.";
    JobScheduleBeingTerminated = "JobScheduleBeingTerminated" 409 "The specified job schedule is being terminated.";
    JobScheduleBeingDeleted = "JobScheduleBeingDeleted" 409 "The specified job schedule is being deleted.";
    JobScheduleDisabled = "JobScheduleDisabled" 409 "The specified job schedule is disabled.";
    JobScheduleCompleted = "JobScheduleCompleted" 409 "The specified job schedule is already in a completed state.";
    TaskCompleted = "TaskCompleted" 409 "The specified task is already in a completed state.";
    TaskNotCompleted = "TaskNotCompleted" 409 "The specified task is not in a completed state.";
    TaskSucceeded = "TaskSucceeded" 409 "The specified task has completed successfully.";
    TaskFilesUnavailable = "TaskFilesUnavailable" 409 "The task files are unavailable because the node that ran the task is gone.";
    TaskFilesCleanedup = "TaskFilesCleanedup" 409 "The task files have been cleaned up from the node.";
    ActiveJobAndScheduleQuotaReached = "ActiveJobAndScheduleQuotaReached" 409 "The active job and job schedule quota of the account has been reached.";
    PoolQuotaReached = "PoolQuotaReached" 409 "The pool quota of the account has been reached.";
    JobPreparationTaskNotSpecified = "JobPreparationTaskNotSpecified" 409 "The job has no job preparation task.";
    JobReleaseTaskNotSpecified = "JobReleaseTaskNotSpecified" 409 "The job has no job release task.";
    TaskIdSameAsJobPreparationTask = "TaskIdSameAsJobPreparationTask" 409 "The task has the id of the job preparation task.";
    TaskIdSameAsJobReleaseTask = "TaskIdSameAsJobReleaseTask" 409 "The task has the id of the job release task.";
    JobWithSameIdExists = "JobWithSameIdExists" 409 "A job with the same id exists.";
    JobScheduleWithSameIdExists = "JobScheduleWithSameIdExists" 409 "A job schedule with the same id exists.";
    NodeAlreadyInTargetSchedulingState = "NodeAlreadyInTargetSchedulingState" 409 "The specified node is already in the target scheduling state.";
    OperationNotValidOnNode = "OperationNotValidOnNode" 409 "The specified operation is not valid on the node.";
    OperationNotValidOnPool = "OperationNotValidOnPool" 409 "The specified operation is not valid on the pool.";
    InvalidApplicationPackageReferences = "InvalidApplicationPackageReferences" 409 "One or more application package references could not be satisfied.";
    TooManyRequests = "TooManyRequests" 429 "Request failed as server encountered too many requests. Please try again.";
    InternalError = "InternalError" 500 "Server encountered an internal error. Please try again after some time.";
    OperationTimedOut = "OperationTimedOut" 500 "Operation could not be completed within the permissible time. Please try again after some time.";
    ServerBusy = "ServerBusy" 503 "The server is currently unable to receive requests. Please try again after some time.";
    TooManyEnableAutoScaleRequests = "TooManyEnableAutoScaleRequests" 503 "Autoscale may be enabled on a pool once in 30 seconds.";
    NotImplemented = "NotImplemented" 501 "The local service does not support this.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal before it becomes an answer: a code and the details that make it useful.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {}", .code.message())]
pub struct Refusal {
    pub code: Code,
    /// Key and value, as in `values` of the body.
    pub values: Vec<(String, String)>,
}

impl Refusal {
    pub fn new(code: Code) -> Self {
        Self {
            code,
            values: Vec::new(),
        }
    }

    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.values.push((key.to_owned(), value.into()));
        self
    }

    /// A property whose value is not allowed.
    pub fn property(name: &str, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(Code::InvalidPropertyValue)
            .with("PropertyName", name)
            .with("PropertyValue", value)
            .with("Reason", reason)
    }

    /// The body as the service sends it.
    pub fn body(&self, request_id: &str, time: crate::wire::time::Time) -> ErrorBody {
        ErrorBody {
            code: Some(self.code.as_str().to_owned()),
            message: Some(ErrorMessage {
                lang: Some("en-US".to_owned()),
                value: Some(format!(
                    "{}\nRequestId:{request_id}\nTime:{}",
                    self.code.message(),
                    time.to_seven_digits()
                )),
            }),
            values: self
                .values
                .iter()
                .map(|(key, value)| ErrorDetail {
                    key: Some(key.clone()),
                    value: Some(value.clone()),
                })
                .collect(),
        }
    }
}

/// The property that a code is about, where the answer names none.
pub fn property_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "AutoScalingFormulaSyntaxError"
        | "AutoScaleFormulaTooLong"
        | "InvalidAutoScalingSettings" => "autoScaleFormula",
        "OutOfRangePriority" => "priority",
        "InvalidConstraintValue" => "constraints",
        "NodeAgentSKUNotFound" => "virtualMachineConfiguration.nodeAgentSKUId",
        "InvalidApplicationPackageReferences" => "applicationPackageReferences",
        "TaskDependencyListTooLong" | "TaskDependencyRangesTooLong" => "dependsOn",
        "AccountCoreQuotaReached" => "targetDedicatedNodes",
        "AccountLowPriorityCoreQuotaReached" => "targetLowPriorityNodes",
        "UnsupportedVMSize" | "AccountVMSeriesCoreQuotaReached" => "vmSize",
        _ => return None,
    })
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}
