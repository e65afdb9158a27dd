//! What a run can cost at most, whatever becomes of this process: what the service itself ends.

use std::time::Duration;

use serde::Serialize;

use crate::desired::{CALL_MINUTES, Desired, EVALUATION_MINUTES, IDLE_MINUTES, Prices, Size};
use crate::observed::{Observed, owner};
use crate::wire::batch::pool::PoolLifetimeOption;

/// The bound of the nodes' cost; deleting the pool at the end of a run comes before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBound {
    AtMost {
        nodes: i32,
        /// From the first to the last moment that there are nodes.
        time: Duration,
        node_hours: f64,
        price: Option<Price>,
    },
    /// Nothing ends it but the cleanup of an apply, or a person.
    Unbounded(Unbounded),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    pub amount: f64,
    pub currency: String,
}

/// Why there is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unbounded {
    /// `pool.keep_idle_nodes`.
    NodesStay,
    /// `pool.auto_scale_formula` says how many nodes there are.
    OwnFormula,
    /// `job.constraints.max_wall_clock_time = "unlimited"`.
    JobWithoutEnd,
    /// A schedule makes jobs again and again; each ends.
    Schedule,
    /// The pool was made by somebody else.
    ForeignPool,
}

impl CostBound {
    pub(super) fn new(desired: &Desired, observed: &Observed, adopts: bool) -> Self {
        let foreign = observed
            .pool
            .as_ref()
            .map(|live| owner(&live.metadata))
            .is_some_and(|mark| mark != Some(&desired.name) && !(mark.is_none() && adopts));
        if foreign {
            return Self::Unbounded(Unbounded::ForeignPool);
        }
        let pool = &desired.pool.template;
        let ends_with_job = desired.pool.auto == Some(PoolLifetimeOption::Job);
        let sized = (ends_with_job && pool.enable_auto_scale != Some(true)).then(|| Size::of(pool));
        let Some(size) = desired.pool.while_needed.or(sized) else {
            return Self::Unbounded(match pool.enable_auto_scale {
                Some(true) => Unbounded::OwnFormula,
                _ => Unbounded::NodesStay,
            });
        };
        if desired.job.schedule.is_some() {
            return Self::Unbounded(Unbounded::Schedule);
        }
        let constraints = desired.job.template.constraints.as_ref();
        match constraints.and_then(|c| c.max_wall_clock_time) {
            Some(limit) if !limit.is_infinite() => {
                Self::at_most(size, limit.to_std(), desired.prices.as_ref())
            }
            _ => Self::Unbounded(Unbounded::JobWithoutEnd),
        }
    }

    fn at_most(size: Size, limit: Duration, prices: Option<&Prices>) -> Self {
        let minutes = |n: i64| Duration::from_secs(n.unsigned_abs() * 60);
        let idle = limit.saturating_add(minutes(IDLE_MINUTES));
        let time = idle.max(minutes(CALL_MINUTES)) + minutes(EVALUATION_MINUTES);
        let hours = time.as_secs_f64() / 3600.0;
        let (dedicated, low_priority) = (f64::from(size.dedicated), f64::from(size.low_priority));
        Self::AtMost {
            nodes: size.dedicated.saturating_add(size.low_priority),
            time,
            node_hours: (dedicated + low_priority) * hours,
            price: prices.map(|p| Price {
                amount: hours
                    * (dedicated * p.dedicated_node_hour + low_priority * p.low_priority_node_hour),
                currency: p.currency.clone(),
            }),
        }
    }
}
