//! Query parameters: decoded once, names without regard to case, the first of several counts.

use percent_encoding::percent_decode_str;

use super::version::Version;
use crate::service::core::command::{List, TASK_STATE};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::operation::Spec;
use crate::wire::filter::{Field, Filter};
use crate::wire::page;
use crate::wire::time::Time;

/// What every operation may be given.
const COMMON: [&str; 2] = ["api-version", "timeout"];
const SKIP_TOKEN: &str = "$skiptoken";
/// Parameters that take one of a few values.
const CHOICES: [(&str, &[&str]); 3] = [
    // There are no statistics to add.
    ("$expand", &["stats"]),
    ("force", &["true", "false"]),
    ("recursive", &["true", "false"]),
];

#[derive(Debug, Default)]
pub(super) struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(raw: &str) -> Result<Self, Refusal> {
        if !is_well_formed(raw) {
            return Err(Code::RequestUrlFailedToParse.into());
        }
        let parameters = raw
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|p| {
                let (name, value) = p.split_once('=').unwrap_or((p, ""));
                (decode(name), decode(value))
            })
            .collect();
        Ok(Self { parameters })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Refuses parameters that the operation does not know, rather than ignoring them.
    pub(super) fn check(&self, spec: &Spec, version: Version) -> Result<(), Refusal> {
        self.check_timeout()?;
        let lists = spec.query.contains(&"maxresults");
        let known = |name: &str| {
            let mut all = COMMON.iter().chain(spec.query);
            all.any(|k| k.eq_ignore_ascii_case(name)) && version.takes(name)
                || (lists && name.eq_ignore_ascii_case(SKIP_TOKEN))
        };
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| !known(name)) {
            return Err(Refusal::new(Code::UnsupportedQueryParameter)
                .with("QueryParameterName", name.clone()));
        }
        self.page()?;
        self.check_choices()
    }

    /// Where a page begins and how long it may be.
    fn page(&self) -> Result<(Option<String>, usize), Refusal> {
        let after = self
            .get(SKIP_TOKEN)
            .map(page::read_skip_token)
            .transpose()?;
        Ok((after, page::max_results(self.get("maxresults"))?))
    }

    fn check_choices(&self) -> Result<(), Refusal> {
        for (name, choices) in CHOICES {
            let Some(value) = self.get(name) else {
                continue;
            };
            if !choices.iter().any(|c| c.eq_ignore_ascii_case(value)) {
                return Err(Refusal::new(Code::InvalidQueryParameterValue)
                    .with("QueryParameterName", name)
                    .with("QueryParameterValue", value)
                    .with("Reason", format!("It must be {}", choices.join(" or "))));
            }
        }
        Ok(())
    }

    /// Seconds, at least one. What is above the service's own limit counts as that limit.
    fn check_timeout(&self) -> Result<(), Refusal> {
        const NAME: &str = "timeout";
        let Some(text) = self.get(NAME) else {
            return Ok(());
        };
        let code = match text.parse::<i64>() {
            Ok(1..) => return Ok(()),
            Ok(_) => Code::OutOfRangeQueryParameterValue,
            Err(_) => Code::InvalidQueryParameterValue,
        };
        Err(Refusal::new(code)
            .with("QueryParameterName", NAME)
            .with("QueryParameterValue", text)
            .with("Reason", "It must be a whole number of seconds above 0"))
    }

    /// The part of a list that is asked for.
    pub(super) fn list(&self, fields: &'static [Field]) -> Result<List, Refusal> {
        let filter = self
            .get("$filter")
            .map(|text| {
                Filter::parse(text, fields).map_err(|e| {
                    Refusal::new(Code::InvalidQueryParameterValue)
                        .with("QueryParameterName", "$filter")
                        .with("QueryParameterValue", text)
                        .with("Reason", e.to_string())
                })
            })
            .transpose()?;
        let (after, max) = self.page()?;
        let selected = self.select();
        Ok(List {
            filter,
            after,
            max,
            without_bodies: selected
                .is_some_and(|names| names.iter().all(|n| TASK_STATE.contains(&n.as_str()))),
        })
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Time>, Refusal> {
        let read = |text: &str| {
            text.parse().map_err(|_| {
                Refusal::new(Code::InvalidQueryParameterValue)
                    .with("QueryParameterName", name)
                    .with("QueryParameterValue", text)
                    .with(
                        "Reason",
                        "The value is not a time such as 2026-01-02T00:00:00Z",
                    )
            })
        };
        self.get(name).map(read).transpose()
    }

    /// The top-level properties that are asked for; None for all of them.
    pub(super) fn select(&self) -> Option<Vec<String>> {
        self.get("$select").map(|text| {
            text.split(',')
                .map(|name| name.trim().split('/').next().unwrap_or_default().to_owned())
                .collect()
        })
    }
}

/// The raw query of a page turned into that of the next.
pub(super) fn next_query(raw: &str, after: &str) -> String {
    let mut query = String::new();
    for part in raw.split('&').filter(|p| !p.is_empty()) {
        let name = decode(part.split('=').next().unwrap_or_default());
        if !name.eq_ignore_ascii_case(SKIP_TOKEN) {
            query.push_str(part);
            query.push('&');
        }
    }
    query.push_str(SKIP_TOKEN);
    query.push('=');
    query.push_str(&page::skip_token(after));
    query
}

/// Whether every `%` begins a byte, and the bytes are text.
pub(super) fn is_well_formed(encoded: &str) -> bool {
    let hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let mut rest = encoded.as_bytes().iter();
    while let Some(byte) = rest.next() {
        if *byte == b'%' && !(hex(rest.next()) && hex(rest.next())) {
            return false;
        }
    }
    percent_decode_str(encoded).decode_utf8().is_ok()
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}
