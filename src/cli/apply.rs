//! `batchflow apply`: show the plan, ask, carry it out, say how it ended.

use std::fmt::Write;

use tokio_util::sync::CancellationToken;

use super::args::{ApplyArgs, Global, ManifestArgs, TargetArgs};
use super::document::{self, Document};
use super::error::CliError;
use super::lock::with_lock;
use super::plan;
use super::saved_plan::SavedPlan;
use super::target::{Purpose, Target};
use super::{interrupt, output, report, still_running};
use crate::apply::{ApplyError, End, Outcome, Run, run as carry_out};
use crate::clock;
use crate::event::Sink;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::report::exit_code::ExitCode;
use crate::report::html::Recorder;
use crate::report::json::{self, Body, Line, PlanDocument};
use crate::report::plan::PlanView;
use crate::report::progress::Progress;
use crate::report::style::{BOLD, paint};
use crate::report::summary::Summary;

pub(super) async fn run(args: &ApplyArgs, global: &Global) -> Result<ExitCode, CliError> {
    let result = attempt(args, global).await;
    if let (Err(error), true) = (&result, args.json) {
        tell(error.body());
    }
    result
}

async fn attempt(args: &ApplyArgs, global: &Global) -> Result<ExitCode, CliError> {
    let saved = SavedPlan::load(&args.manifest.manifest)?;
    let from_plan;
    let args = match &saved {
        Some(saved) => {
            from_plan = saved.clone().into_args(args)?;
            &from_plan
        }
        None => args,
    };
    let document = document::load(&args.manifest)?;
    let purpose = if args.dry_run {
        Purpose::Look
    } else {
        Purpose::Change
    };
    let target = Target::open(&document, &args.target, purpose).await?;
    if args.ui && !target.is_local() {
        return Err(CliError::NoLivePage);
    }
    let work = async |lost| {
        let saved = saved.as_ref();
        with_target(args, global, &document, &target, saved, lost).await
    };
    let result = if args.dry_run {
        work(CancellationToken::new()).await
    } else {
        with_lock(&document, &target, work).await
    };
    target.close().await;
    result
}

async fn with_target(
    args: &ApplyArgs,
    global: &Global,
    document: &Document,
    target: &Target,
    saved: Option<&SavedPlan>,
    lost: CancellationToken,
) -> Result<ExitCode, CliError> {
    let (plan, observed) = plan::make(document, target, &args.choice).await?;
    if let Some(saved) = saved {
        saved.check(&target.identity, &document.desired, &plan)?;
    }
    let view = PlanView {
        target: &target.name,
        desired: &document.desired,
        plan: &plan,
        verbose: global.verbose > 0,
    };
    match (args.json, args.dry_run) {
        (true, true) => {
            let document = PlanDocument::new(&target.name, &document.desired, &plan);
            output::data(&json::line(&document));
        }
        (true, false) => tell(Body::Planned {
            manifest: document.desired.name.clone(),
            target: target.name.clone(),
            changes: !plan.is_empty(),
            summary: json::Summary::new(&document.desired, &plan),
        }),
        (false, _) if global.quiet => {}
        (false, true) => output::text(&view.render()),
        (false, false) => output::account(&output::folded(&view.render())),
    }
    if args.dry_run {
        return Ok(ExitCode::Ok);
    }
    if plan.is_empty() {
        if args.json {
            tell(Body::Finished(json::Outcome {
                up_to_date: plan.tasks.len() - plan.tasks_left_out(),
                ..json::Outcome::default()
            }));
        }
        return Ok(ExitCode::Ok);
    }
    if !args.yes && !output::confirm("\nApply this plan?")? {
        return Err(CliError::NotConfirmed);
    }
    if let (true, Some(page)) = (args.ui, target.live_page()) {
        output::talk(&format!("{} {page}\n", paint(BOLD, "Live page:")));
    }
    let start = clock::monotonic();
    let progress = Progress::new(
        args.progress.mode(global.quiet),
        std::env::var_os("CI").is_some(),
    );
    let cancel = interrupt::watch(lost);
    let recorder = Recorder::start(&document.desired.name, &target.name);
    let events = recorder.before(sink(&progress, args.json));
    let result = carry_out_plan(document, target, &plan, &observed, events, cancel).await;
    progress.clear();
    let written = report::keep(document, &plan, &recorder, &result);
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(ApplyError::Interrupted) => {
            output::talk(&after_interrupt(args, document, target).await);
            return Err(CliError::Apply(ApplyError::Interrupted));
        }
        Err(error) => {
            document.show_refused(&error);
            return Err(CliError::Apply(error));
        }
    };
    let cut_short = cut_short(&outcome.end);
    let summary = Summary {
        succeeded: outcome.succeeded,
        up_to_date: outcome.up_to_date,
        failures: &outcome.failures,
        blocked: outcome.blocked,
        files_up: outcome.files_up,
        bytes_up: outcome.bytes_up,
        files_down: outcome.files_down,
        bytes_down: outcome.bytes_down,
        elapsed: start.elapsed(),
        outputs: document.desired.download.as_ref().map(|d| d.to.as_path()),
        cut_short: cut_short.as_deref(),
    };
    let code = exit_code(&outcome);
    if args.json {
        tell(Body::Finished(json::Outcome {
            exit_code: code.number(),
            succeeded: outcome.succeeded,
            up_to_date: outcome.up_to_date,
            failed: outcome.failures.len(),
            blocked: outcome.blocked,
            files_up: outcome.files_up,
            bytes_up: outcome.bytes_up,
            files_down: outcome.files_down,
            bytes_down: outcome.bytes_down,
            seconds: summary.elapsed.as_secs_f64(),
            cut_short: cut_short.clone(),
        }));
    }
    if !(global.quiet && code == ExitCode::Ok) {
        output::talk(&summary.render());
        if let Some(path) = &written {
            output::talk(&format!("{} {}\n", paint(BOLD, "Report:"), path));
        }
    }
    Ok(code)
}

