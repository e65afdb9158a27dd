//! The launcher process: what it starts, what it reports, and that nothing it started outlives it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_batchflow");
/// Far beyond what anything here takes; reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(30);

struct Launcher {
    child: Child,
    input: Option<ChildStdin>,
    notices: Receiver<Value>,
    dir: tempfile::TempDir,
}

impl Launcher {
    fn start() -> Self {
        let mut command = Command::new(LAUNCHER);
        command.arg("__launcher").env_clear();
        Self::from(command)
    }

    fn from(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, notices) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = send.send(serde_json::from_str(&line).unwrap());
            }
        });
        let launcher = Self {
            input: child.stdin.take(),
            child,
            notices,
            dir: tempfile::tempdir().unwrap(),
        };
        assert_eq!(launcher.next(), json!("ready"));
        launcher
    }

    fn next(&self) -> Value {
        self.notices
            .recv_timeout(DEADLINE)
            .expect("the launcher says something")
    }

    fn send(&mut self, request: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{request}").unwrap();
        input.flush().unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn launch_in(&mut self, run: u64, argv: &[&str], env: &[(&str, &str)]) {
        let dir = self.dir.path().to_str().unwrap().to_owned();
        let out = format!("{dir}/{run}.out");
        let err = format!("{dir}/{run}.err");
        self.send(&json!({"launch": {
            "run": run, "argv": argv, "env": env, "cwd": dir, "stdout": out, "stderr": err
        }}));
    }

    /// A shell command with a marker of its own, as every task has one.
    fn shell(&mut self, run: u64, script: &str) -> u32 {
        let marker = format!("{}/{run}", self.dir.path().display());
        let env = [
            ("PATH", "/usr/bin:/bin"),
            ("AZ_BATCH_TASK_DIR", marker.as_str()),
        ];
        self.launch_in(run, &["/bin/sh", "-c", script], &env);
        let started = self.next();
        assert_eq!(started["started"]["run"], run, "{started}");
        started["started"]["pid"].as_u64().unwrap() as u32
    }

    fn exit_code(&self, run: u64) -> i64 {
        let exited = self.next();
        assert_eq!(exited["exited"]["run"], run, "{exited}");
        exited["exited"]["code"].as_i64().unwrap()
    }

    fn close(&mut self) {
        self.input = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// Asks until the answer is there or the deadline has passed.
fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let (_never, pause) = channel::<()>();
    let step = Duration::from_millis(5);
    for _ in 0..DEADLINE.as_millis() / step.as_millis() {
        if let Some(answer) = ask() {
            return answer;
        }
        let _ = pause.recv_timeout(step);
    }
    panic!("waited too long for {what}");
}

fn written_pid(file: &Path) -> u32 {
    wait_for("a process to write its id", || {
        std::fs::read_to_string(file)
            .ok()?
            .strip_suffix('\n')?
            .parse()
            .ok()
    })
}

/// A zombie counts as gone: it waits for whoever adopted it, not for us.
fn is_gone(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
    })
}

fn wait_until_gone(pid: u32) {
    wait_for("a process to be gone", || is_gone(pid).then_some(()));
}

#[test]
fn exit_codes() {
    let mut launcher = Launcher::start();
    let cases = [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -9 $$", 137),
        ("kill -15 $$", 143),
    ];
    for (run, (script, code)) in (1..).zip(cases) {
        launcher.shell(run, script);
        assert_eq!(launcher.exit_code(run), code, "{script}");
    }
}

#[test]
fn the_environment_is_what_was_given_and_the_streams_are_files() {
    let mut launcher = Launcher::start();
    let env = [("PATH", "/usr/bin:/bin"), ("A", "1 2"), ("AB", "x=y\nz")];
    launcher.launch_in(1, &["env", "-0"], &env);
    launcher.next();
    assert_eq!(launcher.exit_code(1), 0);
    let written = std::fs::read_to_string(launcher.file("1.out")).unwrap();
    let mut variables: Vec<_> = written.split_terminator('\0').collect();
    variables.sort_unstable();
    assert_eq!(variables, ["A=1 2", "AB=x=y\nz", "PATH=/usr/bin:/bin"]);

    launcher.shell(2, "echo out; echo err >&2; read nothing || pwd");
    assert_eq!(launcher.exit_code(2), 0);
    let dir = launcher.dir.path().canonicalize().unwrap();
    let read = |name| std::fs::read_to_string(launcher.file(name)).unwrap();
    assert_eq!(read("2.out"), format!("out\n{}\n", dir.display()));
    assert_eq!(read("2.err"), "err\n");
}

#[test]
fn programs_that_cannot_be_started() {
    let mut launcher = Launcher::start();
    std::fs::write(launcher.file("plain"), "no program").unwrap();
    let path = [("PATH", "/usr/bin:/bin")];
    for (run, program) in [(1, "no-such-program"), (2, "/no/such"), (3, "./none")] {
        launcher.launch_in(run, &[program], &path);
        let why = json!({"program_not_found": {"program": program}});
        assert_eq!(launcher.next(), json!({"failed": {"run": run, "why": why}}));
    }
    for (run, program) in [(4, "./plain"), (5, "/")] {
        launcher.launch_in(run, &[program], &path);
        let failed = launcher.next();
        let message = failed["failed"]["why"]["refused"]["message"].as_str();
        assert!(message.unwrap().contains("denied"), "{failed}");
    }
    launcher.shell(6, "true");
    assert_eq!(launcher.exit_code(6), 0);
}

