//! The only door to time. Everything else takes the time as an argument.

/// The system clock, in UTC.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A clock that only moves forward, for measuring how long something took.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
