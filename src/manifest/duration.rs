//! Durations as people write them: ISO 8601 (`PT15M`, `P7D`) or friendly (`15m`, `1h 30m`, `7d`).

use std::time::Duration;

/// Days count 24 hours. Months and years have no length of their own and are refused, as is a negative length.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.trim().parse().ok()?;
    if span.is_negative() || span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let whole = [
        (i64::from(span.get_weeks()), 7 * 86_400),
        (i64::from(span.get_days()), 86_400),
        (i64::from(span.get_hours()), 3600),
        (span.get_minutes(), 60),
        (span.get_seconds(), 1),
    ];
    let mut seconds = 0_u64;
    for (count, unit) in whole {
        let part = u64::try_from(count).ok()?.checked_mul(unit)?;
        seconds = seconds.checked_add(part)?;
    }
    let fraction = Duration::from_millis(u64::try_from(span.get_milliseconds()).ok()?)
        + Duration::from_micros(u64::try_from(span.get_microseconds()).ok()?)
        + Duration::from_nanos(u64::try_from(span.get_nanoseconds()).ok()?);
    // The service counts in signed 64-bit ticks of 100 ns.
    const MOST: u64 = i64::MAX as u64 / 10_000_000;
    let total = Duration::from_secs(seconds).checked_add(fraction)?;
    (total.as_secs() < MOST).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_forms() {
        for (text, seconds) in [
            ("PT15M", 900.0),
            ("15m", 900.0),
            ("1h 30m", 5400.0),
            ("P1DT2H", 93_600.0),
            ("7d", 604_800.0),
            ("PT0.5S", 0.5),
            ("90s", 90.0),
            ("0s", 0.0),
        ] {
            assert_eq!(
                parse(text).map(|d| d.as_secs_f64()),
                Some(seconds),
                "{text}"
            );
        }
        for text in ["", "15", "soon", "-5m", "1mo", "P1Y", "PT"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
