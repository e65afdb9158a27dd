//! What can be asked of the core and what it answers: values, already checked for shape but not for sense.

use super::effect::NodeRef;
pub(in crate::service) use super::power::Power;
use crate::wire::batch::error::Refusal;
use crate::wire::batch::job::{
    DisableTasks, Job, JobCreate, JobPreparationAndReleaseTaskStatus, JobUpdate,
};
use crate::wire::batch::job_schedule::{JobSchedule, JobScheduleCreate, JobScheduleUpdate};
use crate::wire::batch::machine::SupportedImage;
use crate::wire::batch::node::{
    Node, NodeDisableSchedulingOption, NodeRemove, NodeUserCreate, NodeUserReplace,
    UploadBatchServiceLogs, UploadBatchServiceLogsResult,
};
use crate::wire::batch::pool::{
    AutoScaleRun, NodeDeallocationOption, Pool, PoolCreate, PoolEnableAutoScale,
    PoolEvaluateAutoScale, PoolNodeCounts, PoolReplace, PoolResize, PoolUpdate,
};
use crate::wire::batch::task::{Subtask, Task, TaskConstraints, TaskCountsResult, TaskCreate};
use crate::wire::filter::Filter;
use crate::wire::page::Page;
use crate::wire::precondition::Preconditions;
use crate::wire::time::Time;

/// Properties of a task that do not come from the body it was added with.
pub(in crate::service) const TASK_STATE: [&str; 11] = [
    "creationTime",
    "eTag",
    "executionInfo",
    "id",
    "lastModified",
    "nodeInfo",
    "previousState",
    "previousStateTransitionTime",
    "state",
    "stateTransitionTime",
    "url",
];

/// Which part of a list.
#[derive(Debug, Clone)]
pub(in crate::service) struct List {
    pub(in crate::service) filter: Option<Filter>,
    /// Key of the last item already seen.
    pub(in crate::service) after: Option<String>,
    pub(in crate::service) max: usize,
    /// Nothing is wanted of tasks but [`TASK_STATE`].
    pub(in crate::service) without_bodies: bool,
}

/// A request to the Batch service.
#[derive(Debug, Clone)]
pub(in crate::service) struct BatchCommand {
    pub(in crate::service) conditions: Preconditions,
    pub(in crate::service) request: Request,
}

#[derive(Debug, Clone)]
pub(in crate::service) enum Request {
    SupportedImages(List),
    NodeCounts(List),
    UsageMetrics(UsageMetrics),
    Applications,
    Application(String),
    CreatePool(Box<PoolCreate>),
    Pools(List),
    Pool(String, PoolRequest),
    CreateJob(Box<JobCreate>),
    Jobs(List),
    Job(String, JobRequest),
    CreateJobSchedule(Box<JobScheduleCreate>),
    JobSchedules(List),
    JobSchedule(String, JobScheduleRequest),
}

/// When usage metrics are wanted for.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct UsageMetrics {
    pub(in crate::service) start: Option<Time>,
    pub(in crate::service) end: Option<Time>,
}

/// A request about one pool.
#[derive(Debug, Clone)]
pub(in crate::service) enum PoolRequest {
    Get,
    Update(Box<PoolUpdate>),
    Replace(Box<PoolReplace>),
    Resize(PoolResize),
    StopResize,
    Delete,
    Nodes(List),
    Node(String),
    /// Where the files of a node are.
    NodeDirectory(String),
    RemoveNodes(NodeRemove),
    EnableAutoScale(PoolEnableAutoScale),
    DisableAutoScale,
    EvaluateAutoScale(PoolEvaluateAutoScale),
    /// To do something about one node.
    OnNode(String, NodeRequest),
}

/// Something to be done about one node.
#[derive(Debug, Clone)]
pub(in crate::service) enum NodeRequest {
    Power(Power, NodeDeallocationOption),
    Start,
    DisableScheduling(NodeDisableSchedulingOption),
    EnableScheduling,
    CreateUser(Box<NodeUserCreate>),
    ReplaceUser(String, Box<NodeUserReplace>),
    DeleteUser(String),
    /// Whether it can be logged in to.
    RemoteLogin,
    UploadLogs(Box<UploadBatchServiceLogs>),
    Extensions,
    Extension(String),
}

/// A request about one job.
#[derive(Debug, Clone)]
pub(in crate::service) enum JobRequest {
    Get,
    Update(Box<JobUpdate>),
    Replace(Box<JobUpdate>),
    Disable(DisableTasks),
    Enable,
    Terminate(Option<String>),
    Delete,
    TaskCounts,
    /// How preparation and release went, node by node.
    Preparations(List),
    AddTask(Box<TaskCreate>),
    AddTasks(Vec<TaskCreate>),
    Tasks(List),
    Task(String, TaskRequest),
}

/// A request about one job schedule.
#[derive(Debug, Clone)]
pub(in crate::service) enum JobScheduleRequest {
    Get,
    Update(Box<JobScheduleUpdate>),
    Replace(Box<JobScheduleUpdate>),
    Disable,
    Enable,
    Terminate,
    Delete,
    /// The jobs it made.
    Jobs(List),
}

/// A request about one task.
#[derive(Debug, Clone)]
pub(in crate::service) enum TaskRequest {
    Get,
    Replace(Option<TaskConstraints>),
    Terminate,
    Reactivate,
    Delete,
    /// What a multi-instance task runs on its other nodes.
    Subtasks,
    /// Where the files of a task are.
    Directory,
}

/// What the core answers.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum Reply {
    /// Done; the resource is gone or has no ETag.
    Done,
    /// Done; when the resource was last modified.
    Changed(Time),
    /// The caller's copy is still good.
    NotModified(Time),
    Pool(Box<Pool>),
    Pools(Page<Pool>),
    NodeCounts(Page<PoolNodeCounts>),
    Images(Page<SupportedImage>),
    /// Nothing was used that anybody pays for.
    NoUsage,
    NoApplications,
    AutoScaleRun(Box<AutoScaleRun>),
    Node(Box<Node>),
    Nodes(Page<Node>),
    Job(Box<Job>),
    Jobs(Page<Job>),
    JobSchedule(Box<JobSchedule>),
    JobSchedules(Page<JobSchedule>),
    Preparations(Page<JobPreparationAndReleaseTaskStatus>),
    TaskCounts(TaskCountsResult),
    Task(Box<Task>),
    Tasks(Page<Task>),
    Subtasks(Vec<Subtask>),
    /// Each task of a collection with when it was added or why not.
    Added(Vec<(String, Result<Time, Refusal>)>),
    NodeDirectory(NodeRef),
    /// The node is up; where one logs in to it is not the core's to know.
    RemoteLogin,
    LogsUploading(UploadBatchServiceLogsResult),
    /// A node has no extensions here.
    NoExtensions,
    TaskDirectory {
        node: NodeRef,
        job: String,
        task: String,
    },
}

pub(in crate::service) type Answer = Result<Reply, Refusal>;
