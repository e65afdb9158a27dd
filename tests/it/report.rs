//! The HTML report: made by apply, made again from what was kept, and safe whatever a task says.

use std::fs;

use batchflow::event::{Cause, TaskFailure, TaskRun};
use batchflow::plan::StepKind;
use batchflow::report::html::{
    NodeSample, Output, Record, StepRecord, TaskRecord, Verdict, render,
};
use jiff::{SignedDuration, Timestamp};

use crate::support::Workshop;

/// The id of a task, as far as Batch would let it.
pub(crate) const HOSTILE: &str = "\"'<img src=x onerror=\"window.hacked=1\">";

const TEXT: &str = "</pre><script>window.hacked = 1</script>\n{{manifest}}\u{2028}<!--";

/// A run of so many tasks on eight nodes, of which some failed, one of them hostile.
pub(crate) fn a_run_of(tasks: usize) -> Record {
    let began: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
    let at = |ms: usize| began + SignedDuration::from_millis(i64::try_from(ms).unwrap());
    let mut record = Record::new("many-texts", "local service, state in .batchflow/x", began);
    record.verdict = Verdict::Failures;
    let (nodes, slots) = (8, 4);
    let mut free = vec![4000; nodes * slots];
    for i in 0..tasks {
        // Neither random nor regular.
        let length = 300 + (i * i * 7919) % 2200 + if i % 997 == 5 { 9000 } else { 0 };
        let slot = (0..free.len()).min_by_key(|s| free[*s]).unwrap();
        let started = free[slot];
        free[slot] = started + length + 3;
        let success = i % 211 != 17;
        let id = if i == 17 {
            HOSTILE.to_owned()
        } else {
            format!("task-{i:05}")
        };
        let node = Some(format!("node-{}", slot / slots + 1));
        record.tasks.push(TaskRecord {
            id: id.clone(),
            success,
            exit_code: Some(if success { 0 } else { 3 }),
            run: TaskRun {
                created: Some(at(1500 + i / 10)),
                started: Some(at(started)),
                ended: Some(at(started + length)),
                node: node.clone(),
                retries: u32::from(i % 401 == 3),
                requeues: 0,
            },
        });
        if success {
            record.outputs.push(Output {
                task: id.clone(),
                path: format!("out/{id}.txt"),
                length: 40 + (i as u64 * 31) % 9000,
                sha256: format!("{:064x}", i as u128 * 0x9e37_79b9_7f4a_7c15),
            });
        } else {
            record.failures.push(TaskFailure {
                task: id,
                exit_code: Some(3),
                cause: Cause::Application,
                category: Some("UserError".into()),
                node,
                code: None,
                message: None,
                stderr_tail: Some(TEXT.into()),
            });
        }
    }
    let done = free.iter().max().unwrap() + 800;
    record.ended = at(done + 1200);
    let mut now = 0;
    for (step, until) in StepKind::ALL.into_iter().zip([
        120,
        900,
        1300,
        1400,
        2600,
        done,
        done + 900,
        done + 950,
        done + 1200,
    ]) {
        let transfers = matches!(step, StepKind::Uploads | StepKind::Download);
        record.steps.push(StepRecord {
            step,
            began: at(now),
            ended: Some(at(until)),
            items: if until < 2000 { 3 } else { tasks as u64 },
            bytes: if transfers { 4096 * tasks as u64 } else { 0 },
        });
        now = until;
    }
    record.nodes.push(NodeSample {
        at: at(2600),
        states: vec![("running".into(), nodes as u64)],
    });
    record.totals.files_up = 3;
    record.totals.bytes_up = 4096;
    record.warnings.push(TEXT.into());
    record
}

#[test]
fn whatever_a_task_says_stays_text() {
    let page = render(&a_run_of(300)).unwrap();
    let page = page.replace("http://www.w3.org/2000/svg", "the name of SVG");
    for forbidden in [
        "<img",
        "<script>window",
        "<link",
        "<a ",
        "url(",
        "http:",
        "https:",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(
        page.contains("{{manifest}}"),
        "a template was rendered twice"
    );
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
}

const MANIFEST: &str = r#"
name = "two"
[pool]
id = "two"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "two"
[[tasks]]
id = "good"
commands = ["true"]
[[tasks]]
id = "bad"
commands = ["echo no such thing >&2", "exit 3"]
"#;

#[test]
fn apply_writes_a_report_and_report_writes_it_again() {
    let shop = Workshop::new();
    shop.write("two.toml", MANIFEST);
    let nothing = shop.run(["report", "two.toml"]).ends_with(1);
    nothing.says(&["no run is recorded", "batchflow apply"]);

    let ran = shop.run(["apply", "two.toml", "--yes"]).ends_with(3);
    ran.says(&["Report: .batchflow/two/report.html"]);
    let page = shop.read(".batchflow/two/report.html");
    for text in [
        "Tasks failed",
        "exit code 3",
        "no such thing",
        "1 task: application (exit code 3)",
        "[\"good\",0,",
        "node-hours: 1 node for",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }

    fs::remove_file(shop.path(".batchflow/two/report.html")).unwrap();
    let again = shop.run(["report", "two.toml"]).ends_with(0);
    assert_eq!(again.stdout(), ".batchflow/two/report.html\n");
    assert_eq!(shop.read(".batchflow/two/report.html"), page);
    shop.run(["report", "two.toml", "--out", "elsewhere/run.html"])
        .ends_with(0);
    assert_eq!(shop.read("elsewhere/run.html"), page);
}

/// A run that could not be carried out has a report, too.
#[test]
fn an_apply_that_fails_says_why_in_its_report() {
    let shop = Workshop::new();
    let broken = MANIFEST.replace("[job]", "[pool.start_task]\ncommands = [\"exit 9\"]\n[job]");
    shop.write("two.toml", &broken);
    shop.run(["apply", "two.toml", "--yes"]).ends_with(7);
    let page = shop.read(".batchflow/two/report.html");
    assert!(page.contains("start task"), "{page}");
    assert!(!page.contains("id=\"timeline\""));
}
