//! Why tasks do not run: read off what was observed. Pure; words and advice for each are in `report`.

use std::collections::BTreeMap;

use super::standing::{FailedPreparation, Standing};
use super::state::{LiveTask, owner};
use crate::desired::Desired;
use crate::wire::batch::command::NameValuePair;
use crate::wire::batch::exit::Ending;
use crate::wire::batch::job::{Job, JobState};
use crate::wire::batch::job_schedule::{JobSchedule, JobScheduleState};
use crate::wire::batch::node::{Node, NodeState, SchedulingState};
use crate::wire::batch::pool::{AllocationState, Pool, PoolState};
use crate::wire::batch::task::{Task, TaskState};
use crate::wire::time::Time;

/// Something that keeps tasks from running.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    NoJob,
    /// The job or the pool of that name was made by another manifest.
    Foreign {
        what: &'static str,
        id: String,
        owner: String,
    },
    NoSchedule,
    /// The schedule makes its next job then.
    WaitsForSchedule {
        next: Option<Time>,
    },
    ScheduleIs(JobScheduleState),
    /// Disabled, being ended, or being deleted.
    JobIs(JobState),
    JobCompleted {
        reason: Option<String>,
    },
    /// The service could not start it.
    JobRefused {
        code: Option<String>,
        message: Option<String>,
    },
    NoPool {
        pool: String,
    },
    PoolDeleting {
        pool: String,
    },
    ResizeError {
        code: Option<String>,
        message: Option<String>,
    },
    FormulaError {
        message: String,
    },
    /// Nobody asked for nodes.
    NoNodesWanted {
        by_formula: bool,
    },
    NodesAreComing {
        current: i32,
        target: i32,
    },
    /// Nodes in a state in which they will be useful later.
    NodesGetReady {
        state: NodeState,
        nodes: usize,
    },
    StartTaskFailed {
        nodes: Vec<String>,
        exit_code: Option<i32>,
        message: Option<String>,
        stderr_tail: Option<String>,
    },
    /// Nodes in a state in which they do not work.
    NodesAreLost {
        state: NodeState,
        nodes: Vec<String>,
        message: Option<String>,
    },
    /// Somebody told these nodes to take no tasks.
    SchedulingDisabled {
        nodes: Vec<String>,
    },
    PreparationFailed(FailedPreparation),
    SlotsFull {
        used: i32,
        slots: i32,
        nodes: usize,
    },
    MaxParallelTasks {
        limit: i32,
    },
    /// Jobs with a higher priority have work on the same pool.
    LowPriority {
        ahead: Vec<String>,
    },
    NoTask {
        task: String,
    },
    /// A task it depends on failed: it never runs.
    BlockedBy {
        task: String,
        exit_code: Option<i32>,
    },
    /// Tasks it depends on are not done yet.
    WaitsFor {
        tasks: Vec<String>,
    },
    /// Tasks it depends on do not exist.
    DependsOnNothing {
        tasks: Vec<String>,
    },
    NeedsMoreSlots {
        required: i32,
        per_node: i32,
    },
    NeedsMoreNodes {
        required: i32,
        nodes: usize,
    },
    /// It waits to be tried again.
    Retries {
        retries: i32,
        exit_code: Option<i32>,
    },
    Runs {
        node: Option<String>,
        since: Time,
    },
    /// Its input files are fetched.
    Prepares {
        node: Option<String>,
        since: Time,
    },
    Succeeded,
    Failed,
    /// Nothing is in its way.
    ItsTurn {
        active: i32,
    },
}

impl Reason {
    /// Whether it goes away only when somebody does something.
    pub fn is_trouble(&self) -> bool {
        !matches!(
            self,
            Self::WaitsForSchedule { .. }
                | Self::NodesAreComing { .. }
                | Self::NodesGetReady { .. }
                | Self::SlotsFull { .. }
                | Self::MaxParallelTasks { .. }
                | Self::LowPriority { .. }
                | Self::WaitsFor { .. }
                | Self::Retries { .. }
                | Self::Runs { .. }
                | Self::Prepares { .. }
                | Self::Succeeded
                | Self::ItsTurn { .. }
                | Self::JobIs(JobState::Enabling)
                | Self::JobCompleted { .. }
                | Self::NoJob
        )
    }
}

