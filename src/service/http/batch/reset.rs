//! `POST /_batchflow/reset`: everything is deleted and what runs is killed. Not part of Azure Batch: test suites
//! begin with it. Signed like any other request.

use std::time::Duration;

use tokio::time::sleep;

use crate::clock;
use crate::ids::ContainerName;
use crate::service::core::command::{
    BatchCommand, JobRequest, JobScheduleRequest, List, PoolRequest, Reply, Request,
};
use crate::service::core::storage::{BlobCommand, BlobReply, Page};
use crate::service::driver::DriverHandle;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::precondition::Preconditions;

pub(super) const PATH: &str = "/_batchflow/reset";

/// How long the last task may take to die.
const LONGEST: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Deletes schedules, jobs, pools and containers as any client would, and answers when they are gone.
pub(super) async fn reset(driver: &DriverHandle) -> Result<(), Refusal> {
    let begin = clock::monotonic();
    while !delete_all(driver).await? {
        if begin.elapsed() > LONGEST {
            return Err(Code::OperationTimedOut.into());
        }
        sleep(PAUSE).await;
    }
    // Last: nothing uploads any longer.
    delete_containers(driver).await
}

/// Whether there was nothing left.
async fn delete_all(driver: &DriverHandle) -> Result<bool, Refusal> {
    let first = || List {
        filter: None,
        after: None,
        max: 1000,
        without_bodies: false,
    };
    let mut requests = Vec::new();
    // First: a schedule makes jobs.
    if let Reply::JobSchedules(page) = ask(driver, Request::JobSchedules(first())).await? {
        let delete = |id: String| Request::JobSchedule(id, JobScheduleRequest::Delete);
        requests.extend(page.value.into_iter().map(|schedule| delete(schedule.id)));
    }
    if let Reply::Jobs(page) = ask(driver, Request::Jobs(first())).await? {
        let delete = |job: String| Request::Job(job, JobRequest::Delete);
        requests.extend(page.value.into_iter().map(|job| delete(job.id)));
    }
    if let Reply::Pools(page) = ask(driver, Request::Pools(first())).await? {
        let delete = |pool: String| Request::Pool(pool, PoolRequest::Delete);
        requests.extend(page.value.into_iter().map(|pool| delete(pool.id)));
    }
    let none = requests.is_empty();
    for request in requests {
        match ask(driver, request).await {
            // On its way out, or gone meanwhile.
            Err(refusal) if matches!(refusal.code.status(), 404 | 409) => {}
            other => drop(other?),
        }
    }
    Ok(none)
}

async fn ask(driver: &DriverHandle, request: Request) -> Result<Reply, Refusal> {
    let conditions = Preconditions::default();
    let command = BatchCommand {
        conditions,
        request,
    };
    driver.batch(command).await.map_err(stopped)?
}

async fn delete_containers(driver: &DriverHandle) -> Result<(), Refusal> {
    let page = Page {
        prefix: String::new(),
        from: None,
        max_results: usize::MAX,
    };
    let list = BlobCommand::ListContainers { page };
    let Ok(BlobReply::Containers(page)) = driver.ask_blob(list).await.map_err(stopped)? else {
        return Err(Code::InternalError.into());
    };
    for (name, _) in page.containers {
        let Ok(container) = ContainerName::new(name.as_str()) else {
            continue;
        };
        let delete = BlobCommand::DeleteContainer {
            container,
            conditions: Default::default(),
        };
        if let Err(refused) = driver.ask_blob(delete).await.map_err(stopped)? {
            return Err(Refusal::new(Code::OperationInvalidForCurrentState)
                .with("Reason", format!("container {name}: {refused}")));
        }
    }
    Ok(())
}

fn stopped(stopped: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::InternalError).with("Reason", stopped.to_string())
}