#[test]
fn what_a_task_leaves_in_its_group_is_killed() {
    let mut launcher = Launcher::start();
    launcher.shell(1, "sleep 1000 & echo $! > left; exit 3");
    assert_eq!(launcher.exit_code(1), 3);
    assert!(is_gone(written_pid(&launcher.file("left"))));
}

#[test]
fn a_kill_reaches_the_whole_group() {
    let mut launcher = Launcher::start();
    launcher.shell(1, "sleep 1000 & echo $! > left; wait");
    let left = written_pid(&launcher.file("left"));
    launcher.send(&json!({"kill": {"run": 1}}));
    assert_eq!(launcher.exit_code(1), 137);
    assert!(is_gone(left));
    launcher.send(&json!({"kill": {"run": 1}}));
    launcher.shell(2, "true");
    assert_eq!(launcher.exit_code(2), 0);
}

/// Leaves its session, forgets its parent, and has a child of its own.
const ESCAPE: &str =
    "setsid sh -c 'sh -c \"echo \\$\\$ > inner; exec sleep 1000\" & echo $$ > outer; exec sleep 1000' &
     until [ -s inner ] && [ -s outer ]; do sleep 0.01; done";

#[test]
fn what_left_the_session_is_killed_when_its_task_ends_and_only_then() {
    let mut launcher = Launcher::start();
    launcher.shell(1, ESCAPE);
    assert_eq!(launcher.exit_code(1), 0);
    for name in ["inner", "outer"] {
        assert!(is_gone(written_pid(&launcher.file(name))), "{name}");
    }

    // An orphan of a task that still runs is its own business.
    launcher.shell(
        2,
        "(setsid sleep 1000 & echo $! > orphan); until [ -e go ]; do sleep 0.01; done",
    );
    let orphan = written_pid(&launcher.file("orphan"));
    launcher.shell(3, "true");
    assert_eq!(launcher.exit_code(3), 0);
    assert!(!is_gone(orphan));
    std::fs::write(launcher.file("go"), "").unwrap();
    assert_eq!(launcher.exit_code(2), 0);
    assert!(is_gone(orphan));

    // Without its environment it cannot be told apart, so it goes when nothing runs any more.
    launcher.shell(
        4,
        "(env -i setsid sleep 1000 & echo $! > unmarked); [ -s unmarked ]",
    );
    let unmarked = written_pid(&launcher.file("unmarked"));
    assert_eq!(launcher.exit_code(4), 0);
    wait_until_gone(unmarked);
}

#[test]
fn closing_its_input_ends_everything() {
    let mut launcher = Launcher::start();
    launcher.shell(1, &format!("{ESCAPE}; echo $$ > leader; sleep 1000"));
    let leader = written_pid(&launcher.file("leader"));
    let others = ["inner", "outer"].map(|name| written_pid(&launcher.file(name)));
    launcher.close();
    assert!(is_gone(leader));
    assert!(others.into_iter().all(is_gone));
}

#[test]
fn nothing_survives_the_kill_of_whoever_held_its_input() {
    // The shell stands for the service: the launcher's input is a pipe only the shell writes to.
    const SERVICE: &str = r#"mkfifo "$1"; "$0" __launcher < "$1" & exec 3> "$1"
        while read -r line; do printf '%s\n' "$line" >&3; done"#;
    let dir = tempfile::tempdir().unwrap();
    let mut service = Command::new("/bin/sh");
    service
        .args(["-c", SERVICE, LAUNCHER])
        .arg(dir.path().join("pipe"));
    let mut launcher = Launcher::from(service);
    launcher.shell(
        1,
        &format!("{ESCAPE}; echo $PPID > parent; echo $$ > leader; sleep 1000"),
    );
    let pids = ["leader", "inner", "outer", "parent"].map(|name| written_pid(&launcher.file(name)));
    launcher.child.kill().unwrap();
    for pid in pids {
        wait_until_gone(pid);
    }
}

#[test]
fn a_polite_signal_does_not_end_it() {
    let mut launcher = Launcher::start();
    let pid = launcher.child.id().to_string();
    for signal in ["-TERM", "-INT", "-HUP"] {
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
    launcher.shell(1, "kill -TERM $$");
    assert_eq!(launcher.exit_code(1), 143);
    launcher.close();
}

#[test]
fn many_at_once() {
    let mut launcher = Launcher::start();
    let runs = 200;
    for run in 0..runs {
        launcher.launch_in(run, &["/bin/true"], &[]);
    }
    let mut ended = std::collections::BTreeSet::new();
    while ended.len() < runs as usize {
        let notice = launcher.next();
        if let Some(exited) = notice.get("exited") {
            assert_eq!(exited["code"], 0);
            assert!(ended.insert(exited["run"].as_u64().unwrap()));
        }
    }
    launcher.close();
}
