//! `batchflow gc`: deletes what manifests made and nothing uses any more.

use super::error::CliError;
use super::output;
use super::run_args::GcArgs;
use super::target::Target;
use crate::client::{Client, ClientError};
use crate::clock;
use crate::observed::{Kind, Marked, marked};
use crate::report::exit_code::ExitCode;
use crate::report::quantity::count;
use crate::report::{json, leftovers};
use crate::wire::time::Time;

pub(super) async fn run(args: &GcArgs) -> Result<ExitCode, CliError> {
    let target = Target::of_account(&args.of).await?;
    let result = collect(args, &target).await;
    target.close().await;
    result.map(|()| ExitCode::Ok)
}

async fn collect(args: &GcArgs, target: &Target) -> Result<(), CliError> {
    let age = i64::try_from(args.older_than.as_nanos() / 100).unwrap_or(i64::MAX);
    let young = Time::from_ticks(Time::from(clock::now()).ticks().saturating_sub(age));
    let mut all = marked(&target.client, young).await?;
    if let Some(name) = &args.name {
        all.retain(|manifest, _| manifest == name);
    }
    if args.json {
        output::data(&json::line(&json::Leftovers::new(&target.name, &all)));
    } else {
        output::text(&leftovers::render(&target.name, &all, args.containers));
    }
    let doomed = leftovers::left_over(&all, args.containers);
    if doomed.is_empty() || args.dry_run || (args.json && !args.yes) {
        return Ok(());
    }
    if !args.yes && !output::confirm("\nDelete these?")? {
        return Err(CliError::NotConfirmed);
    }
    for one in &doomed {
        delete(&target.client, one).await?;
    }
    output::talk(&format!("{} deleted.\n", count(doomed.len(), "resource")));
    Ok(())
}

async fn delete(client: &Client, one: &Marked) -> Result<(), ClientError> {
    let name = one.name.as_str();
    match one.kind {
        Kind::Schedule => client.batch.delete_job_schedule(name).await,
        Kind::Job => client.batch.delete_job(name).await,
        Kind::Pool => client.batch.delete_pool(name).await,
        Kind::Container => client.blob.delete_container(name).await,
    }
}
