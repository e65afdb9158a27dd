//! Output files: what a finished run uploads, and its log of that.

use std::collections::BTreeMap;
use std::path::Path;

use futures::{FutureExt, StreamExt};

use super::blob_url::{BlobEndpoints, blob_in, shown};
use super::directories::RunDirectories;
use super::failure::{Code, Trouble, chain};
use super::find_outputs::find;
use super::pattern::expand;
use super::upload::upload;
use super::web::Web;
use crate::wire::batch::command::{OutputFile, OutputFileUploadCondition, OutputFileUploadHeader};

/// Files of one run on their way at the same time.
const AT_ONCE: usize = 4;

/// What the files of a run are looked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) node_root: &'a Path,
    pub(super) run: &'a RunDirectories,
    /// The environment the command had.
    pub(super) variables: &'a BTreeMap<String, String>,
}

/// Uploads what the conditions ask for after this end, all of it even if some fails, and writes the two logs
/// into the task directory. Gives the first failure.
pub(super) async fn publish(
    web: &Web,
    endpoints: &BlobEndpoints,
    files: &[OutputFile],
    success: bool,
    origin: Origin<'_>,
) -> Option<Trouble> {
    if files.is_empty() {
        return None;
    }
    let mut log = Log::default();
    for file in files.iter().filter(|file| is_due(file, success)) {
        publish_one(web, endpoints, file, origin, &mut log).await;
    }
    let out = std::fs::write(origin.run.upload_log(), &log.done);
    let err = std::fs::write(origin.run.upload_errors(), &log.failed);
    if let Err(e) = out.and(err) {
        tracing::warn!("the log of an upload could not be written: {e}");
    }
    log.first
}

/// `Unrecognized` conditions do not come here: the request that carried one was refused.
fn is_due(file: &OutputFile, success: bool) -> bool {
    match file.upload_options.upload_condition {
        OutputFileUploadCondition::TaskSuccess => success,
        OutputFileUploadCondition::TaskFailure => !success,
        OutputFileUploadCondition::TaskCompletion => true,
    }
}

#[derive(Default)]
struct Log {
    done: String,
    failed: String,
    first: Option<Trouble>,
}

impl Log {
    fn fail(&mut self, trouble: Trouble) {
        self.failed.push_str(&trouble.line());
        self.failed.push('\n');
        self.first.get_or_insert(trouble);
    }
}

async fn publish_one(
    web: &Web,
    endpoints: &BlobEndpoints,
    file: &OutputFile,
    origin: Origin<'_>,
    log: &mut Log,
) {
    let misc = |message: String| {
        Trouble::new(Code::FileUploadMiscError, message).about("FilePattern", &file.file_pattern)
    };
    let Some(target) = &file.destination.container else {
        return log.fail(misc("the output file has no destination".to_owned()));
    };
    let container = match endpoints.resolve(&target.container_url) {
        Ok(url) => url,
        Err(e) => return log.fail(misc(chain(&e))),
    };
    let value_of = |name: &str| {
        let ours = name.starts_with("AZ_BATCH_");
        origin
            .variables
            .get(name)
            .filter(|_| ours)
            .map(String::as_str)
    };
    let pattern = expand(&file.file_pattern, value_of);
    let path = target.path.clone().unwrap_or_default();
    let (working, root) = (origin.run.working(), origin.node_root.to_owned());
    let found = tokio::task::spawn_blocking(move || find(&pattern, &path, &working, &root)).await;
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(e)) => return log.fail(misc(chain(&e))),
        Err(e) => return log.fail(misc(chain(&e))),
    };
    for skipped in found.skipped {
        log.failed.push_str(&format!("not uploaded: {skipped}\n"));
    }
    let headers: &[OutputFileUploadHeader] = &target.upload_headers;
    let mut uploads = futures::stream::iter(found.files)
        .map(|(name, source)| {
            let blob = blob_in(&container, &name);
            async move {
                let result = upload(web, &source, &blob, headers).await;
                (source, shown(&blob), result)
            }
            .boxed()
        })
        .buffered(AT_ONCE);
    while let Some((source, blob, result)) = uploads.next().await {
        match result {
            Ok(length) => {
                let line = format!("{} -> {blob} ({length} bytes)\n", source.display());
                log.done.push_str(&line);
            }
            Err(e) => log.fail(
                e.trouble()
                    .about("FilePath", source.display())
                    .about("BlobDestination", blob),
            ),
        }
    }
}
