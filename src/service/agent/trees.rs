//! Making and deleting directories of a node.

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::directories::{NodeDirectories, ROOT_DIRECTORIES, RunDirectories};
use crate::service::spread::spread;

/// Makes what is missing of a node's tree and leaves what is there: the node may come back after a restart.
pub(super) fn prepare_node(node: &NodeDirectories) -> std::io::Result<()> {
    std::fs::create_dir_all(node.pool())?;
    spread(node.pool());
    for directory in ROOT_DIRECTORIES {
        std::fs::create_dir_all(node.root().join(directory))?;
    }
    Ok(())
}

/// Makes a command line's directory anew, so that a run that is repeated finds nothing of the one before
/// [inf]. `task` is the same directory, but for a subtask.
pub(super) fn prepare_run(task: &RunDirectories, run: &RunDirectories) -> std::io::Result<()> {
    remove_tree(task.root())?;
    std::fs::create_dir_all(run.working())?;
    // There from the start, so that they can be listed before the command has said anything.
    File::create(run.stdout())?;
    File::create(run.stderr())?;
    Ok(())
}

/// Makes the directories of a run that is not there; for most runs these are two calls.
pub(super) fn make_run(root: &Path, working: &Path) -> std::io::Result<()> {
    match std::fs::create_dir(root) {
        Err(e) if e.kind() == ErrorKind::NotFound => std::fs::create_dir_all(root)?,
        made => made?,
    }
    std::fs::create_dir(working)
}

/// Deletes a run's directory. Most hold nothing but what was made with them.
pub(super) fn remove_run(run: &RunDirectories) -> std::io::Result<()> {
    let _ = std::fs::remove_dir(run.working());
    let _ = std::fs::remove_file(run.stdout());
    let _ = std::fs::remove_file(run.stderr());
    if std::fs::remove_dir(run.root()).is_ok() {
        return Ok(());
    }
    let _ = std::fs::remove_file(run.upload_log());
    let _ = std::fs::remove_file(run.upload_errors());
    match std::fs::remove_dir(run.root()) {
        Ok(()) => Ok(()),
        Err(_) => remove_tree(run.root()),
    }
}

/// Deletes a tree, also where a task took away its own right to do that. Links are deleted, not followed.
pub(super) fn remove_tree(root: &Path) -> std::io::Result<()> {
    let absent_is_fine = |result: std::io::Result<()>| match result {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    };
    match absent_is_fine(std::fs::remove_dir_all(root)) {
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            make_writable(root)?;
            absent_is_fine(std::fs::remove_dir_all(root))
        }
        other => other,
    }
}

fn make_writable(root: &Path) -> std::io::Result<()> {
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        std::fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_without_rights_go_and_what_links_lead_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::fs::write(tree.join("a/b/f"), "").unwrap();
        let kept = dir.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        std::os::unix::fs::symlink(&kept, tree.join("a/link")).unwrap();
        for locked in ["a/b", "a"] {
            std::fs::set_permissions(tree.join(locked), Permissions::from_mode(0o000)).unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists() && kept.is_dir());
        remove_tree(&tree).unwrap();
    }
}
