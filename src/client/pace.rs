//! How many requests a service is sent at once: more as long as that helps, fewer when it says that it is busy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::retry::Outcome;
use super::transport::TransportErrorKind;
use crate::clock;

/// At the start; few services have trouble with it.
const FIRST: usize = 8;
/// More than this never helped, and each takes a connection.
pub(crate) const MOST: usize = 64;
/// By how much more must get done for the latest growth to have helped.
const GAIN: f64 = 1.1;
/// How many measurements pass until more is tried again.
const PATIENCE: u32 = 16;
/// A measurement takes at least so long, and so many answers for each request at once.
const LEAST_TIME: Duration = Duration::from_millis(20);
const LEAST_ROUNDS: usize = 5;
/// After so many answers at least, a service that was busy is sent one more at once.
const LEAST_ANSWERS: usize = 8;
/// What a request costs beside its bytes, as bytes.
const BASE_COST: u64 = 32 * 1024;

/// Whoever wants to send waits here for its turn.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    turns: Semaphore,
    course: Mutex<Course>,
    /// What times are counted from.
    start: Instant,
}

/// A turn; what came of it is told by [`Turn::end`]. One that is dropped tells nothing.
#[derive(Debug)]
pub(super) struct Turn<'p> {
    gate: &'p Gate,
    permit: Option<SemaphorePermit<'p>>,
    begun: Duration,
    had_to_wait: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(Gate {
            turns: Semaphore::new(FIRST),
            course: Mutex::new(Course::new(Duration::ZERO)),
            start: clock::monotonic(),
        }))
    }
}

impl Pace {
    pub(super) async fn turn(&self) -> Turn<'_> {
        let gate = &*self.0;
        let (permit, had_to_wait) = match gate.turns.try_acquire() {
            Ok(permit) => (Some(permit), false),
            // Never closed.
            Err(_) => (gate.turns.acquire().await.ok(), true),
        };
        Turn {
            gate,
            permit,
            begun: gate.start.elapsed(),
            had_to_wait,
        }
    }
}

impl Turn<'_> {
    /// `bytes`: sent and received.
    pub(super) fn end(mut self, outcome: Outcome, bytes: u64) {
        let ended = Ended {
            begun: self.begun,
            work: BASE_COST + bytes,
            is_busy: is_busy(outcome),
            had_to_wait: self.had_to_wait,
        };
        let mut course = self.gate.course();
        let before = course.limit;
        course.take(&ended, self.gate.start.elapsed());
        let after = course.limit;
        course.owed += before.saturating_sub(after);
        self.gate.turns.add_permits(after.saturating_sub(before));
        course.owed -= self.gate.turns.forget_permits(course.owed);
        if course.owed > 0
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
            course.owed -= 1;
        }
    }
}

impl Gate {
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the service could not keep up; another server error says nothing of the kind.
fn is_busy(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Answer { status, .. } => matches!(status, 429 | 503),
        Outcome::NoAnswer(kind) => kind == TransportErrorKind::TimedOut,
    }
}

/// A request that is over.
struct Ended {
    begun: Duration,
    work: u64,
    is_busy: bool,
    had_to_wait: bool,
}

/// Where the limit goes.
#[derive(Debug)]
struct Course {
    limit: usize,
    /// Turns that are to be taken back as they end.
    owed: usize,
    phase: Phase,
    lowered: Option<Duration>,
    measured: Measured,
}

#[derive(Debug)]
enum Phase {
    /// The limit was raised from `before`, where `work` got done in a second.
    Growing { before: usize, work: f64 },
    /// Stays for so many measurements.
    Holding(u32),
    /// One more after every few answers, up to where the service was busy.
    Recovering { to: usize },
}

/// What got done since.
#[derive(Debug)]
struct Measured {
    since: Duration,
    answers: usize,
    work: u64,
    /// Whether there was more to do than turns for it.
    is_full: bool,
}

impl Measured {
    fn new(since: Duration) -> Self {
        Self {
            since,
            answers: 0,
            work: 0,
            is_full: false,
        }
    }
}

impl Course {
    fn new(now: Duration) -> Self {
        Self {
            limit: FIRST,
            owed: 0,
            phase: Phase::Growing {
                before: FIRST,
                work: 0.0,
            },
            lowered: None,
            measured: Measured::new(now),
        }
    }

    fn take(&mut self, ended: &Ended, now: Duration) {
        if ended.is_busy {
            // One word for all that were under way together.
            if self.lowered.is_none_or(|lowered| ended.begun > lowered) {
                self.phase = Phase::Recovering { to: self.limit };
                self.limit = (self.limit / 2).max(1);
                self.lowered = Some(now);
                self.measured = Measured::new(now);
            }
            return;
        }
        let measured = &mut self.measured;
        measured.answers += 1;
        measured.work += ended.work;
        measured.is_full |= ended.had_to_wait;
        let took = now.saturating_sub(measured.since);
        if let Phase::Recovering { to } = self.phase {
            if measured.answers >= self.limit.max(LEAST_ANSWERS) {
                self.recover(to);
                self.measured = Measured::new(now);
            }
            return;
        }
        if measured.answers < self.limit * LEAST_ROUNDS || took < LEAST_TIME {
            return;
        }
        if measured.is_full {
            self.judge(self.measured.work as f64 / took.as_secs_f64());
        }
        self.measured = Measured::new(now);
    }

