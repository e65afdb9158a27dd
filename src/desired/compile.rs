//! A manifest and its files into the complete desired state.

use std::collections::BTreeMap;
use std::path::Path;

use super::digest::Contents;
use super::problems::Problems;
use super::tasks::Compiler;
use super::{
    Cleanup, Container, Desired, Download, Job, Logs, OWNER_KEY, Task, Upload, When, identity, job,
    logs, pool,
};
use crate::diagnostic::{Diagnostic, codes};
use crate::inputs::snapshot::Snapshot;
use crate::manifest::{At, Manifest, Policy};
use crate::wire::batch::command::MetadataItem;
use crate::wire::time::Duration;

/// Everything the manifest asks for, or everything that is wrong with it. `folder` is the manifest's: the download
/// folder is relative to it.
pub fn compile(
    manifest: &Manifest,
    snapshot: &Snapshot,
    folder: &Path,
) -> Result<Desired, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let bindings = manifest.bindings();
    let mut contents = Contents::new(snapshot);
    let mut pool = pool::compile(manifest, &bindings, &mut contents, &mut problems);
    let mut job = job::compile(
        manifest,
        pool.as_ref(),
        &bindings,
        &mut contents,
        &mut problems,
    );
    let base = pool
        .as_ref()
        .map(|p| pool::task_base(p, job.as_ref(), &mut contents))
        .unwrap_or_default();
    let mut tasks = Compiler {
        snapshot,
        base,
        job: job.as_ref(),
        problems: &mut problems,
    }
    .compile(&manifest.tasks, &bindings);
    if let Some(job) = &job {
        ids_of_job_tasks(manifest, job, &tasks, &mut problems);
    }
    if let Some(identity) = &manifest.pool.identity {
        identity::put_into(identity, pool.as_mut(), job.as_mut(), &mut tasks);
    }
    let diagnostics = problems.finish();
    let logs = logs::compile(manifest);
    match (pool, job) {
        (Some(pool), Some(job)) if diagnostics.is_empty() => Ok(Desired {
            name: manifest.name.value.clone(),
            containers: containers(manifest, logs.as_ref()),
            logs,
            uploads: uploads(snapshot),
            pool,
            job,
            tasks,
            download: manifest.download.as_ref().map(|d| Download {
                container: d.container.value.clone(),
                to: folder.join(&d.to.value),
                pattern: d.pattern.as_ref().map(|p| p.value.clone()),
            }),
            cleanup: Cleanup {
                containers: when(manifest.cleanup.containers),
                job: when(manifest.cleanup.job),
                pool: when(manifest.cleanup.pool),
            },
            prices: manifest.prices.clone(),
        }),
        _ => Err(diagnostics),
    }
}

/// The service adds the manager to the job itself, and keeps the ids of preparation and release free.
fn ids_of_job_tasks(manifest: &Manifest, job: &Job, tasks: &[Task], problems: &mut Problems) {
    let template = &job.template;
    let manager = template.job_manager_task.as_deref();
    let preparation = template.job_preparation_task.as_deref();
    let release = template.job_release_task.as_deref();
    let taken = [
        manager.map(|t| ("manager", t.id.as_str())),
        preparation.map(|t| ("preparation", t.id.as_deref().unwrap_or(PREPARATION))),
        release.map(|t| ("release", t.id.as_deref().unwrap_or(RELEASE))),
    ];
    for (kind, id) in taken.into_iter().flatten() {
        let is_same = |t: &&Task| t.id.as_str().eq_ignore_ascii_case(id);
        if let Some(task) = tasks.iter().find(is_same) {
            problems.report(
                Diagnostic::error(
                    codes::DUPLICATE_TASK_ID,
                    format!("`{id}` is the id of the job's {kind} task"),
                )
                .label(task.span.clone(), "this task has it as well")
                .label(manifest.job.span.clone(), "this job"),
            );
        }
    }
}

/// The ids these tasks have unless they say otherwise.
const PREPARATION: &str = "jobpreparation";
const RELEASE: &str = "jobrelease";

/// The same without uploads and tasks: what a destroy needs, which must work when the input files are gone.
pub fn compile_footprint(manifest: &Manifest, folder: &Path) -> Result<Desired, Vec<Diagnostic>> {
    let bare = Manifest {
        uploads: Vec::new(),
        tasks: Vec::new(),
        ..manifest.clone()
    };
    compile(&bare, &Snapshot::default(), folder)
}

fn containers(manifest: &Manifest, logs: Option<&Logs>) -> Vec<Container> {
    let mark = || (OWNER_KEY.to_owned(), manifest.name.value.clone());
    let mut containers: Vec<Container> = manifest
        .containers
        .iter()
        .map(|container| {
            let own = container
                .metadata
                .iter()
                .map(|(n, v)| (n.clone(), v.clone()));
            Container {
                name: container.name.value.clone(),
                metadata: own.chain([mark()]).collect(),
                is_for_logs: false,
            }
        })
        .collect();
    if let Some(logs) = logs.filter(|l| containers.iter().all(|c| c.name != l.container)) {
        containers.push(Container {
            name: logs.container.clone(),
            metadata: BTreeMap::from([mark()]),
            is_for_logs: true,
        });
    }
    containers
}

fn uploads(snapshot: &Snapshot) -> Vec<Upload> {
    snapshot
        .files()
        .iter()
        .map(|file| Upload {
            container: file.container.clone(),
            blob: file.blob.clone(),
            path: file.path.clone(),
            length: file.length,
            md5: file.md5,
        })
        .collect()
}

fn when(policy: Policy) -> When {
    match policy {
        Policy::OnSuccess => When::OnSuccess,
        Policy::Always => When::Always,
        Policy::Never => When::Never,
    }
}

/// The manifest's metadata and the mark of ownership.
pub(super) fn marks(own: &BTreeMap<String, String>, manifest: &Manifest) -> Vec<MetadataItem> {
    let own = own.iter().map(|(n, v)| (n.clone(), v.clone()));
    let mark = (OWNER_KEY.to_owned(), manifest.name.value.clone());
    own.chain([mark])
        .map(|(name, value)| MetadataItem { name, value })
        .collect()
}

/// In the service's ticks of 100 ns.
pub(super) fn wire_duration(duration: &At<std::time::Duration>) -> Duration {
    Duration::from_ticks(i64::try_from(duration.value.as_nanos() / 100).unwrap_or(i64::MAX))
}
