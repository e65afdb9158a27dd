//! Waiting for a condition: asked again and again, at intervals that grow with the time waited, until a deadline.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::ApplyError;
use crate::clock;

/// The first pause. Short, because a local service answers within milliseconds.
const SHORTEST: Duration = Duration::from_millis(15);
/// The longest pause, which is what Azure is asked at.
const LONGEST: Duration = Duration::from_secs(5);

/// The pause after having waited for `elapsed`: a tenth of it, so that little is lost however long it takes.
pub(super) fn pause(elapsed: Duration) -> Duration {
    (elapsed / 10).clamp(SHORTEST, LONGEST)
}

/// The same, but no longer than the rest takes at the pace of what is `done`, unless that is too short to ask for.
pub(super) fn pause_with_pace(elapsed: Duration, done: usize, open: usize) -> Duration {
    let longest = pause(elapsed);
    if done == 0 {
        return longest;
    }
    let rest = elapsed.mul_f64(open as f64 / done as f64);
    let shortest = (elapsed / 50).max(SHORTEST).min(longest);
    rest.clamp(shortest, longest)
}

/// Asks until there is an answer.
pub(super) async fn until<T, F, Fut>(
    what: &str,
    deadline: Duration,
    cancel: &CancellationToken,
    mut ask: F,
) -> Result<T, ApplyError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>, ApplyError>>,
{
    let start = clock::monotonic();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        let elapsed = start.elapsed();
        if elapsed >= deadline {
            return Err(ApplyError::TookTooLong {
                what: what.to_owned(),
                waited: elapsed,
            });
        }
        sleep(pause(elapsed), cancel).await?;
    }
}

/// Sleeps, but not when interrupted.
pub(super) async fn sleep(pause: Duration, cancel: &CancellationToken) -> Result<(), ApplyError> {
    tokio::select! {
        () = tokio::time::sleep(pause) => Ok(()),
        () = cancel.cancelled() => Err(ApplyError::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_pace() {
        let ms = Duration::from_millis;
        for (what, elapsed, done, open, expected) in [
            ("nothing is done", ms(1000), 0, 10, ms(100)),
            ("much is left", ms(1000), 10, 90, ms(100)),
            ("little is left", ms(1000), 950, 50, ms(52)),
            ("next to nothing is left", ms(1000), 999, 1, ms(20)),
            ("the beginning", ms(1), 1, 9, SHORTEST),
            (
                "the last of many that took hours",
                ms(3_600_000),
                9999,
                1,
                LONGEST,
            ),
        ] {
            let found = pause_with_pace(elapsed, done, open);
            assert_eq!(found.as_millis(), expected.as_millis(), "{what}");
        }
    }
}
