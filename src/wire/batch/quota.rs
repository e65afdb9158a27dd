//! The limits of an account that cannot be read beforehand: the codes with which they strike, and what to do then.

/// Code, and what a person can do. Those of pools come as errors of a resize, the others as refusals.
const ADVICE: &[(&str, &str)] = &[
    (
        "AccountCoreQuotaReached",
        "the dedicated cores of the Batch account are used up: ask for fewer nodes or a smaller vm_size, delete pools that are not needed, or ask for more dedicated vCPUs under Quotas of the Batch account in the portal: nodes times the vCPUs of one",
    ),
    (
        "AccountLowPriorityCoreQuotaReached",
        "the spot cores of the Batch account are used up, which are counted apart from the dedicated ones: ask for fewer spot nodes, take dedicated ones, or ask for more spot vCPUs under Quotas of the Batch account in the portal",
    ),
    (
        "AccountVMSeriesCoreQuotaReached",
        "the cores of this series of machines are used up: take a vm_size of another series, or ask for more vCPUs of this one under Quotas of the Batch account in the portal",
    ),
    (
        "PoolQuotaReached",
        "delete a pool that is not needed, or ask for a higher pool quota of the Batch account",
    ),
    (
        "AutoPoolCreationFailedWithQuotaReached",
        "delete a pool that is not needed, or ask for a higher pool quota of the Batch account",
    ),
    (
        "ActiveJobAndScheduleQuotaReached",
        "complete or delete jobs that are not needed, or ask for a higher quota of active jobs and schedules of the Batch account",
    ),
    (
        "AllocationTimedOut",
        "the region may be short of this vm_size: apply again later, or take another vm_size, fewer nodes or a longer resize_timeout",
    ),
    (
        "AllocationFailed",
        "the region may be short of this vm_size: apply again later, or take another vm_size or fewer nodes",
    ),
    ("ResizeStopped", "somebody stopped the resize; apply again"),
];

/// Any other that ends so.
const ANY_QUOTA: &str = "look under Quotas of the Batch account in the portal which one it is, free some of it or ask for more";

/// What to do when this strikes; None: it is no limit of an account.
pub fn advice(code: &str) -> Option<&'static str> {
    let known = ADVICE.iter().find(|(c, _)| c.eq_ignore_ascii_case(code));
    let any = code.contains("Quota").then_some(ANY_QUOTA);
    known.map(|(_, text)| *text).or(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_says_what_to_ask_for() {
        for (code, says) in [
            ("AccountCoreQuotaReached", "more dedicated vCPUs"),
            ("accountcorequotareached", "more dedicated vCPUs"),
            ("AccountLowPriorityCoreQuotaReached", "more spot vCPUs"),
            ("AccountVMSeriesCoreQuotaReached", "another series"),
            ("PoolQuotaReached", "pool quota"),
            ("AutoPoolCreationFailedWithQuotaReached", "pool quota"),
            ("ActiveJobAndScheduleQuotaReached", "quota of active jobs"),
            ("AllocationTimedout", "short of this vm_size"),
            ("DedicatedCoreQuota", "which one it is"),
        ] {
            let text = advice(code).unwrap_or_default();
            assert!(text.contains(says), "{code}: {text}");
        }
        assert_eq!(advice("TaskExists"), None);
    }
}
