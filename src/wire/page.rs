//! Pages of a list: how many at a time, and where the next one starts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::wire::batch::error::{Code, Refusal};

/// Most items on a page, and how many when the caller does not say.
pub const MAX_RESULTS: usize = 1000;

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub value: Vec<T>,
    /// Key of the last item, when there may be more after it.
    pub next: Option<String>,
}

/// Reads `maxresults`.
pub fn max_results(text: Option<&str>) -> Result<usize, Refusal> {
    let Some(text) = text else {
        return Ok(MAX_RESULTS);
    };
    let refuse = |code, reason: &str| {
        Refusal::new(code)
            .with("QueryParameterName", "maxresults")
            .with("QueryParameterValue", text)
            .with("Reason", reason)
    };
    match text.parse::<i64>() {
        Ok(n) => usize::try_from(n)
            .ok()
            .filter(|n| (1..=MAX_RESULTS).contains(n))
            .ok_or_else(|| refuse(Code::OutOfRangeQueryParameterValue, "it must be 1 to 1000")),
        Err(_) => Err(refuse(
            Code::InvalidQueryParameterValue,
            "it must be a whole number",
        )),
    }
}

/// The opaque token for "after this key". Only letters, digits, `-`, `_` and `.`, because clients decode and
/// encode it in different ways.
pub fn skip_token(after: &str) -> String {
    format!("1.{}", URL_SAFE_NO_PAD.encode(after))
}

/// The key in a token.
pub fn read_skip_token(token: &str) -> Result<String, Refusal> {
    token
        .strip_prefix("1.")
        .and_then(|t| URL_SAFE_NO_PAD.decode(t).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Refusal::new(Code::InvalidQueryParameterValue)
                .with("QueryParameterName", "$skiptoken")
                .with("QueryParameterValue", token)
                .with("Reason", "it is not a token of this service")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive() {
        for key in ["", "task-1", "wd/a b+ü"] {
            let token = skip_token(key);
            assert!(
                token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
                "{token}"
            );
            assert_eq!(read_skip_token(&token), Ok(key.to_owned()));
        }
        assert!(read_skip_token("x").is_err());
        assert!(read_skip_token("1.!!").is_err());
    }

    #[test]
    fn results_are_bounded() {
        assert_eq!(max_results(None), Ok(1000));
        assert_eq!(max_results(Some("7")), Ok(7));
        for bad in ["0", "1001", "-3", "x", ""] {
            assert!(max_results(Some(bad)).is_err(), "{bad}");
        }
    }
}
