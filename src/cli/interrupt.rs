//! Ctrl-C and SIGTERM: the first asks to stop, the second ends the program at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output;
use crate::report::exit_code::ExitCode;

/// Cancelled by the first signal, or when the lock is `lost`.
pub(super) fn watch(lost: CancellationToken) -> CancellationToken {
    let token = CancellationToken::new();
    let watched = token.clone();
    tokio::spawn(async move {
        lost.cancelled().await;
        output::talk("\nStopping: somebody else took the lock of this manifest.\n");
        watched.cancel();
    });
    let watched = token.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            return;
        };
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first {
                output::talk("\nStopping; once more ends at once.\n");
                watched.cancel();
            } else {
                std::process::exit(i32::from(ExitCode::Interrupted.number()));
            }
        }
    });
    token
}
