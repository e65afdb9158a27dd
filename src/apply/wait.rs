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
