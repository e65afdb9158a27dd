//! `batchflow autoscale check`: evaluates a formula here, against samples that are given.

use std::fs;
use std::path::Path;

use super::args::AutoscaleCheckArgs;
use super::document::formula;
use super::error::CliError;
use super::output;
use crate::clock;
use crate::diagnostic::{Diagnostic, codes};
use crate::report::diagnostic::render;
use crate::report::exit_code::ExitCode;
use crate::wire::autoscale::{Formula, Inputs, Problem, Recorded};
use crate::wire::time::Time;

pub(super) fn check(args: &AutoscaleCheckArgs) -> Result<ExitCode, CliError> {
    let text = if args.file.extension().is_some_and(|e| e == "toml") {
        formula(&args.file, &args.vars)?
    } else {
        read(&args.file)?
    };
    let now = Time::from(clock::now());
    let recorded = match &args.samples {
        Some(path) => Recorded::read(&read(path)?, now).map_err(|source| CliError::Samples {
            path: path.clone(),
            source,
        })?,
        None => Recorded::idle(now),
    };
    let result = Formula::parse(&text).and_then(|formula| {
        let inputs = Inputs {
            now: recorded.now,
            dedicated: recorded.dedicated,
            low_priority: recorded.low_priority,
            history: &recorded.history,
            seed: recorded.now.ticks().unsigned_abs(),
        };
        formula.evaluate(&inputs).map_err(|problem| vec![problem])
    });
    match result {
        Ok(outcome) => {
            for line in outcome.results.split(';') {
                output::data(&format!("{line}\n"));
            }
            if args.samples.is_none() {
                output::talk("as for a pool without nodes and tasks; --samples gives others\n");
            }
            Ok(ExitCode::Ok)
        }
        Err(problems) => {
            let name = args.file.display().to_string();
            let found: Vec<Diagnostic> = problems.iter().map(diagnostic).collect();
            let (color, width) = (output::stderr_color(), output::stderr_width());
            output::talk(&render(&found, &name, &text, color, width));
            Err(CliError::Formula {
                problems: problems.len(),
            })
        }
    }
}

fn diagnostic(problem: &Problem) -> Diagnostic {
    Diagnostic {
        help: problem.help.clone(),
        ..Diagnostic::error(codes::INVALID_FORMULA, problem.message.clone())
            .label(problem.span.start..problem.span.end, "here")
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|source| CliError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
