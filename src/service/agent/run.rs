//! One run, from its directory to its report.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::coordination::{Coordinated, coordinate};
use super::directories::{NodeDirectories, RunDirectories};
use super::environment::{Account, environment};
use super::failure::{Code, Trouble, chain};
use super::nodes::{Addresses, Shared};
use super::processes::End;
use super::protocol::{Around, Command, LaunchFailure};
use super::publish::{Origin, publish};
use super::sandbox::Sandbox;
use super::{command_line, fetch, trees};
use crate::clock;
use crate::service::core::effect::{Launch, Report, RunEnd, StopReason};

/// What ends within this is told to have started when it has ended: one thing to hear of instead of two.
const AT_ONCE: Duration = Duration::from_millis(2);

/// Whether and why a run is to stop.
pub(super) type Stop = watch::Receiver<Option<StopReason>>;

/// What is said to a run while it is under way.
pub(super) struct Signals {
    pub(super) stop: Stop,
    /// The other instances of its task are ready.
    pub(super) proceed: CancellationToken,
}

/// What a run is made of once its directory is there.
pub(super) struct Place {
    node: NodeDirectories,
    /// Another than the run's for subtasks.
    task: RunDirectories,
    run: RunDirectories,
    variables: BTreeMap<String, String>,
    addresses: Addresses,
    sandbox: Option<Sandbox>,
}

/// Runs to the end; None when nobody wants to know any more. Whatever happens, no process of it is left.
pub(super) async fn run(shared: &Shared, launch: &Launch, mut signals: Signals) -> Option<RunEnd> {
    let place = match lay_out(shared, launch) {
        Ok(place) => place,
        Err(trouble) => return end(None, Some(trouble)),
    };
    // A subtask has none.
    let is_subtask = launch.instance.as_ref().is_some_and(|i| i.id > 0);
    let line = (!is_subtask).then_some(launch.command_line.as_str());
    let mut own = line.map(|line| command(launch, line, &place)).transpose();
    match &mut own {
        Ok(Some(own)) if is_left_to_launcher(launch, &place) => {
            own.directory = Some(text(place.run.root()));
        }
        _ => {
            if let Err(trouble) = prepare(&place).await {
                return end(None, Some(trouble));
            }
        }
    }
    let stop = &mut signals.stop;
    let staged = tokio::select! {
        biased;
        reason = stopped(stop) => return match reason {
            StopReason::Abandoned => None,
            StopReason::WallClock | StopReason::Terminated => end(None, None),
        },
        staged = stage(shared, launch, &place) => staged,
    };
    // Looked at before anything runs.
    let own = match staged.and(own) {
        Ok(own) => own,
        Err(trouble) => return end(None, Some(trouble)),
    };
    let mut coordinated = Coordinated::Proceed;
    if let Some(instance) = &launch.instance {
        coordinated = match coordinate(shared, launch, instance, &place, &mut signals).await {
            Ok(coordinated) => coordinated,
            Err(trouble) => return end(None, Some(trouble)),
        };
    }
    let stop = &mut signals.stop;
    let (code, cut_short) = match (coordinated, own) {
        (Coordinated::Ended { code, cut_short }, _) => (code, cut_short),
        (Coordinated::Gone, _) | (Coordinated::Proceed, None) => return None,
        (Coordinated::Proceed, Some(command)) => {
            let ended = match shared.processes.launch(command).await {
                Ok(process) => process.ended,
                Err(why) => return end(None, Some(launch_trouble(why))),
            };
            let started = clock::now();
            let mut outcome = std::pin::pin!(outcome(shared, launch, ended, stop));
            let at_once = tokio::time::timeout(AT_ONCE, &mut outcome).await;
            if launch.instance.is_none() {
                report_start(shared, launch, started);
            }
            // No code: the node stops, and takes its runs along.
            match at_once {
                Ok(outcome) => outcome?,
                Err(_) => outcome.await?,
            }
        }
    };
    let origin = Origin {
        node_root: place.node.root(),
        run: &place.run,
        variables: &place.variables,
    };
    let success = code == 0 && !cut_short;
    let uploads = publish(
        &shared.web,
        &place.addresses.blob,
        &launch.output_files,
        success,
        origin,
    );
    tokio::select! {
        biased;
        () = abandoned(stop) => None,
        trouble = uploads => end(Some(code), trouble),
    }
}

