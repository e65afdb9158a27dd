//! When a signature ends.

use crate::wire::time::Time;

/// When the rights end that a query gives; None: it says nothing of it.
pub fn expiry(query: &str) -> Option<Time> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("se="))?;
    let text = percent_encoding::percent_decode_str(value)
        .decode_utf8()
        .ok()?;
    // The time may be left out, and its seconds.
    let rest = match text.len() {
        10 => "T00:00:00Z",
        17 => ":00Z",
        _ => "",
    };
    let text = match rest {
        "" => text.into_owned(),
        rest => format!("{}{rest}", text.trim_end_matches('Z')),
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_every_form_that_the_service_takes() {
        for (query, ends) in [
            (
                "sv=1&se=2026-01-02T03%3A04%3A05Z&sig=x",
                "2026-01-02T03:04:05Z",
            ),
            (
                "se=2026-01-02T03:04:05.1234567Z",
                "2026-01-02T03:04:05.1234567Z",
            ),
            ("se=2026-01-02T03:04Z", "2026-01-02T03:04:00Z"),
            ("se=2026-01-02", "2026-01-02T00:00:00Z"),
        ] {
            assert_eq!(expiry(query), Some(ends.parse().unwrap()), "{query}");
        }
        for query in ["", "se=", "se=soon", "si=policy&sig=x", "se=%FF"] {
            assert_eq!(expiry(query), None, "{query}");
        }
    }
}
