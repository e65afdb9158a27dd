//! `pool.auto_pool`: the service makes the pool with the job, and deletes it with the job.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::words;
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::PoolId;
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::batch::pool::PoolLifetimeOption;

/// The service makes the pool with the job and deletes it with the job, whatever becomes of apply. Its id begins with
/// `pool.id`, which has 20 characters at most.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "auto_pool")]
pub(in crate::manifest) struct RawAutoPool {
    /// What it lives as long as: `job`, or `job_schedule`, whose jobs share it.
    pool_lifetime_option: PoolLifetime,
}

words! {
    /// What a pool lives as long as.
    PoolLifetime as "pool_lifetime_option" => PoolLifetimeOption {
        Job = "job",
        JobSchedule = "job_schedule",
    }
}

/// The service puts `_` and a GUID behind it [doc].
const LONGEST_PREFIX: usize = 20;

impl RawAutoPool {
    pub(super) fn check(
        &self,
        id: Option<&At<PoolId>>,
        checker: &mut Checker<'_>,
    ) -> PoolLifetimeOption {
        if let Some(id) = id.filter(|id| id.value.as_str().len() > LONGEST_PREFIX) {
            checker.report(
                Diagnostic::error(
                    codes::OUT_OF_RANGE,
                    "`pool.id` is too long for an auto pool",
                )
                .label(
                    id.span.clone(),
                    format!("at most {LONGEST_PREFIX} characters"),
                )
                .help("the ids of auto pools begin with it"),
            );
        }
        self.pool_lifetime_option.into()
    }
}

/// One that lives as long as a schedule needs a schedule.
pub(in crate::manifest) fn check_lifetime(
    pool: &super::pool::RawPool,
    is_scheduled: bool,
    checker: &mut Checker<'_>,
) {
    let Some(auto) = &pool.auto_pool else {
        return;
    };
    if checker.whole
        && !is_scheduled
        && matches!(auto.value.pool_lifetime_option, PoolLifetime::JobSchedule)
    {
        checker.error(
            codes::CONFLICTING_KEYS,
            "there is no schedule that this pool could live as long as",
            &auto.span,
            "`job_schedule` goes with `[schedule]`",
        );
    }
}
