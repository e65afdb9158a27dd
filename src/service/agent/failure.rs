//! The failures a node reports, in the service's words. Category, code and message are Azure's where they are
//! known; the codes of failed uploads are from memory [mem].

use crate::service::core::effect::{Failure, FailureStage};
use crate::wire::batch::command::{ErrorCategory, NameValuePair, TaskFailureInfo};

/// The codes this node gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    BlobNotFound,
    BlobAccessDenied,
    BlobDownloadTimedOut,
    BlobDownloadMiscError,
    ResourceDirectoryCreateFailed,
    ResourceFileCreateFailed,
    ResourceFileWriteFailed,
    DiskFull,
    CommandProgramNotFound,
    CommandLaunchFailed,
    FileUploadContainerNotFound,
    FileUploadAccessDenied,
    FileUploadTimedOut,
    FileUploadMiscError,
}

impl Code {
    fn as_str(self) -> &'static str {
        match self {
            Self::BlobNotFound => "BlobNotFound",
            Self::BlobAccessDenied => "BlobAccessDenied",
            Self::BlobDownloadTimedOut => "BlobDownloadTimedOut",
            Self::BlobDownloadMiscError => "BlobDownloadMiscError",
            Self::ResourceDirectoryCreateFailed => "ResourceDirectoryCreateFailed",
            Self::ResourceFileCreateFailed => "ResourceFileCreateFailed",
            Self::ResourceFileWriteFailed => "ResourceFileWriteFailed",
            Self::DiskFull => "DiskFull",
            Self::CommandProgramNotFound => "CommandProgramNotFound",
            Self::CommandLaunchFailed => "CommandLaunchFailed",
            Self::FileUploadContainerNotFound => "FileUploadContainerNotFound",
            Self::FileUploadAccessDenied => "FileUploadAccessDenied",
            Self::FileUploadTimedOut => "FileUploadTimedOut",
            Self::FileUploadMiscError => "FileUploadMiscError",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::BlobNotFound => "One of the specified Azure Blob(s) was not found",
            Self::BlobAccessDenied => "Access for one of the specified Azure Blob(s) is denied",
            Self::BlobDownloadTimedOut => {
                "Downloading one of the specified Azure Blob(s) timed out"
            }
            Self::BlobDownloadMiscError => {
                "Miscellaneous error encountered while downloading one of the specified Azure Blob(s)"
            }
            Self::ResourceDirectoryCreateFailed => {
                "A directory for the task's files could not be created"
            }
            Self::ResourceFileCreateFailed => {
                "One of the specified resource files could not be created"
            }
            Self::ResourceFileWriteFailed => {
                "One of the specified resource files could not be written"
            }
            Self::DiskFull => "There is not enough disk space on the compute node",
            Self::CommandProgramNotFound => "The specified command program is not found",
            Self::CommandLaunchFailed => "The specified command could not be launched",
            Self::FileUploadContainerNotFound => {
                "A container for the task's output files was not found"
            }
            Self::FileUploadAccessDenied => "Access to upload an output file is denied",
            Self::FileUploadTimedOut => "Uploading one of the output files timed out",
            Self::FileUploadMiscError => {
                "Miscellaneous error encountered while uploading one of the output files"
            }
        }
    }

    fn stage(self) -> FailureStage {
        match self {
            Self::FileUploadContainerNotFound
            | Self::FileUploadAccessDenied
            | Self::FileUploadTimedOut
            | Self::FileUploadMiscError => FailureStage::FileUpload,
            _ => FailureStage::PreProcessing,
        }
    }

    /// Whose fault it is: the user's, unless the node could not do its own part.
    fn category(self) -> ErrorCategory {
        match self {
            Self::ResourceDirectoryCreateFailed => ErrorCategory::ServerError,
            _ => ErrorCategory::UserError,
        }
    }
}

/// A failure on its way to becoming a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: Code,
    details: Vec<(&'static str, String)>,
}

impl Trouble {
    pub(super) fn new(code: Code, message: impl ToString) -> Self {
        Self {
            code,
            details: vec![("Message", message.to_string())],
        }
    }

    /// What it was about. Never a query string: that is where signatures are.
    pub(super) fn about(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.push((name, value.to_string()));
        self
    }

    /// One line for a log.
    pub(super) fn line(&self) -> String {
        let details: Vec<_> = self
            .details
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        format!("{}: {}", self.code.as_str(), details.join("; "))
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self {
            stage: trouble.code.stage(),
            info: TaskFailureInfo {
                category: trouble.code.category(),
                code: Some(trouble.code.as_str().to_owned()),
                message: Some(trouble.code.message().to_owned()),
                details: trouble
                    .details
                    .into_iter()
                    .map(|(name, value)| NameValuePair {
                        name: Some(name.to_owned()),
                        value: Some(value),
                    })
                    .collect(),
            },
        }
    }
}

/// An error and all its sources on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        text.push_str(": ");
        text.push_str(&e.to_string());
        source = e.source();
    }
    text
}
