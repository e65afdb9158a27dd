//! When a request is sent again, and after how long: the one policy of this program.

use std::time::Duration;

use http::HeaderMap;

use super::transport::TransportErrorKind;
use crate::wire::time::Time;

/// How patient we are. Requests that create are repeated like any other: their callers take `…Exists` for
/// success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is sent at most.
    pub tries: u32,
    /// No wait may end later than this after the first try began.
    pub deadline: Duration,
    /// The longest first wait; each later one may be twice as long as the one before.
    pub base: Duration,
    /// The longest wait that we choose; a service may ask for a longer one.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 6,
            deadline: Duration::from_secs(120),
            base: Duration::from_millis(400),
            cap: Duration::from_secs(30),
        }
    }
}

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answer {
        status: u16,
        /// What the service asks for.
        retry_after: Option<Duration>,
    },
    NoAnswer(TransportErrorKind),
}

impl Outcome {
    fn is_transient(self) -> bool {
        match self {
            Self::Answer { status, .. } => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
            }
            Self::NoAnswer(kind) => match kind {
                TransportErrorKind::NoConnection
                | TransportErrorKind::TimedOut
                | TransportErrorKind::Broken => true,
                TransportErrorKind::Untrusted
                | TransportErrorKind::TooLong
                | TransportErrorKind::Unsendable
                | TransportErrorKind::NotSignedIn => false,
            },
        }
    }
}

impl RetryPolicy {
    /// How long to wait before the next try; None when this was the last.
    /// `jitter` is drawn evenly from 0 to 1, so that many workers do not come back at once.
    pub fn wait(
        &self,
        tries_made: u32,
        elapsed: Duration,
        outcome: Outcome,
        jitter: f64,
    ) -> Option<Duration> {
        if tries_made >= self.tries || !outcome.is_transient() {
            return None;
        }
        let wait = match outcome {
            Outcome::Answer {
                retry_after: Some(asked),
                ..
            } => asked,
            _ => self.backoff(tries_made).mul_f64(jitter.clamp(0.0, 1.0)),
        };
        (elapsed.saturating_add(wait) <= self.deadline).then_some(wait)
    }

    fn backoff(&self, tries_made: u32) -> Duration {
        let doublings = tries_made.saturating_sub(1).min(20);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }
}

/// What the headers of an answer ask for: seconds or a date, or Azure's milliseconds.
pub fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    for name in ["x-ms-retry-after-ms", "retry-after-ms"] {
        if let Some(milliseconds) = text(name).and_then(|t| t.parse().ok()) {
            return Some(Duration::from_millis(milliseconds));
        }
    }
    let asked = text("retry-after")?;
    match asked.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Time::from_rfc1123(asked).map(|then| then.since(now).to_std()),
    }
}

/// An even draw from 0 to 1.
pub(super) fn jitter() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        tries: 6,
        deadline: Duration::from_secs(120),
        base: Duration::from_millis(400),
        cap: Duration::from_secs(3),
    };

    fn answer(status: u16) -> Outcome {
        Outcome::Answer {
            status,
            retry_after: None,
        }
    }

    #[test]
    fn what_is_repeated() {
        let again = |o| POLICY.wait(1, Duration::ZERO, o, 1.0).is_some();
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(again(answer(status)), "{status}");
        }
        for status in [
            200, 201, 304, 400, 401, 403, 404, 409, 412, 413, 416, 501, 505,
        ] {
            assert!(!again(answer(status)), "{status}");
        }
        use TransportErrorKind::*;
        for kind in [NoConnection, TimedOut, Broken] {
            assert!(again(Outcome::NoAnswer(kind)), "{kind}");
        }
        for kind in [Untrusted, TooLong, Unsendable] {
            assert!(!again(Outcome::NoAnswer(kind)), "{kind}");
        }
    }

    #[test]
    fn how_long() {
        let wait = |made, elapsed, outcome, jitter| {
            POLICY
                .wait(made, Duration::from_secs(elapsed), outcome, jitter)
                .map(|d| d.as_millis())
        };
        let busy = answer(503);
        for (made, milliseconds) in [(1, 400), (2, 800), (3, 1600), (4, 3000), (5, 3000)] {
            assert_eq!(wait(made, 0, busy, 1.0), Some(milliseconds));
            assert_eq!(wait(made, 0, busy, 0.5), Some(milliseconds / 2));
        }
        assert_eq!(wait(6, 0, busy, 1.0), None, "the sixth was the last");
        assert_eq!(wait(1, 120, busy, 1.0), None, "too late");
        let asked = |seconds| Outcome::Answer {
            status: 429,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(1, 0, asked(30), 0.0), Some(30_000));
        assert_eq!(wait(1, 91, asked(30), 0.0), None, "beyond the deadline");
        assert_eq!(wait(1, 0, asked(0), 1.0), Some(0));
    }

    #[test]
    fn what_headers_ask_for() {
        let now = Time::from_rfc1123("Tue, 14 Mar 2023 20:33:30 GMT").unwrap();
        for (name, value, milliseconds) in [
            ("retry-after", "30", Some(30_000)),
            ("retry-after", "Tue, 14 Mar 2023 20:33:40 GMT", Some(10_000)),
            ("retry-after", "Tue, 14 Mar 2023 20:33:20 GMT", Some(0)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("x-ms-retry-after-ms", "250", Some(250)),
            ("retry-after-ms", "125", Some(125)),
            ("date", "30", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let got = retry_after(&headers, now).map(|d| d.as_millis());
            assert_eq!(got, milliseconds, "{name}: {value}");
        }
    }
}
