//! What ends a command, the exit code it has, and what a person can do.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::path::PathBuf;

use super::not_a_manifest;
use super::report::ReportError;
use super::saved_plan::SavedPlanError;
use crate::apply::{ApplyError, LockError};
use crate::client::credentials::CredentialsError;
use crate::client::endpoint::InvalidEndpoint;
use crate::client::{ClientError, TransportError};
use crate::observed::{ObserveError, ReceiptError};
use crate::plan::Refused;
use crate::report::exit_code::ExitCode;
use crate::report::failure;
use crate::report::json::Body;
use crate::report::quantity::count;
use crate::service::ServiceError;
use crate::wire::auth::InvalidKey;
use crate::wire::autoscale::RecordedError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    #[error("cannot read {}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The problems are printed already.
    #[error("the manifest has {}; nothing was changed", count(*.problems, "problem"))]
    Manifest {
        problems: usize,
        /// The code of the first one.
        first: Option<&'static str>,
    },
    #[error("there is no code `{code}`")]
    UnknownCode {
        code: String,
        nearest: Option<&'static str>,
    },
    /// The problems are printed already.
    #[error("the formula has {}", count(*.problems, "problem"))]
    Formula { problems: usize },
    #[error("{} has no `pool.auto_scale_formula`", .0.display())]
    NoFormula(PathBuf),
    #[error("cannot use the samples in {}", .path.display())]
    Samples {
        path: PathBuf,
        source: RecordedError,
    },
    #[error("the local service did not start")]
    Service(#[from] ServiceError),
    #[error("cannot use the account")]
    Credentials(#[from] CredentialsError),
    #[error("cannot reach the account")]
    Client(#[from] ClientError),
    #[error("cannot use the endpoint")]
    Endpoint(#[source] InvalidEndpoint),
    #[error("the account key is not usable")]
    Key(#[source] InvalidKey),
    #[error("cannot make a connection")]
    Transport(#[source] TransportError),
    #[error("cannot make a plan")]
    Observe(#[source] ObserveError),
    #[error("cannot use the receipt of earlier runs")]
    Receipt(#[from] ReceiptError),
    #[error("there is no report")]
    Report(#[from] ReportError),
    #[error("--ui shows the local service, and this manifest is applied to Azure")]
    NoLivePage,
    #[error("cannot make a plan: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refused>),
    #[error(transparent)]
    Apply(ApplyError),
    #[error("cannot be alone with the manifest")]
    Lock(#[from] LockError),
    #[error("cannot use the saved plan")]
    SavedPlan(#[from] SavedPlanError),
    #[error("there is no job `{job}`")]
    NoJob { job: String },
    #[error("the job has no task `{task}`")]
    NoTask { task: String },
    #[error("there is no pool `{pool}`")]
    NoPool { pool: String },
    #[error("{}", no_files(.task, .path.as_deref()))]
    NoFiles { task: String, path: Option<String> },
    #[error("cannot write {}", .path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{} has no `[download]`", .0.display())]
    NoDownload(PathBuf),
    #[error("the job `{job}` was made by the manifest `{owner}`")]
    NotOurs { job: String, owner: String },
    #[error("there is no example `{name}`")]
    NoExample {
        name: String,
        nearest: Option<String>,
    },
    #[error("cannot import: {0}")]
    Import(String),
    #[error("nothing is kept of what the task `{task}` wrote")]
    NoLogs { task: String },
    #[error("not applied: there is no terminal to ask on")]
    NobodyToAsk,
    #[error("not applied: the answer was not `yes`")]
    NotConfirmed,
}

impl CliError {
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Manifest { .. } | Self::Formula { .. } => ExitCode::Manifest,
            Self::UnknownCode { .. } => ExitCode::Usage,
            Self::Credentials(_) => ExitCode::Authentication,
            Self::Client(error)
            | Self::Observe(ObserveError::Client(error))
            | Self::Lock(LockError::Client(error)) => client(error),
            Self::Apply(error) => match error {
                ApplyError::Client { source, .. } => client(source),
                ApplyError::StartTask { .. }
                | ApplyError::Preparation { .. }
                | ApplyError::Allocation { .. } => ExitCode::Pool,
                ApplyError::Interrupted => ExitCode::Interrupted,
                _ => ExitCode::Error,
            },
            _ => ExitCode::Error,
        }
    }

    /// The same for machines.
    pub(super) fn body(&self) -> Body {
        let causes = successors(self.source(), |cause| (*cause).source());
        Body::Failed {
            message: self.to_string(),
            causes: causes.map(ToString::to_string).collect(),
            help: self.help(),
            exit_code: self.exit_code().number(),
        }
    }

    /// More than fits in a line.
    pub(super) fn detail(&self) -> String {
        let mut text = String::new();
        if let Self::Apply(
            ApplyError::StartTask { stderr_tail, .. } | ApplyError::Preparation { stderr_tail, .. },
        ) = self
        {
            failure::tail(&mut text, stderr_tail.as_deref());
        }
        text
    }

    pub(super) fn help(&self) -> Vec<String> {
        match self {
            Self::Unreadable { path, source } => {
                not_a_manifest::help(path, source).into_iter().collect()
            }
            Self::Observe(error) => error.help().into_iter().collect(),
            Self::Client(error) => error.hint().into_iter().collect(),
            Self::Receipt(error) => vec![error.help().to_owned()],
            Self::Report(error) => error.help().map(str::to_owned).into_iter().collect(),
            Self::NoLivePage => vec!["add --local, or leave --ui out".to_owned()],
            Self::Manifest { first, .. } => first
                .map(|code| format!("`batchflow explain {code}` says more about the first one"))
                .into_iter()
                .collect(),
            Self::Refused(refused) => refused.iter().map(Refused::help).collect(),
            Self::Apply(error) => error.help().into_iter().collect(),
            Self::Service(error) => error.help().map(str::to_owned).into_iter().collect(),
            Self::Lock(error) => error.help().into_iter().collect(),
            Self::SavedPlan(error) => error.help().map(str::to_owned).into_iter().collect(),
            Self::UnknownCode { nearest, .. } => vec![match nearest {
                Some(code) => format!("did you mean `{code}`?"),
                None => "`batchflow explain` lists all codes".to_owned(),
            }],
            Self::NobodyToAsk => vec!["--yes applies without asking".to_owned()],
            Self::NoJob { .. } => vec![
                "nothing of the manifest runs or is left; `batchflow plan` shows what is to do"
                    .to_owned(),
            ],
            Self::NoTask { .. } => vec!["`batchflow tasks` lists those it has".to_owned()],
            Self::NoPool { .. } => vec!["`batchflow apply` makes it".to_owned()],
            Self::NoFiles { .. } => vec![
                "files stay on the node as long as it lives and the task's retention time lasts; `batchflow logs` also knows logs that are kept"
                    .to_owned(),
            ],
            Self::Unwritable { .. } => vec!["nothing is overwritten: choose another name".to_owned()],
            Self::NotOurs { .. } => {
                vec!["end it with its own manifest, or give this one another `job.id`".to_owned()]
            }
            Self::NoExample { nearest, .. } => vec![match nearest {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`batchflow init --list` names all".to_owned(),
            }],
            Self::NoLogs { .. } => vec![
                "it has not started, or its node is gone and `logs.keep` was off, or its logs were deleted with the containers"
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

fn no_files(task: &str, path: Option<&str>) -> String {
    match path {
        Some(path) => format!("the task `{task}` has no file `{path}` on a node"),
        None => format!("the task `{task}` has no files on a node"),
    }
}

fn client(error: &ClientError) -> ExitCode {
    if error.is_authentication() {
        ExitCode::Authentication
    } else if error.is_quota() {
        ExitCode::Pool
    } else {
        ExitCode::Error
    }
}
