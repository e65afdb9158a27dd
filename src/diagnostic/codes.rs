//! Every code a diagnostic can have, with the sentence that explains it. Codes are stable: people search for
//! them and scripts match them.

macro_rules! codes {
    ($($name:ident = $code:literal, $explanation:literal;)+) => {
        $(#[doc = $explanation] pub const $name: &str = $code;)+

        /// All of them with their explanations, in the order of the passes that find them.
        pub const ALL: &[(&str, &str)] = &[$(($code, $explanation),)+];
    };
}

codes! {
    SYNTAX = "syntax", "The text is not TOML.";
    DUPLICATE_KEY = "duplicate-key", "A key stands twice in one table.";
    UNKNOWN_KEY = "unknown-key", "No such key exists at this place of a manifest.";
    RETIRED_KEY = "retired-key", "A key of older versions of Azure Batch, or one that is said otherwise here.";
    MISSING_KEY = "missing-key", "A key that must be there is not.";
    CONFLICTING_KEYS = "conflicting-keys", "Two keys exclude each other.";
    WRONG_TYPE = "wrong-type", "A value is of another type than its key wants.";
    UNKNOWN_VALUE = "unknown-value", "A value is none of those its key allows.";
    OUT_OF_RANGE = "out-of-range", "A number or a list is outside the range that Azure Batch allows.";
    INVALID_DURATION = "invalid-duration", "A text is not a duration such as \"15m\" or \"PT15M\".";
    INVALID_TIME = "invalid-time", "A text is not a moment such as \"2026-01-31T22:00:00Z\".";
    UNDECLARED_VAR = "undeclared-var", "`--var` names a variable that `[vars]` does not declare.";
    INVALID_VAR = "invalid-var", "The value of `--var` is not of the type the variable is declared with.";
    TEMPLATE_SYNTAX = "template-syntax", "A string is not a Handlebars template.";
    UNDEFINED_VARIABLE = "undefined-variable", "A template uses a name that is not defined at its place.";
    UNKNOWN_HELPER = "unknown-helper", "A template uses a helper that does not exist or is not allowed.";
    QUOTED_INSERTION = "quoted-insertion", "A template is inserted between shell quotes, although insertions are quoted already.";
    INVALID_ID = "invalid-id", "An id breaks the rules of Azure Batch.";
    INVALID_ACCOUNT_NAME = "invalid-account-name", "An account name breaks the rules of Azure.";
    INVALID_CONTAINER_NAME = "invalid-container-name", "A container name breaks the rules of Azure Storage.";
    INVALID_BLOB_NAME = "invalid-blob-name", "A blob name breaks the rules of Azure Storage.";
    INVALID_NAME = "invalid-name", "A name of metadata or of an environment variable is not allowed.";
    RESERVED_NAME = "reserved-name", "A name belongs to Azure Batch or to batchflow.";
    DUPLICATE_NAME = "duplicate-name", "Two things of a pool have one name or number.";
    INVALID_URL = "invalid-url", "A text is not an http or https URL.";
    INVALID_GLOB = "invalid-glob", "A text is not a glob pattern.";
    INVALID_FILE_MODE = "invalid-file-mode", "A file mode is not octal.";
    INVALID_FILE_PATH = "invalid-file-path", "A path on the node leaves the task's directory or has no file name.";
    UNKNOWN_CONTAINER = "unknown-container", "A container is used that `[containers]` does not declare.";
    INVALID_FORMULA = "invalid-formula", "An autoscale formula cannot be read.";
    NO_NODES = "no-nodes", "A pool without nodes would never run a task.";
    OUTPUT_NOT_DOWNLOADED = "output-not-downloaded", "Outputs go to a container that is deleted without being downloaded.";
    MISSING_FILE = "missing-file", "A file to upload is not there.";
    UNREADABLE_FILE = "unreadable-file", "A file or folder to upload cannot be read.";
    FILE_CHANGED = "file-changed", "A file changed while it was read.";
    EMPTY_GLOB = "empty-glob", "A pattern of files to upload matches none.";
    DUPLICATE_BLOB = "duplicate-blob", "Two files would become one blob.";
    INVALID_ROWS = "invalid-rows", "A file of rows is not CSV or JSON Lines.";
    EMPTY_FOR_EACH = "empty-for-each", "A `for_each` yields no task.";
    DUPLICATE_TASK_ID = "duplicate-task-id", "Two tasks have one id; upper and lower case count as the same.";
    DUPLICATE_GROUP = "duplicate-group", "Two entries of `[[tasks]]` have one name.";
    UNKNOWN_GROUP = "unknown-group", "No entry of `[[tasks]]` has the name that others depend on.";
    UNKNOWN_TASK = "unknown-task", "A task depends on a task that the manifest does not make.";
    DEPENDENCY_CYCLE = "dependency-cycle", "Tasks wait for each other in a circle.";
    UNCLEAR_GATHER = "unclear-gather", "The outputs to gather cannot be told from others in their container.";
    ESCAPES_DOWNLOAD_FOLDER = "escapes-download-folder", "An output would be written outside of the download folder.";
    DUPLICATE_OUTPUT = "duplicate-output", "Two tasks would write the same blob.";
    REFUSED_VALUE = "refused-value", "The service refuses a value of the manifest.";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_kebab_case_and_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, explanation) in ALL {
            assert!(seen.insert(code), "{code} stands twice");
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{code}"
            );
            assert!(explanation.ends_with('.'), "{code}");
        }
    }
}
