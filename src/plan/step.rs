//! The nine steps, in their order.

use serde::{Deserialize, Serialize};

/// A step of an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Every container that work needs exists.
    Containers,
    /// Every file that work needs is a blob with the same content.
    Uploads,
    /// The pool exists as described.
    Pool,
    /// The job exists, bound to the pool, and takes tasks.
    Job,
    /// Every task that has to run is in the job.
    Tasks,
    /// All of them are completed.
    Monitor,
    /// Their outputs are here, verified, under their final names.
    Download,
    /// Containers go as the cleanup policy says.
    DeleteContainers,
    /// Job and pool go as the cleanup policy says.
    DeleteJobAndPool,
}

impl StepKind {
    /// All nine, in the order they are executed.
    pub const ALL: [Self; 9] = [
        Self::Containers,
        Self::Uploads,
        Self::Pool,
        Self::Job,
        Self::Tasks,
        Self::Monitor,
        Self::Download,
        Self::DeleteContainers,
        Self::DeleteJobAndPool,
    ];

    /// 1 to 9.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// A short title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Uploads => "uploads",
            Self::Pool => "pool",
            Self::Job => "job",
            Self::Tasks => "tasks",
            Self::Monitor => "monitor",
            Self::Download => "download",
            Self::DeleteContainers => "delete containers",
            Self::DeleteJobAndPool => "delete job and pool",
        }
    }
}
