//! Output files: what a finished run uploads, and its log of that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::{FutureExt, StreamExt};

use super::blob_url::{BlobEndpoints, blob_in, shown};
use super::directories::RunDirectories;
use super::failure::{Code, Trouble, chain};
use super::find_outputs::{FindError, find};
use super::pattern::expand;
use super::upload::{Source, upload};
use super::web::Web;
use crate::wire::batch::command::{OutputFile, OutputFileUploadCondition, OutputFileUploadHeader};

/// Files of one run on their way at the same time.
const AT_ONCE: usize = 4;

/// A file is small up to so many bytes.
const SMALL: u64 = 64 << 10;
/// Bytes of small files that are read before the first is uploaded.
const READ_AT_ONCE: u64 = 1 << 20;

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

/// Read where they were found, as far as that takes little memory.
fn with_small_contents(files: BTreeMap<String, PathBuf>) -> Vec<(String, Source)> {
    let mut left = READ_AT_ONCE;
    let read = |(name, path)| {
        let source = Source::read(path, left.min(SMALL));
        left -= source.content.as_ref().map_or(0, |c| c.len() as u64);
        (name, source)
    };
    files.into_iter().map(read).collect()
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
    let look = move || {
        let found = find(&pattern, &path, &working, &root)?;
        Ok::<_, FindError>((with_small_contents(found.files), found.skipped))
    };
    let (files, skipped) = match tokio::task::spawn_blocking(look).await {
        Ok(Ok(found)) => found,
        Ok(Err(e)) => return log.fail(misc(chain(&e))),
        Err(e) => return log.fail(misc(chain(&e))),
    };
    for skipped in skipped {
        log.failed.push_str(&format!("not uploaded: {skipped}\n"));
    }
    let headers: &[OutputFileUploadHeader] = &target.upload_headers;
    let mut uploads = futures::stream::iter(files)
        .map(|(name, source)| {
            let blob = blob_in(&container, &name);
            async move {
                let result = upload(web, &source, &blob, headers).await;
                (source.path, shown(&blob), result)
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
