//! The launcher: the one process that starts processes.
//!
//! It exists so that no task outlives the service. It reads requests until its standard input ends, which it
//! does when the service closes it or dies in whatever way; then it kills every process group it started and
//! every descendant that was orphaned and so became its child, and goes. It holds no secrets of the service:
//! it is started with an empty environment and sees nothing but the command lines it runs.

use std::io::{BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use rustix::process::Pid;

use super::protocol::{Command, LaunchFailure, MARKER, Notice, Request};
use super::reaper::Reaper;
use super::trees;

/// Threads that start processes, at most.
const MOST_STARTING: usize = 4;

/// Runs the launcher on standard input and output until the input ends and every process is gone.
///
/// The program's `main` calls this when its first argument is [`LAUNCHER_ARGUMENT`](super::LAUNCHER_ARGUMENT).
pub fn launcher_main() -> ExitCode {
    stand_apart();
    let reaper = Reaper::new(tell);
    let burying = {
        let reaper = reaper.clone();
        std::thread::spawn(move || reaper.run())
    };
    tell(&Notice::Ready);
    let understood = take_requests(&reaper);
    reaper.close();
    let buried = burying.join().is_ok();
    if understood && buried {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Out of reach of what is meant for the service: the terminal's signals, and `killall` by name.
fn stand_apart() {
    // Fails for a group leader, which stands apart already.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        let _ = std::fs::write("/proc/self/comm", "task-launcher");
    }
    catch_polite_signals();
}

/// A whole service being told to stop must not end the launcher before its tasks. Handlers are used because,
/// unlike ignoring, they are not inherited by tasks; they stay when the runtime that set them up is gone.
fn catch_polite_signals() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
    else {
        return;
    };
    let _entered = runtime.enter();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ] {
        let _ = signal(kind);
    }
}

/// Starts what is sent, on several threads: making directories and waiting for the new program to be loaded would
/// else hold up the next one. Whether every line was a request.
fn take_requests(reaper: &Reaper) -> bool {
    let threads = std::thread::available_parallelism().map_or(MOST_STARTING, |n| n.get());
    let (sender, launches) = mpsc::channel::<Command>();
    let launches = Mutex::new(launches);
    let is_over = AtomicBool::new(false);
    let work = || {
        loop {
            let next = launches
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            match next {
                Ok(command) if !is_over.load(Ordering::Relaxed) => launch(reaper, &command),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(2, MOST_STARTING) {
            scope.spawn(work);
        }
        let understood = read_requests(reaper, &sender);
        is_over.store(true, Ordering::Relaxed);
        drop(sender);
        understood
    })
}

fn read_requests(reaper: &Reaper, launches: &mpsc::Sender<Command>) -> bool {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return true,
            Ok(_) => {}
        }
        // Cut off when the service died while writing it.
        if !line.ends_with(b"\n") {
            return true;
        }
        match serde_json::from_slice(&line) {
            // A run is killed only after it was told to have started.
            Ok(Request::Launch(command)) => drop(launches.send(command)),
            Ok(Request::Kill { run }) => reaper.kill(run),
            Err(_) => return false,
        }
    }
}

fn launch(reaper: &Reaper, command: &Command) {
    let marker = variable(command, MARKER).map(str::to_owned);
    let started = reaper.start(command, marker, || spawn(command));
    if let Err(why) = started {
        reaper.fail(command.run, why);
    }
}

fn spawn(command: &Command) -> Result<Pid, LaunchFailure> {
    let refused = |what: &str, e: std::io::Error| LaunchFailure::Refused {
        message: format!("{what}: {e}"),
    };
    let (name, arguments) = command
        .argv
        .split_first()
        .ok_or_else(|| LaunchFailure::Refused {
            message: "the command line is empty".to_owned(),
        })?;
    if let Some(directory) = &command.directory {
        trees::make_run(directory.as_ref(), command.cwd.as_ref()).map_err(|e| {
            LaunchFailure::NoDirectory {
                message: e.to_string(),
            }
        })?;
    }
    let open = |path: &str| {
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
    };
    let stdout = open(&command.stdout).map_err(|e| refused("cannot open stdout.txt", e))?;
    let stderr = open(&command.stderr).map_err(|e| refused("cannot open stderr.txt", e))?;
    let program = find_program(command, name).ok_or_else(|| LaunchFailure::ProgramNotFound {
        program: name.clone(),
    })?;
    let mut process = match &command.sandbox {
        None => {
            let mut process = std::process::Command::new(program);
            process.arg0(name);
            process
        }
        Some(around) => {
            let node = Path::new(&around.node);
            let cwd = Path::new(&command.cwd);
            let mut process = around.sandbox.command(Some(node), cwd, command.hold);
            process.arg(program);
            process
        }
    };
    let child = process
        .args(arguments)
        .env_clear()
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&command.cwd)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .map_err(|e| refused(name, e))?;
    Ok(Pid::from_child(&child))
}

/// As `execvp` would find it from the working directory; with its path known the child can be spawned without
/// a copy of this process.
fn find_program(command: &Command, name: &str) -> Option<PathBuf> {
    let cwd = Path::new(&command.cwd);
    if name.contains('/') {
        return Some(cwd.join(name)).filter(|path| path.exists());
    }
    if name.is_empty() {
        return None;
    }
    let search = variable(command, "PATH").unwrap_or_default();
    let candidates = || {
        search
            .split(':')
            .map(|directory| cwd.join(directory).join(name))
            .filter(|path| path.is_file())
    };
    candidates()
        .find(|path| is_executable(path))
        .or_else(|| candidates().next())
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

fn variable<'a>(command: &'a Command, name: &str) -> Option<&'a str> {
    let found = command.env.iter().rev().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

/// The service may be gone; then nobody misses the notice.
fn tell(notice: &Notice) {
    if let Ok(mut line) = serde_json::to_vec(notice) {
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&line);
        let _ = out.flush();
    }
}
