//! The launcher's table of runs and the thread that buries what died.
//!
//! A run is over when its first process has ended and nothing is left of what that started: the rest of its
//! process group is killed, and so is every orphan the launcher adopted that carries the run's directory in
//! its environment. Azure's own handling of what a start task leaves in the background is not documented; it
//! is treated like a task [inf].

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, kill_process, kill_process_group,
    wait, waitid,
};

use super::orphans::{self, Children, Identity};
use super::protocol::{Command, LaunchFailure, Notice};

/// What a run has that is killed while it is held.
const KILLED: i32 = 128 + 9;

/// A run whose first process exists.
struct Live {
    run: u64,
    marker: Option<String>,
    /// What it leaves behind is kept.
    hold: bool,
}

/// A run whose first process has ended and whose processes in the background go on.
struct Held {
    leader: Pid,
    marker: Option<String>,
}

/// A run whose first process has ended, but not yet all it left behind.
struct Ending {
    leader: Pid,
    marker: Option<String>,
    /// What is said when nothing is left.
    last: Notice,
}

struct Starting {
    number: u64,
    marker: Option<String>,
}

/// The first process of what is being started, or an orphan's end that nobody asks for.
struct Unknown {
    status: WaitStatus,
    /// The latest start that can have been its.
    latest: u64,
}

#[derive(Default)]
pub(super) struct Table {
    live: HashMap<Pid, Live>,
    held: HashMap<u64, Held>,
    ending: Vec<Ending>,
    /// What is being started: there may be a process already, whose number is not known yet.
    starting: Vec<Starting>,
    /// Children that died unknown while something was being started.
    unknown: HashMap<Pid, Unknown>,
    /// Counts what is started, so that the reaper sees a start between finding no child and waiting for one.
    started: u64,
    /// Numbers what is being started.
    begun: u64,
    closing: bool,
    children: Children,
}

/// The table of runs, shared by the threads that start processes and the one that reaps them.
#[derive(Clone)]
pub(super) struct Reaper {
    shared: Arc<(Mutex<Table>, Condvar)>,
    tell: fn(&Notice),
}

impl Reaper {
    pub(super) fn new(tell: fn(&Notice)) -> Self {
        Self {
            shared: Arc::default(),
            tell,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process; several threads may at a time. The end of a process that nobody knows yet is kept until its
    /// start is over.
    pub(super) fn start<E>(
        &self,
        command: &Command,
        marker: Option<String>,
        spawn: impl FnOnce() -> Result<Pid, E>,
    ) -> Result<(), E> {
        let number = self.table().begin(marker.clone());
        let spawned = spawn();
        let mut table = self.table();
        let early = spawned
            .as_ref()
            .ok()
            .and_then(|pid| table.unknown.remove(pid));
        table.has_begun(number);
        let pid = spawned?;
        let run = command.run;
        // What was held is now this process's, and found by the marker they share.
        table.held.remove(&run);
        let live = Live {
            run,
            marker,
            hold: command.hold,
        };
        table.live.insert(pid, live);
        table.started += 1;
        (self.tell)(&Notice::Started {
            run,
            pid: pid.as_raw_pid().unsigned_abs(),
        });
        self.shared.1.notify_all();
        if let Some(early) = early.filter(|e| e.latest >= number) {
            table.end(pid, early.status, self.tell);
            table.tell_ends(self.tell);
        }
        Ok(())
    }

    /// Kills the process group of a run. One that has ended already is left alone: its number may be another's.
    pub(super) fn kill(&self, run: u64) {
        let mut table = self.table();
        if let Some((leader, live)) = table.live.iter_mut().find(|(_, live)| live.run == run) {
            live.hold = false;
            let _ = kill_process_group(*leader, Signal::KILL);
        } else if let Some(held) = table.held.remove(&run) {
            let last = Notice::Exited { run, code: KILLED };
            self.end_held(table, held, last);
        }
    }

    /// A process of the run could not be started: nothing comes after what was held, which ends before that is told.
    pub(super) fn fail(&self, run: u64, why: LaunchFailure) {
        let mut table = self.table();
        let last = Notice::Failed { run, why };
        match table.held.remove(&run) {
            Some(held) => self.end_held(table, held, last),
            None => {
                (self.tell)(&last);
                // Spared while it might have been another's.
                table.tell_ends(self.tell);
            }
        }
    }

    fn end_held(&self, mut table: MutexGuard<'_, Table>, held: Held, last: Notice) {
        table.ending.push(Ending {
            leader: held.leader,
            marker: held.marker,
            last,
        });
        table.tell_ends(self.tell);
    }

    /// Kills everything; the reaper ends when nothing is left.
    pub(super) fn close(&self) {
        let mut table = self.table();
        table.closing = true;
        table.held.clear();
        for leader in table.live.keys() {
            let _ = kill_process_group(*leader, Signal::KILL);
        }
        table.kill_orphans();
        drop(table);
        self.shared.1.notify_all();
    }

    /// Buries the dead until the launcher closes and nothing is left.
    pub(super) fn run(&self) {
        loop {
            let started = self.table().started;
            match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Ok(_) => self.bury(),
                Err(Errno::CHILD) => {
                    let mut table = self.table();
                    while table.started == started {
                        if table.closing {
                            return;
                        }
                        let waited = self.shared.1.wait(table);
                        table = waited.unwrap_or_else(PoisonError::into_inner);
                    }
                }
                Err(_) => {}
            }
        }
    }

    fn bury(&self) {
        let mut table = self.table();
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            table.end(pid, status, self.tell);
        }
        table.tell_ends(self.tell);
    }
}

