//! Child processes that end with the test, whatever happens.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use batchflow::clock;
use rustix::process::{Pid, Signal, kill_process_group};

const LOOK_AGAIN: Duration = Duration::from_millis(20);
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Runs a command to its end and gives back what it wrote to stdout.
///
/// # Errors
/// What it wrote, when it fails or is not done in time.
pub(crate) fn run(command: &mut Command, within: Duration) -> Result<String, String> {
    let mut child = Group::start(command)?;
    let stdout = collect(child.0.stdout.take());
    let stderr = collect(child.0.stderr.take());
    let status = child.wait(within);
    drop(child);
    let (stdout, stderr) = (text(stdout), text(stderr));
    match status {
        Some(status) if status.success() => Ok(stdout),
        Some(status) => Err(format!("{status}\n{stdout}{stderr}")),
        None => Err(format!("not done within {within:?}\n{stdout}{stderr}")),
    }
}

/// A server and the lines it prints.
pub(crate) struct Server {
    group: Group,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let mut group = Group::start(command)?;
        let (sender, lines) = channel();
        let forward = |stream: Box<dyn Read + Send>| {
            let sender = sender.clone();
            // Reads on to the end, so that the server never waits for a reader.
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        };
        if let Some(stdout) = group.0.stdout.take() {
            forward(Box::new(stdout));
        }
        if let Some(stderr) = group.0.stderr.take() {
            forward(Box::new(stderr));
        }
        Ok(Self {
            group,
            lines,
            seen: Vec::new(),
        })
    }

    /// The first line that `wanted` has an answer for.
    #[track_caller]
    pub(crate) fn wait_for<T>(
        &mut self,
        within: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> T {
        let start = clock::monotonic();
        loop {
            let line = self
                .lines
                .recv_timeout(within.saturating_sub(start.elapsed()));
            match line {
                Ok(line) => {
                    let found = wanted(&line);
                    self.seen.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the server only said: {:#?}", self.seen)
                }
            }
        }
    }

    /// Asks it to stop, and how it ended; None when it had to be killed.
    pub(crate) fn stop(mut self) -> Option<ExitStatus> {
        self.group.signal(Signal::TERM);
        self.group.wait(STOP_WITHIN)
    }
}

/// A child and all that it starts. Gone with this value.
struct Group(Child);

impl Group {
    fn start(command: &mut Command) -> Result<Self, String> {
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map(Self)
            .map_err(|e| format!("{}: {e}", command.get_program().to_string_lossy()))
    }

    fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let start = clock::monotonic();
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if start.elapsed() < within => thread::park_timeout(LOOK_AGAIN),
                _ => return None,
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.0.id().cast_signed()) {
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.0.wait();
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> Option<JoinHandle<Vec<u8>>> {
    let mut stream = stream?;
    Some(thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    }))
}

fn text(reader: Option<JoinHandle<Vec<u8>>>) -> String {
    let bytes = reader.and_then(|r| r.join().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
