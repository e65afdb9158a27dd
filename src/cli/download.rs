//! `batchflow download`: step 7 alone. Brings home what tasks wrote so far; nothing runs and nothing is deleted.

use tokio_util::sync::CancellationToken;

use super::args::{ChoiceArgs, Global};
use super::document::{self, Document};
use super::error::CliError;
use super::lock::with_lock;
use super::run_args::DownloadArgs;
use super::target::{Purpose, Target};
use super::{interrupt, output, plan};
use crate::apply::{Run, run as carry_out};
use crate::report::exit_code::ExitCode;
use crate::report::json::{self, Downloaded};
use crate::report::progress::{Mode, Progress};
use crate::report::quantity::{bytes, count};

pub(super) async fn run(args: &DownloadArgs, global: &Global) -> Result<ExitCode, CliError> {
    let document = document::load(&args.of.manifest)?;
    let Some(download) = &document.desired.download else {
        return Err(CliError::NoDownload(document.path.clone()));
    };
    let to = download.to.clone();
    let target = Target::open(&document, &args.of.target, Purpose::Look).await?;
    let work = async |lost| fetch(&document, &target, global, lost).await;
    let result = with_lock(&document, &target, work).await;
    let name = target.name.clone();
    target.close().await;
    let (files, size) = result?;
    if args.json {
        let to = to.to_string_lossy();
        output::data(&json::line(&Downloaded::new(&name, &to, files, size)));
        return Ok(ExitCode::Ok);
    }
    output::text(&match files {
        0 => "Nothing new to download.\n".to_owned(),
        _ => format!(
            "{} ({}) to {}\n",
            count(files, "file"),
            bytes(size),
            to.display()
        ),
    });
    Ok(ExitCode::Ok)
}

async fn fetch(
    document: &Document,
    target: &Target,
    global: &Global,
    lost: CancellationToken,
) -> Result<(usize, u64), CliError> {
    let (plan, observed) = plan::make(document, target, &ChoiceArgs::default()).await?;
    let plan = plan.only_download();
    let mode = if global.quiet { Mode::None } else { Mode::Auto };
    let progress = Progress::new(mode, std::env::var_os("CI").is_some());
    let result = carry_out(Run {
        desired: &document.desired,
        plan: &plan,
        client: &target.client,
        events: progress.sink(),
        cancel: interrupt::watch(lost),
        receipt_folder: document.receipt_folder(),
        receipt: observed.receipt,
    })
    .await;
    progress.clear();
    let outcome = result.map_err(CliError::Apply)?;
    Ok((outcome.files_down, outcome.bytes_down))
}
