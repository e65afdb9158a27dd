//! Leases of containers and blobs: their ids, durations and the five actions.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::{Code, Refusal};
use crate::wire::time::Duration;

/// Seconds that a lease of fixed duration may last.
const SECONDS: std::ops::RangeInclusive<i64> = 15..=60;
/// Seconds that breaking a lease may take.
const BREAK_SECONDS: std::ops::RangeInclusive<i64> = 0..=60;

/// A lease id: a GUID in any of its notations, kept in lower case with hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(String);

impl LeaseId {
    pub fn new(text: &str) -> Option<Self> {
        Some(Self(Uuid::parse_str(text).ok()?.to_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a lease operation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Acquire {
        /// None is for ever.
        duration: Option<Duration>,
        id: LeaseId,
    },
    Renew {
        id: LeaseId,
    },
    Change {
        id: LeaseId,
        proposed: LeaseId,
    },
    Release {
        id: LeaseId,
    },
    Break {
        /// None is the rest of the lease, or nothing if that is infinite.
        period: Option<Duration>,
    },
}

impl Action {
    /// Reads the headers of Lease Container and Lease Blob. `new_id` is for an acquire that proposes none.
    pub fn read<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        new_id: impl FnOnce() -> String,
    ) -> Result<Self, Refusal> {
        let id = |name| match header(name) {
            None => Ok(None),
            Some(text) => LeaseId::new(text)
                .map(Some)
                .ok_or_else(|| Refusal::header(name, text)),
        };
        let required = |name| id(name)?.ok_or_else(|| missing(name));
        let seconds = |name, range: std::ops::RangeInclusive<i64>, or: Option<i64>| {
            let Some(text) = header(name) else {
                return Ok(None);
            };
            let number = text.trim().parse().ok();
            number
                .filter(|n| range.contains(n) || Some(*n) == or)
                .map(Some)
                .ok_or_else(|| Refusal::header(name, text))
        };
        let action = header("x-ms-lease-action").ok_or_else(|| missing("x-ms-lease-action"))?;
        match action.to_ascii_lowercase().as_str() {
            "acquire" => {
                const NAME: &str = "x-ms-lease-duration";
                let duration = seconds(NAME, SECONDS, Some(-1))?.ok_or_else(|| missing(NAME))?;
                let id = match id("x-ms-proposed-lease-id")? {
                    Some(id) => id,
                    None => LeaseId(new_id()),
                };
                Ok(Self::Acquire {
                    duration: (duration != -1).then(|| Duration::from_secs(duration)),
                    id,
                })
            }
            "renew" => Ok(Self::Renew {
                id: required("x-ms-lease-id")?,
            }),
            "change" => Ok(Self::Change {
                id: required("x-ms-lease-id")?,
                proposed: required("x-ms-proposed-lease-id")?,
            }),
            "release" => Ok(Self::Release {
                id: required("x-ms-lease-id")?,
            }),
            "break" => Ok(Self::Break {
                period: seconds("x-ms-lease-break-period", BREAK_SECONDS, None)?
                    .map(Duration::from_secs),
            }),
            _ => Err(Refusal::header("x-ms-lease-action", action)),
        }
    }

    /// The status of an answer to it.
    pub fn success(&self) -> u16 {
        match self {
            Self::Acquire { .. } => 201,
            Self::Break { .. } => 202,
            _ => 200,
        }
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::new(Code::MissingRequiredHeader).with("HeaderName", name)
}

/// Where a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Available,
    Leased,
    Breaking,
    Broken,
    Expired,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
            Self::Expired => "expired",
        }
    }

    /// `x-ms-lease-status`.
    pub fn status(self) -> &'static str {
        if self.is_locked() {
            "locked"
        } else {
            "unlocked"
        }
    }

    pub fn is_locked(self) -> bool {
        matches!(self, Self::Leased | Self::Breaking)
    }
}

/// What headers and listings show of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub state: State,
    /// `infinite` or `fixed`, of what is leased.
    pub duration: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaa-0000-0000-0000-000000000000";
    const NEW: &str = "bbbbbbbb-0000-0000-0000-000000000000";

    fn read(headers: &[(&str, &'static str)]) -> Result<Action, Refusal> {
        Action::read(
            |name| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
            || NEW.to_owned(),
        )
    }

    fn id(text: &str) -> LeaseId {
        LeaseId::new(text).unwrap()
    }

    #[test]
    fn actions() {
        let seconds = |n| Some(Duration::from_secs(n));
        let (action, lease, proposed) = (
            "x-ms-lease-action",
            "x-ms-lease-id",
            "x-ms-proposed-lease-id",
        );
        for (headers, expected) in [
            (
                &[(action, "Acquire"), ("x-ms-lease-duration", "15")][..],
                Action::Acquire {
                    duration: seconds(15),
                    id: id(NEW),
                },
            ),
            (
                &[
                    (action, "acquire"),
                    ("x-ms-lease-duration", "-1"),
                    (proposed, "{AAAAAAAA-0000-0000-0000-000000000000}"),
                ],
                Action::Acquire {
                    duration: None,
                    id: id(A),
                },
            ),
            (
                &[(action, "renew"), (lease, A)],
                Action::Renew { id: id(A) },
            ),
            (
                &[(action, "change"), (lease, A), (proposed, NEW)],
                Action::Change {
                    id: id(A),
                    proposed: id(NEW),
                },
            ),
            (
                &[(action, "release"), (lease, A)],
                Action::Release { id: id(A) },
            ),
            (&[(action, "break")], Action::Break { period: None }),
            (
                &[(action, "break"), ("x-ms-lease-break-period", "0")],
                Action::Break { period: seconds(0) },
            ),
        ] {
            assert_eq!(read(headers).unwrap(), expected, "{headers:?}");
        }
    }

    #[test]
    fn refused_actions() {
        let action = "x-ms-lease-action";
        for (headers, code, mentions) in [
            (&[][..], Code::MissingRequiredHeader, action),
            (&[(action, "take")], Code::InvalidHeaderValue, "take"),
            (
                &[(action, "acquire")],
                Code::MissingRequiredHeader,
                "duration",
            ),
            (
                &[(action, "acquire"), ("x-ms-lease-duration", "14")],
                Code::InvalidHeaderValue,
                "14",
            ),
            (
                &[(action, "acquire"), ("x-ms-lease-duration", "61")],
                Code::InvalidHeaderValue,
                "61",
            ),
            (
                &[
                    (action, "acquire"),
                    ("x-ms-lease-duration", "15"),
                    ("x-ms-proposed-lease-id", "mine"),
                ],
                Code::InvalidHeaderValue,
                "mine",
            ),
            (
                &[(action, "renew")],
                Code::MissingRequiredHeader,
                "lease-id",
            ),
            (
                &[(action, "change"), ("x-ms-lease-id", A)],
                Code::MissingRequiredHeader,
                "proposed",
            ),
            (
                &[(action, "break"), ("x-ms-lease-break-period", "-1")],
                Code::InvalidHeaderValue,
                "period",
            ),
        ] {
            let refusal = read(headers).unwrap_err();
            assert_eq!(refusal.code, code, "{headers:?}");
            let details = format!("{:?}", refusal.details);
            assert!(details.contains(mentions), "{headers:?}: {details}");
        }
    }
}