async fn carry_out_plan(
    document: &Document,
    target: &Target,
    plan: &Plan,
    observed: &Observed,
    events: Sink,
    cancel: CancellationToken,
) -> Result<Outcome, ApplyError> {
    carry_out(Run {
        desired: &document.desired,
        plan,
        client: &target.client,
        events,
        cancel,
        receipt_folder: document.receipt_folder(),
        receipt: observed.receipt.clone(),
    })
    .await
}

/// Where events go: to the screen and, when asked for, to stdout.
fn sink(progress: &Progress, json: bool) -> Sink {
    let screen = progress.sink();
    if !json {
        return screen;
    }
    Sink::new(move |event| {
        tell(Body::from(&event));
        screen.emit(event);
    })
}

/// A line of JSON. That nobody reads it is no reason to stop what it tells of.
fn tell(body: Body) {
    output::account(&json::line(&Line::new(clock::now(), body)));
}

fn exit_code(outcome: &Outcome) -> ExitCode {
    match outcome.end {
        End::Succeeded if outcome.failures.is_empty() => ExitCode::Ok,
        End::Succeeded | End::TasksFailed | End::EndedByTask | End::DisabledByTask => {
            ExitCode::TasksFailed
        }
        End::JobDeadline => ExitCode::Deadline,
        End::JobEnded(_) => ExitCode::Error,
    }
}

pub(super) fn cut_short(end: &End) -> Option<String> {
    match end {
        End::Succeeded | End::TasksFailed => None,
        End::JobDeadline => Some(
            "The job reached job.constraints.max_wall_clock_time and the service ended it; apply again to run what is left."
                .to_owned(),
        ),
        End::EndedByTask => Some(
            "The exit conditions of a failed task ended the job; apply again to run what is left."
                .to_owned(),
        ),
        End::DisabledByTask => Some(
            "The exit conditions of a failed task disabled the job; apply again to enable it and run what is left."
                .to_owned(),
        ),
        End::JobEnded(reason) => Some(format!(
            "The job was ended by somebody else ({reason}); apply again to run what is left."
        )),
    }
}

async fn after_interrupt(args: &ApplyArgs, document: &Document, target: &Target) -> String {
    let path = document.path.display();
    let same = same_options(&args.manifest, &args.target);
    let mut text = String::new();
    if target.is_local() {
        text.push_str(
            "Nothing runs any more: the local service ends with this command and keeps its state.\n",
        );
    } else {
        text.push_str(&still_running::describe(&document.desired, &target.client).await);
    }
    let _ = writeln!(text, "  to go on:      batchflow apply {path}{same}");
    let _ = writeln!(text, "  to give it up: batchflow destroy {path}{same}");
    text
}

/// What has to be said again to mean the same manifest and the same target.
pub(super) fn same_options(manifest: &ManifestArgs, target: &TargetArgs) -> String {
    let mut options = String::new();
    for (name, value) in &manifest.vars {
        let _ = write!(options, " --var {}", quoted(&format!("{name}={value}")));
    }
    if target.local {
        options.push_str(" --local");
    }
    if let Some(folder) = &target.state_dir {
        let _ = write!(
            options,
            " --state-dir {}",
            quoted(&folder.to_string_lossy())
        );
    }
    options
}

/// For a POSIX shell; what needs no quotes gets none.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
