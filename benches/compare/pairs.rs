//! Measuring in pairs, and what comes of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// One line of the table.
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) target: &'static str,
    /// Of ours, in `unit`.
    pub(crate) ours: Vec<f64>,
    pub(crate) unit: &'static str,
    pub(crate) peers: Vec<Peer>,
    /// What else there is to know, in words.
    pub(crate) note: String,
}

/// What somebody else needed for the same, one figure for each of ours.
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) figures: Vec<f64>,
}

impl Row {
    pub(crate) fn new(
        measure: impl Into<String>,
        target: &'static str,
        unit: &'static str,
    ) -> Self {
        Self {
            measure: measure.into(),
            target,
            ours: Vec::new(),
            unit,
            peers: Vec::new(),
            note: String::new(),
        }
    }

    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Measures ours and each peer in turn, round after round; the first round warms up and does not count.
    pub(crate) fn measure(
        mut self,
        rounds: usize,
        mut ours: impl FnMut() -> f64,
        peers: &mut [(&str, &mut dyn FnMut() -> f64)],
    ) -> Self {
        self.peers = peers
            .iter()
            .map(|(name, _)| Peer {
                name: (*name).to_owned(),
                figures: Vec::new(),
            })
            .collect();
        for round in 0..=rounds {
            let figure = ours();
            let others: Vec<f64> = peers.iter_mut().map(|(_, peer)| peer()).collect();
            if round == 0 {
                continue;
            }
            self.ours.push(figure);
            for (peer, figure) in self.peers.iter_mut().zip(others) {
                peer.figures.push(figure);
            }
        }
        self
    }

    /// `median (least – most)`.
    fn spread(&self, figures: &[f64], unit: &str) -> String {
        let sorted = sorted(figures);
        match sorted.as_slice() {
            [] => "–".to_owned(),
            [one] => format!("{}{unit}", short(*one)),
            [least, .., most] => format!(
                "{}{unit} ({} – {})",
                short(median(&sorted)),
                short(*least),
                short(*most)
            ),
        }
    }

    pub(crate) const HEAD: &'static str = "| measure | target | batchflow | peer | ratio, pair by pair | |\n|---|---|---|---|---|---|";

    /// Lines of a Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let ours = self.spread(&self.ours, self.unit);
        let line = |peer: String, ratio: String| {
            format!(
                "| {} | {} | {ours} | {peer} | {ratio} | {} |",
                self.measure, self.target, self.note
            )
        };
        if self.peers.is_empty() {
            return line("–".to_owned(), "–".to_owned());
        }
        let lines = self.peers.iter().map(|peer| {
            let figures = self.spread(&peer.figures, self.unit);
            line(
                format!("{}: {figures}", peer.name),
                self.spread(&self.ratios(peer), ""),
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn ratios(&self, peer: &Peer) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&peer.figures);
        pairs.map(|(ours, peer)| ours / peer).collect()
    }

    pub(crate) fn json(&self) -> Value {
        let peers: Vec<Value> = self
            .peers
            .iter()
            .map(|p| json!({"name": p.name, "figures": p.figures, "ratios": self.ratios(p)}))
            .collect();
        json!({
            "measure": self.measure, "target": self.target, "unit": self.unit.trim(),
            "ours": self.ours, "median": median(&sorted(&self.ours)), "peers": peers, "note": self.note,
        })
    }
}

/// Three figures that matter.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Of sorted figures.
fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The same in seconds, when only that matters.
pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    timed(work).1.as_secs_f64()
}
