//! The numbers behind the charts. Times are milliseconds after the run's zero.

use jiff::Timestamp;
use serde::Serialize;

use super::record::{NodeSample, Record, TaskRecord};

/// Points of a chart over time.
const BUCKETS: usize = 120;
/// About as many bars in the distribution of durations.
const BARS: f64 = 24.0;
/// From here on durations differ too much for bars of one width.
const WIDE: f64 = 30.0;

/// When a task waited and ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spans {
    pub(super) created: Option<f64>,
    pub(super) started: Option<f64>,
    pub(super) ended: Option<f64>,
}

impl Spans {
    pub(super) fn of(task: &TaskRecord, zero: Timestamp) -> Self {
        let at = |t: Option<Timestamp>| t.map(|t| milliseconds(zero, t));
        Self {
            created: at(task.run.created),
            started: at(task.run.started),
            ended: at(task.run.ended),
        }
    }

    /// How long its last try ran.
    pub(super) fn ran(&self) -> Option<f64> {
        Some((self.ended? - self.started?).max(0.0))
    }

    /// How long it was in the job before that.
    pub(super) fn waited(&self) -> Option<f64> {
        Some((self.started.or(self.ended)? - self.created?).max(0.0))
    }
}

pub(super) fn milliseconds(zero: Timestamp, t: Timestamp) -> f64 {
    t.duration_since(zero).as_millis_f64()
}

/// Where the charts begin: with the run, or with a task that an earlier run had started.
pub(super) fn zero(record: &Record) -> Timestamp {
    let starts = record.tasks.iter().filter_map(|t| t.run.started);
    starts.fold(record.began, Timestamp::min)
}

/// How many tasks ran and how many waited, on average within each part of the time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Load {
    /// Milliseconds of a part.
    pub(super) step: f64,
    pub(super) running: Vec<f64>,
    pub(super) waiting: Vec<f64>,
}

pub(super) fn load(spans: &[Spans], end: f64) -> Load {
    let step = (end / BUCKETS as f64).max(1.0);
    let mut running = vec![0.0; BUCKETS];
    let mut waiting = vec![0.0; BUCKETS];
    for span in spans {
        let ended = span.ended.unwrap_or(end);
        let started = span.started.unwrap_or(ended);
        if span.started.is_some() {
            spread(&mut running, step, started, ended);
        }
        if let Some(created) = span.created {
            spread(&mut waiting, step, created, started);
        }
    }
    Load {
        step,
        running,
        waiting,
    }
}

/// Adds the share of each part that lies between two moments.
fn spread(parts: &mut [f64], step: f64, from: f64, to: f64) {
    let (from, to) = (from.max(0.0), to.min(step * parts.len() as f64));
    if to <= from {
        return;
    }
    let first = (from / step) as usize;
    for (i, part) in parts.iter_mut().enumerate().skip(first) {
        let begin = i as f64 * step;
        if begin >= to {
            break;
        }
        *part += (to.min(begin + step) - from.max(begin)) / step;
    }
}

/// How many tasks ran how long: `counts[i]` of them from `edges[i]` to less than `edges[i + 1]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Distribution {
    pub(super) edges: Vec<f64>,
    pub(super) counts: Vec<usize>,
}

/// Of sorted durations.
pub(super) fn distribution(sorted: &[f64]) -> Distribution {
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return Distribution::default();
    };
    let edges = if most / quantile(sorted, 0.5).max(1.0) > WIDE {
        growing(*least, *most)
    } else {
        even(*least, *most)
    };
    let mut counts = vec![0; edges.len() - 1];
    for duration in sorted {
        let after = edges.partition_point(|edge| edge <= duration);
        if let Some(count) = counts.get_mut(after.saturating_sub(1)) {
            *count += 1;
        }
    }
    Distribution { edges, counts }
}

