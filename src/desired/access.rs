//! For how long nodes need storage, and the signatures of others that end before that.

use super::{Desired, Input, InputSource, Job};
use crate::wire::sas;
use crate::wire::time::{Duration, Time};

/// For a job without a limit: a task lives 7 days after its end by default.
const DEFAULT_LIFE: Duration = Duration::from_days(7);
/// What is added to the job's limit: time until the first task starts, and retries.
const MARGIN: Duration = Duration::from_days(1);
/// For how long a schedule without an end can read its inputs.
const SCHEDULE_LIFE: Duration = Duration::from_days(365);

/// A URL of the manifest with a signature of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSignature<'a> {
    /// Without the signature.
    pub address: &'a str,
    pub ends: Time,
}

impl Job {
    /// None: it may go on for ever.
    pub fn limit(&self) -> Option<Duration> {
        let constraints = self.template.constraints.as_ref();
        let limit = constraints.and_then(|c| c.max_wall_clock_time);
        limit.filter(|limit| !limit.is_infinite())
    }
}

impl Desired {
    /// When a task that is added now needs storage no more: its job has ended by then.
    pub fn access_ends(&self, now: Time) -> Time {
        // The last job of a schedule begins long after apply.
        let begin = match &self.job.schedule {
            Some(schedule) => schedule
                .do_not_run_after
                .unwrap_or_else(|| now.plus(SCHEDULE_LIFE)),
            None => now,
        };
        let life = self.job.limit().unwrap_or(DEFAULT_LIFE);
        begin.plus(life).plus(MARGIN)
    }

    /// Whether nodes need signed URLs: not all is read and written as a managed identity.
    pub fn needs_signatures(&self) -> bool {
        let is_signed = |input: &Input| {
            input.identity.is_none() && !matches!(input.source, InputSource::Url(_))
        };
        let outputs = self.tasks.iter().flat_map(|t| &t.outputs);
        let mut outputs = outputs.chain(&self.job.files.manager_outputs);
        self.logs.as_ref().is_some_and(|l| l.identity.is_none())
            || self.inputs().any(is_signed)
            || outputs.any(|output| output.identity.is_none())
    }

    /// The signature in a URL of the manifest that ends first.
    pub fn first_to_end(&self) -> Option<OwnSignature<'_>> {
        let signatures = self.inputs().filter_map(own_signature);
        signatures.min_by_key(|signature| signature.ends)
    }

    /// All that nodes read.
    fn inputs(&self) -> impl Iterator<Item = &Input> {
        let files = &self.job.files;
        let of_job = [
            &self.pool.start_task_inputs,
            &files.preparation_inputs,
            &files.release_inputs,
            &files.manager_inputs,
        ];
        let of_tasks = self.tasks.iter();
        let of_tasks = of_tasks.flat_map(|t| [&t.inputs, &t.common_inputs]);
        of_job.into_iter().chain(of_tasks).flatten()
    }
}

fn own_signature(input: &Input) -> Option<OwnSignature<'_>> {
    let InputSource::Url(url) = &input.source else {
        return None;
    };
    let (address, query) = url.split_once('?')?;
    let ends = sas::expiry(query)?;
    Some(OwnSignature { address, ends })
}
