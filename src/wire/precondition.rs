//! Conditional requests: `If-Match` and its three relatives.

use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::operation::Conditions;
use crate::wire::time::Time;

/// The conditions of a request. ETags are unquoted, as the Batch service writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_modified_since: Option<Time>,
    pub if_unmodified_since: Option<Time>,
}

/// What a read may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Proceed,
    NotModified,
}

impl Preconditions {
    /// Reads the headers that the operation honours; the others are left alone.
    pub fn read<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        honoured: Conditions,
    ) -> Result<Self, Refusal> {
        let etag = |name| header(name).map(|v| v.trim_matches('"').to_owned());
        let time = |name: &str| match header(name) {
            None => Ok(None),
            Some(text) => Time::from_rfc1123(text)
                .or_else(|| text.parse().ok())
                .map(Some)
                .ok_or_else(|| {
                    Refusal::new(Code::InvalidHeaderValue)
                        .with("HeaderName", name)
                        .with("HeaderValue", text)
                }),
        };
        let conditions = match honoured {
            Conditions::None => Self::default(),
            Conditions::Modified => Self {
                if_modified_since: time("if-modified-since")?,
                if_unmodified_since: time("if-unmodified-since")?,
                ..Self::default()
            },
            Conditions::Full => Self {
                if_match: etag("if-match"),
                if_none_match: etag("if-none-match"),
                if_modified_since: time("if-modified-since")?,
                if_unmodified_since: time("if-unmodified-since")?,
            },
        };
        let etags = conditions.if_match.is_some() && conditions.if_none_match.is_some();
        let times =
            conditions.if_modified_since.is_some() && conditions.if_unmodified_since.is_some();
        if etags || times {
            return Err(Code::MultipleConditionHeadersNotSupported.into());
        }
        Ok(conditions)
    }

    /// For a request that only reads.
    pub fn check_read(&self, last_modified: Time) -> Result<Verdict, Refusal> {
        self.must_match(last_modified)?;
        Ok(if self.is_unchanged(last_modified) {
            Verdict::NotModified
        } else {
            Verdict::Proceed
        })
    }

    /// For a request that changes something.
    pub fn check_write(&self, last_modified: Time) -> Result<(), Refusal> {
        self.must_match(last_modified)?;
        if self.is_unchanged(last_modified) {
            return Err(Code::ConditionNotMet.into());
        }
        Ok(())
    }

    fn must_match(&self, last_modified: Time) -> Result<(), Refusal> {
        let other = self
            .if_match
            .as_deref()
            .is_some_and(|e| !same(e, last_modified));
        let changed = self
            .if_unmodified_since
            .is_some_and(|t| last_modified.whole_seconds() > t);
        if other || changed {
            return Err(Code::ConditionNotMet.into());
        }
        Ok(())
    }

    fn is_unchanged(&self, last_modified: Time) -> bool {
        self.if_none_match
            .as_deref()
            .is_some_and(|e| same(e, last_modified))
            || self
                .if_modified_since
                .is_some_and(|t| last_modified.whole_seconds() <= t)
    }
}

fn same(etag: &str, last_modified: Time) -> bool {
    etag == "*" || etag.eq_ignore_ascii_case(&last_modified.etag())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &'static str)]) -> Result<Preconditions, Refusal> {
        Preconditions::read(
            |name| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
            Conditions::Full,
        )
    }

    #[test]
    fn conditions_against_a_resource() {
        // 0x8DB24CB604A1D00 in the recordings.
        let modified = Time::from_ticks(0x8DB_24CB_604A_1D00);
        let proceed = Ok(Verdict::Proceed);
        let failed = Err(Refusal::new(Code::ConditionNotMet));
        for (header, value, read_gives, may_write) in [
            ("if-match", "0x8DB24CB604A1D00", proceed.clone(), true),
            ("if-match", "\"0x8DB24CB604A1D00\"", proceed.clone(), true),
            ("if-match", "*", proceed.clone(), true),
            ("if-match", "0x1", failed.clone(), false),
            (
                "if-none-match",
                "0x8DB24CB604A1D00",
                Ok(Verdict::NotModified),
                false,
            ),
            ("if-none-match", "0x1", proceed.clone(), true),
            (
                "if-modified-since",
                "Sun, 14 Mar 2100 20:33:30 GMT",
                Ok(Verdict::NotModified),
                false,
            ),
            (
                "if-modified-since",
                "Tue, 14 Mar 2000 20:33:30 GMT",
                proceed.clone(),
                true,
            ),
            (
                "if-unmodified-since",
                "Tue, 14 Mar 2000 20:33:30 GMT",
                failed,
                false,
            ),
            (
                "if-unmodified-since",
                "Sun, 14 Mar 2100 20:33:30 GMT",
                proceed,
                true,
            ),
        ] {
            let conditions = read(&[(header, value)]).expect(value);
            assert_eq!(
                conditions.check_read(modified),
                read_gives,
                "{header}: {value}"
            );
            assert_eq!(
                conditions.check_write(modified).is_ok(),
                may_write,
                "{header}: {value}"
            );
        }
    }

    #[test]
    fn conflicting_or_unreadable_conditions() {
        let both = read(&[("if-match", "*"), ("if-none-match", "*")]);
        assert_eq!(both, Err(Code::MultipleConditionHeadersNotSupported.into()));
        assert!(read(&[("if-modified-since", "soon")]).is_err());
    }
}
