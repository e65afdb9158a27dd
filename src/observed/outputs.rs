//! Whether the files of the receipt are still what was downloaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::receipt::{OutputReceipt, Receipt};
use super::state::LocalOutput;
use crate::desired::Desired;

/// Checks every file of the receipt in `folder`, by length and SHA-256.
pub fn check_outputs(folder: &Path, receipt: &Receipt) -> BTreeMap<String, LocalOutput> {
    receipt
        .tasks
        .values()
        .flat_map(|t| &t.outputs)
        .map(|output| (output.path.clone(), check(folder, output)))
        .collect()
}

/// Whether every task's receipt is current and all its outputs are here: then nothing has to run.
pub(super) fn settled(
    desired: &Desired,
    receipt: &Receipt,
    outputs: &BTreeMap<String, LocalOutput>,
) -> bool {
    desired.tasks.iter().all(|task| {
        receipt.tasks.get(task.id.as_str()).is_some_and(|r| {
            let intact = |o: &OutputReceipt| outputs.get(&o.path) == Some(&LocalOutput::Intact);
            r.digest == task.digest && r.outputs.iter().all(intact)
        })
    })
}

/// Files that are in the way of outputs.
pub(super) fn foreign(desired: &Desired, receipt: &Receipt) -> BTreeSet<String> {
    let Some(download) = &desired.download else {
        return BTreeSet::new();
    };
    desired
        .tasks
        .iter()
        .flat_map(|task| task.known_files(download))
        .filter(|name| !receipt.files.contains(*name))
        .filter(|name| download.to.join(name).symlink_metadata().is_ok())
        .map(str::to_owned)
        .collect()
}

fn check(folder: &Path, output: &OutputReceipt) -> LocalOutput {
    let path = folder.join(&output.path);
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() && meta.len() == output.length => match sha256(&path) {
            Ok(sha256) if sha256 == output.sha256 => LocalOutput::Intact,
            _ => LocalOutput::Edited,
        },
        Ok(_) => LocalOutput::Edited,
        Err(_) => LocalOutput::Missing,
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}
