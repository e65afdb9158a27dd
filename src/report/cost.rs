//! The bound of a run's cost, in one line.

use super::quantity::{count, duration};
use crate::plan::{CostBound, Unbounded};

/// What nodes can cost at most, or why nothing bounds it.
pub fn bound(bound: &CostBound) -> String {
    match bound {
        CostBound::AtMost {
            nodes,
            time,
            node_hours,
            price,
        } => {
            let nodes = count(usize::try_from(*nodes).unwrap_or(0), "node");
            let price = price
                .as_ref()
                .map_or_else(String::new, |p| format!(", {:.2} {}", p.amount, p.currency));
            format!(
                "at most {node_hours:.1} node-hours{price}: {nodes} for {} if nothing else ends them",
                duration(*time)
            )
        }
        CostBound::Unbounded(reason) => format!("no bound: {}", why(*reason)),
    }
}

fn why(reason: Unbounded) -> &'static str {
    match reason {
        Unbounded::NodesStay => "pool.keep_idle_nodes keeps the nodes until the pool is deleted",
        Unbounded::OwnFormula => "pool.auto_scale_formula says how many nodes stay",
        Unbounded::JobWithoutEnd => "job.constraints.max_wall_clock_time is unlimited",
        Unbounded::Schedule => "the schedule makes jobs again and again; nodes without work go",
        Unbounded::ForeignPool => "the pool was not made by this manifest",
    }
}
