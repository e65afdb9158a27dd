//! A failed task and a reason why tasks wait.

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::{Cause, TaskFailure};
use crate::observed;
use crate::report::reason::words;
use crate::wire::time::Time;

/// A task that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Failure {
    pub task: String,
    pub exit_code: Option<i32>,
    #[schemars(extend("enum" = ["scheduling", "application", "constraint", "upload", "ended"]))]
    pub cause: &'static str,
    /// Whose fault the service says it is: `UserError` or `ServerError`.
    pub category: Option<String>,
    /// The node it ran on.
    pub node: Option<String>,
    /// The service's code, such as `BlobNotFound`.
    pub code: Option<String>,
    /// The service's words.
    pub message: Option<String>,
    /// The end of what it wrote to stderr.
    pub stderr_tail: Option<String>,
}

impl From<TaskFailure> for Failure {
    fn from(failure: TaskFailure) -> Self {
        Self {
            task: failure.task,
            exit_code: failure.exit_code,
            cause: match failure.cause {
                Cause::Scheduling => "scheduling",
                Cause::Application => "application",
                Cause::Constraint => "constraint",
                Cause::Upload => "upload",
                Cause::Ended => "ended",
            },
            category: failure.category,
            node: failure.node,
            code: failure.code,
            message: failure.message,
            stderr_tail: failure.stderr_tail,
        }
    }
}

/// Why tasks do not run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// The same for the same kind of reason.
    pub code: &'static str,
    /// Whether waiting alone does not help.
    pub trouble: bool,
    /// For people.
    pub message: String,
    /// What to do, for people.
    pub help: Option<String>,
    /// The end of a stderr that says more.
    pub stderr_tail: Option<String>,
}

impl Reason {
    pub fn new(reason: &observed::Reason, now: Time) -> Self {
        let words = words(reason, now);
        Self {
            code: words.code,
            trouble: reason.is_trouble(),
            message: words.what,
            help: words.help,
            stderr_tail: words.stderr_tail,
        }
    }
}
