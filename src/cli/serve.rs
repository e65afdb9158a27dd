//! `batchflow serve`: the local service on its own.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::args::ServeArgs;
use super::error::CliError;
use super::{output, target};
use crate::report::exit_code::ExitCode;
use crate::service::{self, Options, Service, Tls, development};

pub(super) async fn run(args: &ServeArgs) -> Result<ExitCode, CliError> {
    let options = Options {
        state_dir: (!args.in_memory).then(|| args.state_dir.clone()),
        address: args.host,
        batch_port: args.port,
        blob_port: args.blob_port,
        account: args.account.clone(),
        key: (!args.own_key).then(development::key),
        tls: tls(args),
        sandbox: args.sandbox,
        autoscale_interval: args.autoscale_interval,
        ..Options::new(target::launcher()?)
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Runtime)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Runtime)?;
    let service = service::start(options).await?;
    // The key is what the caller came for: it goes to stdout, for `eval`, and nowhere else.
    output::data(&if args.json {
        as_json(&service)
    } else {
        as_variables(&service)
    });
    output::talk(&greeting(args, &service));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    output::talk("Stopping: what runs is killed and runs again at the next start.\n");
    service.stop().await;
    Ok(ExitCode::Ok)
}

fn tls(args: &ServeArgs) -> Tls {
    match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Tls::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        },
        _ if args.tls => Tls::Own,
        _ => Tls::Off,
    }
}

fn connection_string(service: &Service) -> String {
    let blob = service.blob_endpoint();
    format!(
        "DefaultEndpointsProtocol={scheme};AccountName={account};AccountKey={key};BlobEndpoint={blob};",
        scheme = blob.split(':').next().unwrap_or_default(),
        account = service.account(),
        key = service.key().expose(),
    )
}

fn as_variables(service: &Service) -> String {
    let mut text = format!(
        "export AZURE_BATCH_ACCOUNT={account}\n\
         export AZURE_BATCH_ACCESS_KEY={key}\n\
         export AZURE_BATCH_ENDPOINT={batch}\n\
         export AZURE_STORAGE_CONNECTION_STRING='{connection}'\n\
         export BATCHFLOW_LIVE_PAGE='{page}'\n",
        account = service.account(),
        key = service.key().expose(),
        batch = service.batch_endpoint(),
        connection = connection_string(service),
        page = service.live_page(),
    );
    if let Some(authority) = service.authority() {
        let path = authority.display().to_string().replace('\'', "'\\''");
        for name in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
            text.push_str(&format!("export {name}='{path}'\n"));
        }
    }
    text
}

fn as_json(service: &Service) -> String {
    let object = json!({
        "account": service.account(),
        "key": service.key().expose(),
        "batch_endpoint": service.batch_endpoint(),
        "blob_endpoint": service.blob_endpoint(),
        "storage_connection_string": connection_string(service),
        "live_page": service.live_page(),
        "ca_certificate": service.authority(),
        "pid": std::process::id(),
    });
    format!("{object}\n")
}

fn greeting(args: &ServeArgs, service: &Service) -> String {
    let mut text = format!(
        "Serving Azure Batch and Blob Storage on {}; tasks run as you, {}. Ctrl-C ends it.\n",
        args.host,
        match args.sandbox {
            true => "in a sandbox",
            false => "with no sandbox",
        }
    );
    text.push_str(&match service.live_page().split_once('#') {
        Some((page, _)) => {
            format!("Live page: {page} asks for the key; BATCHFLOW_LIVE_PAGE has it.\n")
        }
        None => format!("Live page: {}\n", service.live_page()),
    });
    if !args.host.is_loopback() {
        text.push_str(
            "warning: whoever reaches this address and knows the key runs commands as you.\n",
        );
    }
    if service.authority().is_some() {
        text.push_str(
            "The certificate is the service's own. Python's requests reads REQUESTS_CA_BUNDLE, Node \
             NODE_EXTRA_CA_CERTS, OpenSSL and most others SSL_CERT_FILE; the first and the last replace the \
             public authorities in the shell that sets them.\n",
        );
    }
    text
}
