//! Requests to commands.

use super::body;
use super::node_request;
use super::query::Query;
use crate::service::core::command::{
    JobRequest, JobScheduleRequest, PoolRequest, Request, TaskRequest, UsageMetrics,
};
use crate::wire::batch::error::Refusal;
use crate::wire::batch::job::{JobDisable, JobTerminate};
use crate::wire::batch::operation::Operation;
use crate::wire::batch::task::{TaskCollection, TaskConstraints};
use crate::wire::filter::lists;

/// The body of `PUT …/tasks/{taskId}`.
#[derive(Debug, Default, serde::Deserialize)]
struct TaskReplace {
    #[serde(default)]
    constraints: Option<TaskConstraints>,
}

/// What a request asks of the core. `parameters` are those of the path, in its order.
pub(super) fn read(
    operation: Operation,
    parameters: &[String],
    query: &Query,
    bytes: &[u8],
) -> Result<Request, Refusal> {
    use Operation as Op;
    let id = |at: usize| parameters.get(at).cloned().unwrap_or_default();
    let pool = |request| Ok(Request::Pool(id(0), request));
    let job = |request| Ok(Request::Job(id(0), request));
    let schedule = |request| Ok(Request::JobSchedule(id(0), request));
    let task = |request| {
        let request = JobRequest::Task(id(1), request);
        Ok(Request::Job(id(0), request))
    };
    match operation {
        Op::CreatePool => Ok(Request::CreatePool(Box::new(body::read(bytes)?))),
        Op::ListPools => Ok(Request::Pools(query.list(lists::POOLS)?)),
        Op::DeletePool => pool(PoolRequest::Delete),
        Op::PoolExists | Op::GetPool => pool(PoolRequest::Get),
        Op::UpdatePool => pool(PoolRequest::Update(Box::new(body::read(bytes)?))),
        Op::ResizePool => pool(PoolRequest::Resize(body::read(bytes)?)),
        Op::StopPoolResize => pool(PoolRequest::StopResize),
        Op::ReplacePoolProperties => pool(PoolRequest::Replace(Box::new(body::read(bytes)?))),
        Op::ListSupportedImages => Ok(Request::SupportedImages(
            query.list(lists::SUPPORTED_IMAGES)?,
        )),
        Op::ListPoolNodeCounts => Ok(Request::NodeCounts(query.list(lists::NODE_COUNTS)?)),
        Op::ListPoolUsageMetrics => {
            query.list(lists::NODE_COUNTS)?;
            let (start, end) = (query.time("startTime")?, query.time("endtime")?);
            Ok(Request::UsageMetrics(UsageMetrics { start, end }))
        }
        Op::ListApplications => {
            query.list(&[])?;
            Ok(Request::Applications)
        }
        Op::GetApplication => Ok(Request::Application(id(0))),
        Op::ListNodes => pool(PoolRequest::Nodes(query.list(lists::NODES)?)),
        Op::GetNode => pool(PoolRequest::Node(id(1))),
        Op::EnablePoolAutoScale => pool(PoolRequest::EnableAutoScale(body::read_optional(bytes)?)),
        Op::DisablePoolAutoScale => pool(PoolRequest::DisableAutoScale),
        Op::EvaluatePoolAutoScale => pool(PoolRequest::EvaluateAutoScale(body::read(bytes)?)),
        Op::RemoveNodes => pool(PoolRequest::RemoveNodes(body::read(bytes)?)),
        Op::RebootNode
        | Op::ReimageNode
        | Op::DeallocateNode
        | Op::StartNode
        | Op::DisableNodeScheduling
        | Op::EnableNodeScheduling
        | Op::CreateNodeUser
        | Op::ReplaceNodeUser
        | Op::DeleteNodeUser
        | Op::GetNodeRemoteLoginSettings
        | Op::UploadNodeLogs
        | Op::ListNodeExtensions
        | Op::GetNodeExtension => {
            let request = node_request::read(operation, id(2), bytes)?;
            pool(PoolRequest::OnNode(id(1), request))
        }
        Op::ListNodeFiles => {
            // Read again once the directory is known; what is wrong with it is said first.
            query.list(lists::FILES)?;
            pool(PoolRequest::NodeDirectory(id(1)))
        }
        Op::DownloadNodeFile | Op::GetNodeFileProperties | Op::DeleteNodeFile => {
            pool(PoolRequest::NodeDirectory(id(1)))
        }
        Op::CreateJob => Ok(Request::CreateJob(Box::new(body::read(bytes)?))),
        Op::ListJobs => Ok(Request::Jobs(query.list(lists::JOBS)?)),
        Op::DeleteJob => job(JobRequest::Delete),
        Op::GetJob => job(JobRequest::Get),
        Op::UpdateJob => job(JobRequest::Update(Box::new(body::read(bytes)?))),
        Op::ReplaceJob => job(JobRequest::Replace(Box::new(body::read(bytes)?))),
        Op::DisableJob => {
            let body: JobDisable = body::read(bytes)?;
            job(JobRequest::Disable(body.disable_tasks))
        }
        Op::EnableJob => job(JobRequest::Enable),
        Op::TerminateJob => {
            let body: JobTerminate = body::read_optional(bytes)?;
            job(JobRequest::Terminate(body.terminate_reason))
        }
        Op::ListJobPreparationAndReleaseTaskStatus => {
            job(JobRequest::Preparations(query.list(lists::PREPARATIONS)?))
        }
        Op::GetJobTaskCounts => job(JobRequest::TaskCounts),
        Op::CreateTask => job(JobRequest::AddTask(Box::new(body::read(bytes)?))),
        Op::CreateTaskCollection => {
            let body: TaskCollection = body::read(bytes)?;
            job(JobRequest::AddTasks(body.value))
        }
        Op::CreateJobSchedule => Ok(Request::CreateJobSchedule(Box::new(body::read(bytes)?))),
        Op::ListJobSchedules => Ok(Request::JobSchedules(query.list(lists::JOB_SCHEDULES)?)),
        Op::JobScheduleExists | Op::GetJobSchedule => schedule(JobScheduleRequest::Get),
        Op::UpdateJobSchedule => schedule(JobScheduleRequest::Update(Box::new(body::read(bytes)?))),
        Op::ReplaceJobSchedule => {
            schedule(JobScheduleRequest::Replace(Box::new(body::read(bytes)?)))
        }
        Op::DisableJobSchedule => schedule(JobScheduleRequest::Disable),
        Op::EnableJobSchedule => schedule(JobScheduleRequest::Enable),
        Op::TerminateJobSchedule => schedule(JobScheduleRequest::Terminate),
        Op::DeleteJobSchedule => schedule(JobScheduleRequest::Delete),
        Op::ListJobsFromSchedule => schedule(JobScheduleRequest::Jobs(query.list(lists::JOBS)?)),
        Op::ListTasks => job(JobRequest::Tasks(query.list(lists::TASKS)?)),
        Op::GetTask => task(TaskRequest::Get),
        Op::DeleteTask => task(TaskRequest::Delete),
        Op::ReplaceTask => {
            let body: TaskReplace = body::read_optional(bytes)?;
            task(TaskRequest::Replace(body.constraints))
        }
        Op::ListSubtasks => task(TaskRequest::Subtasks),
        Op::TerminateTask => task(TaskRequest::Terminate),
        Op::ReactivateTask => task(TaskRequest::Reactivate),
        Op::ListTaskFiles => {
            query.list(lists::FILES)?;
            task(TaskRequest::Directory)
        }
        Op::DownloadTaskFile | Op::GetTaskFileProperties | Op::DeleteTaskFile => {
            task(TaskRequest::Directory)
        }
    }
}