impl Table {
    fn begin(&mut self, marker: Option<String>) -> u64 {
        self.begun += 1;
        let number = self.begun;
        self.starting.push(Starting { number, marker });
        number
    }

    /// Lets go of the start, and of what only starts that are over could have asked for.
    fn has_begun(&mut self, number: u64) {
        self.starting.retain(|s| s.number != number);
        let oldest = self.starting.iter().map(|s| s.number).min();
        self.unknown
            .retain(|_, unknown| oldest.is_some_and(|oldest| unknown.latest >= oldest));
    }

    fn end(&mut self, pid: Pid, status: WaitStatus, tell: fn(&Notice)) {
        if !self.live.contains_key(&pid) && !self.starting.is_empty() {
            let latest = self.begun;
            self.unknown.insert(pid, Unknown { status, latest });
        } else if let Some(notice) = self.ended(pid, status) {
            tell(&notice);
        }
    }

    fn tell_ends(&mut self, tell: fn(&Notice)) {
        for notice in self.kill_orphans() {
            tell(&notice);
        }
    }

    fn ended(&mut self, pid: Pid, status: WaitStatus) -> Option<Notice> {
        let code = exit_code(status)?;
        // An orphan when it is not in the table.
        let live = self.live.remove(&pid);
        if let Some(live) = live.as_ref().filter(|live| live.hold && !self.closing) {
            let held = Held {
                leader: pid,
                marker: live.marker.clone(),
            };
            self.held.insert(live.run, held);
            return Some(Notice::Held {
                run: live.run,
                code,
            });
        }
        if let Some(live) = live {
            let _ = kill_process_group(pid, Signal::KILL);
            self.ending.push(Ending {
                leader: pid,
                marker: live.marker,
                last: Notice::Exited {
                    run: live.run,
                    code,
                },
            });
        }
        None
    }

    /// Kills the adopted processes of runs that are over, and gives the notices of those with none left.
    ///
    /// Whoever dies here hands us its own children first and wakes the reaper, so that this comes to an end
    /// only when the whole tree is gone. A process without the marker cannot be told from another run's: it
    /// goes when no run is left.
    fn kill_orphans(&mut self) -> Vec<Notice> {
        let mut dying: Vec<Identity> = Vec::new();
        for orphan in self.children.list() {
            if self.live.contains_key(&orphan) {
                continue;
            }
            let identity = orphans::identify(orphan);
            let spared = match &identity.marker {
                _ if self.closing => false,
                Some(marker) => self.is_live(marker),
                None => {
                    let is_idle = self.live.is_empty() && self.held.is_empty();
                    !(is_idle && self.starting.is_empty())
                }
            };
            // One that may not be killed is not waited for either.
            if !spared && kill_process(orphan, Signal::KILL).is_ok() {
                dying.push(identity);
            }
        }
        let belongs = |identity: &Identity, ending: &Ending| {
            identity.group == Some(ending.leader.as_raw_pid())
                || (ending.marker.is_some() && identity.marker == ending.marker)
        };
        self.ending
            .extract_if(.., |ending| !dying.iter().any(|d| belongs(d, ending)))
            .map(|ending| ending.last)
            .collect()
    }

    fn is_live(&self, marker: &str) -> bool {
        let live = self.live.values().map(|live| &live.marker);
        let held = self.held.values().map(|held| &held.marker);
        let starting = self.starting.iter().map(|starting| &starting.marker);
        let mut known = live.chain(held).chain(starting);
        known.any(|m| m.as_deref() == Some(marker))
    }
}

fn exit_code(status: WaitStatus) -> Option<i32> {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
}
