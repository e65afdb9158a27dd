//! Reading `/proc`: which processes are ours, and whose each of them is.
//!
//! Where there is no `/proc` nothing is found, and only process groups hold tasks together.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::protocol::MARKER;
use crate::clock;

/// Where the kernel lists the children of this process, kept open: it is read at the end of every task.
#[derive(Debug, Default)]
pub(super) struct Children {
    /// A file for each thread.
    lists: Vec<File>,
    text: Vec<u8>,
}

impl Children {
    /// Every child of this process, of whichever thread, zombies too. While children come and go one may be
    /// missed; its going wakes the reaper, which looks again.
    #[cfg(target_os = "linux")]
    pub(super) fn list(&mut self) -> Vec<Pid> {
        const TASKS: &str = "/proc/self/task";
        // A directory has two links, and one for each directory in it.
        let threads = std::fs::metadata(TASKS).map_or(0, |m| m.nlink().saturating_sub(2));
        if self.lists.len() as u64 != threads {
            self.lists.clear();
            for thread in std::fs::read_dir(TASKS).into_iter().flatten().flatten() {
                match File::open(thread.path().join("children")) {
                    Ok(list) => self.lists.push(list),
                    Err(e) if e.kind() == ErrorKind::NotFound => return children_by_parent(),
                    Err(_) => {}
                }
            }
        }
        self.text.clear();
        for list in &mut self.lists {
            let read = list
                .rewind()
                .and_then(|()| list.read_to_end(&mut self.text));
            if read.is_err() {
                return children_by_parent();
            }
        }
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        text.split_ascii_whitespace()
            .filter_map(parse_pid)
            .collect()
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn list(&mut self) -> Vec<Pid> {
        Vec::new()
    }
}

/// The slow way, for kernels without the `children` files.
#[cfg(target_os = "linux")]
fn children_by_parent() -> Vec<Pid> {
    let me = rustix::process::getpid();
    all_processes()
        .into_iter()
        .filter(|pid| status_fields(*pid).is_some_and(|(parent, _)| parent == me.as_raw_pid()))
        .collect()
}

/// Whose a process is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The value of [`MARKER`] in its environment.
    pub(super) marker: Option<String>,
    /// Its process group, as a number.
    pub(super) group: Option<i32>,
}

pub(super) fn identify(pid: Pid) -> Identity {
    Identity {
        marker: environment_value(pid, MARKER),
        group: status_fields(pid).map(|(_, group)| group),
    }
}

/// How long to wait for the end of what was killed; only something stuck in the kernel takes long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kills what an earlier service left running below a directory, and waits until it is gone: only if that
/// service and its launcher were both killed is there anything to find.
pub(super) fn kill_leftovers(nodes_dir: &Path) {
    let me = rustix::process::getpid();
    let start = clock::monotonic();
    while start.elapsed() < PATIENCE {
        let mut found = false;
        for pid in all_processes().into_iter().filter(|pid| *pid != me) {
            let below = environment_value(pid, MARKER)
                .is_some_and(|directory| Path::new(&directory).starts_with(nodes_dir));
            found |= below && kill_process(pid, Signal::KILL).is_ok();
        }
        if !found {
            return;
        }
        // A killed process dies when it gets to run, and killing one may show another that it was just starting.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn all_processes() -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| parse_pid(entry.file_name().to_str()?))
        .collect()
}

fn parse_pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

fn environment_value(pid: Pid, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|b| *b == 0).find_map(|variable| {
        let value = variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// Parent and process group.
fn status_fields(pid: Pid) -> Option<(i32, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name comes before, in parentheses, and may itself contain any character.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
