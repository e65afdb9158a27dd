//! One run, from its directory to its report.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::directories::{NodeDirectories, RunDirectories};
use super::environment::{Account, environment};
use super::failure::{Code, Trouble, chain};
use super::nodes::{Addresses, Shared};
use super::protocol::{Command, LaunchFailure};
use super::publish::{Origin, publish};
use super::{command_line, fetch, trees};
use crate::clock;
use crate::service::core::effect::{Launch, Report, RunEnd, StopReason};

/// Whether and why a run is to stop.
pub(super) type Stop = watch::Receiver<Option<StopReason>>;

/// What a run is made of once its directory is there.
struct Place {
    node: NodeDirectories,
    run: RunDirectories,
    variables: BTreeMap<String, String>,
    addresses: Addresses,
}

/// Runs to the end; None when nobody wants to know any more. Whatever happens, no process of it is left.
pub(super) async fn run(shared: &Shared, launch: &Launch, mut stop: Stop) -> Option<RunEnd> {
    let place = match prepare(shared, launch).await {
        Ok(place) => place,
        Err(trouble) => return end(None, Some(trouble)),
    };
    let staged = tokio::select! {
        biased;
        reason = stopped(&mut stop) => return match reason {
            StopReason::Abandoned => None,
            StopReason::WallClock | StopReason::Terminated => end(None, None),
        },
        staged = stage(shared, launch, &place) => staged,
    };
    let command = match staged {
        Ok(command) => command,
        Err(trouble) => return end(None, Some(trouble)),
    };
    let mut exited = match shared.processes.launch(command).await {
        Ok(process) => process.exited,
        Err(why) => return end(None, Some(launch_trouble(why))),
    };
    shared.report(Report::RunStarted {
        run: launch.run,
        at: clock::now().into(),
    });
    let (code, cut_short) = tokio::select! {
        code = &mut exited => (code, false),
        _ = stopped(&mut stop) => {
            shared.processes.kill(launch.run.0).await;
            (exited.await, true)
        }
    };
    // No code: the node stops, and takes its runs along.
    let code = code.ok()?;
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
        () = abandoned(&mut stop) => None,
        trouble = uploads => end(Some(code), trouble),
    }
}

fn end(exit_code: Option<i32>, trouble: Option<Trouble>) -> Option<RunEnd> {
    Some(RunEnd {
        at: clock::now().into(),
        exit_code,
        failure: trouble.map(Into::into),
    })
}

async fn stopped(stop: &mut Stop) -> StopReason {
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

/// The directory, empty but for the two streams, and what the command will see.
async fn prepare(shared: &Shared, launch: &Launch) -> Result<Place, Trouble> {
    let directory_trouble =
        |e: &dyn std::error::Error| Trouble::new(Code::ResourceDirectoryCreateFailed, chain(e));
    let node =
        NodeDirectories::new(&shared.nodes_dir, &launch.node).map_err(|e| directory_trouble(&e))?;
    let run = node.of(&launch.role).map_err(|e| directory_trouble(&e))?;
    let addresses = shared.addresses();
    let account = Account {
        name: &shared.account_name,
        url: &addresses.batch_url,
    };
    let variables = environment(launch, account, &node, &run)
        .map_err(|e| Trouble::new(Code::CommandLaunchFailed, e))?;
    let made = {
        let run = run.clone();
        tokio::task::spawn_blocking(move || trees::prepare_run(&run)).await
    };
    made.map_err(std::io::Error::other)
        .flatten()
        .map_err(|e| directory_trouble(&e))?;
    Ok(Place {
        node,
        run,
        variables,
        addresses,
    })
}

async fn stage(shared: &Shared, launch: &Launch, place: &Place) -> Result<Command, Trouble> {
    let working = place.run.working();
    fetch::stage(
        &shared.web,
        &place.addresses.blob,
        &launch.resource_files,
        &working,
    )
    .await?;
    let argv = command_line::split(&launch.command_line)
        .map_err(|e| Trouble::new(Code::CommandLaunchFailed, e))?;
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    Ok(Command {
        run: launch.run.0,
        argv,
        env: place.variables.clone().into_iter().collect(),
        cwd: text(working),
        stdout: text(place.run.stdout()),
        stderr: text(place.run.stderr()),
    })
}

fn launch_trouble(why: LaunchFailure) -> Trouble {
    match why {
        LaunchFailure::ProgramNotFound { program } => Trouble::new(
            Code::CommandProgramNotFound,
            format!("the program `{program}` is not there"),
        ),
        LaunchFailure::Refused { message } => Trouble::new(Code::CommandLaunchFailed, message),
    }
}
