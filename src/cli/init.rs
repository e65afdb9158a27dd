//! `batchflow init`: a first manifest, with comments. Asks on a terminal for what no option says.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use super::error::CliError;
use super::examples::{self, Example};
use super::output;
use super::run_args::InitArgs;
use crate::diagnostic::nearest;
use crate::ids::check_batch_id;
use crate::manifest::template::slug;
use crate::report::exit_code::ExitCode;

const STARTER: &str = include_str!("starter.toml");

pub(super) fn run(args: &InitArgs) -> Result<ExitCode, CliError> {
    if args.list {
        for example in examples::all() {
            output::text(&format!("{:<18} {}\n", example.name, example.about()));
        }
        return Ok(ExitCode::Ok);
    }
    let example = args.from.as_deref().map(chosen).transpose()?;
    let text = match &example {
        Some(example) => example.manifest(&args.file),
        None => starter(args),
    };
    write_new(&args.file, &text)?;
    let beside = args.file.parent().unwrap_or(Path::new(""));
    for (path, text) in example.iter().flat_map(Example::samples) {
        let path = beside.join(path);
        if !path.exists() {
            write_new(&path, text)?;
        }
    }
    let file = args.file.display();
    output::talk(&format!(
        "{file} is made. Edit it, then:\n  batchflow validate {file}\n  batchflow plan {file}\n  batchflow apply {file}\n"
    ));
    if example.is_some_and(|e| e.samples().next().is_some()) {
        let samples = beside.join(examples::FOLDER);
        output::talk(&format!(
            "The files that it names are in {}: put yours in their place.\n",
            samples.display()
        ));
    }
    Ok(ExitCode::Ok)
}

/// Writes a file that is not there yet, and the folders above it.
fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let mut options = fs::OpenOptions::new();
    folder
        .and_then(|()| options.write(true).create_new(true).open(path))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| CliError::Unwritable {
            path: path.to_owned(),
            source,
        })
}

fn chosen(name: &str) -> Result<Example, CliError> {
    examples::named(name).ok_or_else(|| CliError::NoExample {
        nearest: nearest(name, examples::all().map(|e| e.name)).map(str::to_owned),
        name: name.to_owned(),
    })
}

fn starter(args: &InitArgs) -> String {
    let mut ask = Ask::new(args.yes);
    let name = ask.about(
        "Name of the manifest, its pool and its job",
        args.name.as_ref(),
        &here(),
    );
    let name = match check_batch_id(&name) {
        Ok(()) => name,
        Err(_) => slug(&name, 48),
    };
    let input = ask.about(
        "Input files, one task for each",
        args.input.as_ref(),
        "input/*",
    );
    let command = ask.about(
        "Command for one file; {{file.name}} is its name",
        args.command.as_ref(),
        "wc -w {{file.name}} > {{file.name}}.count",
    );
    let output = ask.about("Files it writes", args.output.as_ref(), "*.count");
    // A download folder is for one manifest.
    let beside = args.file.parent().unwrap_or(Path::new(""));
    let free = match beside.join("output").exists() {
        true => format!("{name}-output"),
        false => "output".to_owned(),
    };
    let to = ask.about("Folder for them here", args.to.as_ref(), &free);
    let nodes = args.nodes.map(|n| n.to_string());
    let nodes = ask.about("Nodes", nodes.as_ref(), "2");
    let nodes = nodes.parse::<u32>().unwrap_or(2).to_string();
    let vm_size = ask.about("Size of a node", args.vm_size.as_ref(), "Standard_D2s_v5");
    let account = if args.account {
        "[account]"
    } else {
        "# [account]"
    };
    [
        ("@name@", quoted(&name)),
        ("@input@", quoted(&input)),
        ("@id@", id(&input).to_owned()),
        ("@command@", quoted(&command)),
        ("@path@", path(&output)),
        ("@output@", quoted(&output)),
        ("@to@", quoted(&to)),
        ("@nodes@", nodes),
        ("@vm_size@", quoted(&vm_size)),
        ("@account@", account.to_owned()),
        ("@file@", args.file.display().to_string()),
    ]
    .iter()
    .fold(STARTER.to_owned(), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

/// What tells the files apart: in one folder and of one extension, their names without it.
fn id(input: &str) -> &'static str {
    let name = input.rsplit('/').next().unwrap_or_default();
    let folder = &input[..input.len() - name.len()];
    let is_plain = |text: &str| !text.contains(['*', '?', '[', '{']);
    match name.strip_prefix("*.") {
        Some(extension) if is_plain(extension) && is_plain(folder) => "file.stem",
        _ => "file.name",
    }
}

/// Files of one name come home to a folder for each task.
fn path(output: &str) -> String {
    if output.contains(['*', '?', '[']) {
        return String::new();
    }
    let path = quoted(&format!("{{{{file.name}}}}/{output}"));
    format!(", path = {path}")
}

/// The name of the folder we are in.
fn here() -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned());
    name.filter(|n| check_batch_id(n).is_ok())
        .unwrap_or_else(|| "my-files".to_owned())
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Questions, where there is somebody to answer them.
struct Ask {
    is_on: bool,
}

impl Ask {
    fn new(yes: bool) -> Self {
        Self {
            is_on: !yes && io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    fn about(&mut self, what: &str, given: Option<&String>, default: &str) -> String {
        if let Some(given) = given {
            return given.clone();
        }
        if self.is_on {
            output::talk(&format!("{what} [{default}]: "));
            let mut answer = String::new();
            match io::stdin().lock().read_line(&mut answer) {
                Ok(n) if n > 0 && !answer.trim().is_empty() => return answer.trim().to_owned(),
                Ok(0) | Err(_) => self.is_on = false,
                Ok(_) => {}
            }
        }
        default.to_owned()
    }
}
