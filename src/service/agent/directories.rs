//! Where everything of a node lies. Paths only: nothing here looks at the disk.
//!
//! The ids obey the service's rules long before they come here; they are checked again because a path that
//! leaves the tree must not depend on a check made elsewhere.

use std::path::{Path, PathBuf};

use crate::service::core::effect::{NodeRef, Role};
use crate::service::core::task_root_directory;

/// The directories of a node's root.
pub(in crate::service) const ROOT_DIRECTORIES: [&str; 6] = [
    "applications",
    "fsmounts",
    "shared",
    "startup",
    "volatile",
    "workitems",
];

/// A name that would not stay one path component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be the name of a directory on a node")]
pub(in crate::service) struct NotAComponent(String);

fn component(name: &str) -> Result<&str, NotAComponent> {
    let bad = name.is_empty()
        || name == "."
        || name == ".."
        || name.contains(['/', '\\'])
        || name.chars().any(char::is_control);
    if bad {
        return Err(NotAComponent(name.to_owned()));
    }
    Ok(name)
}

/// The directory tree of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct NodeDirectories {
    pool: PathBuf,
    root: PathBuf,
}

impl NodeDirectories {
    pub(in crate::service) fn new(nodes_dir: &Path, node: &NodeRef) -> Result<Self, NotAComponent> {
        let pool = nodes_dir.join(component(&node.pool)?);
        let root = pool.join(component(&node.node)?);
        Ok(Self { pool, root })
    }

    /// What holds the nodes of the same pool.
    pub(in crate::service) fn pool(&self) -> &Path {
        &self.pool
    }

    pub(in crate::service) fn root(&self) -> &Path {
        &self.root
    }

    pub(in crate::service) fn shared(&self) -> PathBuf {
        self.root.join("shared")
    }

    pub(in crate::service) fn startup(&self) -> PathBuf {
        self.root.join("startup")
    }

    pub(in crate::service) fn mounts(&self) -> PathBuf {
        self.root.join("fsmounts")
    }

    /// What task files are relative to: `workitems/<job>/job-1/<task>`.
    pub(in crate::service) fn task(&self, job: &str, task: &str) -> Result<PathBuf, NotAComponent> {
        component(job)?;
        component(task)?;
        Ok(self.root.join(task_root_directory(job, task)))
    }

    /// The directory of what runs as this role: a task's, or the start task's `startup`.
    pub(in crate::service) fn of(&self, role: &Role) -> Result<RunDirectories, NotAComponent> {
        let root = match role {
            Role::StartTask => self.startup(),
            Role::Task { job, task } => self.task(job, task)?,
        };
        Ok(RunDirectories { root })
    }

    /// The directory of a subtask: below that of its task, as the service has it [mem].
    pub(in crate::service) fn of_subtask(task: &RunDirectories, id: u16) -> RunDirectories {
        let root = task.root.join(id.to_string());
        RunDirectories { root }
    }
}

/// The directory of one command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct RunDirectories {
    root: PathBuf,
}

impl RunDirectories {
    pub(in crate::service) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the command starts and resource files go.
    pub(in crate::service) fn working(&self) -> PathBuf {
        self.root.join("wd")
    }

    pub(in crate::service) fn stdout(&self) -> PathBuf {
        self.root.join("stdout.txt")
    }

    pub(in crate::service) fn stderr(&self) -> PathBuf {
        self.root.join("stderr.txt")
    }

    /// What happened to the output files.
    pub(in crate::service) fn upload_log(&self) -> PathBuf {
        self.root.join("fileuploadout.txt")
    }

    /// What went wrong with the output files.
    pub(in crate::service) fn upload_errors(&self) -> PathBuf {
        self.root.join("fileuploaderr.txt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(pool: &str, node: &str) -> NodeRef {
        NodeRef {
            pool: pool.into(),
            node: node.into(),
        }
    }

    #[test]
    fn the_tree_of_the_wire_notes() {
        let dirs = NodeDirectories::new(Path::new("/n"), &node("p", "tvm-1")).unwrap();
        assert_eq!(dirs.shared(), Path::new("/n/p/tvm-1/shared"));
        let task = Role::Task {
            job: "j".into(),
            task: "t".into(),
        };
        let run = dirs.of(&task).unwrap();
        assert_eq!(
            run.stdout(),
            Path::new("/n/p/tvm-1/workitems/j/job-1/t/stdout.txt")
        );
        assert_eq!(
            run.working(),
            Path::new("/n/p/tvm-1/workitems/j/job-1/t/wd")
        );
        assert_eq!(
            dirs.of(&Role::StartTask).unwrap().working(),
            Path::new("/n/p/tvm-1/startup/wd")
        );
    }

    #[test]
    fn names_that_would_leave_the_tree() {
        for bad in ["", ".", "..", "a/b", "../x", "a\\b", "a\0b"] {
            assert!(
                NodeDirectories::new(Path::new("/n"), &node(bad, "x")).is_err(),
                "{bad:?}"
            );
            assert!(
                NodeDirectories::new(Path::new("/n"), &node("x", bad)).is_err(),
                "{bad:?}"
            );
            let dirs = NodeDirectories::new(Path::new("/n"), &node("p", "n")).unwrap();
            assert!(dirs.task(bad, "t").is_err(), "{bad:?}");
            assert!(dirs.task("j", bad).is_err(), "{bad:?}");
        }
    }
}
