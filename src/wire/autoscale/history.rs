//! What was measured of a pool, sample by sample.

use std::collections::VecDeque;

use crate::wire::time::{Duration, Time};

/// How often samples are taken.
pub const SAMPLE_PERIOD: Duration = Duration::from_secs(30);
/// A day of samples; older ones are forgotten.
const MAX_SAMPLES: usize = 2880;

macro_rules! metrics {
    ($($name:ident = $text:literal;)+) => {
        /// What formulas can take samples of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $($name,)+ }

        impl Metric {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The variable, with its `$`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            pub fn of(variable: &str) -> Option<Self> {
                match variable { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

metrics! {
    CpuPercent = "$CPUPercent";
    ActiveTasks = "$ActiveTasks";
    RunningTasks = "$RunningTasks";
    PendingTasks = "$PendingTasks";
    SucceededTasks = "$SucceededTasks";
    FailedTasks = "$FailedTasks";
    TaskSlotsPerNode = "$TaskSlotsPerNode";
    CurrentDedicatedNodes = "$CurrentDedicatedNodes";
    CurrentLowPriorityNodes = "$CurrentLowPriorityNodes";
    UsableNodeCount = "$UsableNodeCount";
    PreemptedNodeCount = "$PreemptedNodeCount";
    SampleNodeCount = "$SampleNodeCount";
    WallClockSeconds = "$WallClockSeconds";
    MemoryBytes = "$MemoryBytes";
    DiskBytes = "$DiskBytes";
    DiskReadBytes = "$DiskReadBytes";
    DiskWriteBytes = "$DiskWriteBytes";
    DiskReadOps = "$DiskReadOps";
    DiskWriteOps = "$DiskWriteOps";
    NetworkInBytes = "$NetworkInBytes";
    NetworkOutBytes = "$NetworkOutBytes";
}

/// Samples of a pool, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History(VecDeque<(Time, Vec<(Metric, f64)>)>);

impl History {
    /// Adds what was measured at a time later than all before. A metric that is left out has no sample then.
    pub fn record(&mut self, at: Time, values: Vec<(Metric, f64)>) {
        self.0.push_back((at, values));
        while self.0.len() > MAX_SAMPLES {
            self.0.pop_front();
        }
    }

    /// The samples of one metric with their times, oldest first.
    pub(super) fn of(&self, metric: Metric) -> impl DoubleEndedIterator<Item = (Time, f64)> {
        self.0.iter().filter_map(move |(at, values)| {
            let found = values.iter().find(|(m, _)| *m == metric)?;
            Some((*at, found.1))
        })
    }
}
