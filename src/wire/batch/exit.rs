//! What follows from how a task ended: the rule by which an entry of its exit conditions is chosen.

use super::task::{
    DependencyAction, ExitCodeRangeMapping, ExitConditions, ExitOptions, TaskExecutionInfo,
};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its process ended, or was ended, with this code if it has one.
    Exited(Option<i32>),
    /// It was never started: a file or a program was not there.
    PreProcessingError,
    /// Its outputs could not be uploaded after it ended with this code.
    FileUploadError(Option<i32>),
}

impl Ending {
    /// What the service reports, read back.
    pub fn of(info: &TaskExecutionInfo) -> Self {
        let code = info.failure_info.as_ref().and_then(|f| f.code.as_deref());
        match code {
            Some(code) if code.starts_with("FileUpload") => Self::FileUploadError(info.exit_code),
            Some(code) if info.exit_code.is_none() && code != "TaskEnded" => {
                Self::PreProcessingError
            }
            _ => Self::Exited(info.exit_code),
        }
    }

    pub fn is_success(self) -> bool {
        self == Self::Exited(Some(0))
    }

    /// Whether tasks that depend on a task with these conditions may run.
    pub fn satisfies(self, conditions: Option<&ExitConditions>) -> bool {
        conditions
            .and_then(|c| c.options(self))
            .and_then(|o| o.dependency_action)
            .map_or(self.is_success(), |d| d == DependencyAction::Satisfy)
    }
}

impl ExitConditions {
    /// Whether any entry says what happens to dependent tasks.
    pub fn have_dependency_action(&self) -> bool {
        let codes = self.exit_codes.iter().map(|e| &e.exit_options);
        let ranges = self.exit_code_ranges.iter().map(|e| &e.exit_options);
        let single = [
            &self.pre_processing_error,
            &self.file_upload_error,
            &self.default,
        ];
        codes
            .chain(ranges)
            .chain(single.into_iter().flatten())
            .any(|o| o.dependency_action.is_some())
    }

    /// The entry for an ending; a listed exit code counts before a failed upload.
    pub fn options(&self, ending: Ending) -> Option<&ExitOptions> {
        let otherwise = self.default.as_ref();
        match ending {
            Ending::PreProcessingError => self.pre_processing_error.as_ref().or(otherwise),
            Ending::FileUploadError(code) => self
                .listed(code)
                .or(self.file_upload_error.as_ref())
                .or(otherwise),
            Ending::Exited(code) => self
                .listed(code)
                .or(otherwise.filter(|_| !ending.is_success())),
        }
    }

    fn listed(&self, code: Option<i32>) -> Option<&ExitOptions> {
        let code = code?;
        let exact = self.exit_codes.iter().find(|e| e.code == code);
        let around = |r: &&ExitCodeRangeMapping| (r.start..=r.end).contains(&code);
        let range = self.exit_code_ranges.iter().find(around);
        // [inf] The exact code counts before a range around it.
        exact
            .map(|e| &e.exit_options)
            .or(range.map(|e| &e.exit_options))
    }
}
