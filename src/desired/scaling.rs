//! Nodes that are there while there is work: the autoscale formula that stands in for a fixed number of nodes, so
//! that a pool whose apply is gone does not cost money for ever.

use crate::wire::batch::pool::{PoolCreate, PoolEnableAutoScale};
use crate::wire::time::{Duration, Time};

/// Nodes go when nothing was to be done for so long.
pub const IDLE_MINUTES: i64 = 10;
/// After a call nodes stay this long without work: until the first tasks are added and measured, and whatever the
/// clocks here and there differ by, which is 15 minutes at most.
pub const CALL_MINUTES: i64 = 20;
/// The shortest that Azure allows.
pub const EVALUATION_MINUTES: i64 = 5;

/// How many nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub dedicated: i32,
    pub low_priority: i32,
}

impl Size {
    /// The size that a pool is asked for.
    pub fn of(pool: &PoolCreate) -> Self {
        Self {
            dedicated: pool.target_dedicated_nodes.unwrap_or(0),
            low_priority: pool.target_low_priority_nodes.unwrap_or(0),
        }
    }

    /// This many nodes while tasks are pending and for a while after `called`, else none. Without samples the formula
    /// falls to none rather than keep nodes that nobody watches; running tasks end first.
    pub fn formula(self, called: Time) -> String {
        let Self {
            dedicated,
            low_priority,
        } = self;
        let called = called.whole_seconds();
        format!(
            r#"dedicated = {dedicated};
low_priority = {low_priority};
called = time("{called}");
idle = TimeInterval_Minute * {IDLE_MINUTES};
pending = $PendingTasks.GetSamplePercent(idle) > 0 ? max($PendingTasks.GetSample(idle)) : 0;
wanted = time() < called + TimeInterval_Minute * {CALL_MINUTES} || pending > 0;
$TargetDedicatedNodes = wanted ? dedicated : 0;
$TargetLowPriorityNodes = wanted ? low_priority : 0;
$NodeDeallocationOption = taskcompletion;
"#
        )
    }

    /// The size in a formula of [`Size::formula`], whenever it was called; None for any other formula.
    pub fn in_formula(formula: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = formula.lines().find_map(|l| l.strip_prefix(name))?;
            line.strip_prefix(" = ")?.strip_suffix(';')
        };
        let size = Self {
            dedicated: value("dedicated")?.parse().ok()?,
            low_priority: value("low_priority")?.parse().ok()?,
        };
        let called = value("called")?.strip_prefix("time(\"")?;
        let called: Time = called.strip_suffix("\")")?.parse().ok()?;
        (size.formula(called).trim() == formula.trim()).then_some(size)
    }

    /// Lets the formula size a new pool.
    pub fn put_into(self, pool: &mut PoolCreate, now: Time) {
        let call = self.call(now);
        pool.target_dedicated_nodes = None;
        pool.target_low_priority_nodes = None;
        pool.enable_auto_scale = Some(true);
        pool.auto_scale_formula = call.auto_scale_formula;
        pool.auto_scale_evaluation_interval = call.auto_scale_evaluation_interval;
    }

    /// What lets the formula size a pool from now on.
    pub fn call(self, now: Time) -> PoolEnableAutoScale {
        PoolEnableAutoScale {
            auto_scale_formula: Some(self.formula(now)),
            auto_scale_evaluation_interval: Some(Duration::from_secs(EVALUATION_MINUTES * 60)),
        }
    }
}
