//! Every exit code, in one table that `--help` prints.

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    Ok,
    Error,
    Changes,
    TasksFailed,
    Manifest,
    Authentication,
    Deadline,
    Pool,
    Usage,
    Interrupted,
}

/// Code, number, meaning.
pub const EXIT_CODES: &[(ExitCode, u8, &str)] = &[
    (ExitCode::Ok, 0, "done, or nothing to do"),
    (
        ExitCode::Error,
        1,
        "something failed on this machine or in the service",
    ),
    (
        ExitCode::Changes,
        2,
        "plan --detailed-exitcode: there are changes to make",
    ),
    (ExitCode::TasksFailed, 3, "the run is over and tasks failed"),
    (
        ExitCode::Manifest,
        4,
        "the manifest is not valid; nothing was changed",
    ),
    (
        ExitCode::Authentication,
        5,
        "credentials are missing or refused",
    ),
    (
        ExitCode::Deadline,
        6,
        "a time limit of the job ended the run",
    ),
    (
        ExitCode::Pool,
        7,
        "the pool cannot run tasks: start task, quota or allocation",
    ),
    (ExitCode::Usage, 64, "the command line is not valid"),
    (ExitCode::Interrupted, 130, "interrupted"),
];

impl ExitCode {
    /// The number the process ends with.
    pub fn number(self) -> u8 {
        EXIT_CODES
            .iter()
            .find(|(code, ..)| *code == self)
            .map_or(1, |(_, number, _)| *number)
    }

    /// The table as text.
    pub fn table() -> String {
        let rows = EXIT_CODES
            .iter()
            .map(|(_, number, meaning)| format!("  {number:>3}  {meaning}"));
        std::iter::once("Exit codes:".to_owned())
            .chain(rows)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}