    fn recover(&mut self, to: usize) {
        if self.limit < to {
            self.limit += 1;
        }
        if self.limit >= to {
            self.phase = Phase::Holding(PATIENCE);
        }
    }

    /// `work` got done in a second.
    fn judge(&mut self, work: f64) {
        self.phase = match self.phase {
            Phase::Growing { before, work: best } if work < best * GAIN => {
                self.limit = before;
                Phase::Holding(PATIENCE)
            }
            Phase::Holding(left) if left > 1 => Phase::Holding(left - 1),
            Phase::Growing { .. } | Phase::Holding(_) | Phase::Recovering { .. } => {
                let before = self.limit;
                self.limit = (before + before.div_ceil(2)).min(MOST);
                Phase::Growing { before, work }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that takes 5 to 15 ms for each request and serves so many at a time, and refuses what is more than it can
    /// hold, asked by callers that never run out. Gives the limit in the end, and how many requests were refused.
    fn asked(serves: usize, holds: usize) -> (usize, usize) {
        const REQUESTS: usize = 20_000;
        let mut course = Course::new(Duration::ZERO);
        let mut now = Duration::ZERO;
        // When each is over, when it began, and whether it is refused.
        let mut inside: Vec<(Duration, Duration, bool)> = Vec::new();
        let mut free = vec![Duration::ZERO; serves];
        let mut begun_so_far = 0;
        let mut refused = 0;
        for _ in 0..REQUESTS {
            while inside.len() < course.limit {
                let is_busy = inside.iter().filter(|i| !i.2).count() >= holds;
                let ends = if is_busy {
                    now + Duration::from_millis(1)
                } else {
                    free.sort();
                    let took = 5_000 + (begun_so_far * 7919) % 10_000;
                    free[0] = free[0].max(now) + Duration::from_micros(took);
                    free[0]
                };
                begun_so_far += 1;
                inside.push((ends, now, is_busy));
            }
            inside.sort();
            let (ends, begun, is_busy) = inside.remove(0);
            now = ends;
            refused += usize::from(is_busy);
            let ended = Ended {
                begun,
                work: 1,
                is_busy,
                had_to_wait: true,
            };
            course.take(&ended, now);
            assert!((1..=MOST).contains(&course.limit));
        }
        (course.limit, refused)
    }

    #[test]
    fn it_grows_as_long_as_that_helps() {
        let (limit, refused) = asked(1000, 1000);
        assert!(limit > 40 && refused == 0, "{limit}");
        let (limit, _) = asked(10, 1000);
        assert!((8..=24).contains(&limit), "{limit}");
    }

    #[test]
    fn it_backs_off_from_a_busy_service() {
        let (limit, refused) = asked(1000, 12);
        assert!((4..=20).contains(&limit), "{limit}");
        assert!((1..1000).contains(&refused), "{refused} of 20000");
        let (limit, refused) = asked(1000, 1);
        assert!(limit <= 3 && refused < 4000, "{limit}, {refused}");
    }

    #[test]
    fn refusals_by_chance_do_not_stop_it() {
        let mut course = Course::new(Duration::ZERO);
        let mut sum = 0;
        for n in 0..20_000_u64 {
            let now = Duration::from_millis(n);
            let ended = Ended {
                begun: now,
                work: 1,
                is_busy: n % 20 == 19,
                had_to_wait: true,
            };
            course.take(&ended, now);
            sum += course.limit;
        }
        let mean = sum / 20_000;
        assert!((2..=8).contains(&mean), "{mean}");
    }

    #[tokio::test]
    async fn those_under_way_together_are_one_sign() {
        let pace = Pace::default();
        let mut turns = Vec::new();
        for _ in 0..FIRST {
            turns.push(pace.turn().await);
        }
        for turn in turns {
            turn.end(Outcome::NoAnswer(TransportErrorKind::TimedOut), 0);
        }
        assert_eq!(pace.0.course().limit, FIRST / 2);
        assert_eq!(pace.0.turns.available_permits(), FIRST / 2);
    }

    #[tokio::test]
    async fn whoever_has_little_to_do_changes_nothing() {
        let pace = Pace::default();
        for _ in 0..1000 {
            let turn = pace.turn().await;
            let outcome = Outcome::Answer {
                status: 200,
                retry_after: None,
            };
            turn.end(outcome, 0);
        }
        assert_eq!(pace.0.course().limit, FIRST);
    }
}
