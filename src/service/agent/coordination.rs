//! What an instance of a multi-instance task does before its command line: the coordination command, and then
//! waiting for the others. What the command left in the background goes on meanwhile.

use super::failure::Trouble;
use super::nodes::Shared;
use super::processes::End;
use super::run::{Place, Signals, command, launch_trouble, report_start, stopped};
use crate::clock;
use crate::service::core::effect::{Instance, Launch, Report, StopReason};

/// What follows for the instance.
pub(super) enum Coordinated {
    /// The primary runs its command line.
    Proceed,
    /// The run is over without it.
    Ended { code: i32, cut_short: bool },
    /// The node stops, or nobody wants to know any more.
    Gone,
}

/// Runs the coordination command and waits: the primary until it may proceed, a subtask until it is stopped.
pub(super) async fn coordinate(
    shared: &Shared,
    launch: &Launch,
    instance: &Instance,
    place: &Place,
    signals: &mut Signals,
) -> Result<Coordinated, Trouble> {
    let mut command = command(launch, &instance.coordination_command_line, place)?;
    command.hold = true;
    let process = shared.processes.launch(command).await;
    let mut ended = process.map_err(launch_trouble)?.ended;
    report_start(shared, launch, clock::now());
    let end = tokio::select! {
        end = &mut ended => end,
        reason = stopped(&mut signals.stop) => return Ok(kill(shared, launch, ended, reason).await),
    };
    let mut held = match end {
        Ok(End::Held(0, held)) => held,
        Ok(End::Held(code, held)) => {
            // What a failed command left is not wanted.
            shared.processes.kill(launch.run.0).await;
            let _ = held.await;
            return Ok(Coordinated::Ended {
                code,
                cut_short: false,
            });
        }
        Ok(End::Gone(code)) => {
            return Ok(Coordinated::Ended {
                code,
                cut_short: false,
            });
        }
        Err(_) => return Ok(Coordinated::Gone),
    };
    shared.report(Report::RunCoordinated {
        run: launch.run,
        at: clock::now().into(),
    });
    tokio::select! {
        biased;
        reason = stopped(&mut signals.stop) => Ok(kill(shared, launch, held, reason).await),
        () = signals.proceed.cancelled() => Ok(Coordinated::Proceed),
        end = &mut held => Ok(match end {
            Ok(End::Gone(code) | End::Held(code, _)) => Coordinated::Ended { code, cut_short: false },
            Err(_) => Coordinated::Gone,
        }),
    }
}

/// Ends whatever there is of the run.
async fn kill(
    shared: &Shared,
    launch: &Launch,
    mut ended: tokio::sync::oneshot::Receiver<End>,
    reason: StopReason,
) -> Coordinated {
    shared.processes.kill(launch.run.0).await;
    // It may have been held just before it was killed.
    while let Ok(end) = ended.await {
        match end {
            End::Gone(_) if reason == StopReason::Abandoned => return Coordinated::Gone,
            End::Gone(code) => {
                return Coordinated::Ended {
                    code,
                    cut_short: true,
                };
            }
            End::Held(_, next) => ended = next,
        }
    }
    Coordinated::Gone
}
