//! Step 7: outputs are here, verified, under their final names; the receipt says so.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use data_encoding::HEXLOWER;
use futures::TryStreamExt;

use super::context::Run;
use super::error::ApplyError;
use crate::client::blob::{BlobItem, sweep_parts};
use crate::desired::{DIGEST_KEY, Download, TASK_KEY};
use crate::event::Event;
use crate::inputs::digest_file;
use crate::observed::{OutputReceipt, Receipt, TaskReceipt};
use crate::plan::StepKind;

/// A blob that comes home.
struct Wanted {
    blob: BlobItem,
    /// Index of the task that wrote it; None when nothing says which.
    task: Option<usize>,
    path: PathBuf,
}

/// Fetches what the tasks in `done` wrote and what failed ones left; answers with files and bytes fetched.
pub(super) async fn ensure(run: &Run<'_>, done: &[usize]) -> Result<(usize, u64), ApplyError> {
    let mut receipt = run.receipt.clone();
    let mut outputs: HashMap<usize, Vec<OutputReceipt>> =
        done.iter().map(|t| (*t, Vec::new())).collect();
    let mut fetched = (0, 0);
    if let Some(download) = &run.desired.download {
        let wanted = wanted(run, download).await?;
        check_ways(&download.to, &wanted)?;
        claim(run, download, &mut receipt, &wanted)?;
        sweep(&wanted)?;
        let results = fetch(run, download, wanted).await?;
        for (task, output, is_new) in results {
            if is_new {
                fetched.0 += 1;
                fetched.1 += output.length;
            }
            if let Some(list) = task.and_then(|t| outputs.get_mut(&t)) {
                list.push(output);
            }
        }
    }
    for (task, mut files) in outputs {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let task = &run.desired.tasks[task];
        receipt.tasks.insert(
            task.id.to_string(),
            TaskReceipt {
                digest: task.digest.clone(),
                parts: Some(task.parts),
                outputs: files,
            },
        );
    }
    receipt
        .save(&run.receipt_folder)
        .map_err(ApplyError::Receipt)?;
    Ok(fetched)
}

/// The blobs of the manifest's tasks as they are now, and those nobody signed. What an older form of a task
/// wrote is left out.
async fn wanted(run: &Run<'_>, download: &Download) -> Result<Vec<Wanted>, ApplyError> {
    let ids: HashMap<String, usize> = run
        .desired
        .tasks
        .iter()
        .enumerate()
        .map(|(i, t)| (t.id.as_str().to_ascii_lowercase(), i))
        .collect();
    let untouched: HashSet<usize> = run
        .plan
        .tasks
        .iter()
        .filter(|t| !t.work.is_something())
        .map(|t| t.task)
        .collect();
    let mut blobs = run
        .client
        .blob
        .list_blobs(download.container.as_str(), None);
    let mut wanted = Vec::new();
    while let Some(blob) = blobs
        .try_next()
        .await
        .map_err(ApplyError::at(StepKind::Download))?
    {
        if !download.includes(&blob.name) {
            continue;
        }
        let metadata = |key: &str| blob.metadata.get(key).map(String::as_str);
        let task = match metadata(TASK_KEY) {
            None => None,
            Some(id) => match ids.get(&id.to_ascii_lowercase()) {
                Some(task)
                    if metadata(DIGEST_KEY) == Some(run.desired.tasks[*task].digest.as_str()) =>
                {
                    Some(*task)
                }
                _ => continue,
            },
        };
        if task.is_some_and(|t| untouched.contains(&t)) {
            continue;
        }
        let path = inside(&download.to, &blob.name).ok_or_else(|| ApplyError::EscapesFolder {
            blob: blob.name.clone(),
        })?;
        wanted.push(Wanted { blob, task, path });
    }
    Ok(wanted)
}

/// Where a blob goes in `folder`; None when its name would lead out of it, or is that of another file in other
/// letters, such as `a//b`.
fn inside(folder: &Path, blob: &str) -> Option<PathBuf> {
    let relative = Path::new(blob);
    let plain = relative
        .components()
        .all(|c| matches!(c, Component::Normal(_)));
    let tidy = relative.components().collect::<PathBuf>().as_os_str() == blob;
    let hidden = relative.starts_with(".batchflow");
    (plain && tidy && !blob.is_empty() && !blob.contains('\0') && !hidden)
        .then(|| folder.join(relative))
}