/// What keeps all tasks of the manifest, from the job down to the nodes.
pub fn reasons(desired: &Desired, standing: &Standing) -> Vec<Reason> {
    let mut found = Vec::new();
    match &standing.job {
        Some(job) => of_job(desired, job, &mut found),
        None if desired.job.schedule.is_some() => {
            found.push(of_schedule(standing.schedule.as_ref()));
        }
        None => found.push(Reason::NoJob),
    }
    let is_over = |job: &Job| job.state == JobState::Completed;
    if standing.job.as_ref().is_some_and(is_over) {
        return found;
    }
    match &standing.pool {
        Some(pool) => of_pool(desired, pool, standing, &mut found),
        None if standing.job.is_some() => found.push(Reason::NoPool {
            pool: desired.pool.id.to_string(),
        }),
        None => {}
    }
    found.extend(standing.preparation.clone().map(Reason::PreparationFailed));
    if let (Some(job), Some(counts)) = (&standing.job, &standing.counts) {
        let limit = job.max_parallel_tasks.filter(|limit| *limit > 0);
        if let Some(limit) = limit.filter(|limit| counts.task_counts.running >= *limit) {
            found.push(Reason::MaxParallelTasks { limit });
        }
    }
    if !standing.ahead.is_empty() {
        found.push(Reason::LowPriority {
            ahead: standing.ahead.clone(),
        });
    }
    found
}

fn of_job(desired: &Desired, job: &Job, found: &mut Vec<Reason>) {
    found.extend(foreign("job", &job.id, owner(&job.metadata), desired));
    let info = job.execution_info.as_ref();
    if let Some(error) = info.and_then(|i| i.scheduling_error.as_ref()) {
        found.push(Reason::JobRefused {
            code: error.code.clone(),
            message: text(error.message.as_deref(), &error.details),
        });
    }
    match job.state {
        JobState::Active | JobState::Unrecognized => {}
        JobState::Completed => found.push(Reason::JobCompleted {
            reason: info.and_then(|i| i.terminate_reason.clone()),
        }),
        state => found.push(Reason::JobIs(state)),
    }
}

fn foreign(what: &'static str, id: &str, owner: Option<&str>, desired: &Desired) -> Option<Reason> {
    let owner = owner.filter(|owner| *owner != desired.name)?;
    Some(Reason::Foreign {
        what,
        id: id.to_owned(),
        owner: owner.to_owned(),
    })
}

fn of_schedule(schedule: Option<&JobSchedule>) -> Reason {
    match schedule {
        None => Reason::NoSchedule,
        Some(schedule) if schedule.state == JobScheduleState::Active => Reason::WaitsForSchedule {
            next: schedule.execution_info.next_run_time,
        },
        Some(schedule) => Reason::ScheduleIs(schedule.state),
    }
}

fn of_pool(desired: &Desired, pool: &Pool, standing: &Standing, found: &mut Vec<Reason>) {
    found.extend(foreign("pool", &pool.id, owner(&pool.metadata), desired));
    if pool.state == PoolState::Deleting {
        found.push(Reason::PoolDeleting {
            pool: pool.id.clone(),
        });
        return;
    }
    for error in &pool.resize_errors {
        found.push(Reason::ResizeError {
            code: error.code.clone(),
            message: text(error.message.as_deref(), &error.values),
        });
    }
    let formula = pool.auto_scale_run.as_ref().and_then(|r| r.error.as_ref());
    if let Some(error) = formula {
        let message = text(error.message.as_deref(), &error.values);
        found.push(Reason::FormulaError {
            message: message.or(error.code.clone()).unwrap_or_default(),
        });
    }
    let target =
        pool.target_dedicated_nodes.unwrap_or(0) + pool.target_low_priority_nodes.unwrap_or(0);
    let current = pool.current_dedicated_nodes + pool.current_low_priority_nodes;
    let is_steady = pool.allocation_state == Some(AllocationState::Steady);
    if is_steady && target == 0 && standing.nodes.is_empty() {
        found.push(Reason::NoNodesWanted {
            by_formula: pool.enable_auto_scale == Some(true),
        });
    }
    if !is_steady && current < target {
        found.push(Reason::NodesAreComing { current, target });
    }
    of_nodes(pool, standing, found);
}