/// Edges of one width, the last beyond `most`.
fn even(least: f64, most: f64) -> Vec<f64> {
    let width = (most - least) / BARS;
    let width = round().find(|round| *round >= width).unwrap_or(width);
    let first = (least / width).floor();
    let mut edges: Vec<f64> = Vec::new();
    while edges.last().is_none_or(|last| *last <= most) {
        edges.push((first + edges.len() as f64) * width);
    }
    edges
}

/// Edges that more or less double, the last beyond `most`.
fn growing(least: f64, most: f64) -> Vec<f64> {
    let mut edges = vec![0.0];
    for edge in round() {
        if edge <= least {
            edges.clear();
        }
        edges.push(edge);
        if edge > most {
            break;
        }
    }
    edges
}

/// 1, 2, 5, 10, 20 … up to a few years of milliseconds.
fn round() -> impl Iterator<Item = f64> {
    (0..12).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)))
}

/// Of sorted values; 0 of none.
pub(super) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Hours that nodes of all states together were there, as far as was looked.
pub(super) fn node_hours(samples: &[NodeSample], end: Timestamp) -> f64 {
    let ends = samples.iter().skip(1).map(|s| s.at).chain([end]);
    let hours = samples.iter().zip(ends).map(|(sample, until)| {
        let nodes: u64 = sample.states.iter().map(|(_, count)| count).sum();
        nodes as f64 * until.duration_since(sample.at).as_secs_f64() / 3600.0
    });
    hours.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(created: f64, started: f64, ended: f64) -> Spans {
        Spans {
            created: Some(created),
            started: Some(started),
            ended: Some(ended),
        }
    }

    #[test]
    fn load_is_an_average_over_each_part() {
        let end = 12_000.0;
        let spans = [
            span(0.0, 150.0, 250.0),
            span(-500.0, 0.0, end),
            Spans {
                created: Some(11_900.0),
                started: None,
                ended: None,
            },
        ];
        let load = load(&spans, end);
        assert_eq!(load.step, 100.0);
        assert_eq!(load.running[..4], [1.0, 1.5, 1.5, 1.0]);
        assert_eq!(load.waiting[..3], [1.0, 0.5, 0.0]);
        assert_eq!((load.waiting[118], load.waiting[119]), (0.0, 1.0));
        assert_eq!(load.running.len(), BUCKETS);
    }

    #[test]
    fn distributions_hold_every_duration() {
        let cases: [(&[f64], &[f64], &[usize]); 5] = [
            (&[], &[], &[]),
            (&[0.0], &[0.0, 1.0], &[1]),
            (&[7.0, 7.0, 8.0], &[7.0, 8.0, 9.0], &[2, 1]),
            (&[1000.0, 1100.0, 1101.0], &[1000.0, 1005.0], &[1, 0]),
            (
                &[1.0, 1.0, 40.0],
                &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0],
                &[2, 0, 0, 0, 1],
            ),
        ];
        for (durations, edges, counts) in cases {
            let found = distribution(durations);
            assert_eq!(found.edges.get(..edges.len()), Some(edges));
            assert_eq!(found.counts.get(..counts.len()), Some(counts));
            assert_eq!(found.counts.iter().sum::<usize>(), durations.len());
            assert_eq!(
                found.edges.len(),
                (found.counts.len() + 1) * usize::from(!durations.is_empty())
            );
        }
    }

    #[test]
    fn quantiles() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[1.0, 2.0, 9.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 9.0], 1.0), 9.0);
    }

    #[test]
    fn node_hours_are_counted_to_the_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let sample = |time, count| NodeSample {
            at: at(time),
            states: vec![("idle".into(), count), ("running".into(), 1)],
        };
        let samples = [
            sample("2026-01-31T12:00:00Z", 1),
            sample("2026-01-31T12:30:00Z", 3),
        ];
        assert_eq!(node_hours(&samples, at("2026-01-31T13:30:00Z")), 5.0);
        assert_eq!(node_hours(&[], at("2026-01-31T13:30:00Z")), 0.0);
    }
}
