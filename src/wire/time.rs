//! The two time forms of the REST API: instants with 100 ns ticks, and ISO 8601 durations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks from 0001-01-01T00:00:00Z, where .NET counts from, to 1970-01-01T00:00:00Z.
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

/// An instant in UTC, in ticks of 100 ns since 0001-01-01, as the service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    pub fn ticks(self) -> i64 {
        self.0
    }

    /// The ETag a Batch resource has that was last modified now: `0x` and the ticks in upper-case hex.
    pub fn etag(self) -> String {
        format!("0x{:X}", self.0)
    }

    /// The moment `d` later; an infinite duration gives the last moment there is.
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(d.0))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Time) -> Duration {
        Duration((self.0 - earlier.0).max(0))
    }

    /// RFC 1123, as the `Date` headers have it; whole seconds.
    pub fn to_rfc1123(self) -> String {
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&self.into())
            .unwrap_or_default()
    }

    /// Reads RFC 1123 or RFC 2822.
    pub fn from_rfc1123(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()
            .map(Self::from)
    }

    /// This instant without its fraction of a second, as HTTP headers carry it.
    pub fn whole_seconds(self) -> Self {
        Self(self.0 - self.0.rem_euclid(TICKS_PER_SECOND))
    }

    /// ISO 8601 with exactly seven digits, as the text of an error has it.
    pub fn to_seven_digits(self) -> String {
        jiff::fmt::temporal::DateTimePrinter::new()
            .precision(Some(7))
            .timestamp_to_string(&self.into())
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(t: jiff::Timestamp) -> Self {
        let ticks = t.as_nanosecond().div_euclid(100);
        Self(
            i64::try_from(ticks)
                .unwrap_or(i64::MAX)
                .saturating_add(UNIX_EPOCH_TICKS),
        )
    }
}

impl From<Time> for jiff::Timestamp {
    fn from(t: Time) -> Self {
        let nanos = i128::from(t.0 - UNIX_EPOCH_TICKS) * 100;
        jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&jiff::Timestamp::from(*self), f)
    }
}

impl FromStr for Time {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        text.parse::<jiff::Timestamp>()
            .map(Self::from)
            .map_err(|_| InvalidTime(text.to_owned()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Text that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time such as 2026-01-31T12:00:00Z")]
pub struct InvalidTime(String);

/// A length of time in ticks of 100 ns, written as ISO 8601 (`PT15M`, `P7D`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// What the service shows for "no limit": `P10675199DT2H48M5.4775807S`.
    pub const INFINITE: Self = Self(i64::MAX);
    pub const ZERO: Self = Self(0);

    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(TICKS_PER_SECOND))
    }

    pub const fn from_days(days: i64) -> Self {
        Self::from_secs(days * 86_400)
    }

    pub fn is_infinite(self) -> bool {
        self == Self::INFINITE
    }

    pub fn ticks(self) -> i64 {
        self.0
    }

    /// For timers; a negative length counts as zero.
    pub fn to_std(self) -> std::time::Duration {
        let ticks = u64::try_from(self.0).unwrap_or(0);
        let per_second = TICKS_PER_SECOND as u64;
        std::time::Duration::new(ticks / per_second, (ticks % per_second) as u32 * 100)
    }
}

impl fmt::Display for Duration {
    /// As .NET's XmlConvert writes it: days at most, no weeks, no zero parts, fraction trimmed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("PT0S");
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let ticks = self.0.unsigned_abs();
        let per_second = TICKS_PER_SECOND as u64;
        let (seconds, fraction) = (ticks / per_second, ticks % per_second);
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        write!(f, "{sign}P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if hours == 0 && minutes == 0 && seconds == 0 && fraction == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        match (seconds, fraction) {
            (0, 0) => Ok(()),
            (_, 0) => write!(f, "{seconds}S"),
            _ => {
                let digits = format!("{fraction:07}");
                write!(f, "{seconds}.{}S", digits.trim_end_matches('0'))
            }
        }
    }
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    /// Years count 365 days and months 30, as the service does.
    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        parse_duration(text).ok_or_else(|| InvalidDuration(text.to_owned()))
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let day = 86_400;
    let whole = parts(
        date,
        &[
            ('Y', 365 * day),
            ('M', 30 * day),
            ('W', 7 * day),
            ('D', day),
        ],
    )?;
    let clock = parts(time, &[('H', 3600), ('M', 60), ('S', 1)])?;
    let ticks = whole.checked_add(clock)?;
    let ticks = i64::try_from(ticks).ok()?;
    Some(Duration(if negative { -ticks } else { ticks }))
}

/// Reads `12H30M5.5S` against units in their order; only seconds may have a fraction.
fn parts(mut text: &str, units: &[(char, i128)]) -> Option<i128> {
    let mut ticks = 0_i128;
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, rest) = text.split_at(end);
        let letter = rest.chars().next()?;
        let (_, seconds) = units.find(|(l, _)| *l == letter)?;
        let (int, fraction) = match number.split_once('.') {
            Some((int, fraction)) if letter == 'S' && !fraction.is_empty() => (int, fraction),
            Some(_) => return None,
            None => (number, ""),
        };
        if !int.bytes().all(|b| b.is_ascii_digit()) || !fraction.bytes().all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let int: i128 = int.parse().ok()?;
        let fraction: i128 = format!("{fraction:0<7}").get(..7)?.parse().ok()?;
        ticks = ticks
            .checked_add(int.checked_mul(seconds * i128::from(TICKS_PER_SECOND))? + fraction)?;
        text = &rest[1..];
    }
    Some(ticks)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Text that is not an ISO 8601 duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ISO 8601 duration such as PT30M or P7D")]
pub struct InvalidDuration(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_written_as_recorded() {
        for (text, written) in [
            ("PT15M", "PT15M"),
            ("P7D", "P7D"),
            ("PT06M00S", "PT6M"),
            ("P1DT00H00M00S", "P1D"),
            ("P3Y6M4DT12H30M5S", "P1279DT12H30M5S"),
            ("PT0.5S", "PT0.5S"),
            ("PT0S", "PT0S"),
            ("P10675199DT2H48M5.4775807S", "P10675199DT2H48M5.4775807S"),
        ] {
            let d: Duration = text.parse().unwrap();
            assert_eq!(d.to_string(), written, "{text}");
        }
        assert!(
            "P10675199DT2H48M5.4775807S"
                .parse::<Duration>()
                .unwrap()
                .is_infinite()
        );
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "15M",
            "PT15",
            "PT1.5H",
            "PTM",
            "PT-1S",
            "P1H",
            "PT1S1M",
            "P999999999999D",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn etag_is_ticks_in_hex() {
        let t: Time = "2023-03-14T20:33:30Z".parse().unwrap();
        assert_eq!(
            Time::from_ticks(0x8DB24CB604A1D00).etag(),
            "0x8DB24CB604A1D00"
        );
        assert_eq!(Time::from_rfc1123("Tue, 14 Mar 2023 20:33:30 GMT"), Some(t));
        assert_eq!(t.to_rfc1123(), "Tue, 14 Mar 2023 20:33:30 GMT");
        assert_eq!(t.to_string(), "2023-03-14T20:33:30Z");
        assert_eq!(t.to_seven_digits(), "2023-03-14T20:33:30.0000000Z");
    }
}