/// Folders on the way to the files must not be links: nothing is written to where they lead.
fn check_ways(folder: &Path, wanted: &[Wanted]) -> Result<(), ApplyError> {
    let mut seen: HashSet<&Path> = HashSet::from([folder]);
    for file in wanted {
        for way in file.path.ancestors().skip(1) {
            if !seen.insert(way) {
                break;
            }
            if way.is_symlink() {
                return Err(ApplyError::LinkedFolder(way.to_owned()));
            }
        }
    }
    Ok(())
}

/// Notes which files are about to be written, before any is: a file that is there already and that no earlier
/// run has noted is somebody else's.
fn claim(
    run: &Run<'_>,
    download: &Download,
    receipt: &mut Receipt,
    wanted: &[Wanted],
) -> Result<(), ApplyError> {
    for file in wanted {
        let Ok(relative) = file.path.strip_prefix(&download.to) else {
            continue;
        };
        let relative = relative.to_string_lossy().into_owned();
        let foreign = !receipt.files.contains(&relative) && file.path.symlink_metadata().is_ok();
        if foreign && !same_content(file) {
            return Err(ApplyError::ForeignFile(file.path.clone()));
        }
        receipt.files.insert(relative);
    }
    receipt
        .save(&run.receipt_folder)
        .map_err(ApplyError::Receipt)
}

/// Removes the parts of files that a killed run left.
fn sweep(wanted: &[Wanted]) -> Result<(), ApplyError> {
    let folders: HashSet<&Path> = wanted.iter().filter_map(|w| w.path.parent()).collect();
    for folder in folders {
        sweep_parts(folder).map_err(|source| ApplyError::Folder {
            path: folder.to_owned(),
            source,
        })?;
    }
    Ok(())
}

fn same_content(file: &Wanted) -> bool {
    let is_file = file
        .path
        .symlink_metadata()
        .is_ok_and(|m| m.is_file() && m.len() == file.blob.length);
    is_file && digest_file(&file.path).is_ok_and(|d| Some(d.md5) == file.blob.md5)
}

type Fetched = (Option<usize>, OutputReceipt, bool);

async fn fetch(
    run: &Run<'_>,
    download: &Download,
    wanted: Vec<Wanted>,
) -> Result<Vec<Fetched>, ApplyError> {
    let total = Mutex::new((0_u64, 0_u64));
    run.each(wanted, |file| {
        let total = &total;
        async move {
            let (length, sha256, is_new) = ensure_file(run, download, &file).await?;
            if is_new {
                let (done, bytes) = {
                    let mut total = total
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    total.0 += 1;
                    total.1 += length;
                    *total
                };
                run.events.emit(Event::StepProgress {
                    step: StepKind::Download,
                    done,
                    bytes,
                });
                run.events.emit(Event::Downloaded {
                    path: file.path.display().to_string(),
                    bytes: length,
                });
            }
            let output = OutputReceipt {
                path: file.blob.name,
                length,
                sha256,
            };
            Ok((file.task, output, is_new))
        }
    })
    .await
}

/// The file has the blob's content. Answers with length, SHA-256 and whether it had to be fetched.
async fn ensure_file(
    run: &Run<'_>,
    download: &Download,
    file: &Wanted,
) -> Result<(u64, String, bool), ApplyError> {
    if let Ok(meta) = file.path.symlink_metadata()
        && meta.is_file()
        && meta.len() == file.blob.length
        && let Ok(digest) = digest_file(&file.path)
        && Some(digest.md5) == file.blob.md5
    {
        return Ok((meta.len(), HEXLOWER.encode(&digest.sha256), false));
    }
    if let Some(parent) = file.path.parent() {
        tokio::fs::create_dir_all(parent)
            .await
            .map_err(|source| ApplyError::Folder {
                path: parent.to_owned(),
                source,
            })?;
    }
    let got = run
        .client
        .blob
        .download_file(
            download.container.as_str(),
            &file.blob.name,
            &file.path,
            file.blob.length,
        )
        .await
        .map_err(ApplyError::at(StepKind::Download))?;
    Ok((got.length, HEXLOWER.encode(&got.sha256), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_stay_inside_the_folder() {
        let folder = Path::new("out");
        for (blob, path) in [
            ("a.txt", "out/a.txt"),
            ("a/b c.txt", "out/a/b c.txt"),
            ("..a", "out/..a"),
            ("C:\\a\\..\\b", "out/C:\\a\\..\\b"),
            ("NUL", "out/NUL"),
        ] {
            assert_eq!(inside(folder, blob), Some(PathBuf::from(path)), "{blob}");
        }
        for blob in [
            "",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "a/",
            "a//b",
            "./a",
            "a/./b",
            "..",
            ".batchflow/receipt.json",
            "a\0b",
        ] {
            assert_eq!(inside(folder, blob), None, "{blob:?}");
        }
    }
}
