//! `[cleanup]`: what apply deletes when it is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When something is deleted at the end of apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "policy")]
pub enum Policy {
    OnSuccess,
    Always,
    Never,
}

/// What apply deletes when it is done.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "cleanup")]
pub(in crate::manifest) struct RawCleanup {
    /// The blob containers of the manifest; default `on_success` with a `[download]`, else `never`. With a `[schedule]`
    /// all three are `never`.
    containers: Option<Policy>,
    /// The job with its tasks; default `on_success`.
    job: Option<Policy>,
    /// The pool, which is what costs money; default `always`.
    pool: Option<Policy>,
}

/// What apply deletes when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    pub containers: Policy,
    pub job: Policy,
    pub pool: Policy,
}

impl RawCleanup {
    /// Whether it names anything to delete.
    pub(in crate::manifest) fn deletes(&self) -> bool {
        let policies = [self.containers, self.job, self.pool];
        policies.into_iter().flatten().any(|p| p != Policy::Never)
    }

    /// Outputs that nobody downloads are not deleted unless the manifest says so.
    pub(in crate::manifest) fn check(&self, has_download: bool, is_scheduled: bool) -> Cleanup {
        if is_scheduled {
            return Cleanup {
                containers: Policy::Never,
                job: Policy::Never,
                pool: Policy::Never,
            };
        }
        let containers = if has_download {
            Policy::OnSuccess
        } else {
            Policy::Never
        };
        Cleanup {
            containers: self.containers.unwrap_or(containers),
            job: self.job.unwrap_or(Policy::OnSuccess),
            pool: self.pool.unwrap_or(Policy::Always),
        }
    }
}
