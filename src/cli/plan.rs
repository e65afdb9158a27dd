//! `batchflow plan`: what apply would do.

use std::mem::ManuallyDrop;

use super::args::{ChoiceArgs, Global, PlanArgs};
use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::saved_plan::{Asked, SavedPlan};
use super::target::{Purpose, Target};
use crate::observed::{Depth, Observed, Receipt, observe};
use crate::plan::{self, Options, Plan};
use crate::report::exit_code::ExitCode;
use crate::report::json::{self, PlanDocument};
use crate::report::plan::PlanView;

pub(super) async fn run(args: &PlanArgs, global: &Global) -> Result<ExitCode, CliError> {
    // The process ends with this: taking a hundred thousand tasks apart would be a tenth of the time.
    let document = ManuallyDrop::new(document::load(&args.manifest)?);
    let target = Target::open(&document, &args.target, Purpose::Look).await?;
    let result = make(&document, &target, &args.choice).await;
    let (name, identity) = (target.name.clone(), target.identity.clone());
    target.close().await;
    let (plan, _) = result?;
    let view = PlanView {
        target: &name,
        desired: &document.desired,
        plan: &plan,
        verbose: global.verbose > 0,
    };
    if let Some(out) = &args.out {
        let asked = Asked {
            manifest: &args.manifest,
            target: &args.target,
            choice: &args.choice,
        };
        let saved = SavedPlan::new(asked, &identity, &view.summary(), &document.desired, &plan);
        saved.save(out)?;
    }
    if args.json {
        let document = PlanDocument::new(&name, &document.desired, &plan);
        output::data(&json::line(&document));
    } else {
        output::text(&view.render());
    }
    if let Some(out) = &args.out {
        output::talk(&format!(
            "Saved. This and nothing else is done by: batchflow apply {}\n",
            out.display()
        ));
    }
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
    choice: &ChoiceArgs,
) -> Result<(Plan, Observed), CliError> {
    let receipt = Receipt::load(&document.receipt_folder(), &document.desired.name)?;
    let depth = if choice.force {
        Depth::Full
    } else {
        Depth::AsNeeded
    };
    let observed = observe(&document.desired, &target.client, receipt, depth)
        .await
        .map_err(CliError::Observe)?;
    let options = Options {
        adopt: choice.adopt,
        force: choice.force,
        rerun_failed: choice.rerun_failed,
        tasks: choice.tasks.clone(),
    };
    let plan = plan::build(&document.desired, &observed, &options).map_err(CliError::Refused)?;
    Ok((plan, observed))
}
