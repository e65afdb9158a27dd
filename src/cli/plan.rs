//! `batchflow plan`: what apply would do.

use super::args::{Global, PlanArgs};
use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::target::{Purpose, Target};
use crate::observed::{Observed, Receipt, observe};
use crate::plan::{self, Plan};
use crate::report::exit_code::ExitCode;
use crate::report::plan::PlanView;

pub(super) async fn run(args: &PlanArgs, global: &Global) -> Result<ExitCode, CliError> {
    let document = document::load(&args.manifest)?;
    let target = Target::open(&document, &args.target, Purpose::Look).await?;
    let result = make(&document, &target).await;
    let name = target.name.clone();
    target.close().await;
    let (plan, _) = result?;
    let view = PlanView {
        target: &name,
        desired: &document.desired,
        plan: &plan,
        verbose: global.verbose > 0,
    };
    output::data(&view.render());
    Ok(if args.detailed_exitcode && !plan.is_empty() {
        ExitCode::Changes
    } else {
        ExitCode::Ok
    })
}

/// The plan and what it was made from.
pub(super) async fn make(
    document: &Document,
    target: &Target,
) -> Result<(Plan, Observed), CliError> {
    let receipt = Receipt::load(&document.receipt_folder(), &document.desired.name)?;
    let observed = observe(&document.desired, &target.client, receipt)
        .await
        .map_err(CliError::Observe)?;
    let plan = plan::build(&document.desired, &observed).map_err(CliError::Refused)?;
    Ok((plan, observed))
}
