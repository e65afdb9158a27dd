//! Conditional headers of Blob Storage.

use crate::wire::blob::error::{Code, Refusal};
use crate::wire::blob::lease::LeaseId;
use crate::wire::time::Time;

/// `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    Any,
    /// Without their quotes.
    Listed(Vec<String>),
}

impl Tags {
    /// Reads a header; quotes may be missing, as in some clients.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        let bare = |tag: &str| tag.trim().trim_matches('"').to_owned();
        Self::Listed(text.split(',').map(bare).collect())
    }

    fn matches(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag == etag.trim_matches('"')),
        }
    }

    fn is_many(&self) -> bool {
        matches!(self, Self::Listed(tags) if tags.len() > 1)
    }
}

/// The conditions of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    pub if_match: Option<Tags>,
    pub if_none_match: Option<Tags>,
    pub if_modified_since: Option<Time>,
    pub if_unmodified_since: Option<Time>,
    /// Compared where the lease is known, not by the checks here.
    pub lease: Option<LeaseId>,
}

/// What is compared: the ETag, and the last modification in whole seconds.
#[derive(Debug, Clone, Copy)]
pub struct Validators<'a> {
    pub etag: &'a str,
    pub last_modified: Time,
}

impl Conditions {
    /// For reading something that exists:
    /// If-Match and If-Unmodified-Since and (If-None-Match or If-Modified-Since).
    pub fn check_read(&self, current: Validators<'_>) -> Result<(), Refusal> {
        if self.if_none_match == Some(Tags::Any) {
            return Err(Code::UnsatisfiableCondition.into());
        }
        let matched = self.if_match.as_ref().map(|t| t.matches(current.etag));
        let unmodified = self.if_unmodified_since.map(|t| !is_after(current, t));
        if matched == Some(false) || unmodified == Some(false) {
            return Err(Code::ConditionNotMet.into());
        }
        let changed = self
            .if_none_match
            .as_ref()
            .map(|t| !t.matches(current.etag));
        let modified = self.if_modified_since.map(|t| is_after(current, t));
        match (changed, modified) {
            (None, None) | (Some(true), _) | (_, Some(true)) => Ok(()),
            _ => Err(Code::NotModified.into()),
        }
    }

    /// For changing something that may exist. `exists` is what `If-None-Match: *` answers if it does.
    pub fn check_write(
        &self,
        current: Option<Validators<'_>>,
        exists: Code,
    ) -> Result<(), Refusal> {
        self.check_combination()?;
        let Some(current) = current else {
            return match self.if_match {
                Some(_) => Err(Code::ConditionNotMet.into()),
                None => Ok(()),
            };
        };
        let met = match (&self.if_none_match, &self.if_match) {
            (Some(Tags::Any), _) => return Err(exists.into()),
            (Some(tags), _) => !tags.matches(current.etag),
            (None, Some(tags)) => tags.matches(current.etag),
            (None, None) => {
                self.if_modified_since.is_none_or(|t| is_after(current, t))
                    && self
                        .if_unmodified_since
                        .is_none_or(|t| !is_after(current, t))
            }
        };
        if met {
            Ok(())
        } else {
            Err(Code::ConditionNotMet.into())
        }
    }

    /// Writes take one ETag a header, and a second condition only of the same direction.
    fn check_combination(&self) -> Result<(), Refusal> {
        let many = [&self.if_match, &self.if_none_match]
            .into_iter()
            .flatten()
            .any(Tags::is_many);
        let positive = self.if_match.is_some() || self.if_unmodified_since.is_some();
        let negative = self.if_none_match.is_some() || self.if_modified_since.is_some();
        if many || positive && negative {
            return Err(Code::MultipleConditionHeadersNotSupported.into());
        }
        Ok(())
    }
}

fn is_after(current: Validators<'_>, time: Time) -> bool {
    current.last_modified.whole_seconds() > time.whole_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Validators<'_> = Validators {
        etag: "\"0x1\"",
        last_modified: Time::from_ticks(1_000 * 10_000_000 + 5),
    };

    fn conditions(headers: &[(&str, &str)]) -> Conditions {
        let second = |text: &str| Some(Time::from_ticks(text.parse::<i64>().unwrap() * 10_000_000));
        let mut found = Conditions::default();
        for (name, value) in headers {
            match *name {
                "match" => found.if_match = Some(Tags::parse(value)),
                "none" => found.if_none_match = Some(Tags::parse(value)),
                "modified" => found.if_modified_since = second(value),
                "unmodified" => found.if_unmodified_since = second(value),
                other => panic!("{other}"),
            }
        }
        found
    }

    fn status(result: Result<(), Refusal>) -> u16 {
        result.map_or_else(|refusal| refusal.code.status(), |()| 200)
    }

    #[test]
    fn reading() {
        for (headers, expected) in [
            (&[][..], 200),
            (&[("match", "\"0x1\"")], 200),
            (&[("match", "0x1")], 200),
            (&[("match", "*")], 200),
            (&[("match", "\"0x2\", \"0x1\"")], 200),
            (&[("match", "\"0x2\"")], 412),
            (&[("none", "\"0x1\"")], 304),
            (&[("none", "\"0x2\"")], 200),
            (&[("none", "*")], 400),
            (&[("modified", "1000")], 304),
            (&[("modified", "999")], 200),
            (&[("unmodified", "1000")], 200),
            (&[("unmodified", "999")], 412),
            (&[("none", "\"0x1\""), ("modified", "999")], 200),
            (&[("none", "\"0x1\""), ("modified", "1000")], 304),
            (&[("none", "\"0x2\""), ("modified", "1000")], 200),
            (&[("match", "\"0x1\""), ("unmodified", "999")], 412),
        ] {
            let got = status(conditions(headers).check_read(NOW));
            assert_eq!(got, expected, "{headers:?}");
        }
    }

    #[test]
    fn writing() {
        for (headers, present, absent) in [
            (&[][..], 200, 200),
            (&[("match", "\"0x1\"")], 200, 412),
            (&[("match", "\"0x2\"")], 412, 412),
            (&[("match", "*")], 200, 412),
            (&[("none", "*")], 409, 200),
            (&[("none", "\"0x1\"")], 412, 200),
            (&[("none", "\"0x2\"")], 200, 200),
            (&[("modified", "999")], 200, 200),
            (&[("modified", "1000")], 412, 200),
            (&[("unmodified", "1000")], 200, 200),
            (&[("unmodified", "999")], 412, 200),
            (&[("match", "\"0x1\""), ("unmodified", "999")], 200, 412),
            (&[("match", "\"0x1\""), ("none", "*")], 400, 400),
            (&[("modified", "9"), ("unmodified", "9")], 400, 400),
            (&[("match", "\"0x1\",\"0x2\"")], 400, 400),
        ] {
            let conditions = conditions(headers);
            let at = |current| status(conditions.check_write(current, Code::BlobAlreadyExists));
            assert_eq!((at(Some(NOW)), at(None)), (present, absent), "{headers:?}");
        }
    }
}
