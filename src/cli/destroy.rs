//! `batchflow destroy`: delete what apply made, and nothing else. Outputs and the receipt stay.

use tokio_util::sync::CancellationToken;

use super::args::{DestroyArgs, Global};
use super::document::{self, Document};
use super::error::CliError;
use super::lock::with_lock;
use super::target::{Purpose, Target};
use super::{interrupt, output};
use crate::apply::{Run, run as carry_out};
use crate::observed::{Receipt, observe_owned};
use crate::plan;
use crate::report::exit_code::ExitCode;
use crate::report::json::{self, Destroyed};
use crate::report::plan::PlanView;
use crate::report::progress::{Mode, Progress};

pub(super) async fn run(args: &DestroyArgs, global: &Global) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.manifest)?;
    let target = Target::open(&document, &args.target, Purpose::Look).await?;
    let work = async |lost| with_target(args, global, &document, &target, lost).await;
    let result = with_lock(&document, &target, work).await;
    target.close().await;
    result
}

async fn with_target(
    args: &DestroyArgs,
    global: &Global,
    document: &Document,
    target: &Target,
    lost: CancellationToken,
) -> Result<ExitCode, CliError> {
    let desired = &document.desired;
    let observed = observe_owned(desired, &target.client)
        .await
        .map_err(CliError::Observe)?;
    let plan = plan::destroy(desired, &observed);
    let resources = plan.cleanup.fates().filter(|f| f.is_deleted(true)).count();
    if plan.is_empty() && !args.json {
        output::text(&format!("Target: {}\nNothing to destroy.\n", target.name));
        return Ok(ExitCode::Ok);
    }
    let view = PlanView {
        target: &target.name,
        desired,
        plan: &plan,
        verbose: global.verbose > 0,
    };
    if !global.quiet && !args.json {
        output::text(&view.render());
    }
    if !args.yes && !output::confirm("\nDestroy these?")? {
        return Err(CliError::NotConfirmed);
    }
    let mode = if global.quiet { Mode::None } else { Mode::Auto };
    let progress = Progress::new(mode, std::env::var_os("CI").is_some());
    let result = carry_out(Run {
        desired,
        plan: &plan,
        client: &target.client,
        events: progress.sink(),
        cancel: interrupt::watch(lost),
        receipt_folder: document.receipt_folder(),
        receipt: Receipt::empty(&desired.name),
    })
    .await;
    progress.clear();
    result.map_err(CliError::Apply)?;
    output::talk("Destroy complete.\n");
    if args.json {
        output::data(&json::line(&Destroyed::new(&target.name, resources)));
    }
    Ok(ExitCode::Ok)
}
