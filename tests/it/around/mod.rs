//! The verbs around a run: status, tasks, logs, explain and what they say, on real states of the local service.

mod account;
mod explain_tasks;
mod furnished;
mod logs;
mod start;
mod status;

use furnished::Site;

/// What differs from run to run: node names, times, ports.
fn redacted(site: &Site, text: &str) -> String {
    let text = text.replace(site.service.batch_endpoint(), "ENDPOINT");
    let word = |word: &str| match word {
        w if w.contains("tvmps_") => "NODE".to_owned(),
        w if w.ends_with('s') && w.trim_end_matches(['s', '.']).parse::<f64>().is_ok() => {
            "TIME".to_owned()
        }
        w => w.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