fn of_nodes(pool: &Pool, standing: &Standing, found: &mut Vec<Reason>) {
    let mut by_state: BTreeMap<NodeState, Vec<&Node>> = BTreeMap::new();
    for node in &standing.nodes {
        by_state.entry(node.state).or_default().push(node);
    }
    for (state, nodes) in by_state {
        let ids = || nodes.iter().map(|n| n.id.clone()).collect::<Vec<_>>();
        match state {
            NodeState::Idle | NodeState::Running => {}
            NodeState::StartTaskFailed => {
                let info = nodes.iter().find_map(|n| n.start_task_info.as_ref());
                let failure = info.and_then(|i| i.failure_info.as_ref());
                found.push(Reason::StartTaskFailed {
                    nodes: ids(),
                    exit_code: info.and_then(|i| i.exit_code),
                    // An exit code says it better.
                    message: failure
                        .filter(|_| info.is_some_and(|i| i.exit_code.is_none()))
                        .and_then(|f| text(f.message.as_deref(), &f.details)),
                    stderr_tail: standing.start_task_stderr.clone(),
                });
            }
            NodeState::Unusable
            | NodeState::Unknown
            | NodeState::Offline
            | NodeState::Preempted
            | NodeState::Deallocated
            | NodeState::Deallocating => {
                let error = nodes.iter().find_map(|n| n.errors.first());
                found.push(Reason::NodesAreLost {
                    state,
                    nodes: ids(),
                    message: error.and_then(|e| text(e.message.as_deref(), &e.error_details)),
                });
            }
            NodeState::LeavingPool | NodeState::Unrecognized => {}
            state => found.push(Reason::NodesGetReady {
                state,
                nodes: nodes.len(),
            }),
        }
    }
    let is_shut = |n: &&Node| n.scheduling_state == Some(SchedulingState::Disabled);
    let shut: Vec<String> = standing
        .nodes
        .iter()
        .filter(is_shut)
        .map(|n| n.id.clone())
        .collect();
    if !shut.is_empty() {
        found.push(Reason::SchedulingDisabled { nodes: shut });
    }
    let usable = usable(standing);
    let used: i32 = usable
        .iter()
        .map(|n| n.running_task_slots_count.unwrap_or(0))
        .sum();
    let slots = pool.task_slots_per_node.unwrap_or(1) * i32::try_from(usable.len()).unwrap_or(0);
    if slots > 0 && used >= slots {
        found.push(Reason::SlotsFull {
            used,
            slots,
            nodes: usable.len(),
        });
    }
}

fn usable(standing: &Standing) -> Vec<&Node> {
    let is_usable = |n: &&Node| {
        matches!(n.state, NodeState::Idle | NodeState::Running)
            && n.scheduling_state != Some(SchedulingState::Disabled)
    };
    standing.nodes.iter().filter(is_usable).collect()
}

/// A task that was asked for, with what it waits for.
#[derive(Debug, Clone)]
pub struct TaskStanding {
    pub task: Task,
    pub upstream: Vec<Upstream>,
}

/// A task that another depends on and that is not done well.
#[derive(Debug, Clone, PartialEq)]
pub enum Upstream {
    Missing(String),
    Unfinished(String),
    /// It failed in a way that does not satisfy those after it.
    Failed(Box<LiveTask>),
}

