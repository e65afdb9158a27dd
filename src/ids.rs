//! Names with Azure's rules: made once, checked once, passed around as what they are.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Why a name is not allowed, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidName {
    pub message: String,
    /// What would be allowed.
    pub help: &'static str,
}

impl InvalidName {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
        }
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the rule and keeps the name as it was written.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                let name = name.into();
                $check(&name)?;
                Ok(Self(name.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// A pool id: 1 to 64 letters, digits, `-` and `_`; compared without regard to case.
    PoolId, check_batch_id
);
name_type!(
    /// A job id: 1 to 64 letters, digits, `-` and `_`; compared without regard to case.
    JobId, check_batch_id
);
name_type!(
    /// A task id: 1 to 64 letters, digits, `-` and `_`; compared without regard to case.
    TaskId, check_batch_id
);
name_type!(
    /// A blob container name: 3 to 63 lower-case letters, digits and single `-`.
    ContainerName, check_container_name
);
name_type!(
    /// A blob name: 1 to 1024 characters.
    BlobName, check_blob_name
);

/// The rule for ids of pools, jobs, tasks and schedules.
pub fn check_batch_id(id: &str) -> Result<(), InvalidName> {
    const HELP: &str = "an id has 1 to 64 letters, digits, `-` or `_`";
    if id.is_empty() {
        return Err(InvalidName::new("the id is empty", HELP));
    }
    if let Some(bad) = id
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
    {
        return Err(InvalidName::new(
            format!("the id `{id}` contains {bad:?}, which Azure Batch does not allow"),
            HELP,
        ));
    }
    if id.len() > 64 {
        return Err(InvalidName::new(
            format!("the id `{id}` has {} characters, more than 64", id.len()),
            HELP,
        ));
    }
    Ok(())
}

/// The rule for blob containers.
pub fn check_container_name(name: &str) -> Result<(), InvalidName> {
    const HELP: &str = "a container name has 3 to 63 lower-case letters, digits and single `-`, and starts and ends with a letter or digit";
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        return Err(InvalidName::new(
            format!(
                "the container name `{name}` contains {bad:?}, which Azure Storage does not allow"
            ),
            HELP,
        ));
    }
    if !(3..=63).contains(&name.len()) {
        return Err(InvalidName::new(
            format!("the container name `{name}` has {} characters", name.len()),
            HELP,
        ));
    }
    if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
        return Err(InvalidName::new(
            format!("the container name `{name}` has a `-` at an end or two in a row"),
            HELP,
        ));
    }
    Ok(())
}

/// The rule for blobs: any text, but no control characters, no dot segments, which URLs would lose, and no
/// backslashes, which Azure Storage takes for slashes: the blob would have another name than asked for.
pub fn check_blob_name(name: &str) -> Result<(), InvalidName> {
    const HELP: &str = "a blob name has 1 to 1024 characters, no control characters, no `\\` and no `.` or `..` segments";
    if name.is_empty() || name.chars().count() > 1024 {
        return Err(InvalidName::new(
            format!("a blob name of {} characters", name.chars().count()),
            HELP,
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(InvalidName::new(
            format!("the blob name {name:?} contains a control character"),
            HELP,
        ));
    }
    if name.contains('\\') {
        return Err(InvalidName::new(
            format!(
                "the blob name `{name}` contains a backslash, which Azure Storage takes for a slash"
            ),
            HELP,
        ));
    }
    if name.split('/').any(|s| s == "." || s == "..") {
        return Err(InvalidName::new(
            format!("the blob name `{name}` has a `.` or `..` segment"),
            HELP,
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_ids() {
        for good in ["a", "A-b_9", &"x".repeat(64)] {
            assert!(TaskId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a.b", "ä", &"x".repeat(65)] {
            assert!(TaskId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn container_names() {
        for good in ["abc", "a-b", "0a0", &"x".repeat(63)] {
            assert!(ContainerName::new(good).is_ok(), "{good}");
        }
        for bad in ["ab", "Abc", "-ab", "ab-", "a--b", "a_b", &"x".repeat(64)] {
            assert!(ContainerName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn blob_names() {
        for good in ["a", "dir/ä b.txt", "...", &"x".repeat(1024)] {
            assert!(BlobName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a/../b", "./a", "a\\b", "a\u{0}", &"x".repeat(1025)] {
            assert!(BlobName::new(bad).is_err(), "{bad}");
        }
    }
}
