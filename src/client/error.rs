//! What went wrong, what was attempted, and what a person can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::transport::{TransportError, TransportErrorKind};

pub use super::refused::Refused;

/// An operation that failed. Its text is one line without secrets; causes below it are its `source`.
#[derive(Debug)]
pub struct ClientError {
    /// What was attempted: a verb and its object, such as "create pool `p`".
    pub attempt: String,
    failure: Box<Failure>,
}

/// How it failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There was no answer, and the policy for retries is spent.
    #[error("no answer from {endpoint}")]
    Transport {
        endpoint: String,
        #[source]
        source: TransportError,
    },
    /// Entra ID gave no token.
    #[error("not signed in")]
    NotSignedIn {
        #[source]
        source: TransportError,
    },
    /// The service said no.
    #[error("{0}")]
    Refused(Refused),
    /// The answer is not what the contract says.
    #[error("the answer from {endpoint} is not understood")]
    Unreadable {
        endpoint: String,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The service kept saying "not yet".
    #[error("still not possible after {} s: {last}", .waited.as_secs())]
    Deadline { waited: Duration, last: Refused },
    /// It cannot be said in a request.
    #[error("{reason}")]
    Unsendable { reason: String },
    /// A file on this machine.
    #[error("cannot {action} {}", .path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The bytes are not those that were expected.
    #[error("{what} has {got}, expected {expected}")]
    Content {
        what: String,
        expected: String,
        got: String,
    },
}

impl Failure {
    /// There was no answer.
    pub(super) fn unanswered(endpoint: String, source: TransportError) -> Self {
        match source.kind {
            TransportErrorKind::NotSignedIn => Self::NotSignedIn { source },
            _ => Self::Transport { endpoint, source },
        }
    }
}

impl ClientError {
    pub(super) fn new(attempt: impl Into<String>, failure: Failure) -> Self {
        Self {
            attempt: attempt.into(),
            failure: Box::new(failure),
        }
    }

    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// What the service said, if it said no.
    pub fn refused(&self) -> Option<&Refused> {
        match &*self.failure {
            Failure::Refused(refused) | Failure::Deadline { last: refused, .. } => Some(refused),
            _ => None,
        }
    }

    /// The error code of the service.
    pub fn code(&self) -> Option<&str> {
        self.refused()?.code.as_deref()
    }

    pub fn status(&self) -> Option<u16> {
        self.refused().map(|r| r.status)
    }

    /// Whether the code is this one, in any case.
    pub fn is(&self, code: &str) -> bool {
        self.code().is_some_and(|c| c.eq_ignore_ascii_case(code))
    }

    /// Whether what it was about does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether our credentials, or the rights that they give, and not the request, are at fault.
    pub fn is_authentication(&self) -> bool {
        matches!(&*self.failure, Failure::NotSignedIn { .. })
            || matches!(self.status(), Some(401 | 403))
    }

    /// Whether a quota of the account is used up.
    pub fn is_quota(&self) -> bool {
        self.code().is_some_and(|c| c.ends_with("QuotaReached"))
    }

    /// Whether nobody answered.
    pub fn is_transport(&self) -> bool {
        matches!(&*self.failure, Failure::Transport { .. })
    }

    /// What a person can do.
    pub fn hint(&self) -> Option<String> {
        match &*self.failure {
            Failure::Transport { endpoint, source } => Some(match source.kind {
                TransportErrorKind::NoConnection => format!(
                    "check that {endpoint} is the right endpoint and that this machine can reach it; a local service has to be running"
                ),
                TransportErrorKind::Untrusted => format!(
                    "if {endpoint} is meant to have an authority of its own, name a PEM file with its certificate in SSL_CERT_FILE"
                ),
                TransportErrorKind::TimedOut | TransportErrorKind::Broken => {
                    "the network or the service is in trouble; running the command again continues where it stopped".to_owned()
                }
                TransportErrorKind::TooLong
                | TransportErrorKind::Unsendable
                | TransportErrorKind::NotSignedIn => return None,
            }),
            Failure::Refused(refused) | Failure::Deadline { last: refused, .. } => refused.hint(),
            Failure::NotSignedIn { .. } => Some(
                "sign in with `az login`, or set the key of the account; `batchflow account` says which credentials are used".to_owned(),
            ),
            Failure::Content { .. } => {
                Some("somebody else writes to it at the same time; run the command again".to_owned())
            }
            _ => None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.attempt, self.failure)
    }
}

impl StdError for ClientError {
    /// The failure is part of our own text, so its cause is ours.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.failure.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_and_the_cause_apart() {
        let source = TransportError::caused_by(
            TransportErrorKind::NoConnection,
            &io::Error::from(io::ErrorKind::ConnectionRefused),
        );
        let error = ClientError::new(
            "get pool `p`",
            Failure::Transport {
                endpoint: "http://127.0.0.1:1".to_owned(),
                source,
            },
        );
        let mut chain = vec![error.to_string()];
        let mut next = error.source();
        while let Some(cause) = next {
            chain.push(cause.to_string());
            next = cause.source();
        }
        assert_eq!(
            chain,
            [
                "cannot get pool `p`: no answer from http://127.0.0.1:1",
                "no connection",
                "connection refused"
            ]
        );
        assert!(error.hint().unwrap().contains("127.0.0.1:1"));
        assert!(!error.is_not_found());
    }
}
