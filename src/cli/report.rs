//! `batchflow report`: the last apply as an HTML page. Apply writes it too, with what it is made from.

use std::error::Error;
use std::path::Path;

use super::args::ReportArgs;
use super::document::{Document, state_dir};
use super::error::CliError;
use super::output;
use super::target::shown;
use crate::apply::{ApplyError, Outcome};
use crate::observed::Receipt;
use crate::plan::Plan;
use crate::report::cost::bound;
use crate::report::exit_code::ExitCode;
use crate::report::html::{
    Output, Record, RecordError, Recorder, RenderError, Totals, Verdict, render, write,
};

/// What the page is made from, beside it.
const RECORD: &str = "report.json";
const PAGE: &str = "report.html";

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl ReportError {
    pub(super) fn help(&self) -> Option<&'static str> {
        match self {
            Self::Record(RecordError::None(_)) => {
                Some("`batchflow apply` records its run beside the manifest")
            }
            Self::Record(RecordError::Version { .. } | RecordError::Corrupt { .. }) => {
                Some("the next apply that has something to do writes a new one")
            }
            _ => None,
        }
    }
}

pub(super) fn run(args: &ReportArgs) -> Result<ExitCode, CliError> {
    let folder = state_dir(&args.manifest);
    let record = Record::load(&folder.join(RECORD)).map_err(ReportError::from)?;
    let path = args.out.clone().unwrap_or_else(|| folder.join(PAGE));
    write_page(&record, &path)?;
    output::data(&format!("{}\n", shown(&path)));
    Ok(ExitCode::Ok)
}

/// Keeps a run that ended and makes its report; answers with where it is. That it cannot be written does not change
/// how the run ended.
pub(super) fn keep(
    document: &Document,
    plan: &Plan,
    recorder: &Recorder,
    result: &Result<Outcome, ApplyError>,
) -> Option<String> {
    let mut record = recorder.finish();
    record.verdict = verdict(result);
    record.cost_bound = plan.cost.as_ref().map(bound);
    if let Ok(outcome) = result {
        record.totals = Totals {
            up_to_date: outcome.up_to_date,
            blocked: outcome.blocked,
            files_up: outcome.files_up,
            bytes_up: outcome.bytes_up,
            files_down: outcome.files_down,
            bytes_down: outcome.bytes_down,
        };
    }
    if let Ok(receipt) = Receipt::load(&document.receipt_folder(), &document.desired.name) {
        record.outputs = outputs(receipt);
    }
    let folder = document.state_dir();
    let path = folder.join(PAGE);
    let written = record
        .save(&folder.join(RECORD))
        .map_err(ReportError::from)
        .and_then(|()| write_page(&record, &path));
    match written {
        Ok(()) => Some(shown(&path)),
        Err(error) => {
            output::talk(&format!("warning: there is no report: {}\n", chain(&error)));
            None
        }
    }
}

fn write_page(record: &Record, path: &Path) -> Result<(), ReportError> {
    let text = render(record)?;
    Ok(write(path, text.as_bytes())?)
}

fn verdict(result: &Result<Outcome, ApplyError>) -> Verdict {
    match result {
        Ok(outcome) if outcome.success() => Verdict::Complete,
        Ok(outcome) => match super::apply::cut_short(&outcome.end) {
            Some(why) => Verdict::CutShort(why),
            None => Verdict::Failures,
        },
        Err(ApplyError::Interrupted) => Verdict::Interrupted,
        Err(error) => Verdict::Error(chain(error)),
    }
}

fn outputs(receipt: Receipt) -> Vec<Output> {
    let tasks = receipt.tasks.into_iter();
    tasks
        .flat_map(|(task, receipt)| {
            receipt.outputs.into_iter().map(move |output| Output {
                task: task.clone(),
                path: output.path,
                length: output.length,
                sha256: output.sha256,
            })
        })
        .collect()
}

/// An error with everything below it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
