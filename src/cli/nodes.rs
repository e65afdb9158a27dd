//! `batchflow nodes` and `batchflow images`: what there is to run on.

use futures::TryStreamExt;

use super::document;
use super::error::CliError;
use super::output;
use super::run_args::{ImagesArgs, LookArgs};
use super::target::Target;
use crate::client::batch::ListOptions;
use crate::client::{Client, ClientError};
use crate::clock;
use crate::desired::Desired;
use crate::observed::{live_job, pool_id};
use crate::report::exit_code::ExitCode;
use crate::report::{json, nodes};
use crate::wire::batch::machine::SupportedImage;
use crate::wire::batch::node::Node;

pub(super) async fn run(args: &LookArgs) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.of.manifest)?;
    let target = Target::reach(&document, &args.of.target).await?;
    let found = of_pool(&document.desired, &target.client).await;
    target.close().await;
    let Some((pool, found)) = found? else {
        return Err(CliError::NoPool {
            pool: document.desired.pool.id.to_string(),
        });
    };
    if args.json {
        output::data(&json::line(&json::NodeList::new(&pool, &found)));
    } else if found.is_empty() {
        output::text(&format!("Pool `{pool}` has no nodes.\n"));
    } else {
        let now = clock::now().into();
        output::data(&nodes::nodes(&found, now, output::stdout_width()));
    }
    Ok(ExitCode::Ok)
}

async fn of_pool(
    desired: &Desired,
    client: &Client,
) -> Result<Option<(String, Vec<Node>)>, ClientError> {
    let job = match desired.pool.auto {
        Some(_) => live_job(desired, client).await?,
        None => None,
    };
    let Some(pool) = pool_id(desired, job.as_ref()) else {
        return Ok(None);
    };
    let listed = client.batch.list_nodes(pool, &ListOptions::default());
    match listed.try_collect().await {
        Err(error) if error.is_not_found() => Ok(None),
        result => Ok(Some((pool.to_owned(), result?))),
    }
}

pub(super) async fn images(args: &ImagesArgs) -> Result<ExitCode, CliError> {
    let target = Target::of_account(&args.of).await?;
    let result = target
        .client
        .batch
        .supported_images(None)
        .try_collect()
        .await;
    target.close().await;
    let mut found: Vec<SupportedImage> = result?;
    let words: Vec<String> = args.words.iter().map(|w| w.to_lowercase()).collect();
    found.retain(|image| {
        let text = nodes::image_text(image).to_lowercase();
        words.iter().all(|word| text.contains(word))
    });
    found.sort_by_key(nodes::image_text);
    if args.json {
        output::data(&json::line(&json::ImageList::new(&found)));
    } else if found.is_empty() {
        output::text("The account supports no such image.\n");
    } else {
        output::data(&nodes::images(&found, output::stdout_width()));
    }
    Ok(ExitCode::Ok)
}