impl Upstream {
    /// What a completed task means for those after it; None when they may run.
    pub fn of(task: &Task) -> Option<Self> {
        let live = LiveTask::of(task);
        if !live.is_completed() {
            return Some(Self::Unfinished(live.id));
        }
        let info = task.execution_info.as_ref()?;
        let satisfies = Ending::of(info).satisfies(task.exit_conditions.as_deref());
        (!satisfies).then(|| Self::Failed(Box::new(live)))
    }
}

/// What keeps one task: what it has of its own, then what all have.
pub fn reasons_of_task(desired: &Desired, standing: &Standing, one: &TaskStanding) -> Vec<Reason> {
    let task = &one.task;
    let info = task.execution_info.as_ref();
    let node = task.node_info.as_ref().and_then(|n| n.node_id.clone());
    let since = task.state_transition_time;
    match task.state {
        TaskState::Running => return vec![Reason::Runs { node, since }],
        TaskState::Preparing => return vec![Reason::Prepares { node, since }],
        TaskState::Completed => {
            let success = info.is_some_and(|i| Ending::of(i).is_success());
            return vec![if success {
                Reason::Succeeded
            } else {
                Reason::Failed
            }];
        }
        TaskState::Active | TaskState::Unrecognized => {}
    }
    let mut found = own_reasons(standing, one);
    found.extend(reasons(desired, standing));
    if let Some(info) = info.filter(|i| i.retry_count > 0) {
        found.push(Reason::Retries {
            retries: info.retry_count,
            exit_code: info.exit_code,
        });
    }
    if found.is_empty() {
        let counts = standing.counts.as_ref();
        found.push(Reason::ItsTurn {
            active: counts.map_or(0, |c| c.task_counts.active),
        });
    }
    found
}

/// What keeps a waiting task and perhaps no other.
pub fn own_reasons(standing: &Standing, one: &TaskStanding) -> Vec<Reason> {
    let task = &one.task;
    let mut found = upstream(&one.upstream);
    let per_node = standing.pool.as_ref().and_then(|p| p.task_slots_per_node);
    let (required, per_node) = (task.required_slots.unwrap_or(1), per_node.unwrap_or(1));
    if standing.pool.is_some() && required > per_node {
        found.push(Reason::NeedsMoreSlots { required, per_node });
    }
    let instances = task.multi_instance_settings.as_ref();
    let instances = instances.and_then(|m| m.number_of_instances).unwrap_or(1);
    let nodes = usable(standing).len();
    if instances > 1 && usize::try_from(instances).is_ok_and(|needs| needs > nodes) {
        found.push(Reason::NeedsMoreNodes {
            required: instances,
            nodes,
        });
    }
    found
}

fn upstream(all: &[Upstream]) -> Vec<Reason> {
    let (mut found, mut missing, mut unfinished) = (Vec::new(), Vec::new(), Vec::new());
    for one in all {
        match one {
            Upstream::Missing(id) => missing.push(id.clone()),
            Upstream::Unfinished(id) => unfinished.push(id.clone()),
            Upstream::Failed(task) => found.push(Reason::BlockedBy {
                task: task.id.clone(),
                exit_code: task.exit_code(),
            }),
        }
    }
    if !missing.is_empty() {
        found.push(Reason::DependsOnNothing { tasks: missing });
    }
    if !unfinished.is_empty() {
        found.push(Reason::WaitsFor { tasks: unfinished });
    }
    found
}

/// A message of the service with its details.
fn text(message: Option<&str>, details: &[NameValuePair]) -> Option<String> {
    let details = details.iter().filter_map(|d| d.value.as_deref());
    let mut all: Vec<&str> = message.into_iter().chain(details).map(str::trim).collect();
    all.dedup();
    (!all.is_empty()).then(|| all.join(": "))
}
