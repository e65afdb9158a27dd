//! `batchflow serve`: the local service on its own.

use tokio::signal::unix::{SignalKind, signal};

use super::args::ServeArgs;
use super::error::CliError;
use super::{output, target};
use crate::report::exit_code::ExitCode;
use crate::service::{self, Options};

pub(super) async fn run(args: &ServeArgs) -> Result<ExitCode, CliError> {
    let options = Options {
        state_dir: (!args.in_memory).then(|| args.state_dir.clone()),
        batch_port: args.port,
        blob_port: args.blob_port,
        ..Options::new(target::launcher()?)
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Runtime)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Runtime)?;
    let service = service::start(options).await?;
    let account = service.account();
    // The key is what the caller came for: it goes to stdout, for `eval`, and nowhere else.
    output::data(&format!(
        "export AZURE_BATCH_ACCOUNT={account}\n\
         export AZURE_BATCH_ACCESS_KEY={key}\n\
         export AZURE_BATCH_ENDPOINT={batch}\n\
         export AZURE_STORAGE_CONNECTION_STRING='DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint={blob};'\n",
        key = service.key().expose(),
        batch = service.batch_endpoint(),
        blob = service.blob_endpoint(),
    ));
    output::talk(
        "Serving Azure Batch and Blob Storage on loopback; tasks run as you, with no sandbox. Ctrl-C ends it.\n",
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    service.stop().await;
    Ok(ExitCode::Ok)
}