/// The exit code of a process of which nothing is kept, and whether it was stopped.
async fn outcome(
    shared: &Shared,
    launch: &Launch,
    mut ended: oneshot::Receiver<End>,
    stop: &mut Stop,
) -> Option<(i32, bool)> {
    let (end, cut_short) = tokio::select! {
        end = &mut ended => (end, false),
        _ = stopped(stop) => {
            shared.processes.kill(launch.run.0).await;
            (ended.await, true)
        }
    };
    match end.ok()? {
        End::Gone(code) | End::Held(code, _) => Some((code, cut_short)),
    }
}

pub(super) fn report_start(shared: &Shared, launch: &Launch, at: Timestamp) {
    shared.report(Report::RunStarted {
        run: launch.run,
        at: at.into(),
    });
}

fn end(exit_code: Option<i32>, trouble: Option<Trouble>) -> Option<RunEnd> {
    Some(RunEnd {
        at: clock::now().into(),
        exit_code,
        failure: trouble.map(Into::into),
    })
}

pub(super) async fn stopped(stop: &mut Stop) -> StopReason {
    let reason = stop.wait_for(Option::is_some).await;
    reason
        .ok()
        .and_then(|r| *r)
        .unwrap_or(StopReason::Abandoned)
}

async fn abandoned(stop: &mut Stop) {
    let _ = stop
        .wait_for(|reason| *reason == Some(StopReason::Abandoned))
        .await;
}

/// Where everything is, and what the command will see.
fn lay_out(shared: &Shared, launch: &Launch) -> Result<Place, Trouble> {
    let node =
        NodeDirectories::new(&shared.nodes_dir, &launch.node).map_err(|e| directory_trouble(&e))?;
    let task = node.of(&launch.role).map_err(|e| directory_trouble(&e))?;
    let subtask = launch.instance.as_ref().map(|i| i.id).filter(|id| *id > 0);
    let run = subtask.map_or_else(|| task.clone(), |id| NodeDirectories::of_subtask(&task, id));
    let addresses = shared.addresses();
    let account = Account {
        name: &shared.account_name,
        url: &addresses.batch_url,
    };
    let variables = environment(launch, account, &node, &run)
        .map_err(|e| Trouble::new(Code::CommandLaunchFailed, e))?;
    Ok(Place {
        node,
        task,
        run,
        variables,
        addresses,
        sandbox: shared.sandbox.clone(),
    })
}

/// Whether the launcher can make the directory on its way: nothing has to be put into it before, and nothing has
/// to be deleted, which might hold up other launches.
fn is_left_to_launcher(launch: &Launch, place: &Place) -> bool {
    launch.resource_files.is_empty()
        && launch.instance.is_none()
        && std::fs::symlink_metadata(place.run.root())
            .is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
}

/// The directory, empty but for the two streams.
async fn prepare(place: &Place) -> Result<(), Trouble> {
    let (task, run) = (place.task.clone(), place.run.clone());
    tokio::task::spawn_blocking(move || trees::prepare_run(&task, &run))
        .await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|e| directory_trouble(&e))
}

fn directory_trouble(error: &dyn std::error::Error) -> Trouble {
    Trouble::new(Code::ResourceDirectoryCreateFailed, chain(error))
}

async fn stage(shared: &Shared, launch: &Launch, place: &Place) -> Result<(), Trouble> {
    let (web, blob) = (&shared.web, &place.addresses.blob);
    if let Some(instance) = &launch.instance {
        let common = &instance.common_resource_files;
        fetch::stage(web, blob, common, place.task.root()).await?;
    }
    fetch::stage(web, blob, &launch.resource_files, &place.run.working()).await
}

/// A process for a command line.
pub(super) fn command(launch: &Launch, line: &str, place: &Place) -> Result<Command, Trouble> {
    let argv = command_line::split(line).map_err(|e| Trouble::new(Code::CommandLaunchFailed, e))?;
    Ok(Command {
        run: launch.run.0,
        argv,
        hold: false,
        directory: None,
        env: place.variables.clone().into_iter().collect(),
        cwd: text(&place.run.working()),
        sandbox: place.sandbox.clone().map(|sandbox| Around {
            sandbox,
            node: text(place.node.root()),
        }),
        stdout: text(&place.run.stdout()),
        stderr: text(&place.run.stderr()),
    })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(super) fn launch_trouble(why: LaunchFailure) -> Trouble {
    match why {
        LaunchFailure::ProgramNotFound { program } => Trouble::new(
            Code::CommandProgramNotFound,
            format!("the program `{program}` is not there"),
        ),
        LaunchFailure::NoDirectory { message } => {
            Trouble::new(Code::ResourceDirectoryCreateFailed, message)
        }
        LaunchFailure::Refused { message } => Trouble::new(Code::CommandLaunchFailed, message),
    }
}
