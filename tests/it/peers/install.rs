//! Pinned packages from their ordinary registries into `target/clients`, once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::child;

const INSTALL_WITHIN: Duration = Duration::from_secs(420);

/// A virtual environment with the packages of a requirements file.
pub(crate) struct Python {
    folder: PathBuf,
}

/// The packages of `package-lock.json`.
pub(crate) struct Node {
    folder: PathBuf,
}

impl Python {
    /// # Errors
    /// What is missing, as text for a person.
    pub(crate) fn with(requirements: &str) -> Result<Self, String> {
        let file = super::folder().join("python").join(requirements);
        let packages = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let needs = |what| {
            format!(
                "Python 3.10 or newer with venv and pip, and the packages of \
                 tests/clients/python/{requirements} from PyPI ({what})"
            )
        };
        let version = version(&["python3", "--version"]).map_err(needs)?;
        let name = requirements
            .trim_end_matches(".txt")
            .replace("requirements", "python");
        let folder = installed(&name, &[&version, &packages], |folder| {
            step(Command::new("python3").arg("-m").arg("venv").arg(folder))?;
            step(
                Command::new(folder.join("bin/python"))
                    .args(["-m", "pip", "install", "--quiet", "--no-input"])
                    .args(["--disable-pip-version-check", "--requirement"])
                    .arg(&file),
            )
        })
        .map_err(needs)?;
        Ok(Self { folder })
    }

    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new(self.folder.join("bin/python"));
        // The scripts lie in the source tree, which stays as it is.
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(script);
        // Without it asserts are asserts.
        command.env_remove("PYTHONOPTIMIZE");
        without_proxy(command)
    }
}

impl Node {
    /// # Errors
    /// What is missing, as text for a person.
    pub(crate) fn with_packages() -> Result<Self, String> {
        let source = super::folder().join("js");
        let needs = |what| {
            format!(
                "Node.js 20 or newer with npm, and the packages of tests/clients/js/package.json \
                 from npm ({what})"
            )
        };
        let version = version(&["node", "--version"]).map_err(needs)?;
        let lock = source.join("package-lock.json");
        let locked = fs::read_to_string(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
        let folder = installed("js", &[&version, &locked], |folder| {
            fs::create_dir_all(folder).map_err(|e| e.to_string())?;
            for file in ["package.json", "package-lock.json", ".npmrc"] {
                fs::copy(source.join(file), folder.join(file))
                    .map_err(|e| format!("{file}: {e}"))?;
            }
            let npm = [
                "ci",
                "--loglevel=error",
                "--no-progress",
                "--ignore-scripts",
            ];
            step(Command::new("npm").args(npm).current_dir(folder))
        })
        .map_err(needs)?;
        Ok(Self { folder })
    }

    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new("node");
        command.env("NODE_PATH", self.modules()).arg(script);
        without_proxy(command)
    }

    pub(crate) fn modules(&self) -> PathBuf {
        self.folder.join("node_modules")
    }
}

/// A proxy, which an installation may need, cannot reach this machine's own loopback.
fn without_proxy(mut command: Command) -> Command {
    for name in ["NO_PROXY", "no_proxy"] {
        command.env(name, "127.0.0.1,localhost");
    }
    command
}

fn version(command: &[&str]) -> Result<String, String> {
    let [program, arguments @ ..] = command else {
        return Err("no command".to_owned());
    };
    match Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
    {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("{program} ended with {}", output.status)),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn step(command: &mut Command) -> Result<(), String> {
    let what = format!("{command:?}");
    match child::run(command, INSTALL_WITHIN) {
        Ok(_) => Ok(()),
        Err(said) => Err(format!("{what}: {said}")),
    }
}

/// The folder of what was installed from the same `inputs` before, or of what is installed now.
///
/// Several tests, also in several processes, may want the same at once: one installs, the others wait.
fn installed(
    name: &str,
    inputs: &[&str],
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients");
    let describe = |e: std::io::Error| format!("{}: {e}", parent.display());
    fs::create_dir_all(&parent).map_err(describe)?;
    let lock = File::create(parent.join(format!("{name}.lock"))).map_err(describe)?;
    lock.lock().map_err(describe)?;

    let folder = parent.join(name);
    let marker = parent.join(format!("{name}.installed"));
    let wanted = inputs.join("\n");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    for old in [&folder, &marker] {
        let _ = if old.is_dir() {
            fs::remove_dir_all(old)
        } else {
            fs::remove_file(old)
        };
    }
    install(&folder)?;
    fs::write(&marker, wanted).map_err(describe)?;
    Ok(folder)
}
