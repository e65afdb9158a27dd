//! The pages in a real browser: their content, how they behave, and that nothing leaves their origin.

use std::process::Command;
use std::time::Duration;

use batchflow::report::html::render;

use crate::clients::Served;
use crate::peers::{self, Browser, skip};
use crate::report::{HOSTILE, a_run_of};

const SCENARIO_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn the_report_of_ten_thousand_tasks() {
    let browser = match Browser::found() {
        Ok(browser) => browser,
        Err(needs) => return skip("the_report_of_ten_thousand_tasks", &needs),
    };
    let tasks = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    std::fs::write(&page, render(&a_run_of(tasks)).unwrap()).unwrap();
    let mut command = browser.scenario("report.js");
    command.env("PAGE", page);
    command.env("TASKS", tasks.to_string());
    command.env("HOSTILE", HOSTILE);
    says_ok(&mut command);
}

/// Against the program, furnished by a client that others wrote; once with the key that everybody knows, once with
/// one that the page has to be given.
#[test]
fn the_live_page() {
    let browser = match Browser::found() {
        Ok(browser) => browser,
        Err(needs) => return skip("the_live_page", &needs),
    };
    for (script, option) in [("live.js", "--in-memory"), ("own-key.js", "--own-key")] {
        let service = Served::start(&[option]);
        says_ok(service.tell(&mut browser.scenario(script)));
        service.stop();
    }
}

fn says_ok(command: &mut Command) {
    let said = peers::run(command, SCENARIO_WITHIN).unwrap_or_else(|said| panic!("{said}"));
    assert!(said.lines().any(|line| line.starts_with("ok ")), "{said}");
}
