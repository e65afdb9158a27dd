//! The filterable fields of each list.

use super::Operator;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Time,
    Integer,
    Boolean,
}

/// A field that a list can be filtered by.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub(super) kind: Kind,
    pub(super) operators: &'static [Operator],
    pub(super) startswith: bool,
}

const EQUALITY: &[Operator] = &[Operator::Eq, Operator::Ne];
const ORDER: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::Gt,
    Operator::Ge,
    Operator::Lt,
    Operator::Le,
];

const fn field(
    name: &'static str,
    kind: Kind,
    operators: &'static [Operator],
    startswith: bool,
) -> Field {
    Field {
        name,
        kind,
        operators,
        startswith,
    }
}

const fn id(name: &'static str) -> Field {
    field(name, Kind::Text, ORDER, true)
}

const fn text(name: &'static str) -> Field {
    field(name, Kind::Text, EQUALITY, false)
}

const fn time(name: &'static str) -> Field {
    field(name, Kind::Time, ORDER, false)
}

const fn integer(name: &'static str) -> Field {
    field(name, Kind::Integer, ORDER, false)
}

const fn boolean(name: &'static str) -> Field {
    field(name, Kind::Boolean, EQUALITY, false)
}

pub const POOLS: &[Field] = &[
    id("id"),
    text("state"),
    text("allocationState"),
    time("stateTransitionTime"),
    time("allocationStateTransitionTime"),
    time("creationTime"),
    time("lastModified"),
    boolean("enableAutoScale"),
    boolean("enableInterNodeCommunication"),
    text("vmSize"),
];
pub const JOBS: &[Field] = &[
    id("id"),
    text("state"),
    time("stateTransitionTime"),
    time("creationTime"),
    time("lastModified"),
    time("executionInfo/startTime"),
    time("executionInfo/endTime"),
    id("executionInfo/poolId"),
];
pub const JOB_SCHEDULES: &[Field] = &[
    id("id"),
    text("state"),
    time("stateTransitionTime"),
    time("creationTime"),
    time("lastModified"),
    time("executionInfo/endTime"),
    time("schedule/doNotRunUntil"),
    time("schedule/doNotRunAfter"),
];
/// Not in the REST reference [inf].
pub const PREPARATIONS: &[Field] = &[
    id("nodeId"),
    id("poolId"),
    text("jobPreparationTaskExecutionInfo/state"),
    integer("jobPreparationTaskExecutionInfo/exitCode"),
    text("jobPreparationTaskExecutionInfo/result"),
    time("jobPreparationTaskExecutionInfo/startTime"),
    time("jobPreparationTaskExecutionInfo/endTime"),
    text("jobReleaseTaskExecutionInfo/state"),
    integer("jobReleaseTaskExecutionInfo/exitCode"),
    text("jobReleaseTaskExecutionInfo/result"),
    time("jobReleaseTaskExecutionInfo/startTime"),
    time("jobReleaseTaskExecutionInfo/endTime"),
];
/// The REST reference says `lastModifiedTime` here; the property is `lastModified`.
pub const TASKS: &[Field] = &[
    id("id"),
    text("state"),
    time("stateTransitionTime"),
    time("creationTime"),
    time("lastModifiedTime"),
    time("lastModified"),
    time("executionInfo/startTime"),
    time("executionInfo/endTime"),
    integer("executionInfo/exitCode"),
    text("executionInfo/result"),
];
pub const NODES: &[Field] = &[
    id("id"),
    text("state"),
    time("stateTransitionTime"),
    time("lastBootTime"),
    time("allocationTime"),
    text("startTaskInfo/state"),
    text("startTaskInfo/result"),
    integer("startTaskInfo/exitCode"),
    time("startTaskInfo/startTime"),
    time("startTaskInfo/endTime"),
];
pub const NODE_COUNTS: &[Field] = &[field("poolId", Kind::Text, EQUALITY, false)];
pub const FILES: &[Field] = &[id("name")];
pub const SUPPORTED_IMAGES: &[Field] = &[
    text("osType"),
    text("verificationType"),
    text("nodeAgentSKUId"),
];
