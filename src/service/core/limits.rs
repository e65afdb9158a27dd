//! Limits, quotas and defaults of the local service. Those of Azure carry their source; the quotas are ours.

use crate::wire::time::Duration;

/// Nodes of all pools together (ours: each is a directory and a few processes of this machine).
pub(super) const MAX_NODES: usize = 100;
/// Pools of an account (Azure: at most 500).
pub(super) const MAX_POOLS: usize = 500;
/// Active jobs of an account (Azure: at most 1000).
pub(super) const MAX_ACTIVE_JOBS: usize = 1000;

/// Characters of the prefix of an auto pool's id.
pub(super) const MAX_AUTO_POOL_PREFIX: usize = 20;

/// Tasks in one request to add them.
pub(super) const MAX_TASKS_PER_REQUEST: usize = 100;
/// Characters of all ids a task depends on together.
pub(super) const MAX_DEPENDENCY_CHARACTERS: usize = 64_000;
/// Ranges of ids a task depends on (ours: Azure publishes none).
pub(super) const MAX_DEPENDENCY_RANGES: usize = 1000;
/// Slots of a node; Azure also says four for each core, which we do not know.
pub(super) const MAX_TASK_SLOTS: i32 = 256;
/// Bytes of a command line [mem].
pub(super) const MAX_COMMAND_LINE: usize = 32 * 1024;
pub(super) const MAX_DISPLAY_NAME: usize = 1024;
pub(super) const PRIORITIES: std::ops::RangeInclusive<i32> = -1000..=1000;
pub(super) const MIN_RESIZE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A job release task runs no longer.
pub(super) const MAX_RELEASE_TIME: Duration = Duration::from_secs(15 * 60);

/// Of a schedule: between jobs, and to begin one.
pub(super) const MIN_RECURRENCE: Duration = Duration::from_secs(60);

pub(super) const DEFAULT_RESIZE_TIMEOUT: Duration = Duration::from_secs(15 * 60);
pub(super) const DEFAULT_RETENTION: Duration = Duration::from_days(7);

pub(super) const MAX_APPLICATION_PACKAGES: usize = 10;
/// Security rules of all opened ports of a pool together.
pub(super) const MAX_PORT_RULES: usize = 25;
pub(super) const PORT_RULE_PRIORITIES: std::ops::RangeInclusive<i32> = 150..=4096;
/// Ports of a node that the service keeps for itself.
pub(super) const RESERVED_PORTS: [i32; 2] = [29876, 29877];
pub(super) const FRONTEND_PORTS: std::ops::RangeInclusive<i32> = 1..=65534;
/// Frontend ports that the service keeps for itself.
pub(super) const RESERVED_FRONTEND_PORTS: std::ops::RangeInclusive<i32> = 50000..=55000;
pub(super) const MIN_FRONTEND_PORTS: i32 = 40;
/// How often an autoscale formula may be evaluated.
pub(super) const AUTOSCALE_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(5 * 60)..=Duration::from_days(7);
pub(super) const DEFAULT_AUTOSCALE_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// What must lie between two requests to enable autoscale on a pool.
pub(super) const AUTOSCALE_PAUSE: Duration = Duration::from_secs(30);
/// Nodes in one request to remove them.
pub(super) const MAX_REMOVED_NODES: usize = 100;
/// Characters of the name of a user of a node.
pub(super) const MAX_USER_NAME: usize = 20;
/// How long a user of a node lives by default.
pub(super) const USER_LIFETIME: Duration = Duration::from_days(1);

/// How many tasks a node remembers in `recentTasks` (ours).
pub(super) const RECENT_TASKS: usize = 10;
